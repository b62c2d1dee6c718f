package service_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// TestEmailClaims: the access tokens of a client with email_claims have the address from the store,
// and the authorizer passes it to the backend. After a change, the next token has the new address,
// unverified.
func TestEmailClaims(t *testing.T) {
	for config, want := range map[string]string{ // for the clients default and app: email, email_verified
		`{"clients":{"app":{}}}`:                                         ` / ,  / `,
		`{"email_claims":true,"clients":{"app":{}}}`:                     `ada@example.com/true, ada@example.com/true`,
		`{"email_claims":true,"clients":{"app":{"email_claims":false}}}`: `ada@example.com/true,  / `,
		`{"clients":{"app":{"email_claims":true}}}`:                      ` / , ada@example.com/true`,
		`{"clients":{"default":{"email_claims":true},"app":{}}}`:         `ada@example.com/true,  / `,
		`{"email_claims":false,"clients":{"app":{"email_claims":true}}}`: ` / , ada@example.com/true`,
	} {
		a := authtest.New(t, authtest.Config{Settings: func(s *service.Settings) { s.Config = config }})
		record := user.User{Email: "ada@example.com", VerifiedEmail: "ada@example.com"}
		record.Password = a.AddUser("other@example.com").Password
		a.Users.Importable = nil
		if _, err := a.Users.Import(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		send := func(path, body string) (access, refresh string) {
			t.Helper()
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			a.Handler.ServeHTTP(w, r)
			var tokens struct {
				Access  string `json:"access_token"`
				Refresh string `json:"refresh_token"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			return tokens.Access, tokens.Refresh
		}
		shown := func(access string) string {
			t.Helper()
			claims, err := a.Verifier.Verify(t.Context(), access)
			if err != nil {
				t.Fatal(err)
			}
			if claims.Own["email"] == nil {
				return " / "
			}
			return strings.Trim(string(claims.Own["email"]), `"`) + "/" + string(claims.Own["email_verified"])
		}
		var got []string
		var refresh string
		for _, client := range []string{"default", "app"} {
			var access string
			access, refresh = send("/auth/login", `{"email":"ada@example.com","password":"`+authtest.Password+`","client_id":"`+client+`"}`)
			got = append(got, shown(access))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", config, got, want)
		}
		u, err := a.Users.Find(t.Context(), "ada@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Users.ChangeEmail(t.Context(), u.ID, "countess@example.com"); err != nil {
			t.Fatal(err)
		}
		a.Clock.Advance(3 * time.Minute)
		access, _ := send("/auth/refresh", `{"refresh_token":"`+refresh+`"}`)
		if got := shown(access); got != " / " && got != "countess@example.com/false" {
			t.Errorf("%s: after a change: %q", config, got)
		}
	}
}
