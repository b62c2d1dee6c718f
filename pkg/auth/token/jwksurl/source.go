// Package jwksurl reads the keys of another issuer from an https URL. It is there for issuers that rotate their keys
// without telling us; where one does not, its keys are better off in a file of the deployment, which no network can
// withhold. Package token itself links no net/http.
//
// The keys are asked for at the first token, and again when they are FreshFor old or a token names a kid that is not
// among them. Callers share one request. While the issuer cannot be reached, or answers with what is no good key set (an empty
// one too), the keys it had go on for StaleFor.
// Between two requests lies at least RetryAfter, however the first one ended: nobody can make an authorizer knock at
// an issuer's door by inventing kids, nor by taking it down.
package jwksurl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The times of a Source.
const (
	FreshFor   = 15 * time.Minute // keys as old as this are asked for again; one that was withdrawn lives on until then
	StaleFor   = 24 * time.Hour   // keys as old as this are not believed any more, whatever keeps us from new ones
	RetryAfter = time.Minute
	// FirstRetryAfter is the pause while there are no keys at all, and so every token waits.
	FirstRetryAfter = 5 * time.Second
	Timeout         = 3 * time.Second // of one request, the body included
)

// Config is what a Source needs.
type Config struct {
	URL   string         // https, without user or fragment
	Roots *x509.CertPool // who may vouch for the server; nil for the system's
	Now   func() time.Time
}

// Source is a key set behind a URL. It implements token.Keys and is safe for concurrent use.
type Source struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	keys    token.KeySet
	since   time.Time // when keys were read; zero where there are none
	tried   time.Time // when the last request began
	failed  error     // why the last request brought nothing; nil where it did
	request *request  // under way; nil for none
}

// request is one request that callers wait for together.
type request struct{ done chan struct{} }

// New returns a Source that has asked for nothing yet: an issuer that is down must not keep us from starting. Its
// error names the field and what it should hold.
func New(c Config) (*Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("jwksurl: URL must hold an https URL without user or fragment; it holds %q", c.URL)
	}
	if c.Now == nil {
		return nil, errors.New("jwksurl: Now must hold a clock")
	}
	return &Source{url: c.URL, client: newClient(c.Roots), now: c.Now}, nil
}

// Key returns the key of a kid. Its error wraps auth.ErrNotFound where the issuer has no such key, as far as it told
// within the last minute, and auth.ErrUnavailable where that cannot be known.
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

// look returns the key of a kid, or the request to wait for before there is an answer.
func (s *Source) look(ctx context.Context, kid string) (token.Key, *request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.known(ctx, kid)
	due := err != nil || s.age() >= FreshFor
	switch {
	case due && s.request == nil && s.now().Sub(s.tried) >= s.pause():
		// Whoever finds the keys old waits for new ones: what is left running behind an answer, Lambda freezes.
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

// held returns the key of a kid as far as it is known now.
func (s *Source) held(kid string) (token.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.known(context.Background(), kid)
	if err != nil {
		return token.Key{}, s.unknown()
	}
	return key, nil
}

// known, age, pause and unknown need the lock.
func (s *Source) known(ctx context.Context, kid string) (token.Key, error) {
	if s.age() >= StaleFor {
		return token.Key{}, auth.ErrNotFound
	}
	return s.keys.Key(ctx, kid)
}

func (s *Source) age() time.Duration { return s.now().Sub(s.since) }

func (s *Source) pause() time.Duration {
	if s.age() >= StaleFor {
		return FirstRetryAfter
	}
	return RetryAfter
}

// unknown says why there is no key of some kid. After a request that failed the key may well be there.
func (s *Source) unknown() error {
	if s.failed != nil {
		return fmt.Errorf("jwksurl: %w: %w", auth.ErrUnavailable, s.failed)
	}
	return fmt.Errorf("jwksurl: key of this kid: %w", auth.ErrNotFound)
}

// ask makes one request. No caller's end is its end, since others wait for it too.
func (s *Source) ask(ctx context.Context, r *request) {
	keys, err := fetch(ctx, s.client, s.url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.since = keys, s.now()
	}
	s.request = nil
	close(r.done)
}
