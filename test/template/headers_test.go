package template

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// contextKeys returns the keys of the context for a token that has every claim of the context.
func contextKeys(t *testing.T) (keys []string) {
	t.Helper()
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	z, err := authorizer.New(authorizer.Config{Verifier: a.Verifier, Now: a.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	whole := a.Token("ada", func(g *token.Grant) { g.Scope, g.Subject.Roles = []string{"read"}, []string{"admin"} })
	text, err := z.Invoke(t.Context(), []byte(`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:us-east-1:123456789012:a/$default/GET/me",
		"headers":{"authorization":"Bearer `+whole+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Context map[string]string }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Context) < 8 {
		t.Fatalf("%v: %s", err, text)
	}
	for key := range answer.Context {
		keys = append(keys, key)
	}
	return keys
}

// TestIdentityMapping checks that the example maps every key of the context to the header of the
// local server, and overwrites the client's, and that docs/attach.md has the same mappings for both
// kinds of API.
func TestIdentityMapping(t *testing.T) {
	keys := contextKeys(t)
	d := translated(t, "examples/http-proxy.yaml")
	for _, problem := range mapping(d, keys) {
		t.Error(problem)
	}
	page, err := os.ReadFile("../../docs/attach.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		header := http.CanonicalHeaderKey(claim.Header(key))
		for _, line := range []string{
			"overwrite:header." + header + ": $context.authorizer." + key + "\n",
			"integration.request.header." + header + ": context.authorizer." + key + "\n",
		} {
			if strings.Count(string(page), " "+line) != 1 {
				t.Errorf("docs/attach.md lacks %s", line)
			}
		}
	}
	requests := func(d document) tree {
		return at[tree](operation(d), "x-amazon-apigateway-integration", "requestParameters")
	}
	for what, break_ := range map[string]func(document){
		"a claim is not mapped":       func(d document) { delete(requests(d), "overwrite:header.X-Edgeauth-Roles") },
		"the client's header stays":   func(d document) { requests(d)["append:header.X-Edgeauth-Roles"] = "$context.authorizer.roles" },
		"the client names the caller": func(d document) { requests(d)["overwrite:header.X-Edgeauth-Sub"] = "$request.header.sub" },
		"another header":              func(d document) { requests(d)["overwrite:header.X-Edgeauth-Admin"] = "$context.authorizer.roles" },
		"an open route": func(d document) {
			at[tree](body(d), "paths", "/{proxy+}")["options"] = tree{"x-amazon-apigateway-integration": tree{"type": "http_proxy"}}
		},
		"preflights need a token": func(d document) {
			at[tree](body(d), "paths", "/{proxy+}")["x-amazon-apigateway-any-method"] = operation(d)
		},
	} {
		broken := d.clone(t)
		break_(broken)
		if len(mapping(broken, keys)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// mapping returns the faults of a mapping by which a backend could get a wrong identity, or no
// identity.
func mapping(d document, keys []string) (problems []string) {
	want := tree{}
	for _, key := range keys {
		want["overwrite:header."+http.CanonicalHeaderKey(claim.Header(key))] = "$context.authorizer." + key
	}
	if paths := at[tree](body(d), "paths"); len(paths) != 1 {
		problems = append(problems, "there is a route beside the one that is checked")
	}
	for method, route := range at[tree](body(d), "paths", "/{proxy+}") {
		if method == "x-amazon-apigateway-any-method" || method == "options" {
			problems = append(problems, "the gateway does not answer preflights itself")
		}
		if security := at[[]any](route, "security"); len(security) != 1 {
			problems = append(problems, method+" leads to the backend without the authorizer")
		}
		if got := at[tree](route, "x-amazon-apigateway-integration", "requestParameters"); !maps.Equal(got, want) {
			problems = append(problems, method+" has other headers than the context")
		}
	}
	return problems
}
