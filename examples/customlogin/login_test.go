package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const clientID = "my-app"

// provider is an OpenID Connect provider with the documents that a verifier of ID tokens needs.
type provider struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	answer := func(path string, body func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body())
		})
	}
	answer("/.well-known/openid-configuration", func() any {
		return map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}}
	})
	answer("/keys", func() any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// token returns an ID token for ada. claims replace or extend the usual claims.
func (p *provider) token(t *testing.T, key *rsa.PrivateKey, change map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": p.URL, "aud": clientID, "sub": "ada", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"email": "ada@example.com", "email_verified": true,
	}
	maps.Copy(claims, change)
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

type server struct {
	*provider
	*service.Service
	login    *Login
	sessions *countedSessions
	counters *faultyCounters
}

func newServer(t *testing.T) *server {
	t.Helper()
	h := &server{provider: newProvider(t)}
	stores, err := service.OpenBolt(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	h.sessions, h.counters = &countedSessions{Store: stores.Sessions}, &faultyCounters{Counters: stores.Counters}
	stores.Sessions, stores.Counters = h.sessions, h.counters
	signing, err1 := keyrings.NewSigningRing(token.ES256, time.Now(), rand.Reader)
	refresh, err2 := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	signingText, err3 := signing.Text()
	refreshText, err4 := refresh.Text()
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.Service, err = service.New(t.Context(), service.Settings{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"}, Stores: stores, KeyVersion: 1,
		SigningRing: keyrings.Inline(signingText), RefreshKeys: keyrings.Inline(refreshText),
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.login = h.trust(t, h.provider)
	return h
}

// trust returns a login for users of the provider.
func (h *server) trust(t *testing.T, p *provider) *Login {
	t.Helper()
	found, err := oidc.NewProvider(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLogin(h.Service, found, clientID)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// answer is the part of an answer that a client reads.
type answer struct {
	status       int
	Access       string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Code         string `json:"error"`
}

func (h *server) send(t *testing.T, handler http.Handler, path, body string) (a answer) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	a.status = w.Code
	return a
}

func (h *server) loginWith(t *testing.T, idToken string) answer {
	t.Helper()
	return h.send(t, h.login, "/auth/oidc", `{"id_token":"`+idToken+`"}`)
}

func TestLogin(t *testing.T) {
	h := newServer(t)
	first := h.loginWith(t, h.token(t, h.key, nil))
	if first.status != http.StatusOK {
		t.Fatalf("%+v", first)
	}
	claims, err := h.AccessTokens().Verify(t.Context(), first.Access)
	if err != nil {
		t.Fatal(err)
	}
	refresh, err := h.Handler("refresh")
	if err != nil {
		t.Fatal(err)
	}
	refreshed := h.send(t, refresh, "/auth/refresh", `{"refresh_token":"`+first.RefreshToken+`"}`)
	if refreshed.status != http.StatusOK {
		t.Errorf("the session cannot be refreshed: %+v", refreshed)
	}
	// The address has changed, but the account is the same.
	again := h.loginWith(t, h.token(t, h.key, map[string]any{"email": "ada@example.org"}))
	if c, err := h.AccessTokens().Verify(t.Context(), again.Access); err != nil || c.Subject != claims.Subject || c.SessionID == claims.SessionID {
		t.Errorf("a second login: %+v, %v", c, err)
	}
}

// The session's auth_time is that of the provider, not the time of the ID token: a rule that
// requires a recent login must not accept an old login.
func TestAuthTime(t *testing.T) {
	h := newServer(t)
	hour := time.Now().Add(-time.Hour).Truncate(time.Second)
	for name, row := range map[string]struct {
		claims map[string]any
		want   time.Time
	}{
		"an hour ago":       {map[string]any{"auth_time": hour.Unix(), "azp": clientID}, hour},
		"not told":          {nil, time.Unix(1, 0)},
		"several audiences": {map[string]any{"auth_time": hour.Unix(), "aud": []string{clientID, "other"}, "azp": clientID}, hour},
	} {
		got := h.loginWith(t, h.token(t, h.key, row.claims))
		claims, err := h.AccessTokens().Verify(t.Context(), got.Access)
		if err != nil || !claims.AuthTime.Equal(row.want) {
			t.Errorf("%s: %v, %v, want %v", name, claims.AuthTime, err, row.want)
		}
	}
}

func TestLoginRefused(t *testing.T) {
	h := newServer(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	taken := user.User{ID: "eve", Email: "eve@example.com", Revision: 1, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	disabled := user.User{ID: subjectOf(&oidc.IDToken{Issuer: h.URL, Subject: "bob"}), Email: "bob@example.com", Disabled: true, Revision: 1,
		CreatedAt: time.Now(), UpdatedAt: time.Now()}
	for _, u := range []user.User{taken, disabled} {
		if err := h.Users().Create(t.Context(), u, "1"+string(u.ID)[:3]); err != nil {
			t.Fatal(err)
		}
	}
	minutes := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Minute).Unix() }
	for _, row := range []struct {
		name, token string
		status      int
		code        string
	}{
		{"nothing", "", 401, "invalid_credentials"},
		{"junk", "a.b.c", 401, "invalid_credentials"},
		{"another key", h.token(t, stranger, nil), 401, "invalid_credentials"},
		{"another audience", h.token(t, h.key, map[string]any{"aud": "other"}), 401, "invalid_credentials"},
		{"another issuer", h.token(t, h.key, map[string]any{"iss": "https://evil.example"}), 401, "invalid_credentials"},
		{"issued to another client", h.token(t, h.key, map[string]any{"azp": "other"}), 401, "invalid_credentials"},
		{"several audiences and no azp", h.token(t, h.key, map[string]any{"aud": []string{clientID, "other"}}), 401, "invalid_credentials"},
		{"several audiences and another azp", h.token(t, h.key, map[string]any{"aud": []string{clientID, "other"}, "azp": "other"}), 401, "invalid_credentials"},
		{"expired", h.token(t, h.key, map[string]any{"exp": minutes(-1)}), 401, "invalid_credentials"},
		{"from an older login", h.token(t, h.key, map[string]any{"iat": minutes(-6)}), 401, "invalid_credentials"},
		{"from a future login", h.token(t, h.key, map[string]any{"iat": minutes(6)}), 401, "invalid_credentials"},
		{"no e-mail", h.token(t, h.key, map[string]any{"email": ""}), 403, "email_not_verified"},
		{"an unverified e-mail", h.token(t, h.key, map[string]any{"email_verified": false}), 403, "email_not_verified"},
		{"an e-mail of another account", h.token(t, h.key, map[string]any{"email": "Eve@example.com"}), 403, "email_taken"},
		{"an invalid e-mail", h.token(t, h.key, map[string]any{"email": "ada"}), 403, "email_not_verified"},
		{"a disabled account", h.token(t, h.key, map[string]any{"sub": "bob"}), 401, "invalid_credentials"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := h.loginWith(t, row.token)
			if got.status != row.status || got.Code != row.code || got.Access != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Two concurrent first logins of a user create one account.
func TestFirstLoginsAtOnce(t *testing.T) {
	h := newServer(t)
	var wg sync.WaitGroup
	for i := range 8 {
		idToken := h.token(t, h.key, map[string]any{"jti": fmt.Sprint(i)})
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/auth/oidc", strings.NewReader(`{"id_token":"`+idToken+`"}`))
			w := httptest.NewRecorder()
			if h.login.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	list, err := h.Users().List(t.Context(), "", 10)
	if err != nil || len(list.Users) != 1 {
		t.Errorf("%d accounts, %v", len(list.Users), err)
	}
}
