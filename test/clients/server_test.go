// Package clients_test checks edgeauth's endpoints and tokens with other projects' clients,
// unchanged and at pinned versions: OAuth clients that refresh and revoke, libraries that verify
// access tokens, and the written rules of AWS's own authorizers. It has its own module, so that no
// other module depends on the Go clients. test/fetch.sh fetches the other clients.
package clients_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	audience = "https://api.example.com"
	email    = "ada@example.com"
	secret   = "correct horse battery"
	scope    = "read write"
	keysPath = "/.well-known/jwks.json"
)

// algorithms are the algorithms that a deployment can choose.
var algorithms = []token.Algorithm{token.RS256, token.ES256, token.EdDSA}

// server is the whole service at one loopback address, which is its issuer. Each route is behind
// the gateway, as on Lambda.
type server struct {
	*service.Service
	*httptest.Server
	alg   token.Algorithm
	ring  keyrings.Source // the signing keys
	clock clock
	log   log
	asked atomic.Int32 // requests for the key set
}

// clock stands still, except that every refresh advances it by step. Minutes of a session then pass
// in a moment.
type clock struct {
	mu   sync.Mutex
	at   time.Time
	step time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(c.step)
}

// log collects the audit lines.
type log struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

// outcomes returns the outcomes of the decisions since its last call, in order. A decision without
// an outcome is "".
func (l *log) outcomes(t *testing.T) (found []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := json.NewDecoder(&l.lines); d.More(); {
		var line struct{ Outcome string }
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		found = append(found, line.Outcome)
	}
	l.lines.Reset()
	return found
}

// newServer starts a server with one user. scheme is https or http.
func newServer(t *testing.T, scheme string, alg token.Algorithm) *server {
	t.Helper()
	unstarted := httptest.NewUnstartedServer(nil)
	t.Cleanup(unstarted.Close)
	h := &server{Server: unstarted, alg: alg, clock: clock{at: time.Now()}}
	issuer := scheme + "://" + unstarted.Listener.Addr().String()

	signing, err1 := keyrings.NewSigningRing(alg, h.clock.now(), rand.Reader)
	refresh, err2 := keyrings.NewRefreshRing(h.clock.now(), rand.Reader)
	logins, err3 := keyrings.NewLoginRing(h.clock.now(), rand.Reader)
	signingText, err4 := signing.Text()
	refreshText, err5 := refresh.Text()
	loginText, err6 := logins.Text()
	stores, err7 := service.OpenBolt(filepath.Join(t.TempDir(), "store.db"))
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	h.ring = keyrings.Inline(signingText)
	people := user.Directory{Store: stores.Users, Hasher: &password.Hasher{}}
	if _, err := people.Add(t.Context(), email, auth.NewSecret(secret), nil); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.Service, err = service.New(t.Context(), service.Settings{
		Issuer: issuer, Audience: []string{audience},
		SigningRing: h.ring, RefreshKeys: keyrings.Inline(refreshText), LoginRing: keyrings.Inline(loginText),
		KeyVersion: 1, Stores: stores,
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, Scope: strings.Fields(scope)},
		Log:    &h.log, Now: h.clock.now,
	}); err != nil {
		t.Fatal(err)
	}
	unstarted.Config.Handler = h.routes(t)
	if scheme == "https" {
		unstarted.StartTLS()
	} else {
		unstarted.Start()
	}
	return h
}

func (h *server) routes(t *testing.T) http.Handler {
	t.Helper()
	functions, err := h.Handlers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	functions["refresh"], functions["discovery"] = h.stepping(functions["refresh"]), h.counting(functions["discovery"])
	routes := http.NewServeMux()
	for _, row := range route.Table() {
		routes.Handle(row.Pattern, behindGateway(row, gateway.Handler(functions[row.Function])))
	}
	return routes
}

func (h *server) stepping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.clock.advance()
		next.ServeHTTP(w, r)
	})
}

func (h *server) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == keysPath {
			h.asked.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// behindGateway passes a request to a Lambda function as API Gateway does.
func behindGateway(row route.Row, function standin.Function) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := standin.EventOf(r, standin.Origin{
			RouteKey: row.Pattern, RequestID: rand.Text(), Time: time.Now(),
		})
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		answer, err := function(r.Context(), event)
		if err == nil {
			err = standin.WriteAnswer(w, answer)
		}
		if err != nil {
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		}
	})
}

// tokens is the answer to a login.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (h *server) login(t *testing.T) (got tokens) {
	t.Helper()
	body := strings.NewReader(`{"email":"` + email + `","password":"` + secret + `"}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/auth/login", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	err = json.NewDecoder(answer.Body).Decode(&got)
	if err != nil || answer.StatusCode != http.StatusOK || got.Refresh == "" {
		t.Fatalf("login: %s, %v", answer.Status, err)
	}
	return got
}

// verify checks an access token of this server with edgeauth's own verifier.
func (h *server) verify(t *testing.T, access string) {
	t.Helper()
	keys, err := h.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: h.URL, Audience: []string{audience}, Keys: keys, Now: h.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), access); err != nil {
		t.Error(err)
	}
}

// authority returns the file of the certificate of an https server, or "" for http.
func (h *server) authority(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authority.pem")
	if h.Certificate() == nil {
		return ""
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
