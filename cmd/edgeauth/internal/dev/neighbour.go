package dev

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// addressFile holds the address of the server that uses the data directory.
const addressFile = "address"

// claim records that the server at address uses the directory, until release is called. The error
// names another server that uses the directory. Each server is a separate issuer, so each would
// refuse the tokens of the other.
func (h Home) claim(ctx context.Context, address string) (release func(), err error) {
	other := h.address()
	if other != "" && other != address && h.servedAt(ctx, other) {
		return nil, fmt.Errorf("the data directory %s is in use by the server at %s; stop that server, or pass another directory with --data", h, other)
	}
	if err := os.WriteFile(h.path(addressFile), []byte(address+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("cannot write to the data directory: %w", err)
	}
	return func() {
		if h.address() == address {
			_ = os.Remove(h.path(addressFile)) // a file that stays is checked at the next start
		}
	}, nil
}

// address returns the recorded address, or "" if no address is recorded.
func (h Home) address() string {
	var address string
	text, err := os.ReadFile(h.path(addressFile))
	if err == nil {
		_, _ = fmt.Sscanln(string(text), &address)
	}
	return address
}

// curious is the client that reads the public keys of the other server. It does not verify the
// certificate, which this machine may not trust: public keys are no secret, and servedAt compares
// them with the keys of the directory.
var curious = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// servedAt reports whether the server at address publishes a key of the directory. A server that was
// killed leaves its address behind, and another program may listen there now.
func (h Home) servedAt(ctx context.Context, address string) bool {
	ring, err := keyrings.Load(ctx, h.SigningRing(), keyrings.SigningRing)
	if err != nil {
		return false
	}
	own, err := ring.PublicKeys(ring.Current())
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/.well-known/jwks.json", nil)
	if err != nil {
		return false
	}
	answer, err := curious.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return false
	}
	published, err := token.ParseJWKS(body)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(published.Keys(), func(k token.Key) bool {
		_, err := own.Key(ctx, k.ID())
		return err == nil
	})
}
