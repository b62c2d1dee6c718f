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

// live is a ring in use. It is loaded once. A failed first load is repeated, and reload loads the
// ring again.
type live struct {
	source  Source
	kind    keyrings.Kind
	version uint16
	now     func() time.Time

	mu     sync.Mutex // held during the first load, so that callers share one attempt
	ring   *keyrings.Ring
	failed error
	tried  time.Time
	loaded time.Time // when the load of ring began

	reloading    sync.Mutex // held during a reload; callers that need no newer ring do not wait
	reloadFailed error
	reloadTried  time.Time
}

// retryAfter limits loads while a source is down, so that many requests do not become many loads.
const retryAfter = time.Second

const (
	// loadedLate covers the difference between the clocks of two instances, and the time that a
	// source may return the state before a write.
	loadedLate = time.Minute
	// reloadTimeout leaves a request enough time for the store.
	reloadTimeout = 2 * time.Second
)

// open loads the ring for the first time. A temporary failure does not stop the start: otherwise
// new instances would crash until the outage ends. A malformed or exposed ring stops the start,
// because a retry does not help.
func open(ctx context.Context, from Source, kind keyrings.Kind, v uint16, now func() time.Time) (*live, error) {
	if from == nil || v == 0 || now == nil {
		return nil, fmt.Errorf("%s: a source, a version from 1 and a clock are required", kind)
	}
	l := &live{source: from, kind: kind, version: v, now: now}
	_, err := l.load(ctx)
	if errors.Is(err, keyrings.ErrMalformed) || errors.Is(err, keyrings.ErrExposed) || errors.Is(err, auth.ErrNotFound) {
		return nil, l.failed
	}
	return l, nil
}

// load returns the ring. The error wraps auth.ErrUnavailable.
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

// reload loads the ring again if a token that was issued at this instant may be under a key that
// was made after the ring was loaded. If the load fails, the current ring stays, and the error
// wraps auth.ErrUnavailable. reload makes at most one attempt a second. Within that second the
// current ring decides: a newer key would have to be stored, loaded by a new instance and used by a
// client, all since the last attempt.
//
// The key ids in tokens are versions, and a drop may give a version a different key. Ids that are
// never reused would not make the reload unnecessary: an older instance does not know a new id
// either.
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
		// A client that disconnects must not fail the requests of other clients.
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

// Signing is a signing ring in use, with one version that signs. It implements token.SigningKeys.
// It is safe for concurrent use.
type Signing struct{ live *live }

// LoadSigning loads the signing ring, in which version v signs. LoadSigning fails if the ring is
// missing, malformed or exposed, or if it lacks the version. After any other failure of the source,
// each method returns an error that wraps [auth.ErrUnavailable] until an attempt succeeds.
// LoadSigning and its methods make at most one attempt a second.
func LoadSigning(ctx context.Context, from Source, v uint16, now func() time.Time) (*Signing, error) {
	l, err := open(ctx, from, keyrings.SigningRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Signing{l}, nil
}

// SigningKey returns the key that signs. The error wraps [auth.ErrUnavailable].
func (s *Signing) SigningKey(ctx context.Context) (token.SigningKey, error) {
	r, err := s.live.load(ctx)
	if err != nil {
		return token.SigningKey{}, err
	}
	return r.Keys[s.live.version].Signing, nil
}

// Since returns when the key that signs became the signing key, according to the record of the
// ring. If the ring has no such record yet, as during a rotation, Since returns when the key was
// made. The error wraps [auth.ErrUnavailable].
func (s *Signing) Since(ctx context.Context) (time.Time, error) {
	r, err := s.live.load(ctx)
	if err != nil {
		return time.Time{}, err
	}
	entry := r.Keys[s.live.version]
	if entry.SigningSince.IsZero() {
		return entry.Created, nil
	}
	return entry.SigningSince, nil
}

// PublicKeys returns the key set to publish: the keys of the version before the signing version, of
// the signing version, and of the version after it.
func (s *Signing) PublicKeys(ctx context.Context) (token.KeySet, error) {
	r, err := s.live.load(ctx)
	if err != nil {
		return token.KeySet{}, err
	}
	return r.PublicKeys(s.live.version)
}

// Refresh is a ring of refresh-token keys in use, with one version that seals. It is safe for
// concurrent use.
type Refresh struct{ live *live }

// LoadRefresh loads the ring of refresh-token keys, in which version v seals. It fails as
// [LoadSigning] does.
func LoadRefresh(ctx context.Context, from Source, v uint16, now func() time.Time) (*Refresh, error) {
	l, err := open(ctx, from, keyrings.RefreshRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Refresh{l}, nil
}

// SealingKey returns the key for new tokens. The error wraps [auth.ErrUnavailable].
func (s *Refresh) SealingKey(ctx context.Context) (auth.RefreshTokenKey, error) {
	return s.RefreshTokenKey(ctx, s.live.version)
}

// RefreshTokenKey returns the key for the id in a token. Valid ids are the versions up to one above
// the sealing version, unless their key was retired more than 400 days ago. The error wraps
// [auth.ErrKeyDropped] if the key was dropped. For any other id the error wraps [auth.ErrNotFound],
// and the token is forged unless [Refresh.Reload] brings its key.
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

// Reload loads the ring again if a token that claims to be issued at this instant may be under a
// key that was made after the ring was loaded. If RefreshTokenKey has no key for a token, the token
// is forged only if its key is missing after Reload too. If the ring cannot be loaded, the error
// wraps [auth.ErrUnavailable] and the current ring stays. Reload makes at most one attempt a
// second, which bounds the cost of forged tokens.
func (s *Refresh) Reload(ctx context.Context, issued time.Time) error {
	return s.live.reload(ctx, issued)
}

// Login is a login ring in use, with one version that seals. It implements login.Keys. It is safe
// for concurrent use.
type Login struct{ live *live }

// LoadLogin loads the login ring, in which version v seals. It fails as [LoadSigning] does.
func LoadLogin(ctx context.Context, from Source, v uint16, now func() time.Time) (*Login, error) {
	l, err := open(ctx, from, keyrings.LoginRing, v, now)
	if err != nil {
		return nil, err
	}
	return &Login{l}, nil
}

// SealingKey returns the key for new tokens and for the names of counters. The error wraps
// [auth.ErrUnavailable].
func (s *Login) SealingKey(ctx context.Context) (auth.LoginKey, error) {
	return s.LoginKey(ctx, s.live.version)
}

// LoginKey returns the key for the id in a token. Valid ids are the versions up to one above the
// sealing version, unless their key was retired more than 200 days ago. For any other id the error
// wraps [auth.ErrNotFound], and the token is forged. A login ring is not loaded again: a known
// device that counts as unknown only loses its own counter.
func (s *Login) LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error) {
	entry, err := s.live.opening(ctx, id)
	if err != nil {
		return auth.LoginKey{}, err
	}
	return auth.LoginKey{ID: id, Secret: entry.Secret}, nil
}

// opening returns the entry of a version that opens tokens. For any other version the error wraps
// auth.ErrNotFound.
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
		// After a rollback, the key that seals again may still be recorded as retired. It still
		// opens its own tokens.
		ok = l.now().Before(entry.Retired.Add(l.kind.Retention()))
	}
	if !ok {
		return keyrings.Entry{}, fmt.Errorf("%s: key %d: %w", l.kind, v, auth.ErrNotFound)
	}
	return entry, nil
}
