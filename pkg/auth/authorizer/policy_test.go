package authorizer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/config"
)

// TestPolicies sends a good token for each ARN. A malformed one is a fault, whose answer is no policy.
func TestPolicies(t *testing.T) {
	w := newWorld(t)
	good := event(`{"authorization":"Bearer ` + w.sign(t, now, audience) + `"}`)
	iam, simple := w.authorizer(t, config.ResponseIAM, nil), w.authorizer(t, config.ResponseSimple, nil)
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
			// A simple answer names no ARN and needs none.
			if got, err := simple.Invoke(context.Background(), text); err != nil || string(got) != simpleYes {
				t.Errorf("simple: %s %v", got, err)
			}
		})
	}
}
