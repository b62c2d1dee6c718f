// Package own_test is what a program outside of this module can do with the library.
package own_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// newAPI returns an API that accepts the tokens of an issuer, whose keys it reads at a URL.
func newAPI(t *testing.T, issuer, keysURL string) http.Handler {
	t.Helper()
	keys, err := jwksurl.New(jwksurl.Config{URL: keysURL})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{issuer}, Keys: keys, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := authorizer.New(authorizer.Config{
		Verifier: verifier, Log: io.Discard,
		Rules: []authorizer.Rule{{Route: "GET /me"}, {Route: "ANY /admin/*", Roles: []string{"admin"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := auth.PrincipalFrom(r.Context())
		if !ok {
			http.Error(w, "no caller", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, string(caller.Subject))
	}))
}

func get(h http.Handler, path, accessToken string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if accessToken != "" {
		r.Header.Set("Authorization", "Bearer "+accessToken)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestVerify verifies tokens in a service of one's own: keys by URL, http for an issuer on loopback, and
// the middleware alone.
func TestVerify(t *testing.T) {
	issuer := authtest.NewServer(t, authtest.Config{Algorithm: token.EdDSA})
	api := newAPI(t, issuer.Issuer, issuer.Issuer+"/.well-known/jwks.json")
	reader := issuer.Token("ada")
	admin := issuer.Token("grace", func(g *token.Grant) { g.Subject.Roles = []string{"admin"} })
	for _, row := range []struct {
		name, path, token string
		status            int
		body              string
	}{
		{"a caller", "/me", reader, http.StatusOK, "ada"},
		{"a role", "/admin/users", admin, http.StatusOK, "grace"},
		{"no role", "/admin/users", reader, http.StatusForbidden, ""},
		{"no rule", "/other", admin, http.StatusForbidden, ""},
		{"no token", "/me", "", http.StatusUnauthorized, ""},
	} {
		w := get(api, row.path, row.token)
		if w.Code != row.status || row.body != "" && w.Body.String() != row.body {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
	for _, bad := range issuer.BadTokens("ada") {
		if w := get(api, "/me", bad.Text); w.Code < 400 || w.Code > 499 {
			t.Errorf("%s: %d", bad.Name, w.Code)
		}
	}
}

func post(t *testing.T, h http.Handler, path, body string) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Code, answer
}

// TestOwnLogin opens sessions for users whom a login of one's own has proven, here by a fixed code.
func TestOwnLogin(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	ada := a.AddUser("ada@example.com")
	own := a.Service.Responder().Opens(a.Service.Sessions(), func(r *http.Request) (endpoint.Proven, error) {
		u, err := a.Users.Find(r.Context(), r.Header.Get("X-User"))
		if err != nil || r.Header.Get("X-Code") != "314159" {
			return endpoint.Proven{}, &login.Refusal{Reason: login.ReasonUnknown}
		}
		return endpoint.Proven{Subject: u.Subject(), Client: a.Service.Clients()[auth.DefaultClient], AuthTime: a.Clock.Now()}, nil
	})
	as := func(code string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-User", "ada@example.com")
			r.Header.Set("X-Code", code)
			own.ServeHTTP(w, r)
		})
	}
	if status, answer := post(t, as("0"), "/own", `{}`); status != http.StatusUnauthorized {
		t.Errorf("a wrong code: %d %v", status, answer)
	}
	status, answer := post(t, as("314159"), "/own", `{}`)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	claims, err := a.Verifier.Verify(t.Context(), answer["access_token"].(string))
	if err != nil || claims.Subject != ada.ID {
		t.Errorf("the access token is for %q: %v", claims.Subject, err)
	}
	refresh := `{"refresh_token":"` + answer["refresh_token"].(string) + `"}`
	if status, answer := post(t, a.Handler, "/auth/refresh", refresh); status != http.StatusOK {
		t.Errorf("the session cannot be refreshed: %d %v", status, answer)
	}
}

// TestSecondFactor asks for a one-time code after the password.
func TestSecondFactor(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) {
		s.Steps = login.Steps{After: func(_ context.Context, c login.Credentials, _ login.Result) error {
			if !c.OneTimeCode.Equal(auth.NewSecret("424242")) {
				return &login.Denial{Code: "second_factor_required", Description: "send the code of your app"}
			}
			return nil
		}}
	}})
	a.AddUser("ada@example.com")
	body := `{"email":"ada@example.com","password":"` + authtest.Password + `"`
	for code, want := range map[string]int{"": http.StatusForbidden, "000000": http.StatusForbidden, "424242": http.StatusOK} {
		if status, answer := post(t, a.Handler, "/auth/login", body+`,"one_time_code":"`+code+`"}`); status != want {
			t.Errorf("code %q: %d %v", code, status, answer)
		}
	}
}
