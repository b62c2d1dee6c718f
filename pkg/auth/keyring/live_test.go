package keyring_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var instant = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func clock() time.Time { return instant }

// ring returns a new ring of a kind.
func ring(t testing.TB, kind keyrings.Kind) (r keyrings.Ring) {
	t.Helper()
	var err error
	switch kind {
	case keyrings.SigningRing:
		r, err = keyrings.NewSigningRing(token.EdDSA, instant, rand.Reader)
	case keyrings.RefreshRing:
		r, err = keyrings.NewRefreshRing(instant, rand.Reader)
	case keyrings.LoginRing:
		r, err = keyrings.NewLoginRing(instant, rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t testing.TB, r keyrings.Ring) string {
	t.Helper()
	s, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// source returns the values of its fields and counts the loads.
type source struct {
	mu    sync.Mutex
	text  string
	err   error
	loads int
}

func (s *source) Load(context.Context) (auth.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	return auth.NewSecret(s.text), s.err
}

func TestSigningSigns(t *testing.T) {
	r := ring(t, keyrings.SigningRing)
	live, err := keyring.LoadSigning(t.Context(), keyrings.Inline(auth.NewSecret(text(t, r))), 2, clock)
	if err != nil {
		t.Fatal(err)
	}
	var keys token.SigningKeys = live
	key, err := keys.SigningKey(t.Context())
	if err != nil || key.ID() != r.Keys[2].Signing.ID() {
		t.Errorf("%v, %v", key, err)
	}
	set, err := live.PublicKeys(t.Context())
	if err != nil || len(set.Keys()) != 2 {
		t.Errorf("%v, %v", set, err)
	}
}

// TestOpeningKeys checks which keys of a refresh-token ring and of a login ring open tokens.
func TestOpeningKeys(t *testing.T) {
	type found struct {
		id     uint16
		secret auth.Secret
	}
	for _, row := range []struct {
		ring      keyrings.Ring
		retention time.Duration
		load      func(keyring.Source) (sealing func() (found, error), key func(id uint16) (found, error), err error)
	}{
		{ring(t, keyrings.RefreshRing), keyrings.RefreshKeyRetention, func(from keyring.Source) (func() (found, error), func(uint16) (found, error), error) {
			live, err := keyring.LoadRefresh(t.Context(), from, 3, clock)
			return func() (found, error) {
					k, err := live.SealingKey(t.Context())
					return found{k.ID, k.Secret}, err
				}, func(id uint16) (found, error) {
					k, err := live.RefreshTokenKey(t.Context(), id)
					return found{k.ID, k.Secret}, err
				}, err
		}},
		{ring(t, keyrings.LoginRing), keyrings.LoginKeyRetention, func(from keyring.Source) (func() (found, error), func(uint16) (found, error), error) {
			live, err := keyring.LoadLogin(t.Context(), from, 3, clock)
			return func() (found, error) {
					k, err := live.SealingKey(t.Context())
					return found{k.ID, k.Secret}, err
				}, func(id uint16) (found, error) {
					k, err := live.LoginKey(t.Context(), id)
					return found{k.ID, k.Secret}, err
				}, err
		}},
	} {
		r := row.ring
		for v := range uint16(3) {
			var err error
			if r, err = r.Add(v+3, "", instant, strings.NewReader(strings.Repeat("k", 32))); err != nil {
				t.Fatal(err)
			}
		}
		retired := instant.Add(-row.retention)
		set := func(v uint16, at time.Time) {
			e := r.Keys[v]
			e.SigningSince, e.Retired = at.Add(-time.Hour), at
			r.Keys[v] = e
		}
		set(1, retired)                    // just ended
		set(2, retired.Add(2*time.Second)) // not yet
		set(3, retired)                    // seals again, after a rollback
		sealing, key, err := row.load(keyrings.Inline(auth.NewSecret(text(t, r))))
		if err != nil {
			t.Fatal(err)
		}
		if k, err := sealing(); err != nil || k.id != 3 || !k.secret.Equal(r.Keys[3].Secret) {
			t.Errorf("%s: the sealing key is %d, %v", r.Kind, k.id, err)
		}
		open := map[uint16]bool{2: true, 3: true, 4: true}
		for _, id := range []uint16{0, 1, 2, 3, 4, 5, 6, 65535} {
			k, err := key(id)
			if !open[id] && errors.Is(err, auth.ErrNotFound) {
				continue
			}
			if !open[id] || err != nil || k.id != id || !k.secret.Equal(r.Keys[id].Secret) {
				t.Errorf("%s: key %d: %v", r.Kind, id, err)
			}
		}
	}
}

func TestWhatStopsTheStart(t *testing.T) {
	good := text(t, ring(t, keyrings.SigningRing))
	for _, row := range []struct {
		name    string
		source  keyring.Source
		version uint16
		now     func() time.Time
		want    string
	}{
		{"no source", nil, 1, clock, "a source"},
		{"no version", &source{text: good}, 0, clock, "a version"},
		{"no clock", &source{text: good}, 1, nil, "a clock"},
		{"half a ring", &source{text: good[:99]}, 1, clock, "malformed"},
		{"a version that is not there", &source{text: good}, 3, clock, "no version 3 in it, but [1 2]"},
		{"no ring", &source{err: auth.ErrNotFound}, 1, clock, "not found"},
		{"an exposed ring", &source{err: keyrings.ErrExposed}, 1, clock, "exposed"},
		{"an outage", &source{err: auth.ErrUnavailable}, 1, clock, ""},
		{"any other error", &source{err: errors.New("denied")}, 1, clock, ""},
	} {
		_, err := keyring.LoadSigning(t.Context(), row.source, row.version, row.now)
		if err == nil && row.want == "" {
			continue
		}
		if err == nil || row.want == "" || !strings.Contains(err.Error(), row.want) ||
			!strings.HasPrefix(err.Error(), "signing ring: ") {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestOutageIsTriedAgainOnceASecond(t *testing.T) {
	now := instant
	s := &source{err: errors.New("denied")}
	live, err := keyring.LoadRefresh(t.Context(), s, 1, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	call := func(wantLoads int, ok bool) {
		t.Helper()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := live.SealingKey(t.Context())
				if (err == nil) != ok || !ok && (!errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrNotFound)) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if s.loads != wantLoads {
			t.Errorf("%d loads, want %d", s.loads, wantLoads)
		}
	}
	call(1, false)
	now = now.Add(999 * time.Millisecond)
	call(1, false)
	now = now.Add(time.Millisecond)
	call(2, false)
	s.err, s.text = nil, "{}"
	now = now.Add(time.Second)
	call(3, false) // malformed, but still a temporary failure for callers
	s.text = text(t, ring(t, keyrings.RefreshRing))
	now = now.Add(time.Second)
	call(4, true)
	now = now.Add(time.Hour)
	call(4, true)
}

func TestOpen(t *testing.T) {
	stored := text(t, ring(t, keyrings.RefreshRing))
	for _, row := range []struct{ name, value, want string }{
		{"a file", "file:/a/b", ""},
		{"the ring", stored, ""},
		{"a secret", "secretsmanager:arn:aws:x", "package secretsmanager"},
		{"nothing", "", "file:<path>"},
		{"no path", "file:", "file:<path>"},
		{"a bare path", "/a/b", "file:<path>"},
	} {
		source, err := keyring.Open(row.value)
		if err == nil && row.want == "" && source != nil {
			continue
		}
		if err == nil || row.want == "" || !strings.Contains(err.Error(), row.want) || source != nil {
			t.Errorf("%s: %v, %v", row.name, source, err)
		}
	}
	inline, err := keyring.Open(stored)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := keyrings.Load(t.Context(), inline, keyrings.RefreshRing); err != nil || text(t, r) != stored {
		t.Error(err)
	}
}

// TestReloadOnce checks that parallel callers share one reload and find its new key.
func TestReloadOnce(t *testing.T) {
	r := ring(t, keyrings.RefreshRing)
	s := &source{text: text(t, r)}
	now := instant
	live, err := keyring.LoadRefresh(t.Context(), s, 1, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	before, err := live.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	r, err = r.Move(keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{All: true}}, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.text = text(t, r)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := live.Reload(t.Context(), now); err != nil {
				t.Error(err)
			}
			after, err := live.SealingKey(t.Context())
			if err != nil || after.ID != 1 || after.Secret.Equal(before.Secret) {
				t.Errorf("key %d of before: %t, %v", after.ID, after.Secret.Equal(before.Secret), err)
			}
		})
	}
	wg.Wait()
	if s.loads != 2 {
		t.Errorf("%d loads, want 2", s.loads)
	}
}
