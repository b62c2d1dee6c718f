package authorizer_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// sampleEvents returns the folder of aws-lambda-go's test events in the module cache.
func sampleEvents(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "events", "testdata")
}

// TestSampleEvents sends all test events of aws-lambda-go without a valid token. Each authorizer
// event gets a refusal in its own format, and no other event gets an answer that means Allow.
func TestSampleEvents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sampleEvents(t), "*.json"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	stage := func(s string) string {
		return policy("unauthenticated", "Deny", "arn:aws:execute-api:us-east-1:123456789012:"+s+"/test/*") + "}"
	}
	// The ARN of the TOKEN event has no stage, so no policy can name it.
	authorizers := map[string]string{
		"apigw-custom-auth-request.json":              unauthorized,
		"apigw-custom-auth-request-type-request.json": unauthorized,
		"apigw-v2-custom-authorizer-v1-request.json":  stage("abcdef123"),
		"apigw-v2-custom-authorizer-v2-request.json":  simpleNo,
		"appsync-lambda-auth-request.json":            uncached,
	}
	a := newAuthorizer(t, newAuthority(t).Verifier, func(*authorizer.Config) {})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		want, known := authorizers[name]
		if !known {
			want = simpleNo
		}
		delete(authorizers, name)
		answer, err := a.Invoke(context.Background(), text)
		got := string(answer)
		if err != nil {
			got += "!" + err.Error()
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, want)
		}
	}
	if len(authorizers) > 0 {
		t.Errorf("missing events: %v", authorizers)
	}
}

// TestSampleEventsWithAToken puts a valid token into the authorizer events.
func TestSampleEventsWithAToken(t *testing.T) {
	folder := sampleEvents(t)
	authority := newAuthority(t)
	good := tokenAt(authority, now)
	a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { c.HTTPResponse = config.ResponseIAM })
	for name, row := range map[string]struct{ old, with, arn string }{
		"apigw-custom-auth-request-type-request.json": {`"HeaderAuth1": "headerValue1"`, `"Authorization": "Bearer ` + good + `"`, "s4x3opwd6i/test/GET/request"},
		"apigw-v2-custom-authorizer-v1-request.json":  {`"HeaderAuth1": "headerValue1"`, `"Authorization": "Bearer ` + good + `"`, "abcdef123/test/GET/request"},
		"apigw-v2-custom-authorizer-v2-request.json":  {`"Header1": "value1"`, `"authorization": "Bearer ` + good + `"`, "abcdef123/test/GET/request"},
		"appsync-lambda-auth-request.json":            {`ExampleAUTHtoken123123123`, good, ""},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		event := strings.Replace(string(text), row.old, row.with, 1)
		raw, err := a.Invoke(context.Background(), []byte(event))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := parseAnswer(t, raw)
		if yes := got.IsAuthorized || got.allows("arn:aws:execute-api:us-east-1:123456789012:"+row.arn); !yes {
			t.Errorf("%s: %s", name, raw)
		}
	}
}
