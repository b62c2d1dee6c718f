package authtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Password is the password of every account that AddUser makes.
const Password = "correct horse battery staple"

// Config says how an Authority differs from a deployment without any configuration. All fields are
// optional.
type Config struct {
	// Issuer is the iss of tokens. The default is https://auth.example.com, and for a Server the
	// URL of the Server.
	Issuer string
	// Audience is the aud of tokens. The default is the issuer, as in a deployment
	// whose parameter Audience is empty.
	Audience []string
	// Algorithm signs tokens: token.RS256, token.ES256 or token.EdDSA. The default is RS256, as in
	// a deployment. The keys of an algorithm are made once in a process, which takes a third of a
	// second for RS256. Every Authority of the process shares them.
	Algorithm token.Algorithm
	// Start is the initial time of Clock. The default is the time of the call of New, in whole
	// seconds, so that tokens are valid for an API under test with its own clock.
	Start time.Time
	// Settings, if not nil, changes the settings of the service before it is made: clients, limits,
	// stores.
	Settings func(*service.Settings)
}

// Authority issues tokens, and holds the accounts and sessions behind them. Its methods end the
// test if they fail. It is safe for concurrent use, but a method that fails must run in the test's
// own goroutine (see testing.T.FailNow).
type Authority struct {
	Issuer   string
	Audience []string
	// Clock is the clock of tokens, accounts and sessions.
	Clock *Clock
	// Verifier verifies the tokens of this Authority, for Audience and at the time of Clock. It has
	// only the public keys, like the verifier of an authorizer.
	Verifier *token.Verifier
	// Handler serves every route of edgeauth: login, refresh, logout, the public keys and so on.
	// For the routes that need a session it first checks the access token.
	Handler http.Handler
	// Users creates, changes and disables accounts, like the command edgeauth user.
	Users *user.Directory
	// Service has the parts of the deployment: the manager of sessions, the store, the clients.
	Service *service.Service

	t        testing.TB
	settings service.Settings
	signing  *keyring.Signing
	issuer   *token.Issuer
	next     token.SigningKey
}

// New returns an Authority with its own stores, which end with the test.
func New(t testing.TB, c Config) *Authority {
	t.Helper()
	a := &Authority{t: t}
	a.make(c)
	return a
}

func (a *Authority) make(c Config) {
	a.t.Helper()
	c.Issuer = cmp.Or(c.Issuer, "https://auth.example.com")
	if len(c.Audience) == 0 {
		c.Audience = []string{c.Issuer}
	}
	if c.Start.IsZero() {
		c.Start = time.Now().Truncate(time.Second)
	}
	a.Clock = &Clock{now: c.Start}
	keys, err := ringsOf(cmp.Or(c.Algorithm, token.RS256))
	a.must("make the keys", err)
	db, err := bolt.OpenTemp(a.t)
	a.must("open the store", err)
	a.next = keys.next
	a.settings = service.Settings{
		Issuer: c.Issuer, Audience: c.Audience,
		SigningRing: keys.signing, RefreshKeys: keys.refresh, LoginRing: keys.login, KeyVersion: 1,
		Stores:              service.Stores{Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows()},
		Client:              auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
		AccessTokenLifetime: 15 * time.Minute,
		Hasher:              hasher{},
		Now:                 a.Clock.Now,
	}
	if c.Settings != nil {
		c.Settings(&a.settings)
	}
	s := a.settings
	if s.Hasher == nil {
		s.Hasher = password.Hasher{Cost: s.PasswordCost}
	}
	a.Service, err = service.New(context.Background(), s)
	a.must("make the service", err)
	public, err := a.Service.PublicKeys(context.Background())
	a.must("read the public keys", err)
	a.Verifier, err = token.NewVerifier(token.VerifierConfig{Issuer: s.Issuer, Audience: s.Audience, Keys: public, Now: s.Now})
	a.must("make the verifier", err)
	a.Issuer, a.Audience = s.Issuer, s.Audience
	a.Users = &user.Directory{Store: s.Stores.Users, Sessions: s.Stores.Sessions, Hasher: s.Hasher, Policy: s.Policy, Now: s.Now}
	a.Handler, err = newHandler(a.Service, a.Verifier, s.Now)
	a.must("make the handlers", err)
	a.signing, err = keyring.LoadSigning(context.Background(), s.SigningRing, s.KeyVersion, s.Now)
	a.must("read the signing ring", err)
	a.issuer, err = token.NewIssuer(token.IssuerConfig{
		Issuer: s.Issuer, Audience: s.Audience, Keys: a.signing, Lifetime: s.AccessTokenLifetime,
		Clients: a.Service.Clients(), Now: s.Now, Rand: rand.Reader,
	})
	a.must("make the issuer", err)
}

// must ends the test if err is not nil.
func (a *Authority) must(what string, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("authtest: %s: %v", what, err)
	}
}

// Token returns an access token that is valid now, as a deployment issues it. Each change may
// change the content of the token:
//
//	a.Token("ada", func(g *token.Grant) { g.Subject.Roles = []string{"admin"} })
//
// The subject needs no account, and no store has the token's session. Use Login for a token whose
// session can be read.
func (a *Authority) Token(subject auth.SubjectID, changes ...func(*token.Grant)) string {
	a.t.Helper()
	now := a.Clock.Now()
	g := token.Grant{
		Subject:   auth.Subject{ID: subject},
		SessionID: session.IDOf(auth.NewSecret(rand.Text())).String(),
		Client:    cmp.Or(a.settings.Client.ID, auth.DefaultClient), Scope: a.settings.Client.Scope,
		AuthTime: now, NotAfter: now.Add(token.MaxLifetime),
	}
	for _, change := range changes {
		change(&g)
	}
	access, err := a.issuer.Issue(context.Background(), g)
	a.must("issue a token", err)
	return access.Text.Reveal()
}

// Sign returns a JWS of this header and this payload, which may be any texts, under the current
// signing key. An empty header means the header of a valid token.
func (a *Authority) Sign(header, payload string) string {
	a.t.Helper()
	s := a.signer()
	text, err := s.sign(cmp.Or(header, s.header()), payload)
	a.must("sign", err)
	return text
}

func (a *Authority) signer() signer {
	a.t.Helper()
	key, err := a.signing.SigningKey(context.Background())
	a.must("read the signing key", err)
	s, err := newSigner(key)
	a.must("read the signing key", err)
	return s
}

// JWKS returns the public keys as edgeauth publishes them (RFC 7517, section 5), for a verifier
// that takes them as a text, such as EDGEAUTH_JWKS.
func (a *Authority) JWKS() string {
	a.t.Helper()
	keys, err := a.Service.PublicKeys(context.Background())
	a.must("read the public keys", err)
	text, err := json.Marshal(keys)
	a.must("write the public keys", err)
	return string(text)
}

// AddUser creates an account with this e-mail address, these roles and the password Password.
func (a *Authority) AddUser(email string, roles ...string) user.User {
	a.t.Helper()
	u, err := a.Users.Add(context.Background(), email, auth.NewSecret(Password), roles)
	a.must("add "+email, err)
	return u
}

// Login logs in an account with the password Password, through Handler, and returns the tokens of
// its new session. If Settings.Steps require a second factor, pass its code as oneTimeCode; more
// than one code ends the test.
func (a *Authority) Login(email string, oneTimeCode ...string) (access, refresh string) {
	a.t.Helper()
	request := map[string]string{"email": email, "password": Password}
	switch len(oneTimeCode) {
	case 0:
	case 1:
		request["one_time_code"] = oneTimeCode[0]
	default:
		a.t.Fatalf("authtest: log %s in: %d codes (want at most one)", email, len(oneTimeCode))
	}
	body, err := json.Marshal(request)
	a.must("log in", err)
	r := httptest.NewRequest(http.MethodPost, a.Issuer+"/auth/login", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.Handler.ServeHTTP(w, r)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); w.Code != http.StatusOK || err != nil {
		a.t.Fatalf("authtest: log %s in: %d %s", email, w.Code, w.Body)
	}
	return tokens.Access, tokens.Refresh
}
