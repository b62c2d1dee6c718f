package authorizer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

func ownClaims(text string) (claims map[string]json.RawMessage) {
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		panic(err)
	}
	return claims
}

func TestContextClaims(t *testing.T) {
	tell := func(own string, names ...string) (told map[string]string, log string) {
		var out bytes.Buffer
		h := someone
		h.Issuer, h.Audience, h.ID, h.AMR = "https://a.example", []string{"x", "y"}, "j1", []string{"pwd", "otp"}
		h.Own = ownClaims(own)
		a := newAuthorizer(t, h, func(c *authorizer.Config) { c.ContextClaims, c.Log = names, &out })
		text, err := a.Invoke(context.Background(), []byte(event(`{"authorization":"Bearer x"}`)))
		if err != nil {
			t.Fatal(err)
		}
		got := parseAnswer(t, text)
		if got.IsAuthorized != (got.Context != nil) {
			t.Errorf("%s", text)
		}
		return got.Context, out.String()
	}
	always := map[string]string{
		"auth_time": "1699996400", "exp": "1700000900", "roles": "ops", "scope": "read write", "sub": "u1",
	}
	for _, row := range []struct {
		name, own string
		claims    []string
		more      map[string]string
		fault     string
	}{
		{"none", `{"tenant":"a"}`, nil, nil, ""},
		{"a string", `{"tenant":"a"}`, []string{"tenant"}, map[string]string{"tenant": "a"}, ""},
		{"quotes and other letters", `{"tenant":"a\"\\é\u2028<"}`, []string{"tenant"}, map[string]string{"tenant": "a\"\\é\u2028<"}, ""},
		{"absent", `{}`, []string{"tenant"}, nil, ""},
		{"null", `{"tenant":null}`, []string{"tenant"}, nil, ""},
		{"a name in another case", `{"Tenant":"a"}`, []string{"tenant"}, nil, ""},
		{"numbers", `{"a":12,"b":-1.50}`, []string{"a", "b"}, map[string]string{"a": "12", "b": "-1.50"}, ""},
		{"booleans", `{"a":true,"b":false}`, []string{"b", "a"}, map[string]string{"a": "true", "b": "false"}, ""},
		{"the e-mail", `{"email":"Ada@dömäin.example","email_verified":false}`, []string{"email", "email_verified"},
			map[string]string{"email": "Ada@dömäin.example", "email_verified": "false"}, ""},
		{"a list", `{"a":["x","y"],"b":[]}`, []string{"a", "b"}, map[string]string{"a": "x y"}, ""},
		{"what every token has", `{}`, []string{"iss", "jti", "aud", "amr"}, map[string]string{"iss": "https://a.example", "jti": "j1", "aud": "x y", "amr": "pwd otp"}, ""},
		{"almost too long", `{"a":"` + strings.Repeat("x", 4000) + `"}`, []string{"a"}, map[string]string{"a": strings.Repeat("x", 4000)}, ""},

		{"too long", `{"a":"` + strings.Repeat("x", 4096) + `"}`, []string{"a"}, nil, "context_too_long"},
		{"an object", `{"a":{}}`, []string{"a"}, nil, "context_unwritable"},
		{"an exponent", `{"a":1e3}`, []string{"a"}, nil, "context_unwritable"},
		{"a list of numbers", `{"a":[1]}`, []string{"a"}, nil, "context_unwritable"},
		{"a list that would gain an entry", `{"a":["x y"]}`, []string{"a"}, nil, "context_unwritable"},
		{"a list that some would split", `{"a":["x\u00a0y"]}`, []string{"a"}, nil, "context_unwritable"},
		{"a list with another line", `{"a":["x\u2028y"]}`, []string{"a"}, nil, "context_unwritable"},
		{"a list that would lose an entry", `{"a":["x",""]}`, []string{"a"}, nil, "context_unwritable"},
		{"a line feed", `{"a":"x\ny"}`, []string{"a"}, nil, "context_unwritable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, log := tell(row.own, row.claims...)
			want := maps.Clone(always)
			maps.Copy(want, row.more)
			if row.fault != "" {
				want = nil
				if !strings.Contains(log, `"reason":"`+row.fault+`"`) || !strings.Contains(log, `"level":"ERROR"`) {
					t.Errorf("logged %s", log)
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestWrongContextClaims(t *testing.T) {
	for _, names := range [][]string{
		{""}, {"a b"}, {"https://example.com/tenant"}, {"sub"}, {"Exp"}, {"claims"}, {"principalId"}, {"principalid"}, {"jwt"}, {"lambda"},
		{"error"}, {"integrationLatency"}, {"tenant", "tenant"}, {"tenant", "Tenant"}, {"client-id"}, {"a-b", "a_b"},
	} {
		_, err := authorizer.New(authorizer.Config{Verifier: someone, HTTPResponse: config.ResponseSimple, ContextClaims: names})
		if !errors.Is(err, authorizer.ErrConfig) {
			t.Errorf("%q: %v", names, err)
		}
	}
}

// TestFields checks which fields AppSync is told to deny, and for how long it may cache the answer.
func TestFields(t *testing.T) {
	const graphQLEvent = `{"authorizationToken":"x","requestContext":{"apiId":"a"}}`
	users := authorizer.Rule{Route: "Query.users", Roles: []string{"admin"}}
	remove := authorizer.Rule{Route: "Mutation.remove", Scopes: []string{"delete"}}
	own := authorizer.Rule{Route: "Query.me", Scopes: []string{"read"}}
	fresh := authorizer.Rule{Route: "Mutation.pay", MaxAuthAge: 61 * time.Minute}
	stale := authorizer.Rule{Route: "Mutation.drop", MaxAuthAge: time.Minute}
	for _, row := range []struct {
		name  string
		rules []authorizer.Rule
		yes   bool
		want  string
		ttl   int
	}{
		{"no rules", nil, true, "", 900},
		{"rules for fields", []authorizer.Rule{users, own, remove}, true, "Query.users Mutation.remove", 900},
		{"a login that will be too old", []authorizer.Rule{fresh}, true, "", 60},
		{"a login that is too old", []authorizer.Rule{stale}, true, "Mutation.drop", 900},
		{"rules for routes alone", []authorizer.Rule{{Route: "ANY /*"}}, false, "", 0},
	} {
		text, err := under(t, someone, row.rules...).Invoke(context.Background(), []byte(graphQLEvent))
		if err != nil {
			t.Fatal(err)
		}
		got := parseAnswer(t, text)
		if got.IsAuthorized != row.yes || strings.Join(got.DeniedFields, " ") != row.want || got.TTLOverride == nil || *got.TTLOverride != row.ttl {
			t.Errorf("%s: %s", row.name, text)
		}
	}
	longer := someone
	longer.Expires = now.Add(24 * time.Hour) // a token of another issuer may live longer
	text, err := under(t, longer).Invoke(context.Background(), []byte(graphQLEvent))
	if got := parseAnswer(t, text); err != nil || got.TTLOverride == nil || *got.TTLOverride != 3600 {
		t.Errorf("%v: AppSync takes no more than an hour: %s", err, text)
	}
	if ask(t, under(t, someone, own), "GET/x").allows(prod + "GET/x") {
		t.Error("rules for fields open a route")
	}
}
