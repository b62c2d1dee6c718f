package authtest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestPage compares the Go code of docs/testing.md with the tests below.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) < 4 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(source), "\n"+code) {
			t.Errorf("no test has the code\n%s", code)
		}
	}
}

// newAPI returns an API as a team may have it: with keys as a text, and with its own clock.
func newAPI(issuer string, audience []string, jwks string) http.Handler {
	keys, err := token.ParseJWKS([]byte(jwks))
	if err != nil {
		panic(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: audience, Keys: keys, Now: time.Now})
	if err != nil {
		panic(err)
	}
	middleware, err := authorizer.New(authorizer.Config{
		Verifier: verifier,
		Rules:    []authorizer.Rule{{Route: "GET /orders"}, {Route: "GET /reports", Roles: []string{"admin"}}},
	})
	if err != nil {
		panic(err)
	}
	return middleware.Middleware(orders)
}

func get(api http.Handler, path, token string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code
}

func TestOrders(t *testing.T) {
	a := authtest.New(t, authtest.Config{})
	api := newAPI(a.Issuer, a.Audience, a.JWKS())

	if status := get(api, "/orders", a.Token("ada")); status != http.StatusOK {
		t.Errorf("a good token: %d", status)
	}
	for _, bad := range a.BadTokens("ada") {
		t.Run(bad.Name, func(t *testing.T) {
			if status := get(api, "/orders", bad.Text); status != http.StatusUnauthorized {
				t.Errorf("%d, want 401: %s", status, bad.Why)
			}
		})
	}
}

func TestReportsNeedAnAdmin(t *testing.T) {
	a := authtest.New(t, authtest.Config{})
	api := newAPI(a.Issuer, a.Audience, a.JWKS())
	admin := func(g *token.Grant) { g.Subject.Roles = []string{"admin"} }

	if status := get(api, "/reports", a.Token("ada")); status != http.StatusForbidden {
		t.Errorf("a user: %d", status)
	}
	if status := get(api, "/reports", a.Token("ada", admin)); status != http.StatusOK {
		t.Errorf("an admin: %d", status)
	}
}

func TestTokensExpire(t *testing.T) {
	a := authtest.New(t, authtest.Config{})
	a.AddUser("ada@example.com", "admin")
	access, _ := a.Login("ada@example.com")

	a.Clock.Advance(15 * time.Minute)
	if _, err := a.Verifier.Verify(t.Context(), access); token.ReasonOf(err) != token.ReasonExpired {
		t.Errorf("after a quarter of an hour: %v", err)
	}
}

func TestManyWrongPasswords(t *testing.T) {
	a := authtest.New(t, authtest.Config{Settings: func(s *service.Settings) {
		s.Throttle = login.DefaultLimits()
		s.Throttle.Account.Free = 100
	}})
	a.AddUser("ada@example.com")

	for range 20 {
		if status := logIn(a, "ada@example.com", "wrong"); status != http.StatusUnauthorized {
			t.Errorf("a wrong password: %d", status)
		}
	}
}

func logIn(a *authtest.Authority, email, password string) int {
	body := strings.NewReader(`{"email":"` + email + `","password":"` + password + `"}`)
	r := httptest.NewRequest(http.MethodPost, "/auth/login", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.Handler.ServeHTTP(w, r)
	return w.Code
}
