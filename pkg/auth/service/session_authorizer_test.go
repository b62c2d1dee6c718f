package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// sessionAuthorizerVariables are those of the session authorizer. None of them is a secret.
var sessionAuthorizerVariables = []string{config.Issuer, config.Audience, config.JWKS, config.Store}

// TestStartSessionAuthorizer asks about the tokens of a session that another function opened, with
// nothing but what the session authorizer reads: while the session lives, and after its logout.
func TestStartSessionAuthorizer(t *testing.T) {
	given := good(t)
	opener, err := start(config.New(given.lookup), Options{}, functions["login"]...)
	if err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: "u1", Email: "ada@example.com", Revision: 1}
	if err := opener.settings.Stores.Users.Create(t.Context(), u, "u1"); err != nil {
		t.Fatal(err)
	}
	g, err := opener.Sessions().Open(t.Context(), session.Opening{Subject: u.Subject(), Client: environmentClient, AuthTime: opener.settings.Now()})
	if err != nil {
		t.Fatal(err)
	}
	issuer, _, err := opener.settings.tokens(opener.keys, ownKeys{opener})
	if err != nil {
		t.Fatal(err)
	}
	access, err := issuer.Issue(t.Context(), token.Grant{
		Subject: g.Subject, SessionID: g.Session.ID.String(), TokenVersion: g.Session.TokenVersion, Client: g.Session.Client,
		AuthTime: g.Session.AuthTime, NotAfter: g.Session.AbsoluteEnd,
	})
	if err != nil {
		t.Fatal(err)
	}
	public, err := opener.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	given[config.JWKS] = string(jwks)
	var log bytes.Buffer
	a, err := startSessionAuthorizer(given.only(sessionAuthorizerVariables...).lookup, &log)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(reason string) {
		t.Helper()
		log.Reset()
		answer, err := a.Invoke(t.Context(), []byte(`{"version":"2.0","type":"REQUEST",
			"routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
			"headers":{"authorization":"Bearer `+access.Text.Reveal()+`"}}`))
		if allowed := strings.HasPrefix(string(answer), `{"isAuthorized":true`); err != nil || allowed != (reason == "ok") ||
			!strings.Contains(log.String(), `"reason":"`+reason+`"`) {
			t.Errorf("%s, %v, %s, want %s", answer, err, &log, reason)
		}
	}
	ask("ok")
	if _, err := opener.Sessions().Logout(t.Context(), g.RefreshToken, nil); err != nil {
		t.Fatal(err)
	}
	ask("revoked")
}

// TestStartSessionAuthorizerNamesAllThatIsMissing: one start reports the variables of the authorizer
// and of the store.
func TestStartSessionAuthorizerNamesAllThatIsMissing(t *testing.T) {
	_, err := startSessionAuthorizer(variables{config.Issuer: "x", config.Store: "dynamodb"}.lookup, nil)
	for _, name := range []string{config.Issuer, config.Audience, config.JWKS, config.UsersTable, config.SessionsTable, config.Region} {
		if err == nil || strings.Count(err.Error(), name+" ") != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wrong *config.VariableError
	if !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
}
