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

// Kind is the kind of a ring.
type Kind string

const (
	SigningRing Kind = "signing ring"       // private keys that sign access tokens
	RefreshRing Kind = "refresh-token ring" // key material of auth.KeyBytes each
	LoginRing   Kind = "login ring"         // key material of auth.KeyBytes each
)

// Version numbers the keys of a ring, from 1. In a refresh-token ring and a login ring the version
// is the key id in tokens.
type Version = uint16

const (
	// RefreshKeyRetention is how long a refresh-token key opens tokens after it stops sealing. No
	// session lasts longer.
	RefreshKeyRetention = 400 * 24 * time.Hour
	// LoginKeyRetention is how long a login key opens tokens after it stops sealing. No
	// known-device token lives longer.
	LoginKeyRetention = 200 * 24 * time.Hour
)

// Retention returns how long a ring of this kind accepts a key after the key stops signing or
// sealing.
func (k Kind) Retention() time.Duration {
	switch k {
	case RefreshRing:
		return RefreshKeyRetention
	case LoginRing:
		return LoginKeyRetention
	}
	return LastTokenEnds
}

// Ring is the content of one secret. Its methods do not change it: a method that returns a Ring
// returns a copy.
type Ring struct {
	Kind   Kind
	Serial uint64 // number of the ring's state, from 1
	Keys   map[Version]Entry

	// Stack is the id of the CloudFormation stack that the ring belongs to. It is empty in a data
	// directory, and in a ring of a stack that was last moved by a version without owners.
	Stack string
	// Requests are the ids of the last requests that Move carried out. A repeated request is
	// recognised by them.
	Requests []string
	// Dropped are the ids of the keys that Move has destroyed. In refresh-token and login rings
	// each id follows its version and a colon. Purge records the last drop of all keys. Both keep a
	// repeated request from dropping keys again.
	Dropped []string
	Purge   Purge
}

// Purge is the last drop of all keys of a signing ring. The zero Purge means no drop.
type Purge struct {
	Version Version   // the version that signed afterwards
	Lapsed  time.Time // when deployments stopped requesting the drop; zero until then
}

// Entry is one key of a ring. Times are UTC, in whole seconds.
type Entry struct {
	Signing token.SigningKey // in a signing ring
	Secret  auth.Secret      // raw key material, in a refresh-token or login ring

	Created      time.Time
	Published    time.Time // in a signing ring: since when the key is published; zero if it is not
	SigningSince time.Time // zero while the key is only published
	Retired      time.Time // when the key last stopped signing; zero before
}

// ID returns the id of a key. For a signing key it is the thumbprint (RFC 7638), which is the kid.
// For other keys it has 43 characters, which are derived from the secret and reveal nothing about
// it.
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

// NewSigningRing makes a new signing ring. Version 1 signs from now on, and version 2 is published.
func NewSigningRing(alg token.Algorithm, now time.Time, random io.Reader) (Ring, error) {
	return newRing(SigningRing, 1, alg, now, random)
}

// NewRefreshRing makes a new refresh-token ring. Version 1 seals from now on, and version 2 is
// accepted.
func NewRefreshRing(now time.Time, random io.Reader) (Ring, error) {
	return newRing(RefreshRing, 1, "", now, random)
}

// NewLoginRing makes a new login ring. Version 1 seals from now on, and version 2 is accepted.
func NewLoginRing(now time.Time, random io.Reader) (Ring, error) {
	return newRing(LoginRing, 1, "", now, random)
}

// newRing makes a new ring in which version v signs and the next version is published or accepted.
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

// Add returns the ring's next state with a new key of version v, which the ring must not have. alg
// is the algorithm of the new key in a signing ring and is ignored in other rings.
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

// Sign returns the ring's next state, in which version v signs from now on and every other version
// is retired. Sign does not check times: see [Ring.Move].
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

// publish records, in a ring that is not shared yet, that PublicKeys(n) are published from now on.
// A key that leaves the published keys and returns starts again, because verifiers keep a key set
// for hours only.
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

// beside reports whether v is published while n signs.
func beside(v, n Version) bool {
	away := int(v) - int(n)
	return -1 <= away && away <= 1
}

// Drop returns the ring's next state without the keys of these versions. The keys are lost for
// ever.
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

// Versions returns the versions of the ring in ascending order.
func (r Ring) Versions() []Version { return slices.Sorted(maps.Keys(r.Keys)) }

// Current returns the version that signs by the ring's record and is not retired, or 0. While
// functions run at different versions, as during a deployment, it is the version that was requested
// last.
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

// PublicKeys returns the key set to publish while version n of a signing ring signs: the public
// keys of n-1, n and n+1. The ring must have n. The other two are left out if the ring lacks them.
// If two versions have the same key, the key appears once.
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
