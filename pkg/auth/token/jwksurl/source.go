// Package jwksurl reads the public keys of an issuer from an https URL and refreshes them.
//
//	keys, err := jwksurl.New(jwksurl.Config{URL: "https://issuer.example.com/.well-known/jwks.json"})
//	...
//	other := token.OtherIssuer{Issuer: "https://issuer.example.com", Keys: keys, ...}
//
// Use it for issuers that rotate their keys without notice. If an issuer announces its rotations,
// put its keys into a file of the deployment instead: a file does not depend on the network. Only
// this package links net/http; package token does not.
//
// A [Source] requests the keys for the first token. It requests them again when they are 15 minutes
// old, or when a token has an unknown kid. Concurrent callers share one request. If the issuer is
// unreachable or its answer is not a valid, non-empty key set, the previous keys remain in use for
// up to 24 hours.
//
// Two requests are at least a minute apart, whether or not the first succeeds. An attacker
// can therefore not use invented kids, or an outage of the issuer, to make an authorizer flood the
// issuer with requests.
package jwksurl

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/loopback"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The times of a [Source].
const (
	// freshFor is the age at which keys are requested again. A withdrawn key is accepted until
	// then.
	freshFor = 15 * time.Minute
	// staleFor is the age at which keys are dropped, even if the issuer is unreachable.
	staleFor = 24 * time.Hour
	// retryAfter is the minimum time between two requests.
	retryAfter = time.Minute
	// firstRetryAfter replaces retryAfter while there are no keys, because every token waits then.
	firstRetryAfter = 5 * time.Second
	// timeout is the maximum duration of a request, including the body.
	timeout = 3 * time.Second
)

// Config holds the settings of a [Source].
type Config struct {
	URL   string           // https, or http for a loopback host; without user and fragment
	Roots *x509.CertPool   // trusted certificate authorities; nil means those of the system
	Now   func() time.Time // the clock; nil means time.Now
	// Skipped is called for each key of an answer that cannot verify tokens here, with the reason;
	// see [token.KeySet.Skipped]. nil ignores them. It is called by one goroutine at a time.
	Skipped func(error)
}

// Source is the key set at a URL. It implements [token.Keys] and is safe for concurrent use.
type Source struct {
	url     string
	client  *http.Client
	now     func() time.Time
	skipped func(error) // or nil

	mu      sync.Mutex
	keys    token.KeySet
	since   time.Time // when the keys were read; zero without keys
	tried   time.Time // when the last request began
	failed  error     // the error of the last request; nil after a success
	request *request  // the current request, or nil
}

// request is a request that several callers wait for.
type request struct{ done chan struct{} }

// New returns a Source. It makes no request, so that a process starts even if the issuer is down.
// The error of an invalid field names the field and what it must hold.
func New(c Config) (*Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || !secure(u) || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("jwksurl: URL must be an https URL without user and fragment (http only for loopback); it is %q", c.URL)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Source{url: c.URL, client: newClient(c.Roots), now: c.Now, skipped: c.Skipped}, nil
}

// secure reports whether no other host can answer for the URL.
func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback.IsHost(u.Hostname())
}

// Key returns the key with the given kid. If the issuer has no such key, according to a request of
// the last minute, the error wraps [auth.ErrNotFound]. If that is unknown because the request
// failed, the error wraps [auth.ErrUnavailable]. Key returns early if ctx is cancelled.
func (s *Source) Key(ctx context.Context, kid string) (token.Key, error) {
	key, wait, err := s.look(ctx, kid)
	if wait == nil {
		return key, err
	}
	select {
	case <-wait.done:
	case <-ctx.Done():
		return token.Key{}, fmt.Errorf("jwksurl: %w: %w", auth.ErrUnavailable, ctx.Err())
	}
	return s.held(kid)
}

// look returns the key with the given kid, or the request to wait for.
func (s *Source) look(ctx context.Context, kid string) (token.Key, *request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.known(ctx, kid)
	due := err != nil || s.age() >= freshFor
	switch {
	case due && s.request == nil && s.now().Sub(s.tried) >= s.pause():
		// A caller that finds the keys old waits for the new keys: Lambda would freeze a request
		// that outlives the answer.
		s.tried = s.now()
		s.request = &request{make(chan struct{})}
		go s.ask(context.WithoutCancel(ctx), s.request)
		return token.Key{}, s.request, nil
	case err != nil && s.request != nil:
		return token.Key{}, s.request, nil
	case err != nil:
		return token.Key{}, nil, s.unknown()
	}
	return key, nil, nil
}

// held returns the key with the given kid from the current keys.
func (s *Source) held(kid string) (token.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.known(context.Background(), kid)
	if err != nil {
		return token.Key{}, s.unknown()
	}
	return key, nil
}

// known, age, pause and unknown require the lock.
func (s *Source) known(ctx context.Context, kid string) (token.Key, error) {
	if s.age() >= staleFor {
		return token.Key{}, auth.ErrNotFound
	}
	return s.keys.Key(ctx, kid)
}

func (s *Source) age() time.Duration { return s.now().Sub(s.since) }

func (s *Source) pause() time.Duration {
	if s.age() >= staleFor {
		return firstRetryAfter
	}
	return retryAfter
}

// unknown returns the error for an unknown kid. After a failed request the issuer may have the key.
func (s *Source) unknown() error {
	if s.failed != nil {
		return fmt.Errorf("jwksurl: %w: %w", auth.ErrUnavailable, s.failed)
	}
	return fmt.Errorf("jwksurl: key of this kid: %w", auth.ErrNotFound)
}

// ask makes one request. The request does not end with the context of its first caller, because
// other callers wait for it too.
func (s *Source) ask(ctx context.Context, r *request) {
	keys, err := fetch(ctx, s.client, s.url)
	if s.skipped != nil {
		for _, reason := range keys.Skipped() {
			s.skipped(reason)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.since = keys, s.now()
	}
	s.request = nil
	close(r.done)
}
