package authorizer_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// unset clears the EDGEAUTH variables for one test.
func unset(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "EDGEAUTH_") {
			t.Setenv(name, "")
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	unset(t)
	authority := newAuthority(t)
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", "https://x.example "+audience)
	t.Setenv("EDGEAUTH_JWKS", authority.JWKS())
	a, err := authorizer.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	d := a.Decide(context.Background(), []byte(tokenAt(authority, time.Now())))
	if d.Outcome != authorizer.Allow || d.Claims.Subject != "u1" {
		t.Errorf("%+v", d)
	}
}

func TestFromEnvironmentNamesWhatIsMissing(t *testing.T) {
	unset(t)
	_, err := authorizer.FromEnvironment()
	for _, name := range []string{"EDGEAUTH_ISSUER", "EDGEAUTH_AUDIENCE", "EDGEAUTH_JWKS"} {
		if err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", `{"keys":[]}`)
	if _, err := authorizer.FromEnvironment(); err == nil || !strings.Contains(err.Error(), "EDGEAUTH_JWKS") {
		t.Errorf("an empty key set: %v", err)
	}
}

func TestFromEnvironmentReadsTheDocument(t *testing.T) {
	unset(t)
	authority := newAuthority(t)
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", authority.JWKS())
	t.Setenv("EDGEAUTH_DENY", "deny")
	t.Setenv("EDGEAUTH_CONFIG", `{"origins":["https://app.example.com"],"context_claims":["amr"],
		"token_sources":["cookie:__Host-Http-access"],
		"routes":[{"route":"POST /me","scopes":["read"],"roles":["ops"],"max_auth_age":"2h"},{"route":"GET /admin","roles":["root"]}]}`)
	a, err := authorizer.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	event := `{"type":"REQUEST","methodArn":"` + prod + `POST/me","httpMethod":"POST","headers":{
		"Cookie":"__Host-Http-access=` + tokenAt(authority, time.Now()) + `","Origin":"$origin"}}`
	for origin, want := range map[string]bool{"https://app.example.com": true, "https://evil.example": false} {
		text, err := a.Invoke(context.Background(), []byte(strings.Replace(event, "$origin", origin, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := parseAnswer(t, text); got.allows(prod+"POST/me") != want || got.allows(prod+"GET/admin") {
			t.Errorf("%s: %s", origin, text)
		}
	}
	for _, row := range []struct{ name, document, tells string }{
		{"an unknown member", `{"route":[]}`, `unknown member "route"`},
		{"an unknown member of a rule", `{"routes":[{"route":"GET /","scope":"a"}]}`, `routes: number 1: "scope"`},
		{"a parameter of another router", `{"routes":[{"route":"GET /users/:id"}]}`, `routes: number 1: route "GET /users/:id": a segment of a route must not begin with ":"`},
		{"a wrong route", `{"routes":[{"route":"GET /"},{"route":"FETCH /"}]}`, `routes: number 2: route "FETCH /": a route is`},
		{"no route", `{"routes":[{"scopes":["a"]}]}`, `routes: number 1: route ""`},
		{"no rules", `{"routes":[]}`, "routes: the list is empty"},
		{"not a list of rules", `{"routes":{}}`, "routes"},
		{"a rule that is no object", `{"routes":["GET /"]}`, "number 1"},
		{"a member twice", `{"routes":[{"route":"GET /","route":"GET /x"}]}`, "duplicate name"},
		{"an API that is no id", `{"routes":[{"route":"GET /","api":7}]}`, `"api": api must be the id of an API`},
		{"no API in the list", `{"routes":[{"route":"GET /","api":[]}]}`, `"api": api must be the id of an API`},
		{"scopes that ask for nothing", `{"routes":[{"route":"GET /","scopes":[]}]}`, `"scopes": the list is empty`},
		{"roles that are no list", `{"routes":[{"route":"GET /","roles":"a"}]}`, `"roles"`},
		{"an age without a unit", `{"routes":[{"route":"GET /","max_auth_age":"900"}]}`, `"max_auth_age": want a duration`},
		{"an age as a number", `{"routes":[{"route":"GET /","max_auth_age":900}]}`, `"max_auth_age"`},
		{"an age of nothing", `{"routes":[{"route":"GET /","max_auth_age":"0s"}]}`, `"max_auth_age"`},
		{"no place of a token", `{"token_sources":[]}`, "token_sources: the list is empty"},
		{"a wrong place", `{"token_sources":["body:a"]}`, `"body:a"`},
		{"a reserved key", `{"context_claims":["claims"]}`, `"claims": the name is reserved`},
		{"a wrong origin", `{"origins":["https://app.example.com/"]}`, `"https://app.example.com/"`},
		{"no issuers", `{"issuers":[]}`, "issuers: the list is empty"},
		{"an unknown member of an issuer", `{"issuers":[{"iss":"a"}]}`, `issuers: number 1: "iss"`},
		{"an issuer that says nothing", `{"issuers":[{}]}`, "Others, number 1"},
		{"invalid keys", `{"issuers":[{"jwks":{"keys":[{"kty":"oct","k":"AA"}]}}]}`, `issuers: number 1: "jwks"`},
		{"a claim that is not a string", `{"issuers":[{"claims":{"a":1}}]}`, `"claims": "a"`},
		{"origins that are not a list", `{"origins":"https://app.example.com"}`, "origins"},
	} {
		t.Setenv("EDGEAUTH_CONFIG", row.document)
		_, err := authorizer.FromEnvironment()
		if err == nil || !strings.Contains(err.Error(), "EDGEAUTH_CONFIG") || !strings.Contains(err.Error(), row.tells) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestFromEnvironmentTakesOtherIssuers accepts tokens of two issuers, as during a migration.
func TestFromEnvironmentTakesOtherIssuers(t *testing.T) {
	unset(t)
	authority := newAuthority(t) // of the other issuer
	ours := authtest.New(t, authtest.Config{Algorithm: token.ES256})
	t.Setenv("EDGEAUTH_ISSUER", "https://new.example")
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", ours.JWKS())
	t.Setenv("EDGEAUTH_CONFIG", `{"issuers":[{"issuer":"`+issuer+`","jwks":`+authority.JWKS()+`,"audience":["`+audience+`"],
		"audience_claim":"aud","types":["at+jwt",""],"lifetime":"24h","claims":{"jurisdiction":"x"}}]}`)
	a, err := authorizer.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	d := a.Decide(context.Background(), []byte(tokenAt(authority, time.Now())))
	if d.Outcome != authorizer.Unauthenticated || d.Reason == "unknown_key" {
		t.Errorf("a token without the claim: %+v", d)
	}
	t.Setenv("EDGEAUTH_CONFIG", strings.Replace(os.Getenv("EDGEAUTH_CONFIG"), `,"claims":{"jurisdiction":"x"}`, "", 1))
	if a, err = authorizer.FromEnvironment(); err != nil {
		t.Fatal(err)
	}
	d = a.Decide(context.Background(), []byte(tokenAt(authority, time.Now())))
	if d.Outcome != authorizer.Allow || d.Claims.Issuer != issuer {
		t.Errorf("the other issuer's token: %+v", d)
	}
}
