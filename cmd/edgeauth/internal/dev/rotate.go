package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var (
	// ErrMoved means that another process changed the keys at the same time.
	ErrMoved = errors.New("another process changed the keys at the same time; try again")
	// ErrNoKey means that no key has the given id.
	ErrNoKey = errors.New("unknown key id")
)

// Rotate makes the next version of all rings sign and returns that version. alg is the algorithm of
// the new key; empty means the algorithm of the newest key. The three hours of a deployment do not
// apply, because the local server is the only verifier.
func (h Home) Rotate(ctx context.Context, alg token.Algorithm, now time.Time) (keyrings.Version, error) {
	return h.move(ctx, keyrings.Move{Algorithm: alg}, true, now)
}

// Withdraws returns the version whose signing key the next rotation withdraws, and when that key
// stopped signing. It returns 0 if the next rotation withdraws no key.
func (h Home) Withdraws(ctx context.Context) (keyrings.Version, time.Time, error) {
	signing, err := keyrings.Load(ctx, h.SigningRing(), keyrings.SigningRing)
	if err != nil {
		return 0, time.Time{}, err
	}
	before := signing.Current() - 1
	if key, ok := signing.Keys[before]; ok && !key.Retired.IsZero() {
		return before, key.Retired, nil
	}
	return 0, time.Time{}, nil
}

// Drops holds the ids of the keys that [Home.Drop] destroys.
type Drops struct {
	Signing []string // their access tokens are refused from now on
	Refresh []string // sessions whose refresh token they sealed end
	Login   []string // known devices are forgotten; counters of failed logins restart
}

// Drop destroys keys and returns the version that signs. If a dropped key signs or seals now, the
// next version of all rings signs from then on. The error wraps [ErrNoKey] if an id is unknown.
func (h Home) Drop(ctx context.Context, d Drops, now time.Time) (keyrings.Version, error) {
	m := keyrings.Move{Drop: keyrings.Drop{IDs: d.Signing}, DropRefresh: keyrings.Drop{IDs: d.Refresh}, DropLogin: keyrings.Drop{IDs: d.Login}}
	return h.move(ctx, m, false, now)
}

// move changes all rings. The signing ring is last, because the new versions of the other rings
// stay unused until it changes. move creates a login ring if an old data directory lacks it.
// m.Version is computed from the dropped keys and rotate.
func (h Home) move(ctx context.Context, m keyrings.Move, rotate bool, now time.Time) (keyrings.Version, error) {
	signing, err := keyrings.Load(ctx, h.SigningRing(), keyrings.SigningRing)
	if err != nil {
		return 0, err
	}
	refresh, err := keyrings.Load(ctx, h.RefreshKeys(), keyrings.RefreshRing)
	if err != nil {
		return 0, err
	}
	from := signing.Current()
	if err := h.ensureLogin(ctx, from, now); err != nil {
		return 0, err
	}
	login, err := keyrings.Load(ctx, h.LoginRing(), keyrings.LoginRing)
	if err != nil {
		return 0, err
	}
	m.Version, m.Immediately = from, true
	for _, ring := range []struct {
		keyrings.Ring
		ids []string
	}{{signing, m.Drop.IDs}, {refresh, m.DropRefresh.IDs}, {login, m.DropLogin.IDs}} {
		versions, err := versionsOf(ring.Ring, ring.ids)
		if err != nil {
			return 0, err
		}
		rotate = rotate || slices.Contains(versions, from)
	}
	if rotate {
		m.Version++
	}
	if m.Algorithm == "" {
		all := signing.Versions()
		m.Algorithm = signing.Keys[all[len(all)-1]].Signing.Algorithm()
	}
	for _, ring := range []struct {
		source keyrings.Source
		kind   keyrings.Kind
	}{{h.RefreshKeys(), keyrings.RefreshRing}, {h.LoginRing(), keyrings.LoginRing}, {h.SigningRing(), keyrings.SigningRing}} {
		_, err := keyrings.Update(ctx, ring.source, ring.kind, func(r keyrings.Ring) (keyrings.Ring, error) {
			// After an interrupted move the other rings may be one version ahead.
			if now := r.Current(); now != from && (ring.kind == keyrings.SigningRing || now != from+1) {
				return keyrings.Ring{}, ErrMoved
			}
			return r.Move(m, now, rand.Reader)
		})
		if err != nil {
			return 0, err
		}
	}
	return m.Version, nil
}

// versionsOf returns the versions of the keys with the given ids. After an earlier drop two
// versions may hold the same key.
func versionsOf(r keyrings.Ring, ids []string) ([]keyrings.Version, error) {
	var versions []keyrings.Version
	for _, id := range ids {
		before := len(versions)
		for _, v := range r.Versions() {
			if r.Keys[v].ID() == id {
				versions = append(versions, v)
			}
		}
		if len(versions) == before {
			return nil, fmt.Errorf("%w %q", ErrNoKey, id)
		}
	}
	return versions, nil
}
