package service_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestLargestTokenIsIssued logs users in whose roles and claims, and whose client's scope and
// audience, are as long as allowed. Each gets a token that verifies and that every gateway can
// read. If a limit did not count the bytes of a token, each login of such a user would fail with a
// 500.
func TestLargestTokenIsIssued(t *testing.T) {
	most := func(n int, set func(n int) error) int { // the greatest n that is accepted
		for ; n > 0 && set(n) != nil; n-- {
		}
		return n
	}
	var scope []string
	for i := range 170 {
		scope = append(scope, string([]byte{'a' + byte(i/26), 'a' + byte(i%26)}))
	}
	for name, char := range map[string]string{"plain": "x", "for HTML": "<", "quotation marks": `"`, "two bytes": "é", "line separators in JSON": "\u2027"} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			a := authtest.New(t, authtest.Config{Algorithm: token.RS256, Settings: func(s *service.Settings) {
				s.Log = &log
				s.Issuer = "https://" + strings.Repeat("i", 63) + ".example.com"
				s.Clients = []auth.Client{{
					ID: auth.ClientID(strings.Repeat(`"`, 64)), Profile: auth.Balanced,
					Scope: scope, Audience: []string{strings.Repeat("a", 500), strings.Repeat("b", 500)},
				}}
			}})
			u := a.AddUser("ada@example.com")
			roles := most(1024, func(n int) error {
				_, err := a.Users.SetRoles(t.Context(), u.ID, strings.Fields(strings.Repeat(char+" ", n)))
				return err
			})
			claim := most(1024, func(n int) error {
				_, err := a.Users.SetClaims(t.Context(), u.ID, map[string]any{"own": strings.Repeat(char, n)})
				return err
			})
			if roles < 100 || claim < 100 {
				t.Fatalf("only %d roles and %d characters of a claim", roles, claim)
			}
			body, err := json.Marshal(map[string]string{"email": "ada@example.com", "password": authtest.Password, "client_id": strings.Repeat(`"`, 64)})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			a.Handler.ServeHTTP(w, r)
			var answer struct {
				Access string `json:"access_token"`
			}
			if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d roles, %d characters: %d, %v\n%s", roles, claim, w.Code, err, &log)
			}
			t.Logf("%d roles, %d characters of a claim: a token of %d bytes", roles, claim, len(answer.Access))
			keys, err := token.ParseJWKS([]byte(a.JWKS()))
			if err != nil {
				t.Fatal(err)
			}
			v, err := token.NewVerifier(token.VerifierConfig{
				Issuer: a.Issuer, Audience: []string{strings.Repeat("a", 500)}, Keys: keys, Now: a.Clock.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, response := range []string{config.ResponseSimple, config.ResponseIAM} {
				gate, err := authorizer.New(authorizer.Config{Verifier: v, HTTPResponse: response, Log: io.Discard, Now: a.Clock.Now})
				if err != nil {
					t.Fatal(err)
				}
				raw, err := gate.Invoke(t.Context(), fmt.Appendf(nil, `{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:us-east-1:1:a/prod/GET/x","headers":{"authorization":"Bearer %s"}}`, answer.Access))
				if err != nil || len(raw) > 8<<10 || !strings.Contains(string(raw), `Allow`) && !strings.Contains(string(raw), `"isAuthorized":true`) {
					t.Errorf("%s: %v, %.200s", response, err, raw)
				}
			}
		})
	}
}
