package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Home is the data directory of the local server. It holds the store, the three key rings and the
// demo user's password. Only its owner may read it.
type Home string

// StorePath returns the path of the embedded store.
func (h Home) StorePath() string { return h.path("store.db") }

// The files of the rings.
const (
	signingFile = "signing-ring.json"
	refreshFile = "refresh-keys.json"
	loginFile   = "login-ring.json"
)

// SigningRing, RefreshKeys and LoginRing return the sources of the rings.
func (h Home) SigningRing() keyrings.Source { return keyrings.File(h.path(signingFile)) }
func (h Home) RefreshKeys() keyrings.Source { return keyrings.File(h.path(refreshFile)) }
func (h Home) LoginRing() keyrings.Source   { return keyrings.File(h.path(loginFile)) }

func (h Home) path(name string) string { return filepath.Join(string(h), name) }

// Make creates the directory, readable only by its owner.
func (h Home) Make() error {
	if err := os.MkdirAll(string(h), 0o700); err != nil {
		return fmt.Errorf("cannot create the data directory: %w", err)
	}
	// A user with write access could plant a password or a key.
	info, err := os.Stat(string(h))
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("the data directory %s is writable by other users; run chmod 700 %s", h, h)
	}
	// The directory often lies in a repository, and it holds keys.
	ignore, err := os.OpenFile(h.path(".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		_, err = ignore.WriteString("*\n")
		err = errors.Join(err, ignore.Close())
	}
	return err
}

// Exists returns an error that says what to do if the directory is missing.
func (h Home) Exists() error {
	if _, err := os.Stat(string(h)); err != nil {
		return fmt.Errorf("the data directory %s does not exist; \"edgeauth dev\" creates one, or pass --data DIR", h)
	}
	return nil
}

// CreateKeys creates the three rings, in which version 1 signs. If the directory already has a
// ring, it changes nothing and returns an error.
func (h Home) CreateKeys(ctx context.Context, alg token.Algorithm, now time.Time) error {
	for _, name := range []string{signingFile, refreshFile, loginFile} {
		if _, err := os.Lstat(h.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has keys already (%s); want a data directory without rings", h, name)
		}
	}
	if err := h.Make(); err != nil {
		return err
	}
	_, err := h.EnsureKeys(ctx, alg, now)
	return err
}

// EnsureKeys creates the missing rings and returns the version that signs. A new ring starts at the
// version of the existing rings: an old data directory gets a login ring, and a lost ring is
// replaced.
func (h Home) EnsureKeys(ctx context.Context, alg token.Algorithm, now time.Time) (keyrings.Version, error) {
	refresh, err := keyrings.Load(ctx, h.RefreshKeys(), keyrings.RefreshRing)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return 0, err
	}
	first := max(1, refresh.Current())
	signing, err := h.ensure(ctx, h.SigningRing(), keyrings.SigningRing, keyrings.Move{Version: first, Algorithm: alg}, now)
	if err != nil {
		return 0, err
	}
	at := keyrings.Move{Version: signing.Current()}
	if _, err = h.ensure(ctx, h.RefreshKeys(), keyrings.RefreshRing, at, now); err != nil {
		return 0, err
	}
	return signing.Current(), h.ensureLogin(ctx, at.Version, now)
}

// ensureLogin creates a missing login ring at version v, and moves an older login ring to v. An
// older edgeauth, which does not know the login ring, moves only the other two rings.
func (h Home) ensureLogin(ctx context.Context, v keyrings.Version, now time.Time) error {
	if _, err := h.ensure(ctx, h.LoginRing(), keyrings.LoginRing, keyrings.Move{Version: v}, now); err != nil {
		return err
	}
	_, err := keyrings.Update(ctx, h.LoginRing(), keyrings.LoginRing, func(r keyrings.Ring) (keyrings.Ring, error) {
		next := r
		for next.Current() < v { // Move goes one version at a time
			var err error
			if next, err = next.Move(keyrings.Move{Version: next.Current() + 1}, now, rand.Reader); err != nil {
				return keyrings.Ring{}, err
			}
		}
		if next.Serial > r.Serial {
			next.Serial = r.Serial + 1
		}
		return next, nil
	})
	return err
}

func (h Home) ensure(ctx context.Context, at keyrings.Source, kind keyrings.Kind, m keyrings.Move, now time.Time) (keyrings.Ring, error) {
	ring, err := keyrings.Load(ctx, at, kind)
	if !errors.Is(err, auth.ErrNotFound) {
		return ring, err
	}
	if ring, err = (keyrings.Ring{Kind: kind}).Move(m, now, rand.Reader); err != nil {
		return ring, err
	}
	err = keyrings.Save(ctx, at, ring)
	if errors.Is(err, keyrings.ErrConflict) { // another process created the ring first
		return keyrings.Load(ctx, at, kind)
	}
	return ring, err
}
