package keyrings

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Kind tells the rings apart.
type Kind string

const (
	SigningRing Kind = "signing ring"       // of private keys that sign access tokens
	RefreshRing Kind = "refresh-token ring" // of auth.KeyBytes of key material each
	LoginRing   Kind = "login ring"         // of auth.KeyBytes of key material each
)

// Version numbers the keys of a ring, from 1. In a refresh-token ring and a login ring it is the key id in tokens.
type Version = uint16

const (
	// RefreshKeyRetention is how long a refresh-token key opens tokens after it stopped sealing them: longer than any
	// session lasts.
	RefreshKeyRetention = 400 * 24 * time.Hour
	// LoginKeyRetention is the same for a login key: longer than any known-device token lives.
	LoginKeyRetention = 200 * 24 * time.Hour
)

// Retention returns how long a key of such a ring is accepted after it stopped signing or sealing.
func (k Kind) Retention() time.Duration {
	switch k {
	case RefreshRing:
		return RefreshKeyRetention
	case LoginRing:
		return LoginKeyRetention
	}
	return LastTokenEnds
}

// Ring is what one secret holds. Its methods change nothing; those that return a Ring return a copy.
type Ring struct {
	Kind   Kind
	Serial uint64 // counts the ring's states, from 1
	Keys   map[Version]Entry

	// Stack is the id of the CloudFormation stack that the ring belongs to. It is empty in a data directory, and in a
	// ring of a stack that no deployment has moved since rings have owners.
	Stack string
	// Requests are the last ones that a Move carried out, so that one which is repeated is known.
	Requests []string
	// Dropped are the ids that a Move destroyed (in other rings than a signing ring each behind its version and a colon), and Purge is when one destroyed them all, so that neither is done
	// again by a deployment that still says so.
	Dropped []string
	Purge   Purge
}

// Purge is the last time that all keys of a signing ring were dropped. The zero Purge is none.
type Purge struct {
	Version Version   // what signed from then on
	Lapsed  time.Time // when deployments ceased to ask for it; zero while they do
}

// Entry is one key of a ring. Times are whole seconds, UTC.
type Entry struct {
	Signing token.SigningKey // of a signing ring
	Secret  auth.Secret      // of a refresh-token or login ring: raw key material

	Created      time.Time
	Published    time.Time // of a signing ring: since when verifiers are told of it; zero while they are not
	SigningSince time.Time // zero while the key is only published
	Retired      time.Time // when it last stopped signing; zero before
}

// ID returns the id of a key: the thumbprint of a signing key (RFC 7638), which is its kid, or else 43 characters that are
// derived from the secret and tell nothing about it.
func (e Entry) ID() string {
	if e.Secret.Reveal() == "" {
		return e.Signing.ID()
	}
	id, err := auth.RefreshTokenKey{Secret: e.Secret}.Derive("edgeauth key id 1")
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id)
}

// NewSigningRing makes a first ring: version 1 signs from now on, version 2 is published.
func NewSigningRing(alg token.Algorithm, now time.Time, random io.Reader) (Ring, error) {
	return newRing(SigningRing, 1, alg, now, random)
}

// NewRefreshRing makes a first ring: version 1 seals from now on, version 2 is accepted.
func NewRefreshRing(now time.Time, random io.Reader) (Ring, error) {
	return newRing(RefreshRing, 1, "", now, random)
}

// NewLoginRing makes a first ring: version 1 seals from now on, version 2 is accepted.
func NewLoginRing(now time.Time, random io.Reader) (Ring, error) {
	return newRing(LoginRing, 1, "", now, random)
}

// newRing makes a first ring in which version v signs and the next one waits.
func newRing(kind Kind, v Version, alg token.Algorithm, now time.Time, random io.Reader) (Ring, error) {
	r := Ring{Kind: kind, Keys: map[Version]Entry{}}
	var err error
	for _, version := range []Version{v, v + 1} {
		if r, err = r.Add(version, alg, now, random); err != nil {
			return Ring{}, err
		}
	}
	if r, err = r.Sign(v, now); err != nil {
		return Ring{}, err
	}
	r.Serial = 1
	return r, nil
}

// Add returns the ring's next state, with a new key of this version, which the ring must not have. alg is for
// signing rings and chooses the new key's algorithm only.
func (r Ring) Add(v Version, alg token.Algorithm, now time.Time, random io.Reader) (Ring, error) {
	if _, ok := r.Keys[v]; ok || v == 0 {
		return Ring{}, fmt.Errorf("%s: version %d cannot be added", r.Kind, v)
	}
	entry, err := newEntry(r.Kind, alg, now, random)
	if err != nil {
		return Ring{}, fmt.Errorf("%s: version %d: %w", r.Kind, v, err)
	}
	next := r.next()
	next.Keys[v] = entry
	if signs := r.Current(); signs != 0 {
		next.publish(signs, entry.Created)
	}
	return next, nil
}

func newEntry(kind Kind, alg token.Algorithm, now time.Time, random io.Reader) (Entry, error) {
	entry := Entry{Created: now.UTC().Truncate(time.Second)}
	var err error
	if kind == SigningRing {
		entry.Signing, err = token.GenerateSigningKey(alg, random)
		return entry, err
	}
	material := make([]byte, auth.KeyBytes)
	_, err = io.ReadFull(random, material)
	entry.Secret = auth.NewSecret(string(material))
	return entry, err
}

// Sign returns the ring's next state, in which version v signs from now on and every other one that did is retired.
// Whether the time has come is for the caller to know.
func (r Ring) Sign(v Version, now time.Time) (Ring, error) {
	if err := r.Has(v); err != nil {
		return Ring{}, err
	}
	now = now.UTC().Truncate(time.Second)
	next := r.next()
	for version, entry := range next.Keys {
		switch {
		case version == v:
			if entry.SigningSince.IsZero() || !entry.Retired.IsZero() {
				entry.SigningSince = now
			}
			entry.Retired = time.Time{}
		case !entry.SigningSince.IsZero() && entry.Retired.IsZero():
			entry.Retired = now
		}
		next.Keys[version] = entry
	}
	next.publish(v, now)
	return next, nil
}

// publish records, in a ring that is not shared yet, that verifiers are told of PublicKeys(n) from now on. A key that
// leaves them begins anew when it comes back: verifiers keep what they were told for hours, and not for ever.
func (r Ring) publish(n Version, now time.Time) {
	if r.Kind != SigningRing {
		return
	}
	for v, entry := range r.Keys {
		switch {
		case !beside(v, n):
			entry.Published = time.Time{}
		case entry.Published.IsZero():
			entry.Published = now.UTC().Truncate(time.Second)
		}
		r.Keys[v] = entry
	}
}

// beside tells whether v is published while n signs.
func beside(v, n Version) bool {
	away := int(v) - int(n)
	return -1 <= away && away <= 1
}

// Drop returns the ring's next state, without the keys of these versions. They are gone for good.
func (r Ring) Drop(versions ...Version) Ring {
	next := r.next()
	for _, v := range versions {
		delete(next.Keys, v)
	}
	return next
}

func (r Ring) next() Ring {
	r.Serial, r.Keys = r.Serial+1, maps.Clone(r.Keys)
	return r
}

// Versions returns the versions in the ring, ascending.
func (r Ring) Versions() []Version { return slices.Sorted(maps.Keys(r.Keys)) }

// Current returns the version that signs by the ring's own record, or 0: the one that signs and is not retired.
// Where functions run at versions of their own, as during a deployment, it is the one asked for last.
func (r Ring) Current() Version {
	var current Version
	for v, entry := range r.Keys {
		if v > current && !entry.SigningSince.IsZero() && entry.Retired.IsZero() {
			current = v
		}
	}
	return current
}

// HighestUsed returns the highest version that has ever signed, or 0.
func (r Ring) HighestUsed() Version {
	var highest Version
	for v, entry := range r.Keys {
		if v > highest && !entry.SigningSince.IsZero() {
			highest = v
		}
	}
	return highest
}

// PublicKeys returns what verifiers must know while version n of a signing ring signs: the public keys of n-1, n
// and n+1, as far as the ring has them; n it must have. Where two of them hold one key, it is there once.
func (r Ring) PublicKeys(n Version) (token.KeySet, error) {
	if err := r.Has(n); err != nil {
		return token.KeySet{}, err
	}
	var keys []token.Key
	seen := map[string]bool{}
	for _, v := range r.Versions() {
		key := r.Keys[v].Signing.Public()
		if r.Kind == SigningRing && beside(v, n) && !seen[key.ID()] {
			seen[key.ID()] = true
			keys = append(keys, key)
		}
	}
	return token.NewKeySet(keys...)
}

func (r Ring) Has(v Version) error {
	if _, ok := r.Keys[v]; !ok {
		return fmt.Errorf("%s: %w: there is no version %d in it, but %v", r.Kind, ErrMalformed, v, r.Versions())
	}
	return nil
}
