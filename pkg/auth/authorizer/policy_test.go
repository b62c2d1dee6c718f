package authorizer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestPolicies sends a valid token with each ARN. A malformed ARN is a fault, and the answer has no
// policy.
func TestPolicies(t *testing.T) {
	authority := newAuthority(t)
	good := event(`{"authorization":"Bearer ` + tokenAt(authority, now) + `"}`)
	iam, simple := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { c.HTTPResponse = config.ResponseIAM }), newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { c.HTTPResponse = config.ResponseSimple })
	for _, row := range []struct{ name, arn, stage string }{
		{"default stage", routeARN, stageARN},
		{
			"China", "arn:aws-cn:execute-api:cn-north-1:123456789012:a1/prod/POST/x/y",
			"arn:aws-cn:execute-api:cn-north-1:123456789012:a1/prod/*",
		},
		{
			"GovCloud", "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:a1/v1_beta-2/GET/",
			"arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:a1/v1_beta-2/*",
		},
		{
			"a path that is like an ARN", "arn:aws:execute-api:us-east-1:1:a1/prod/GET/arn:aws:execute-api:x:2:b/c/*",
			"arn:aws:execute-api:us-east-1:1:a1/prod/*",
		},
		{"a default route", "arn:aws:execute-api:us-east-1:1:a1/prod/$default", "arn:aws:execute-api:us-east-1:1:a1/prod/*"},
		{
			"the longest stage", "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abcdefghij/" + strings.Repeat("s", 128) + "/GET/",
			"arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abcdefghij/" + strings.Repeat("s", 128) + "/*",
		},
		{"no room for a pattern", "arn:aws:execute-api:us-east-1:1:a1/" + strings.Repeat("s", 200) + "/GET/", ""},
		{"no ARN", "x", ""},
		{"too short", "arn:aws:execute-api:us-east-1:1", ""},
		{"another service", "arn:aws:lambda:us-east-1:1:a1/prod/GET/", ""},
		{"no prefix", "urn:aws:execute-api:us-east-1:1:a1/prod/GET/", ""},
		{"no partition", "arn::execute-api:us-east-1:1:a1/prod/GET/", ""},
		{"no region", "arn:aws:execute-api::1:a1/prod/GET/", ""},
		{"no account", "arn:aws:execute-api:us-east-1::a1/prod/GET/", ""},
		{"no API", "arn:aws:execute-api:us-east-1:1:/prod/GET/", ""},
		{"no stage", "arn:aws:execute-api:us-east-1:1:a1//GET/", ""},
		{"no method", "arn:aws:execute-api:us-east-1:1:a1/prod", ""},
		{"any region", "arn:aws:execute-api:*:1:a1/prod/GET/", ""},
		{"any account", "arn:aws:execute-api:us-east-1:*:a1/prod/GET/", ""},
		{"any API", "arn:aws:execute-api:us-east-1:1:*/prod/GET/", ""},
		{"any stage", "arn:aws:execute-api:us-east-1:1:a1/*/GET/", ""},
		{"a wildcard in a name", "arn:aws:execute-api:us-east-1:1:a?/prod/GET/", ""},
		{"a policy variable", "arn:aws:execute-api:us-east-1:1:a1/${x}/GET/", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := []byte(strings.Replace(good, routeARN, row.arn, 1))
			want := simpleNo
			if row.stage != "" {
				want = policy("u1", "Allow", row.stage) + `,"context":` + yesOf + `}`
			}
			if got, err := iam.Invoke(context.Background(), text); err != nil || string(got) != want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
			}
			// A simple response does not depend on the ARN.
			if got, err := simple.Invoke(context.Background(), text); err != nil || string(got) != simpleYes {
				t.Errorf("simple: %s %v", got, err)
			}
		})
	}
}

// TestPoliciesCoverTheStage evaluates the policy that a valid token gets for one method. It must
// allow the whole stage, and nothing of another stage, API, account, region or partition. A policy
// for the requested method alone is the best-known authorizer bug.
func TestPoliciesCoverTheStage(t *testing.T) {
	resources := []string{"GET/", "POST/a", "DELETE/a/b/c", "OPTIONS/*", "GET/a%2Fb", "PUT/a:b/../c", "$connect", "$default", "sendMessage"}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		stage := "arn:" + partition + ":execute-api:us-east-1:123456789012:abc/prod/"
		for _, asked := range resources {
			kept := askARN(t, under(t, someone), stage+asked)
			for _, resource := range resources {
				if !kept.allows(stage + resource) {
					t.Errorf("a policy made for %s refuses %s: %+v", asked, resource, kept.PolicyDocument)
				}
			}
			for _, other := range []string{
				strings.Replace(stage, "/prod/", "/test/", 1), strings.Replace(stage, "/prod/", "/prod2/", 1),
				strings.Replace(stage, "/prod/", "/", 1), strings.Replace(stage, ":abc/", ":abcd/", 1),
				strings.Replace(stage, ":abc/", ":other/", 1), strings.Replace(stage, "123456789012", "210987654321", 1),
				strings.Replace(stage, "us-east-1", "us-east-2", 1), strings.Replace(stage, ":"+partition+":", ":aws-iso:", 1),
			} {
				for _, resource := range resources {
					if kept.allows(other + resource) {
						t.Errorf("a policy made for %s allows %s: %+v", stage+asked, other+resource, kept.PolicyDocument)
					}
				}
			}
		}
	}
}

// TestPoliciesFit checks that no policy is longer than API Gateway accepts: with any number of
// rules and the longest stage, the answer to an allowed request allows it.
func TestPoliciesFit(t *testing.T) {
	const limit = 8 << 10 // "Lambda authorizer result size" in API Gateway's quotas
	longest := "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abcdefghij/" + strings.Repeat("s", 128) + "/"
	for _, stage := range []string{prod, longest} {
		whole := 0
		for n := 2; n <= 99; n++ {
			rules := []authorizer.Rule{{Route: "$connect"}}
			for i := range n {
				rules = append(rules, authorizer.Rule{Route: fmt.Sprintf("ANY /resource%d/*", i)})
			}
			a := under(t, someone, rules...)
			asked, other := stage+fmt.Sprintf("GET/resource%d/x", n-1), stage+"GET/resource0/x"
			text, err := a.Invoke(context.Background(), []byte(`{"type":"TOKEN","methodArn":"`+asked+`","authorizationToken":"Bearer x"}`))
			if err != nil || len(text) > limit || !parseAnswer(t, text).allows(asked) {
				t.Fatalf("%d rules: %d bytes, %v", n, len(text), err)
			}
			if parseAnswer(t, text).allows(other) {
				whole++
			}
			text, err = a.Invoke(context.Background(), []byte(`{"type":"REQUEST","methodArn":"`+stage+`$connect","headers":{"Authorization":"Bearer x"}}`))
			got := parseAnswer(t, text)
			if err != nil || len(text) > 1024 || !got.allows(stage+"$connect") || got.allows(other) {
				t.Fatalf("%d rules, $connect: %d bytes, %v: %s", n, len(text), err, text)
			}
		}
		if stage == prod && whole == 0 || whole > 50 {
			t.Errorf("%s: %d of 98 policies are for the whole stage", stage, whole)
		}
	}
	// A policy for the whole stage with a long context would be too long. This is a fault with a
	// name, and no client can cause it.
	h := someone
	for i := range 60 {
		h.Roles = append(h.Roles, fmt.Sprintf("role-%050d", i))
	}
	var log bytes.Buffer
	a := newAuthorizer(t, h, func(c *authorizer.Config) {
		c.Log = &log
		for i := range 4 {
			c.Rules = append(c.Rules, authorizer.Rule{Route: fmt.Sprintf("ANY /resource%d/*", i)})
		}
	})
	_ = ask(t, a, "GET/resource1/x")
	if !strings.Contains(log.String(), `"answer_too_long"`) {
		t.Errorf("logged %s", &log)
	}
}
