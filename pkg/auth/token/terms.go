package token

import (
	"fmt"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// terms holds what the tokens of a client have in common.
type terms struct {
	audience []string
	lifetime time.Duration
	email    bool // whether tokens have the claims about the e-mail
}

// terms returns the terms of the client, or the issuer's terms if the client has no terms.
func (i *Issuer) terms(id auth.ClientID) terms {
	if t, ok := i.clients[id]; ok {
		return t
	}
	return terms{audience: i.c.Audience, lifetime: i.c.Lifetime}
}

// termsOf returns the terms of each client in c. A field that the client sets replaces the
// issuer's.
func termsOf(c IssuerConfig) (map[auth.ClientID]terms, error) {
	all := make(map[auth.ClientID]terms, len(c.Clients))
	for id, client := range c.Clients {
		t := terms{c.Audience, c.Lifetime, client.EmailClaims}
		if len(client.Audience) > 0 {
			t.audience = slices.Clone(client.Audience)
		}
		if client.AccessTokenLifetime != 0 {
			t.lifetime = client.AccessTokenLifetime
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("client %q: %w", id, err)
		}
		all[id] = t
	}
	return all, nil
}

func (t terms) check() error {
	if t.lifetime < MinLifetime || t.lifetime > MaxLifetime {
		return fmt.Errorf("Lifetime must lie between %v and %v; it is %v", MinLifetime, MaxLifetime, t.lifetime)
	}
	if err := checkAudience(t.audience); err != nil {
		return err
	}
	if text, err := claim.Encode(t.audience); err != nil || len(text) > maxAudienceJSON {
		return fmt.Errorf("Audience must have at most %d bytes as JSON; it has %d", maxAudienceJSON, len(text))
	}
	return nil
}

// Bounds of what every token of an issuer holds, so that roles and private claims have room in
// MaxBytes.
const (
	maxIssuerBytes  = 255
	maxAudienceJSON = 1024
)
