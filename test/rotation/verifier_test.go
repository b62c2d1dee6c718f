package rotation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	// gatewayCache is how long API Gateway's native JWT authorizers keep a key set, whatever kid they meet meanwhile.
	gatewayCache = 2 * time.Hour
	// balancerPause is what lies at least between two fetches of a verifier that asks anew for an unknown kid.
	balancerPause = 15 * time.Minute
)

// verifier is somebody else's: it gets its keys where discovery publishes them.
type verifier struct {
	w       *world
	name    string
	cache   time.Duration // how long a key set is kept; 0 is for ever
	asks    bool          // again, for a kid that it does not know
	behind  *proxy        // a cache on the way to discovery; nil for none
	checks  *token.Verifier
	keys    token.KeySet
	text    string // of the keys
	fetched time.Time
}

// addVerifiers adds gateways and load balancers, half of them behind a cache that does as discovery's answer says.
func (w *world) addVerifiers() {
	w.t.Helper()
	edge := &proxy{w: w}
	for i := range 8 {
		v := &verifier{w: w, name: fmt.Sprintf("gateway %d", i+1), cache: gatewayCache}
		if i >= 6 {
			v.name, v.cache, v.asks = fmt.Sprintf("load balancer %d", i-5), 0, true
		}
		if i%2 == 1 {
			v.behind = edge
		}
		var err error
		v.checks, err = token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: v, Now: func() time.Time { return w.now },
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.verifiers = append(w.verifiers, v)
	}
}

// Key implements token.Keys.
func (v *verifier) Key(ctx context.Context, kid string) (token.Key, error) {
	age := v.w.now.Sub(v.fetched)
	if v.text == "" || v.cache > 0 && age >= v.cache {
		v.fetch()
	}
	key, err := v.keys.Key(ctx, kid)
	if errors.Is(err, auth.ErrNotFound) && v.asks && age >= balancerPause {
		v.fetch()
		key, err = v.keys.Key(ctx, kid)
	}
	return key, err
}

func (v *verifier) fetch() {
	v.w.t.Helper()
	text := ""
	if v.behind != nil {
		text = v.behind.get()
	} else {
		text, _ = v.w.discover()
	}
	keys, err := token.ParseJWKS([]byte(text))
	if err != nil {
		v.w.t.Fatal(err)
	}
	v.keys, v.text, v.fetched = keys, strings.TrimSpace(text), v.w.now
	if v.asks {
		v.w.count[balancerFetches]++
	} else {
		v.w.count[gatewayFetches]++
	}
}

// proxy is a cache in front of discovery.
type proxy struct {
	w    *world
	text string
	ends time.Time
}

func (p *proxy) get() string {
	if p.text == "" || !p.w.now.Before(p.ends) {
		text, age := p.w.discover()
		p.text, p.ends = text, p.w.now.Add(age)
	}
	return p.text
}

// discover asks discovery for the public keys, and how long they may be kept.
func (w *world) discover() (text string, age time.Duration) {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.instance("discovery").http.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	seconds, err := strconv.Atoi(strings.TrimPrefix(answer.Header().Get("Cache-Control"), "public, max-age="))
	if err != nil || answer.Code != http.StatusOK {
		w.t.Fatalf("discovery answers %d, %v", answer.Code, answer.Header())
	}
	return answer.Body.String(), time.Duration(seconds) * time.Second
}

// check returns why the verifier refuses a token, or nothing.
func (v *verifier) check(a *access) string {
	_, err := v.checks.Verify(v.w.t.Context(), a.text)
	if err != nil {
		if reason := token.ReasonOf(err); reason != "" {
			return string(reason)
		}
		return err.Error()
	}
	if v.asks {
		v.w.count[balancerHits]++
		return ""
	}
	v.w.count[gatewayHits]++
	if v.text != v.w.aliases["discovery"].main.jwks {
		v.w.count[gatewayStale]++
	}
	if v.fetched.Before(v.w.first[a.kid]) {
		v.w.count[gatewayFirst]++
	}
	return ""
}
