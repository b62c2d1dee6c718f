package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// sessionAuthorizerVariables are the variables of the session authorizer. No variable is a secret.
var sessionAuthorizerVariables = []string{config.Issuer, config.Audience, config.JWKS, config.Store}

// TestStartSessionAuthorizer checks the tokens of a session that another function opened, with only
// the variables of the session authorizer: while the session is open, and after its logout.
func TestStartSessionAuthorizer(t *testing.T) {
	f := newFixture(t)
	a := f.authorizer(t, config.CheckSession)
	f.ask(t, a, "ok")
	f.logout(t)
	f.ask(t, a, "revoked")
}

// TestStartSessionAuthorizerRevocations: in the mode revocations, the function knows the ended
// sessions at its start. It needs no table of users.
func TestStartSessionAuthorizerRevocations(t *testing.T) {
	f := newFixture(t)
	f.ask(t, f.authorizer(t, config.CheckRevocations), "ok")
	f.logout(t)
	f.ask(t, f.authorizer(t, config.CheckRevocations), "revoked")

	tables := variables{
		config.Issuer: f.given[config.Issuer], config.Audience: f.given[config.Audience], config.JWKS: f.given[config.JWKS],
		config.SessionCheck: config.CheckRevocations, config.Store: "dynamodb", config.SessionsTable: "sessions",
		config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "key", config.DynamoDBEndpoint: "http://127.0.0.1:1",
	}
	a, err := startSessionAuthorizer(tables.lookup, &f.log)
	if err != nil {
		t.Fatal(err)
	}
	// If the store does not answer, the function starts, and its calls fail.
	f.log.Reset()
	if answer, err := a.Invoke(t.Context(), f.event()); err == nil || !strings.Contains(f.log.String(), `"reason":"sessions_unavailable"`) {
		t.Errorf("%s, %v, %s", answer, err, &f.log)
	}
	tables[config.SessionCheck] = "list"
	if _, err := startSessionAuthorizer(tables.lookup, nil); err == nil || strings.Count(err.Error(), config.SessionCheck+" is not a check") != 1 {
		t.Errorf("%v", err)
	}
}

// fixture is a session that another function has opened, and the variables of the session
// authorizer.
type fixture struct {
	given  variables
	opener *Service
	opened session.Granted
	access string
	log    bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{given: good(t)}
	var err error
	if f.opener, err = start(config.New(f.given.lookup), Options{}, functions["login"]...); err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: "u1", Email: "ada@example.com", Revision: 1}
	if err := f.opener.settings.Stores.Users.Create(t.Context(), u, "u1"); err != nil {
		t.Fatal(err)
	}
	f.opened, err = f.opener.Sessions().Open(t.Context(), session.Opening{Subject: u.Subject(), Client: environmentClient, AuthTime: f.opener.settings.Now()})
	if err != nil {
		t.Fatal(err)
	}
	issuer, _, err := f.opener.settings.tokens(f.opener.keys, ownKeys{f.opener})
	if err != nil {
		t.Fatal(err)
	}
	access, err := issuer.Issue(t.Context(), token.Grant{
		Subject: f.opened.Subject, SessionID: f.opened.Session.ID.String(), TokenVersion: f.opened.Session.TokenVersion, Client: f.opened.Session.Client,
		AuthTime: f.opened.Session.AuthTime, NotAfter: f.opened.Session.AbsoluteEnd,
	})
	if err != nil {
		t.Fatal(err)
	}
	public, err := f.opener.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	f.access, f.given[config.JWKS] = access.Text.Reveal(), string(jwks)
	return f
}

// authorizer starts the function with this EDGEAUTH_SESSION_CHECK.
func (f *fixture) authorizer(t *testing.T, check string) *authorizer.Authorizer {
	t.Helper()
	a, err := startSessionAuthorizer(f.given.only(sessionAuthorizerVariables...).with(variables{config.SessionCheck: check}).lookup, &f.log)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f *fixture) event() []byte {
	return []byte(`{"version":"2.0","type":"REQUEST",
		"routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
		"headers":{"authorization":"Bearer ` + f.access + `"}}`)
}

func (f *fixture) ask(t *testing.T, a *authorizer.Authorizer, reason string) {
	t.Helper()
	f.log.Reset()
	answer, err := a.Invoke(t.Context(), f.event())
	if allowed := strings.HasPrefix(string(answer), `{"isAuthorized":true`); err != nil || allowed != (reason == "ok") ||
		!strings.Contains(f.log.String(), `"reason":"`+reason+`"`) {
		t.Errorf("%s, %v, %s, want %s", answer, err, &f.log, reason)
	}
}

func (f *fixture) logout(t *testing.T) {
	t.Helper()
	if _, err := f.opener.Sessions().Logout(t.Context(), f.opened.RefreshToken, nil); err != nil {
		t.Fatal(err)
	}
}

// TestStartSessionAuthorizerNamesAllThatIsMissing: one start reports the variables of the
// authorizer and of the store.
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
