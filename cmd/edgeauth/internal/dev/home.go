package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Home is the data directory of a laptop: the store, the two rings of keys and the demo user's password, for its
// owner's eyes only.
type Home string

// StorePath returns where the embedded store is.
func (h Home) StorePath() string { return h.path("store.db") }

// SigningRing and RefreshKeys return where the rings are.
func (h Home) SigningRing() keyring.Source { return keyring.File(h.path("signing-ring.json")) }
func (h Home) RefreshKeys() keyring.Source { return keyring.File(h.path("refresh-keys.json")) }

func (h Home) path(name string) string { return filepath.Join(string(h), name) }

// Make makes the directory, readable by nobody else.
func (h Home) Make() error {
	if err := os.MkdirAll(string(h), 0o700); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w", err)
	}
	// Whoever may write here could plant a password or a key.
	info, err := os.Stat(string(h))
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to the data directory %s: chmod 700 %s", h, h)
	}
	return nil
}

// Exists returns an error that says what to do where the directory is missing.
func (h Home) Exists() error {
	if _, err := os.Stat(string(h)); err != nil {
		return fmt.Errorf("there is no data directory %s: \"edgeauth dev\" makes one, --data names another", h)
	}
	return nil
}

// EnsureKeys makes the rings that are missing and returns the version that signs.
func (h Home) EnsureKeys(ctx context.Context, alg token.Algorithm, now time.Time) (keyring.Version, error) {
	first := func(kind keyring.Kind, from keyring.Source, make func() (keyring.Ring, error)) (keyring.Ring, error) {
		ring, err := keyring.Load(ctx, from, kind)
		if !errors.Is(err, auth.ErrNotFound) {
			return ring, err
		}
		if ring, err = make(); err != nil {
			return ring, err
		}
		err = keyring.Save(ctx, from, ring)
		if errors.Is(err, keyring.ErrConflict) { // somebody else was faster
			return keyring.Load(ctx, from, kind)
		}
		return ring, err
	}
	signing, err := first(keyring.SigningRing, h.SigningRing(), func() (keyring.Ring, error) {
		return keyring.NewSigningRing(alg, now, rand.Reader)
	})
	if err != nil {
		return 0, err
	}
	_, err = first(keyring.RefreshRing, h.RefreshKeys(), func() (keyring.Ring, error) {
		return keyring.NewRefreshRing(now, rand.Reader)
	})
	return signing.Current(), err
}
