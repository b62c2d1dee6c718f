// Package storetest defines the behaviour of the stores, as tests that every implementation runs.
//
//	func TestSessions(t *testing.T) {
//		storetest.Sessions(t, 1000, func(t testing.TB) session.Store { return newStore(t) })
//	}
//
// A session store is correct if it behaves exactly like [session.Update.Do] on an item in memory.
// [Users], [Counters] and [Schema] do the same for accounts, for counters, and for items that
// another version wrote.
package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Epoch is the middle of the time in which the suite runs. It is years ahead, so that no engine
// with a time-to-live deletes an item under test.
var Epoch = time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)

// key is the only refresh-token key of the suite.
type key struct{}

func (key) SealingKey(context.Context) (auth.RefreshTokenKey, error) {
	return auth.RefreshTokenKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

func (k key) RefreshTokenKey(ctx context.Context, id uint16) (auth.RefreshTokenKey, error) {
	if id != 1 {
		return auth.RefreshTokenKey{}, auth.ErrNotFound
	}
	return k.SealingKey(ctx)
}

func (key) Reload(context.Context, time.Time) error { return nil }

// allSubjects is a directory in which every subject exists.
type allSubjects struct{}

func (allSubjects) Subject(_ context.Context, id auth.SubjectID) (auth.Subject, error) {
	return auth.Subject{ID: id}, nil
}

// random is a deterministic source of bytes, without cryptographic security, for Rand. It is safe
// for concurrent use.
type random struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func newRandom(seed uint64) *random {
	var s [32]byte
	s[0], s[1], s[2] = byte(seed), byte(seed>>8), byte(seed>>16)
	return &random{src: rand.NewChaCha8(s)}
}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.Read(p)
}

// clock is driven by the tests. It is safe for concurrent use.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("\nwant %+v\n got %+v", want, got)
}

// parallel calls f(0) to f(n-1) on workers goroutines. One goroutine would wait for a sync of the
// disk at every write of an embedded store.
func parallel(n, workers int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// subjectOf gives each test, and each case of it, its own partition, so that tests can share a
// store.
func subjectOf(t testing.TB, i int) auth.SubjectID {
	name := t.Name()
	if len(name) > 40 {
		name = name[len(name)-40:]
	}
	return auth.SubjectID(fmt.Sprintf("%s %d", name, i))
}

// manager is a session.Manager with its clock, and the codec of its refresh tokens.
type manager struct {
	*session.Manager
	clock *clock
	codec session.Codec
}

func newManager(t testing.TB, store session.Store, c *clock) manager {
	t.Helper()
	m, err := session.NewManager(session.Config{
		Store: store, Subjects: allSubjects{}, Keys: key{},
		Now: c.Now, Rand: newRandom(uint64(rand.Uint32())),
	})
	if err != nil {
		t.Fatal(err)
	}
	return manager{m, c, session.Codec{Keys: key{}}}
}

func open(t testing.TB, m manager, subject auth.SubjectID, profile auth.Profile) session.Granted {
	t.Helper()
	opened, err := m.Open(t.Context(), session.Opening{
		Subject: auth.Subject{ID: subject},
		Client: auth.Client{ID: auth.DefaultClient, Profile: profile, IdleTimeout: 14 * 24 * time.Hour,
			AbsoluteTimeout: 90 * 24 * time.Hour},
		AuthTime: m.clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}
