package runtimeapi_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

type variables = map[string]string

// stores are the kinds of store, each as the variables that configure it.
var stores = []struct {
	name string
	at   func(*testing.T) variables
}{
	{"bolt", func(t *testing.T) variables {
		return variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}
	}},
	{"DynamoDB Local", func(t *testing.T) variables { return tables(engine.DynamoDBLocal(t).Environment()) }},
	{"dynoxide", func(t *testing.T) variables { return tables(engine.Dynoxide(t).Environment()) }},
}

func tables(engine variables) variables {
	suffix := rand.Text() // the tests share an engine
	return with(engine, variables{
		config.Store:      "dynamodb",
		config.UsersTable: "users-" + suffix, config.SessionsTable: "sessions-" + suffix, config.AttemptsTable: "attempts-" + suffix,
	})
}

func with(v, other variables) variables {
	all := maps.Clone(v)
	maps.Copy(all, other)
	return all
}

// without returns v without one variable.
func without(v variables, name string) variables {
	all := maps.Clone(v)
	delete(all, name)
	return all
}

const email = "ada@example.com"

// deployment stands in for a stack: functions with their environments, keys, a user, and the
// gateway.
type deployment struct {
	environments map[string]variables
	gateway      *runtimeapi.Gateway
	password     auth.Secret
	url          string
}

func (d *deployment) function(name string) *runtimeapi.Function {
	switch name {
	case "authorizer":
		return d.gateway.Authorizer
	case "session-authorizer":
		return d.gateway.SessionAuthorizer
	}
	return d.gateway.Functions[name]
}

// deploy starts the functions. The changes are applied to their environments first.
func deploy(t *testing.T, store variables, profile auth.Profile, changes ...func(map[string]variables)) *deployment {
	t.Helper()
	d := &deployment{environments: environments(t, store), password: auth.NewSecret(rand.Text())}
	for _, change := range changes {
		change(d.environments)
	}
	d.environments["login"][config.Profile] = profile.String()
	d.environments["account"][config.Profile] = profile.String()
	addUser(t, store, d.password)
	start := func(name string) *runtimeapi.Function {
		return runtimeapi.New(t, runnable(t, name), d.environments[name])
	}
	d.gateway = &runtimeapi.Gateway{
		Functions: map[string]*runtimeapi.Function{}, Authorizer: start("authorizer"), SessionAuthorizer: start("session-authorizer"),
	}
	for name := range d.environments {
		if !strings.HasSuffix(name, "authorizer") {
			d.gateway.Functions[name] = start(name)
		}
	}
	server := httptest.NewServer(d.gateway)
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// environments returns the variables of each function, and only the variables that it needs.
func environments(t *testing.T, store variables) map[string]variables {
	t.Helper()
	folder := t.TempDir()
	signingPath, refreshPath := filepath.Join(folder, "signing-ring.json"), filepath.Join(folder, "refresh-keys.json")
	loginPath := filepath.Join(folder, "login-ring.json")
	signing, err1 := keyrings.NewSigningRing(token.ES256, time.Now().Add(-48*time.Hour), rand.Reader) // keys have an age
	refresh, err2 := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	logins, err3 := keyrings.NewLoginRing(time.Now(), rand.Reader)
	public, err4 := signing.PublicKeys(1)
	jwks, err5 := json.Marshal(public)
	if err := errors.Join(err1, err2, err3, err4, err5,
		keyrings.Save(t.Context(), keyrings.File(signingPath), signing),
		keyrings.Save(t.Context(), keyrings.File(refreshPath), refresh),
		keyrings.Save(t.Context(), keyrings.File(loginPath), logins)); err != nil {
		t.Fatal(err)
	}
	common := variables{config.Issuer: "https://auth.example.com", config.Audience: "https://api.example.com"}
	issuing := with(with(common, store), variables{
		config.SigningRing: "file:" + signingPath, config.RefreshKeys: "file:" + refreshPath, config.KeyVersion: "1",
		config.AccessTokenLifetime: "15m",
	})
	opening := with(issuing, variables{config.LoginRing: "file:" + loginPath, config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h"})
	all := map[string]variables{
		"authorizer":         with(common, variables{config.JWKS: string(jwks)}),
		"session-authorizer": with(with(common, without(store, config.AttemptsTable)), variables{config.JWKS: string(jwks)}),
		"login":              opening,
		"account":            maps.Clone(opening),
		"refresh":            without(issuing, config.AttemptsTable),
		"sessions": with(with(common, without(store, config.AttemptsTable)), variables{
			config.RefreshKeys: issuing[config.RefreshKeys], config.KeyVersion: "1", config.JWKS: string(jwks),
		}),
		"discovery": {config.Issuer: common[config.Issuer], config.JWKS: string(jwks)},
	}
	for name := range all {
		if name != "discovery" {
			all[name][config.Metrics] = namespace
		}
	}
	return all
}

// addUser creates the stores and their only user, as the command line does beside a running stack.
func addUser(t *testing.T, store variables, secret auth.Secret) {
	t.Helper()
	e := config.New(func(name string) (string, bool) { text, ok := store[name]; return text, ok })
	place := e.Store()
	opened, err := backend.OpenStores(place)
	if err := errors.Join(e.Err(), err, backend.CreateTables(t.Context(), place)); err != nil {
		t.Fatal(err)
	}
	directory := user.Directory{Store: opened.Users, Hasher: &password.Hasher{}}
	if _, err := directory.Add(t.Context(), email, secret, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
}

// reply is the gateway's answer, with the members of the body that the tests check.
type reply struct {
	Status       int
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	AuthSession  string `json:"auth_session"`
	Error        string `json:"error"`
	Terminal     bool   `json:"terminal"`
	Subject      string `json:"sub"`
	Roles        string `json:"roles"`
	Revocation   string `json:"revocation_endpoint"`
}

func (d *deployment) login(t *testing.T, password auth.Secret) reply {
	t.Helper()
	return d.send(t, http.MethodPost, "/auth/login", map[string]string{"email": email, "password": password.Reveal()}, "")
}

func (d *deployment) refresh(t *testing.T, refreshToken string) reply {
	t.Helper()
	return d.send(t, http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": refreshToken}, "")
}

// money requests a route behind the session authorizer.
func (d *deployment) money(t *testing.T, accessToken string) reply {
	t.Helper()
	return d.send(t, http.MethodPost, runtimeapi.CheckedPath, nil, accessToken)
}

// me requests a protected route.
func (d *deployment) me(t *testing.T, accessToken string) reply {
	t.Helper()
	return d.send(t, http.MethodGet, "/me", nil, accessToken)
}

func (d *deployment) send(t *testing.T, method, path string, body any, accessToken string) reply {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if accessToken != "" {
		r.Header.Set("Authorization", "Bearer "+accessToken)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	got := reply{Status: answer.StatusCode}
	_ = json.NewDecoder(answer.Body).Decode(&got) // the gateway's own answers have no body
	return got
}
