package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var (
	// ErrMoved says that somebody else rotated the keys at the same time.
	ErrMoved = errors.New("the keys were rotated by somebody else meanwhile")
	// ErrNoKey says that a key id is none of the signing ring's.
	ErrNoKey = errors.New("no key has this id")
)

// Rotate lets the next version of all rings sign, and returns it. A key that has to be made for that is of the algorithm;
// empty means that of the newest key. Nobody waits three hours here: the local server is the only one that verifies.
func (h Home) Rotate(ctx context.Context, alg token.Algorithm, now time.Time) (keyring.Version, error) {
	return h.move(ctx, alg, nil, now)
}

// Drop destroys keys of the signing ring, and returns the version that signs. Where that one is among them, the next
// version signs from then on. Access tokens of a dropped key are refused; sessions live on.
func (h Home) Drop(ctx context.Context, kids []string, now time.Time) (keyring.Version, error) {
	return h.move(ctx, "", kids, now)
}

// move changes the signing ring last: until then the new versions of the other rings only wait there. It makes a login
// ring if an old data directory has none.
func (h Home) move(ctx context.Context, alg token.Algorithm, drop []string, now time.Time) (keyring.Version, error) {
	signing, err := keyring.Load(ctx, h.SigningRing(), keyring.SigningRing)
	if err != nil {
		return 0, err
	}
	from := signing.Current()
	versions, err := versionsOf(signing, drop)
	if err != nil {
		return 0, err
	}
	to := from
	if len(drop) == 0 || slices.Contains(versions, from) {
		to++
	}
	if slices.Contains(versions, to) && to != from {
		return 0, fmt.Errorf("version %d would sign next, and is among those to drop: drop one of the two first", to)
	}
	if alg == "" {
		all := signing.Versions()
		alg = signing.Keys[all[len(all)-1]].Signing.Algorithm()
	}
	if err := h.ensureLogin(ctx, from, now); err != nil {
		return 0, err
	}
	for _, ring := range []struct {
		source keyring.Source
		kind   keyring.Kind
		drop   []keyring.Version
	}{
		{h.RefreshKeys(), keyring.RefreshRing, nil},
		{h.LoginRing(), keyring.LoginRing, nil},
		{h.SigningRing(), keyring.SigningRing, versions},
	} {
		_, err := keyring.Update(ctx, ring.source, ring.kind, func(r keyring.Ring) (keyring.Ring, error) {
			// The other rings may be one ahead, after a move that stopped half way.
			if now := r.Current(); now != from && (ring.kind == keyring.SigningRing || now != from+1) {
				return keyring.Ring{}, ErrMoved
			}
			return forward(r, to, ring.drop, alg, now)
		})
		if err != nil {
			return 0, err
		}
	}
	return to, nil
}

// forward returns the ring's next state, without the dropped versions, in which one signs and the one after it waits.
func forward(r keyring.Ring, to keyring.Version, drop []keyring.Version, alg token.Algorithm, now time.Time) (keyring.Ring, error) {
	next := r.Drop(drop...)
	var err error
	for v := to; v <= to+1; v++ {
		if _, ok := next.Keys[v]; ok {
			continue
		}
		if next, err = next.Add(v, alg, now, rand.Reader); err != nil {
			return keyring.Ring{}, err
		}
	}
	if next, err = next.Sign(to, now); err != nil {
		return keyring.Ring{}, err
	}
	next = next.Forget(to, now)
	next.Serial = r.Serial + 1 // however many steps it took
	return next, nil
}

func versionsOf(r keyring.Ring, kids []string) ([]keyring.Version, error) {
	var versions []keyring.Version
	for _, kid := range kids {
		i := slices.IndexFunc(r.Versions(), func(v keyring.Version) bool { return r.Keys[v].Signing.ID() == kid })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q", ErrNoKey, kid)
		}
		versions = append(versions, r.Versions()[i])
	}
	return versions, nil
}
