package authorizer_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// seeds holds an event of every kind. $t stands for a token.
var seeds = []string{
	``, `null`, `{}`, `[]`, event(`null`), event(`{}`), event(`{"authorization":"Bearer $t"}`),
	event(`{"Authorization":"Bearer $t","authorization":"bearer b,c"}`),
	strings.Replace(event(`{"authorization":"Bearer $t"}`), routeARN, "arn:aws:execute-api:*:*:*/*/*", 1),
	`{"type":"TOKEN","authorizationToken":"Bearer $t","methodArn":"` + methodARN + `"}`,
	`{"type":"TOKEN","authorizationToken":"Bearer $t","methodArn":"` + prod + `GET/a/\u0022\\*"}`,
	`{"type":"REQUEST","methodArn":"` + methodARN + `","headers":null,"multiValueHeaders":{"Authorization":["Bearer $t",null]},"requestContext":null}`,
	`{"type":"REQUEST","version":"1.0","methodArn":"` + methodARN + `","httpMethod":"POST","headers":{"Cookie":"a=$t; b","Origin":"https://a.example"}}`,
	`{"type":"REQUEST","methodArn":"` + connectARN + `","headers":{"Sec-WebSocket-Protocol":"access_token, $t"},"queryStringParameters":{"t":"$t"}}`,
	`{"authorizationToken":"$t","requestContext":{"apiId":"a","variables":{"a":[1,-2.5e+3,true,null,"\ud800"]}},"requestHeaders":{}}`,
	`{"type":"REQUEST","version":"2.0","cookies":["a=$t"],"routeArn":"` + methodARN + `","requestContext":{"http":{"method":"GET"}}}`,
	`{"authorizationToken":"$t","requestContext":{"apiId":"a","queryString":"\ud800\x"}}`,
	`{"authorizationToken":"$t","requestContext":{"apiId":"a","queryString":"` + "\x7f" + `"}}`,
	`{"authorizationToken":"$t","requestContext":{"apiId":"a","queryString":"` + "\n" + `"}}`,
	`{"a":` + strings.Repeat("[", 2000) + `}`,
}

// everyPlace returns authorizers that together read tokens from every source and answer in every
// format.
func everyPlace(v verifies) []*authorizer.Authorizer {
	var all []*authorizer.Authorizer
	for _, c := range []authorizer.Config{
		{HTTPResponse: config.ResponseSimple},
		{HTTPResponse: config.ResponseIAM, Deny: config.DenyPolicy, TokenSources: []string{"header:authorization", "cookie:a", "subprotocol:access_token", "query:t"}},
		{HTTPResponse: config.ResponseIAM, Rules: []authorizer.Rule{{Route: "GET /a/*"}, {Route: "ANY /a/b", Roles: []string{"admin"}}, {Route: "Query.a"}}},
		{HTTPResponse: config.ResponseIAM, Rules: []authorizer.Rule{{Route: "GET /a/{b}"}, {Route: "$connect"}}},
	} {
		c.Verifier, c.Now = v, func() time.Time { return now }
		a, err := authorizer.New(c)
		if err != nil {
			panic(err)
		}
		all = append(all, a)
	}
	return all
}

// FuzzInvoke checks that no event causes a panic or an error other than errUnauthorized, and that
// no request is allowed. The fuzzer never has a valid token: the token in the seeds is expired.
func FuzzInvoke(f *testing.F) {
	authority := newAuthority(f)
	old := tokenAt(authority, now.Add(-time.Hour))
	for _, seed := range seeds {
		f.Add([]byte(strings.ReplaceAll(seed, "$t", old)))
	}
	all := everyPlace(authority.Verifier)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, a := range all {
			raw, err := a.Invoke(context.Background(), text)
			if err != nil {
				if err.Error() != "Unauthorized" || raw != nil {
					t.Fatalf("%q %v", raw, err)
				}
				continue
			}
			got := parseAnswer(t, raw)
			if got.IsAuthorized || len(got.Context) > 0 || len(got.ResolverContext) > 0 {
				t.Fatalf("a yes: %s", raw)
			}
			for _, s := range got.PolicyDocument.Statement {
				if s.Effect != "Deny" || len(s.Resource) != 1 || !strings.HasSuffix(s.Resource[0], "/*") || strings.Count(s.Resource[0], "*") != 1 {
					t.Fatalf("%+v", s)
				}
			}
		}
	})
}

// FuzzInvokeWithAnyToken accepts every text as a valid token. It checks that only JSON of a known
// shape is allowed, that the answer is JSON, and that a policy allows one stage at most.
func FuzzInvokeWithAnyToken(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(strings.ReplaceAll(seed, "$t", "x")))
	}
	all := everyPlace(someone)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, a := range all {
			raw, err := a.Invoke(context.Background(), text)
			if err != nil {
				continue
			}
			got := parseAnswer(t, raw)
			yes := got.IsAuthorized
			for _, s := range got.PolicyDocument.Statement {
				yes = yes || s.Effect == "Allow"
				for _, r := range s.Resource {
					stage := strings.SplitN(r, "/", 3)
					if len(stage) < 3 || strings.ContainsAny(stage[0]+stage[1], "*?{") || len(r) > 512 {
						t.Fatalf("%q", r)
					}
				}
			}
			if yes && !json.Valid(text) {
				t.Fatalf("%q is no JSON, and got %s", text, raw)
			}
			if yes && got.Context["sub"]+got.ResolverContext["sub"] != "u1" {
				t.Fatalf("%s", raw)
			}
		}
	})
}
