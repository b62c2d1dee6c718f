package own_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestMiddleware guards the routes of an API without a gateway.
func TestMiddleware(t *testing.T) {
	issuer := authtest.New(t, authtest.Config{})
	guard, err := authorizer.New(authorizer.Config{
		Verifier: issuer.Verifier, Now: issuer.Clock.Now,
		Rules: []authorizer.Rule{{Route: "GET /me"}, {Route: "GET /reports", Roles: []string{"admin"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	api := guard.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		claims, _ := authorizer.ClaimsFrom(r.Context())
		_, _ = fmt.Fprint(w, p.Subject, " ", claims.Issuer)
	}))
	admin := func(g *token.Grant) { g.Subject.Roles = []string{"admin"} }
	for _, row := range []struct {
		name, path, token, body string
		status                  int
	}{
		{"a token", "/me", issuer.Token("ada"), "ada " + issuer.Issuer, 200},
		{"no token", "/me", "", "", 401},
		{"a bad token", "/me", issuer.BadTokens("ada")[0].Text, "", 401},
		{"no role", "/reports", issuer.Token("ada"), "", 403},
		{"the role", "/reports", issuer.Token("ada", admin), "ada " + issuer.Issuer, 200},
		{"no rule", "/other", issuer.Token("ada", admin), "", 403},
	} {
		r := httptest.NewRequest("GET", row.path, nil)
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != row.status || row.body != "" && w.Body.String() != row.body {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
}
