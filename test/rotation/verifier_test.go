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
	// gatewayCache is how long the native JWT authorizers of API Gateway keep a key set, even if
	// they see an unknown kid.
	gatewayCache = 2 * time.Hour
	// balancerPause is the minimum time between two requests of a verifier that requests keys for
	// an unknown kid.
	balancerPause = 15 * time.Minute
)

// verifier is an external verifier, which reads the keys that discovery publishes.
type verifier struct {
	sim     *simulation
	name    string
	cache   time.Duration // how long a key set is kept; 0 means forever
	asks    bool          // requests the keys again for an unknown kid
	behind  *proxy        // a cache in front of discovery, or nil
	checks  *token.Verifier
	keys    token.KeySet
	text    string // the JSON of the keys
	fetched time.Time
}

// addVerifiers adds gateways and load balancers. Half of them are behind a cache that follows the
// Cache-Control of discovery.
func (sim *simulation) addVerifiers() {
	sim.t.Helper()
	edge := &proxy{sim: sim}
	for i := range 8 {
		v := &verifier{sim: sim, name: fmt.Sprintf("gateway %d", i+1), cache: gatewayCache}
		if i >= 6 {
			v.name, v.cache, v.asks = fmt.Sprintf("load balancer %d", i-5), 0, true
		}
		if i%2 == 1 {
			v.behind = edge
		}
		var err error
		v.checks, err = token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: v, Now: func() time.Time { return sim.now },
		})
		if err != nil {
			sim.t.Fatal(err)
		}
		sim.verifiers = append(sim.verifiers, v)
	}
}

// Key implements token.Keys.
func (v *verifier) Key(ctx context.Context, kid string) (token.Key, error) {
	age := v.sim.now.Sub(v.fetched)
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
	v.sim.t.Helper()
	text := ""
	if v.behind != nil {
		text = v.behind.get()
	} else {
		text, _ = v.sim.discover()
	}
	keys, err := token.ParseJWKS([]byte(text))
	if err != nil {
		v.sim.t.Fatal(err)
	}
	v.keys, v.text, v.fetched = keys, strings.TrimSpace(text), v.sim.now
	if v.asks {
		v.sim.count[balancerFetches]++
	} else {
		v.sim.count[gatewayFetches]++
	}
}

// proxy is a cache in front of discovery.
type proxy struct {
	sim  *simulation
	text string
	ends time.Time
}

func (p *proxy) get() string {
	if p.text == "" || !p.sim.now.Before(p.ends) {
		text, age := p.sim.discover()
		p.text, p.ends = text, p.sim.now.Add(age)
	}
	return p.text
}

// discover requests the public keys and returns them with their cache lifetime.
func (sim *simulation) discover() (text string, age time.Duration) {
	sim.t.Helper()
	answer := httptest.NewRecorder()
	sim.instance("discovery").http.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	seconds, err := strconv.Atoi(strings.TrimPrefix(answer.Header().Get("Cache-Control"), "public, max-age="))
	if err != nil || answer.Code != http.StatusOK {
		sim.t.Fatalf("discovery answers %d, %v", answer.Code, answer.Header())
	}
	return answer.Body.String(), time.Duration(seconds) * time.Second
}

// check returns the reason why the verifier refuses a token, or "".
func (v *verifier) check(a *access) string {
	_, err := v.checks.Verify(v.sim.t.Context(), a.text)
	if err != nil {
		if reason := token.ReasonOf(err); reason != "" {
			return string(reason)
		}
		return err.Error()
	}
	if v.asks {
		v.sim.count[balancerHits]++
		return ""
	}
	v.sim.count[gatewayHits]++
	if v.text != v.sim.aliases["discovery"].main.jwks {
		v.sim.count[gatewayStale]++
	}
	if v.fetched.Before(v.sim.first[a.kid]) {
		v.sim.count[gatewayFirst]++
	}
	return ""
}
