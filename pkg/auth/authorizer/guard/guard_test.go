package guard_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer/guard"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
)

type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	text, ok := v[name]
	return text, ok
}

// deployment is an edgeauth deployment whose keys rotate as docs/keys.md says: version n signs, n+1
// is published already, and n-1 is still published.
type deployment struct {
	*httptest.Server
	keys    []token.SigningKey
	version atomic.Int32 // of the key that signs, from 1
	broken  atomic.Bool
	asked   atomic.Int32
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{}
	d.version.Store(1)
	for range 8 {
		key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d.keys = append(d.keys, key)
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		if d.broken.Load() {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, d.jwks())
	}))
	t.Cleanup(d.Close)
	return d
}

// jwks returns the public keys of the version.
func (d *deployment) jwks() string {
	var all []string
	signs := d.version.Load()
	for version := max(1, signs-1); version <= signs+1; version++ {
		all = append(all, string(d.keys[version-1].Public().JWK()))
	}
	return `{"keys":[` + strings.Join(all, ",") + `]}`
}

// SigningKey implements token.SigningKeys.
func (d *deployment) SigningKey(context.Context) (token.SigningKey, error) {
	return d.keys[d.version.Load()-1], nil
}

func (d *deployment) token(t *testing.T) string {
	t.Helper()
	i, err := token.NewIssuer(token.IssuerConfig{Issuer: issuer, Audience: []string{audience}, Keys: d, Lifetime: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := i.Issue(t.Context(), token.Grant{Subject: auth.Subject{ID: "ada"}, SessionID: "s", Client: auth.DefaultClient, AuthTime: time.Now(),
		NotAfter: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Text.Reveal()
}

// container is a running program, with a clock for its keys.
type container struct {
	*httptest.Server
	log   *journal
	later atomic.Int64 // how far the clock is ahead
}

func (c *container) now() time.Time { return time.Now().Add(time.Duration(c.later.Load())) }

func (c *container) advance(d time.Duration) { c.later.Add(int64(d)) }

// journal is a log that a test reads while the program runs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func start(t *testing.T, keys variables) *container {
	t.Helper()
	c := &container{log: &journal{}}
	environment := variables{config.Issuer: issuer, config.Audience: audience}
	for name, value := range keys {
		environment[name] = value
	}
	a, err := guard.From(environment.lookup, c.log, c.now)
	if err != nil {
		t.Fatal(err)
	}
	c.Server = httptest.NewServer(a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprint(w, p.Subject)
	})))
	t.Cleanup(c.Close)
	return c
}

func (c *container) status(t *testing.T, text string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// TestRotationsBehindAMiddleware rotates the keys three times while two programs run. The program
// with its keys in the environment refuses every token after the second rotation. The program with
// a URL continues, and also accepts the tokens from before each rotation.
func TestRotationsBehindAMiddleware(t *testing.T) {
	d := newDeployment(t)
	byURL, fixed := start(t, variables{config.JWKSURL: d.URL}), start(t, variables{config.JWKS: d.jwks()})
	for rotations := range 4 {
		fresh := d.token(t)
		if got := byURL.status(t, fresh); got != http.StatusOK {
			t.Errorf("after %d rotations: %d, with keys by URL", rotations, got)
		}
		want := http.StatusOK
		if rotations >= 2 {
			want = http.StatusUnauthorized
		}
		if got := fixed.status(t, fresh); got != want {
			t.Errorf("after %d rotations: %d, with keys of the start, want %d", rotations, got, want)
		}
		d.version.Add(1)
		byURL.advance(3 * time.Hour) // the least time between two rotations
		if got := byURL.status(t, fresh); got != http.StatusOK {
			t.Errorf("a token from before rotation %d: %d", rotations+1, got)
		}
	}
	// A withdrawn key is not accepted for longer than the keys are fresh.
	old := d.token(t)
	d.version.Add(2)
	byURL.advance(15 * time.Minute)
	if got := byURL.status(t, old); got != http.StatusUnauthorized {
		t.Errorf("a token of a withdrawn key: %d", got)
	}
}

// TestOutageOfTheURL: the program starts without the issuer, answers 503 and not 401 until it has
// keys, and then keeps the keys that it has.
func TestOutageOfTheURL(t *testing.T) {
	d := newDeployment(t)
	d.broken.Store(true)
	c := start(t, variables{config.JWKSURL: d.URL})
	if n := d.asked.Load(); n != 0 {
		t.Errorf("the start makes %d requests", n)
	}
	if got := c.status(t, d.token(t)); got != http.StatusServiceUnavailable || !strings.Contains(c.log.String(), `"reason":"keys_unavailable"`) {
		t.Errorf("without keys: %d, logged as %s", got, c.log)
	}
	d.broken.Store(false)
	c.advance(time.Minute)
	if got := c.status(t, d.token(t)); got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
	d.broken.Store(true)
	c.advance(23 * time.Hour)
	if got := c.status(t, d.token(t)); got != http.StatusOK {
		t.Errorf("in a later outage: %d", got)
	}
}

// TestFromEnvironmentNamesTheVariable: exactly one variable must say where the keys are, and the
// error names each mistake.
func TestFromEnvironmentNamesTheVariable(t *testing.T) {
	d := newDeployment(t)
	url := d.URL
	file := filepath.Join(t.TempDir(), "missing.json")
	for name, row := range map[string]struct {
		keys variables
		want []string
	}{
		"none":              {variables{}, []string{config.JWKS + " is not set", config.JWKSFile, config.JWKSURL}},
		"a URL and a text":  {variables{config.JWKSURL: url, config.JWKS: d.jwks()}, []string{config.JWKSURL + " and " + config.JWKS}},
		"a URL and a file":  {variables{config.JWKSURL: url, config.JWKSFile: file}, []string{config.JWKSURL + " and ", config.JWKSFile}},
		"a text and a file": {variables{config.JWKS: d.jwks(), config.JWKSFile: file}, []string{config.JWKS + " and " + config.JWKSFile}},
		"http":              {variables{config.JWKSURL: "http://auth.example.com/jwks.json"}, []string{config.JWKSURL + ": ", "https URL"}},
		"no URL":            {variables{config.JWKSURL: "auth.example.com"}, []string{config.JWKSURL + ": ", "https URL"}},
		"a user":            {variables{config.JWKSURL: "https://me@auth.example.com/jwks.json"}, []string{config.JWKSURL + ": "}},
		"no issuer":         {variables{config.JWKSURL: url, config.Issuer: ""}, []string{config.Issuer + " is not set"}},
		"wrong rules":       {variables{config.JWKSURL: url, config.Config: `{"routes":[]}`}, []string{config.Config}},
		"a missing file":    {variables{config.JWKSFile: file}, []string{config.JWKSFile}},
	} {
		environment := variables{config.Issuer: issuer, config.Audience: audience}
		for name, value := range row.keys {
			environment[name] = value
		}
		_, err := guard.From(environment.lookup, nil, time.Now)
		for _, want := range row.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
	for name, value := range map[string]string{config.Issuer: issuer, config.Audience: audience, config.JWKSURL: "https://auth.example.com/.well-known/jwks.json"} {
		t.Setenv(name, value)
	}
	if _, err := guard.FromEnvironment(); err != nil {
		t.Errorf("from the environment of the process: %v", err)
	}
}
