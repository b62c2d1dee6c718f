package authorizer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestIdentityHeaders sends identity headers of the client with a valid token. No gateway that
// shows the headers to the authorizer may forward them: the context has no key for a claim that the
// token lacks, so a gateway that maps the context would not overwrite the client's header.
func TestIdentityHeaders(t *testing.T) {
	plain := someone
	plain.Roles, plain.Scope = nil, nil // the context has neither key
	with := func(headers string) string { return `{"Authorization":"Bearer x"` + headers + `}` }
	for _, row := range []struct {
		name, headers string // the members after Authorization
		refused       bool
	}{
		{"none", ``, false},
		{"a claim of the context", `,"x-edgeauth-sub":"root"`, true},
		{"a claim that the token lacks", `,"x-edgeauth-roles":"admin"`, true},
		{"a configured claim that the token lacks", `,"X-Edgeauth-Tenant":"acme"`, true},
		{"a claim that is not configured", `,"X-Edgeauth-Plan":"gold"`, true},
		{"in capitals", `,"X-EDGEAUTH-SCOPE":"write"`, true},
		{"as CGI reads it", `,"X_Edgeauth_Roles":"admin"`, true},
		{"as others read it", `,"x.edgeauth.roles":"admin"`, true},
		{"an escaped name", `,"X\u002dEdgeauth-Roles":"admin"`, true},
		{"an empty value", `,"X-Edgeauth-Roles":""`, true},
		{"no value", `,"X-Edgeauth-Roles":null`, true},
		{"before others", `,"X-Edgeauth-Roles":"admin","X-Other":"a","X-HTTP-Method":"GET"`, true},
		{"another name", `,"X-Edge-Roles":"admin","Edgeauth-Roles":"admin","X-Edgeauth":"admin"`, false},
	} {
		lists := strings.NewReplacer(`:"`, `:["`, `",`, `"],`, `"}`, `"]}`).Replace(with(row.headers))
		for where, event := range map[string]string{
			"HTTP API":             fmt.Sprintf(`{"version":"2.0","type":"REQUEST","routeArn":%q,"headers":%s}`, methodARN, with(row.headers)),
			"HTTP API, format 1":   fmt.Sprintf(`{"version":"1.0","type":"REQUEST","methodArn":%q,"headers":%s}`, methodARN, with(row.headers)),
			"REST API":             fmt.Sprintf(`{"type":"REQUEST","methodArn":%q,"headers":%s}`, methodARN, with(row.headers)),
			"REST API, both maps":  fmt.Sprintf(`{"type":"REQUEST","methodArn":%q,"headers":%s,"multiValueHeaders":%s}`, methodARN, with(``), lists),
			"WebSocket API":        fmt.Sprintf(`{"type":"REQUEST","methodArn":%q,"headers":%s}`, connectARN, with(row.headers)),
			"HTTP API, IAM answer": fmt.Sprintf(`{"version":"2.0","type":"REQUEST","routeArn":%q,"headers":%s}`, methodARN, with(row.headers)),
		} {
			for of, configure := range map[string]func(*authorizer.Config){
				"no rules":  func(*authorizer.Config) {},
				"rules":     func(c *authorizer.Config) { c.Rules = []authorizer.Rule{{Route: "ANY /*"}, {Route: "$connect"}} },
				"{param}":   func(c *authorizer.Config) { c.Rules = []authorizer.Rule{{Route: "ANY /{a}"}, {Route: "$connect"}} },
				"a session": func(c *authorizer.Config) { c.Sessions = ended{} },
			} {
				var log bytes.Buffer
				a := newAuthorizer(t, plain, func(c *authorizer.Config) {
					c.ContextClaims, c.Log = []string{"tenant"}, &log
					if where == "HTTP API, IAM answer" {
						c.HTTPResponse = config.ResponseIAM
					}
					configure(c)
				})
				text, err := a.Invoke(context.Background(), []byte(event))
				if err != nil {
					t.Fatalf("%s, %s, %s: %v", row.name, where, of, err)
				}
				got := parseAnswer(t, text)
				allowed := got.IsAuthorized || got.allows(methodARN) || got.allows(prod+"POST/other") || got.allows(connectARN)
				if allowed == row.refused {
					t.Errorf("%s, %s, %s: %s", row.name, where, of, text)
				}
				if row.refused {
					if line := log.String(); !strings.Contains(line, `"outcome":"forbidden","reason":"identity_header"`) {
						t.Errorf("%s, %s, %s: logged %s", row.name, where, of, line)
					}
				}
			}
		}
	}
}

// TestIdentityHeadersWithoutGateway: the middleware passes the identity in the context of the
// request. Behind a gateway that writes identity headers, its requests have such headers.
func TestIdentityHeadersWithoutGateway(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/me", nil)
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set(claim.Header(claim.Subject), "u1")
	w := httptest.NewRecorder()
	newAuthorizer(t, someone, func(*authorizer.Config) {}).
		Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
	if w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
