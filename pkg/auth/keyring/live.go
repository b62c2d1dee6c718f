package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// live is a ring in use: loaded once, again while that fails, and by reload.
type live struct {
	source  Source
	kind    keyrings.Kind
	version uint16
	now     func() time.Time

	mu     sync.Mutex // held while loading for the first time, so that callers share one attempt
	ring   *keyrings.Ring
	failed error
	tried  time.Time
	loaded time.Time // when the load of ring began

	reloading    sync.Mutex // held while loading again; callers that need no newer ring do not wait for it
	reloadFailed error
	reloadTried  time.Time
}

// retryAfter keeps a flood of requests from becoming a flood of loads while a source is down.
const retryAfter = time.Second

const (
	// loadedLate is how far apart the clocks of two instances may be, and how long a secret that was written may still
	// be read in its state of before.
	loadedLate = time.Minute
	// reloadTimeout leaves a request the time that it needs for the store.
	reloadTimeout = 2 * time.Second
)

// open loads the ring for the first time. A source that fails must not stop the start, or an outage of the source
// would outlast itself by every new instance's crash; a ring that no second attempt would mend must.
func open(ctx context.Context, from Source, kind keyrings.Kind, v uint16, now func() time.Time) (*live, error) {
	if from == nil || v == 0 || now == nil {
		return nil, fmt.Errorf("%s: it needs a source, a version from 1 and a clock", kind)
	}
	l := &live{source: from, kind: kind, version: v, now: now}
	_, err := l.load(ctx)
	if errors.Is(err, keyrings.ErrMalformed) || errors.Is(err, keyrings.ErrExposed) || errors.Is(err, auth.ErrNotFound) {
		return nil, l.failed
	}
	return l, nil
}

// load returns the ring, or an error that wraps auth.ErrUnavailable.
func (l *live) load(ctx context.Context) (keyrings.Ring, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ring != nil {
		return *l.ring, nil
	}
	if now := l.now(); l.failed == nil || now.Sub(l.tried) >= retryAfter {
		l.tried, l.loaded = now, now
		l.ring, l.failed = l.attempt(ctx)
	}
	if l.failed != nil {
		return keyrings.Ring{}, fmt.Errorf("%w: %w", auth.ErrUnavailable, l.failed)
	}
	return *l.ring, nil
}

// reload loads the ring again if a token that was issued at this instant may be under a key that the ring in use does not
// have: a key that was made after the ring was loaded. If the load fails, the ring in use stays, and the error wraps
// auth.ErrUnavailable. There is one attempt a second at most. Within that second the ring in use decides: a key that is
// newer would have been stored, loaded by an instance that started, and used by a client, all since the last attempt.
//
// A version may get another key by a drop, and ids in tokens are versions. Ids that were never used before would not do
// instead: an instance of before does not know them either, and has to load the ring all the same.
func (l *live) reload(ctx context.Context, issued time.Time) error {
	l.reloading.Lock()
	defer l.reloading.Unlock()
	now := l.now()
	l.mu.Lock()
	inUse, loaded := l.ring, l.loaded
	l.mu.Unlock()
	if inUse == nil || issued.Before(loaded.Add(-loadedLate)) {
		return nil
	}
	if l.reloadTried.IsZero() || now.Sub(l.reloadTried) >= retryAfter {
		l.reloadTried = now
		// A client that hangs up must not fail the requests of other clients.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadTimeout)
		defer cancel()
		var r *keyrings.Ring
		if r, l.reloadFailed = l.attempt(ctx); l.reloadFailed == nil && r.Serial < inUse.Serial {
			l.reloadFailed = fmt.Errorf("%s: serial %d was read, which is older than serial %d in use", l.kind, r.Serial, inUse.Serial)
		}
		if l.reloadFailed == nil {
			l.mu.Lock()
			l.ring, l.loaded = r, now
			l.mu.Unlock()
		}
	}
	if l.reloadFailed != nil {
		return fmt.Errorf("%w: %w", auth.ErrUnavailable, l.reloadFailed)
	}
	return nil
}

func (l *live) attempt(ctx context.Context) (*keyrings.Ring, error) {
	r, err := keyrings.Load(ctx, l.source, l.kind)
	if err == nil {
		err = r.Has(l.version)
	}
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// Signing is the signing ring in use, with one version that signs. It implements token.SigningKeys. Safe for
// concurrent use.
type Signing struct{ live *live }

// LoadSigning reads the signing ring. It fails where there is no ring, where the ring is malformed or exposed, or
// lacks the version; any other failure of the source shows in each later call, as an error that wraps
// auth.ErrUnavailable, until an attempt succeeds. There is one attempt a second at most.
func LoadSigning(ctx context.Context, from Source, v uint16, now func() time.Time) (*Signing, error) {
	l, err := open(ctx, from, keyrings.SigningRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Signing{l}, nil
}

// SigningKey returns the key that signs.
func (s *Signing) SigningKey(ctx context.Context) (token.SigningKey, error) {
	r, err := s.live.load(ctx)
	if err != nil {
		return token.SigningKey{}, err
	}
	return r.Keys[s.live.version].Signing, nil
}

// PublicKeys returns the key set to publish: the keys before, at and after the version that signs.
func (s *Signing) PublicKeys(ctx context.Context) (token.KeySet, error) {
	r, err := s.live.load(ctx)
	if err != nil {
		return token.KeySet{}, err
	}
	return r.PublicKeys(s.live.version)
}

// Refresh is the ring of refresh-token keys in use, with one version that seals. Safe for concurrent use.
type Refresh struct{ live *live }

// LoadRefresh reads the ring of refresh-token keys. It fails as LoadSigning does.
func LoadRefresh(ctx context.Context, from Source, v uint16, now func() time.Time) (*Refresh, error) {
	l, err := open(ctx, from, keyrings.RefreshRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Refresh{l}, nil
}

// SealingKey returns the key for new tokens.
func (s *Refresh) SealingKey(ctx context.Context) (auth.RefreshTokenKey, error) {
	return s.RefreshTokenKey(ctx, s.live.version)
}

// RefreshTokenKey returns the key of an id that stands in a token: any up to the one after the sealing key that has
// not been retired for 400 days. For an id whose key was dropped the error wraps auth.ErrKeyDropped. For
// every other id it wraps auth.ErrNotFound, and the token is forged unless Reload brings its key.
func (s *Refresh) RefreshTokenKey(ctx context.Context, id uint16) (auth.RefreshTokenKey, error) {
	entry, err := s.live.opening(ctx, id)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return auth.RefreshTokenKey{}, err
	}
	r, loadErr := s.live.load(ctx)
	switch dropped := r.HasDropped(id); {
	case loadErr != nil:
		return auth.RefreshTokenKey{}, loadErr
	case err != nil && dropped:
		return auth.RefreshTokenKey{}, fmt.Errorf("%s: key %d: %w", s.live.kind, id, auth.ErrKeyDropped)
	case err != nil:
		return auth.RefreshTokenKey{}, err
	default:
		return auth.RefreshTokenKey{ID: id, Secret: entry.Secret, Replaced: dropped, Newer: id > s.live.version}, nil
	}
}

// Reload reads the ring again if a token that claims to be issued at this instant may be under a key that was made since
// the ring was read. A token that RefreshTokenKey has no key for is forged only if it has none after Reload either. If the
// ring cannot be read, the error wraps auth.ErrUnavailable, and the ring in use stays. There is one attempt a second at
// most, so forged tokens cost no more than that.
func (s *Refresh) Reload(ctx context.Context, issued time.Time) error {
	return s.live.reload(ctx, issued)
}

// Login is the login ring in use, with one version that seals. It implements login.Keys. Safe for concurrent use.
type Login struct{ live *live }

// LoadLogin reads the login ring. It fails as LoadSigning does.
func LoadLogin(ctx context.Context, from Source, v uint16, now func() time.Time) (*Login, error) {
	l, err := open(ctx, from, keyrings.LoginRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Login{l}, nil
}

// SealingKey returns the key for new tokens and for the names of counters.
func (s *Login) SealingKey(ctx context.Context) (auth.LoginKey, error) {
	return s.LoginKey(ctx, s.live.version)
}

// LoginKey returns the key of an id that stands in a token: any up to the one after the sealing key that has not been
// retired for 200 days. For every other id it wraps auth.ErrNotFound, and the token is forged. A login ring is
// not read again: a known device that is taken for unknown loses nothing but its own counter.
func (s *Login) LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error) {
	entry, err := s.live.opening(ctx, id)
	if err != nil {
		return auth.LoginKey{}, err
	}
	return auth.LoginKey{ID: id, Secret: entry.Secret}, nil
}

// opening returns the entry of a version that opens tokens. For every other version it wraps auth.ErrNotFound.
func (l *live) opening(ctx context.Context, v uint16) (keyrings.Entry, error) {
	r, err := l.load(ctx)
	if err != nil {
		return keyrings.Entry{}, err
	}
	entry, ok := r.Keys[v]
	switch {
	case !ok, int(v) > int(l.version)+1:
		ok = false
	case v < l.version && !entry.Retired.IsZero():
		// A key that seals again after a rollback may still be recorded as retired; it opens its own tokens.
		ok = l.now().Before(entry.Retired.Add(l.kind.Retention()))
	}
	if !ok {
		return keyrings.Entry{}, fmt.Errorf("%s: key %d: %w", l.kind, v, auth.ErrNotFound)
	}
	return entry, nil
}
