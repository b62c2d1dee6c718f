package runtimeapi_test

import (
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// The deployed programs work together on every store.
func TestFunctions(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			d := deploy(t, store.at(t), auth.Balanced)

			expect(t, "a wrong password", d.login(t, auth.NewSecret("wrong horse")), http.StatusUnauthorized, "invalid_credentials")
			session := d.login(t, d.password)
			expect(t, "a login", session, http.StatusOK, "")

			expect(t, "no token", d.me(t, ""), http.StatusUnauthorized, "")
			expect(t, "an altered token", d.me(t, session.AccessToken+"x"), http.StatusForbidden, "")
			expect(t, "a refresh token as a token", d.me(t, session.RefreshToken), http.StatusForbidden, "")
			me := d.me(t, session.AccessToken)
			expect(t, "the token", me, http.StatusOK, "")
			if me.Subject == "" || me.Roles != "admin" {
				t.Errorf("a backend is told of %q with the roles %q", me.Subject, me.Roles)
			}

			expect(t, "an altered refresh token", d.refresh(t, "x"+session.RefreshToken), http.StatusBadRequest, "invalid_grant")
			expect(t, "an access token as a refresh token", d.refresh(t, session.AccessToken), http.StatusBadRequest, "invalid_grant")
			next := d.refresh(t, session.RefreshToken)
			expect(t, "a refresh", next, http.StatusOK, "")
			if next.RefreshToken == "" || next.RefreshToken == session.RefreshToken {
				t.Error("the refresh token is not replaced")
			}
			again := d.me(t, next.AccessToken)
			expect(t, "the next token", again, http.StatusOK, "")
			if again.Subject != me.Subject {
				t.Errorf("the subject became %q, was %q", again.Subject, me.Subject)
			}
			expect(t, "a duplicate", d.refresh(t, session.RefreshToken), http.StatusOK, "")

			expect(t, "a wrong present password", d.changePassword(t, "wrong horse", next.AccessToken), http.StatusForbidden, "invalid_credentials")
			changed := d.changePassword(t, d.password.Reveal(), next.AccessToken)
			expect(t, "another password", changed, http.StatusOK, "")
			expect(t, "the session before it", d.refresh(t, next.RefreshToken), http.StatusBadRequest, "invalid_grant")
			expect(t, "the old password", d.login(t, d.password), http.StatusUnauthorized, "invalid_credentials")
			expect(t, "the new password", d.login(t, auth.NewSecret(nextPassword)), http.StatusOK, "")

			expect(t, "money without a token", d.money(t, ""), http.StatusUnauthorized, "")
			expect(t, "money with an altered token", d.money(t, changed.AccessToken+"x"), http.StatusForbidden, "")
			expect(t, "money", d.money(t, changed.AccessToken), http.StatusOK, "")
			expect(t, "money with the token of an ended session", d.money(t, next.AccessToken), http.StatusForbidden, "")
			expect(t, "the same token elsewhere", d.me(t, next.AccessToken), http.StatusOK, "")

			expect(t, "a logout", d.logout(t, changed.RefreshToken), http.StatusOK, "")
			expect(t, "money after it", d.money(t, changed.AccessToken), http.StatusForbidden, "")
			expect(t, "the same token elsewhere", d.me(t, changed.AccessToken), http.StatusOK, "")
			expect(t, "after it", d.refresh(t, changed.RefreshToken), http.StatusBadRequest, "invalid_grant")

			metadata := d.send(t, http.MethodGet, "/.well-known/oauth-authorization-server", nil, "")
			expect(t, "metadata", metadata, http.StatusOK, "")
			if metadata.Revocation != "https://auth.example.com/auth/logout" {
				t.Errorf("the metadata sends a logout to %q", metadata.Revocation)
			}
			d.keepsSecrets(t, session, next, changed)
		})
	}
}

// If the store does not answer, the session authorizer's call fails, and the gateway answers 500: a
// refusal would tell the client that its session has ended.
func TestSessionAuthorizerWithoutStore(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	d := deploy(t, variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}, auth.Balanced, func(all map[string]variables) {
		delete(all["session-authorizer"], config.Store)
		maps.Copy(all["session-authorizer"], without(tables(variables{
			config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "secret",
			config.DynamoDBEndpoint: "http://" + closed.Addr().String(),
		}), config.AttemptsTable))
	})
	session := d.login(t, d.password)
	expect(t, "a good token", d.money(t, session.AccessToken), http.StatusInternalServerError, "")
	expect(t, "an altered token", d.money(t, session.AccessToken+"x"), http.StatusForbidden, "")
	expect(t, "a route without the store", d.me(t, session.AccessToken), http.StatusOK, "")
	if written := d.function("session-authorizer").Log(); !strings.Contains(written, `"reason":"sessions_unavailable"`) {
		t.Errorf("the log has no fault:\n%s", written)
	}
}

// The use of a copied token ends the session of both holders, across processes.
func TestFunctionsRevoke(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			d := deploy(t, store.at(t), auth.Strict)
			session := d.login(t, d.password)
			next := d.refresh(t, session.RefreshToken)
			expect(t, "a refresh", next, http.StatusOK, "")
			for _, presented := range []string{session.RefreshToken, next.RefreshToken} {
				refused := d.refresh(t, presented)
				expect(t, "after a copy", refused, http.StatusBadRequest, "invalid_grant")
				if !refused.Terminal {
					t.Error("the refusal does not say that it is final")
				}
			}
		})
	}
}

const nextPassword = "battery staple of ada"

func (d *deployment) changePassword(t *testing.T, current, accessToken string) reply {
	t.Helper()
	body := map[string]string{"current_password": current, "new_password": nextPassword}
	return d.send(t, http.MethodPost, "/auth/password", body, accessToken)
}

func (d *deployment) logout(t *testing.T, refreshToken string) reply {
	t.Helper()
	return d.send(t, http.MethodPost, "/auth/logout", map[string]string{"refresh_token": refreshToken}, "")
}

func expect(t *testing.T, what string, got reply, status int, code string) {
	t.Helper()
	if got.Status != status || got.Error != code {
		t.Errorf("%s: answered %d %q, should be %d %q", what, got.Status, got.Error, status, code)
	}
}

// keepsSecrets checks that no function logs a secret.
func (d *deployment) keepsSecrets(t *testing.T, replies ...reply) {
	t.Helper()
	secrets := []string{d.password.Reveal(), nextPassword, "wrong horse", email}
	for _, r := range replies {
		secrets = append(secrets, r.AccessToken, r.RefreshToken)
	}
	for name := range d.environments {
		written := d.function(name).Log()
		if written == "" && name != "discovery" { // discovery logs nothing
			t.Errorf("%s wrote nothing about its decisions", name)
		}
		measured(t, written)
		for _, secret := range secrets {
			if strings.Contains(written, secret) {
				t.Errorf("%s wrote a secret:\n%s", name, written)
			}
		}
	}
}
