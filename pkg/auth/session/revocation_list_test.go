package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// entries is a real list of revocations whose reads a test counts, delays and fails.
type entries struct {
	session.Revocations
	reads, at atomic.Int32  // in total, and at this moment
	most      atomic.Int32  // reads at the same moment
	delay     time.Duration // of each read; a read gives up if its context ends before
	down      atomic.Bool
	writer    time.Duration // how far the clocks of the writers are ahead
}

var errDown = errors.New("the store is down")

func (e *entries) Since(ctx context.Context, since, now time.Time) ([]session.RevocationEntry, error) {
	e.reads.Add(1)
	e.most.Store(max(e.most.Load(), e.at.Add(1)))
	defer e.at.Add(-1)
	// The store finds the entries that were written before it answers. It begins when it is asked.
	if e.delay > 0 {
		select {
		case <-time.After(e.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if e.down.Load() {
		return nil, errDown
	}
	return e.Revocations.Since(ctx, since, now)
}

// end writes an entry by a writer whose clock is ahead.
func (e *entries) end(t *testing.T, entry func(at time.Time) session.RevocationEntry) {
	t.Helper()
	if err := e.Write(context.Background(), entry(time.Now().Add(e.writer))); err != nil {
		t.Fatal(err)
	}
}

func (e *entries) endSession(t *testing.T, key session.Key) {
	t.Helper()
	e.end(t, func(at time.Time) session.RevocationEntry { return session.EndOfSession(key, at) })
}

// newList returns a list on a file, with the clock of the bubble that it runs in.
func newList(t *testing.T, changes ...func(*session.RevocationListConfig)) (*session.RevocationList, *entries) {
	t.Helper()
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	e := &entries{Revocations: db.Revocations()}
	c := session.RevocationListConfig{Revocations: e, Lifetime: time.Hour}
	for _, change := range changes {
		change(&c)
	}
	l, err := session.NewRevocationList(c)
	if err != nil {
		t.Fatal(err)
	}
	return l, e
}

// load is the first read.
func load(t *testing.T, l *session.RevocationList) {
	t.Helper()
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// request is a request with a token of a session: it calls Refresh and CheckToken. It returns the
// answer and the time that it took.
func request(l *session.RevocationList, p auth.Principal) (ended string, took time.Duration, err error) {
	begin := time.Now()
	l.Refresh()
	ended, err = l.CheckToken(context.Background(), p)
	return ended, time.Since(begin), err
}

func someKey() session.Key {
	key := session.Key{Subject: aUUID}
	for i := range key.ID {
		key.ID[i] = byte(rand.Uint32())
	}
	return key
}

// issued is the principal of an access token that was issued now.
func issued(key session.Key) auth.Principal {
	p := principal(key, auth.NewTokenVersion(2))
	p.IssuedAt = time.Now().Truncate(time.Second)
	return p
}

const revoked = string(session.OutcomeRevoked)

func TestRevocationListRefuses(t *testing.T) {
	v := auth.NewTokenVersion
	key, other := someKey(), someKey()
	other.Subject = "another"
	of := func(key session.Key, version auth.TokenVersion, issued time.Duration) func(start time.Time) auth.Principal {
		return func(start time.Time) auth.Principal {
			p := principal(key, version)
			p.IssuedAt = start.Add(issued).Truncate(time.Second)
			return p
		}
	}
	ends := func(key session.Key) func(time.Time) session.RevocationEntry {
		return func(at time.Time) session.RevocationEntry { return session.EndOfSession(key, at) }
	}
	user := func(below uint64) func(time.Time) session.RevocationEntry {
		return func(at time.Time) session.RevocationEntry { return session.EndOfUser(key.Subject, below, at) }
	}
	withoutSession := func(start time.Time) auth.Principal { return auth.Principal{Subject: key.Subject, IssuedAt: start} }
	for _, row := range []struct {
		name    string
		entries []func(time.Time) session.RevocationEntry
		token   func(start time.Time) auth.Principal
		want    session.Outcome
	}{
		{"nothing has ended", nil, of(key, v(2), 0), ""},
		{"its session", []func(time.Time) session.RevocationEntry{ends(key)}, of(key, v(2), 0), session.OutcomeRevoked},
		{"its session, without a version", []func(time.Time) session.RevocationEntry{ends(key)}, of(key, auth.TokenVersion{}, 0), session.OutcomeRevoked},
		{"the session of the same id of another user", []func(time.Time) session.RevocationEntry{ends(session.Key{Subject: "another", ID: key.ID})}, of(key, v(2), 0), ""},
		{"another session", []func(time.Time) session.RevocationEntry{ends(other)}, of(key, v(2), 0), ""},
		{"a session, and the token has none", []func(time.Time) session.RevocationEntry{ends(session.Key{Subject: key.Subject})}, withoutSession, ""},
		{"its user, by a higher version", []func(time.Time) session.RevocationEntry{user(3)}, of(key, v(2), 0), session.OutcomeSubjectSuperseded},
		{"its user, by the same version", []func(time.Time) session.RevocationEntry{user(2)}, of(key, v(2), 0), ""},
		{"its user, twice", []func(time.Time) session.RevocationEntry{user(3), user(2)}, of(key, v(2), 0), session.OutcomeSubjectSuperseded},
		{"its user, and the token has no version", []func(time.Time) session.RevocationEntry{user(1)}, of(key, auth.TokenVersion{}, 0), session.OutcomeSubjectSuperseded},
		{"its user, and the token has no session", []func(time.Time) session.RevocationEntry{user(1)}, withoutSession, session.OutcomeSubjectSuperseded},
		{"another user", []func(time.Time) session.RevocationEntry{user(3)}, of(other, v(2), 0), ""},
		{"all, before it was issued", []func(time.Time) session.RevocationEntry{session.EndOfAll}, of(key, v(2), 7*time.Second), ""},
		{"all, in the second in which it was issued", []func(time.Time) session.RevocationEntry{session.EndOfAll}, of(key, v(2), 0), session.OutcomeNotBefore},
		{"all, 5 seconds before it was issued by a clock that is ahead", []func(time.Time) session.RevocationEntry{session.EndOfAll}, of(key, v(2), 5*time.Second), session.OutcomeNotBefore},
		{"all, after it was issued", []func(time.Time) session.RevocationEntry{session.EndOfAll}, of(key, v(2), -time.Hour), session.OutcomeNotBefore},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, e := newList(t)
			load(t, l)
			start := time.Now()
			for _, entry := range row.entries {
				e.end(t, entry)
			}
			time.Sleep(5 * time.Second)
			if ended, _, err := request(l, row.token(start)); err != nil || ended != string(row.want) {
				t.Errorf("%s: %q, %v, want %q", row.name, ended, err, row.want)
			}
		})
	}
}

// TestRevocationListNotBefore: a deployment that ends all sessions from before an instant also ends
// the tokens from before it.
func TestRevocationListNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l, _ := newList(t, func(c *session.RevocationListConfig) { c.SessionsNotBefore = start })
		load(t, l)
		before, after := issued(someKey()), issued(someKey())
		after.IssuedAt = start.Add(time.Second)
		if ended, _, _ := request(l, before); ended != string(session.OutcomeNotBefore) {
			t.Errorf("issued before: %q", ended)
		}
		if ended, _, _ := request(l, after); ended != "" {
			t.Errorf("issued after: %q", ended)
		}
	})
}

// TestRevocationListLatency ends 1,000 sessions at random times while requests arrive every 200 ms.
// Each token is refused at the latest 5 seconds and one read after the end, with clocks of the
// writers that are 5 seconds ahead or behind.
func TestRevocationListLatency(t *testing.T) {
	const reading, pause = 20 * time.Millisecond, 200 * time.Millisecond
	for _, ahead := range []time.Duration{0, 5 * time.Second, -5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l, e := newList(t)
			e.writer, e.delay = ahead, reading
			load(t, l)
			var all []time.Duration
			for range 1000 {
				key := someKey()
				p := issued(key)
				live := time.Duration(rand.Int64N(int64(6 * time.Second)))
				for begin := time.Now(); time.Since(begin) < live; time.Sleep(pause) {
					if ended, _, err := request(l, p); ended != "" || err != nil {
						t.Fatalf("a live session: %q, %v", ended, err)
					}
				}
				time.Sleep(time.Duration(rand.Int64N(int64(pause))))
				e.endSession(t, key)
				for end := time.Now(); ; time.Sleep(pause) {
					asked := time.Since(end)
					ended, _, err := request(l, p)
					if err != nil {
						t.Fatal(err)
					}
					if ended == revoked {
						all = append(all, time.Since(end))
						break
					}
					if asked >= 5*time.Second {
						t.Fatalf("a token passes %v after the end of its session", asked)
					}
				}
			}
			slices.Sort(all)
			t.Logf("writers' clocks %+v: from the end to the first refused answer, p50 %v, max %v", ahead, all[len(all)/2], all[len(all)-1])
		})
	}
}

// TestRevocationListDay counts the reads of a day with a request every second. docs/sessions.md
// computes the same number.
func TestRevocationListDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		load(t, l)
		p := issued(someKey())
		for begin := time.Now(); time.Since(begin) < 24*time.Hour; time.Sleep(time.Second) {
			p.IssuedAt = time.Now()
			if ended, _, err := request(l, p); ended != "" || err != nil {
				t.Fatal(ended, err)
			}
		}
		if n, want := e.reads.Load(), int32(24*time.Hour/(5*time.Second)); n != want {
			t.Errorf("%d reads a day, want %d", n, want)
		}
	})
}

// TestRevocationListIdle: without requests the list reads nothing, and the first request after an
// hour knows the sessions that have ended meanwhile.
func TestRevocationListIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		load(t, l)
		key := someKey()
		p := issued(key)
		time.Sleep(time.Minute)
		e.endSession(t, key)
		time.Sleep(58 * time.Minute)
		e.delay = 1900 * time.Millisecond
		if ended, took, err := request(l, p); ended != revoked || err != nil || took != e.delay {
			t.Errorf("%q, %v after %v", ended, err, took)
		}
		if n := e.reads.Load(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
		time.Sleep(time.Minute)
		e.delay = 2100 * time.Millisecond
		if ended, took, err := request(l, p); err == nil || !errors.Is(err, auth.ErrUnavailable) || took != 2*time.Second {
			t.Errorf("a store that takes too long: %q, %v after %v", ended, err, took)
		}
		time.Sleep(e.delay)
		if ended, took, err := request(l, p); ended != revoked || err != nil || took != 0 {
			t.Errorf("the next request, after the read: %q, %v after %v", ended, err, took)
		}
	})
}

// TestRevocationListStart: a list can start without the store and load later.
func TestRevocationListStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		key := someKey()
		e.endSession(t, key)
		e.down.Store(true)
		if err := l.Load(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("%v", err)
		}
		for range 3 {
			if ended, _, err := request(l, issued(key)); !errors.Is(err, errDown) {
				t.Errorf("%q, %v", ended, err)
			}
		}
		if n := e.reads.Load(); n != 4 {
			t.Errorf("%d reads, want one for each request", n)
		}
		e.down.Store(false)
		if ended, _, err := request(l, issued(key)); ended != revoked || err != nil {
			t.Errorf("%q, %v", ended, err)
		}
	})
}

// TestRevocationListStoreFails: a list decides without the store until it is 30 seconds old, tries
// to read every 5 seconds, and then decides nothing.
func TestRevocationListStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		key, live := someKey(), someKey()
		e.endSession(t, key)
		load(t, l)
		e.down.Store(true)
		begin := time.Now()
		for time.Since(begin) < 30*time.Second {
			for p, want := range map[session.Key]string{key: revoked, live: ""} {
				if ended, _, err := request(l, issued(p)); ended != want || err != nil {
					t.Fatalf("after %v: %q, %v", time.Since(begin), ended, err)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := e.reads.Load(); n != 6 {
			t.Errorf("%d reads in 30 seconds, want 6", n)
		}
		for _, p := range []session.Key{key, live} {
			if ended, _, err := request(l, issued(p)); ended != "" || !errors.Is(err, errDown) {
				t.Errorf("a list of 30 seconds: %q, %v", ended, err)
			}
		}
		e.down.Store(false)
		for p, want := range map[session.Key]string{key: revoked, live: ""} {
			if ended, _, err := request(l, issued(p)); ended != want || err != nil {
				t.Errorf("the store is back: %q, %v", ended, err)
			}
		}
	})
}

// TestRevocationListStoreSlow: a slow read delays one request by 200 ms. The read continues, and
// its result counts.
func TestRevocationListStoreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		load(t, l)
		key := someKey()
		e.endSession(t, key)
		time.Sleep(5 * time.Second)
		e.delay = time.Second
		if ended, took, err := request(l, issued(key)); ended != "" || err != nil || took != 200*time.Millisecond {
			t.Errorf("the first request: %q, %v after %v", ended, err, took)
		}
		if ended, took, err := request(l, issued(key)); ended != "" || err != nil || took != 0 {
			t.Errorf("the second request: %q, %v after %v", ended, err, took)
		}
		time.Sleep(time.Second)
		if ended, took, err := request(l, issued(key)); ended != revoked || err != nil || took != 0 {
			t.Errorf("after the read: %q, %v after %v", ended, err, took)
		}
		if n := e.reads.Load(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
	})
}

// TestRevocationListFrozen freezes a function during a read. The result of that read is as old as
// its begin: the next request must read again, or the tokens of sessions that ended meanwhile would
// pass.
func TestRevocationListFrozen(t *testing.T) {
	for _, row := range []struct {
		name   string
		frozen time.Duration // the read continues when the function resumes
		fails  bool          // its connection is gone
		reads  int32
	}{
		{"for some seconds", 20 * time.Second, false, 2},
		{"for some seconds, and the read fails", 20 * time.Second, true, 2},
		{"for minutes", 10 * time.Minute, false, 2},
		{"for minutes, and the read fails", 10 * time.Minute, true, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			var clock atomic.Int64 // a frozen function's timers stand still, and its clock does not
			now := func() time.Time { return time.Now().Round(0).Add(time.Duration(clock.Load())) }
			l, e := newList(t, func(c *session.RevocationListConfig) { c.Now = now })
			load(t, l)
			e.reads.Store(0)
			time.Sleep(5 * time.Second)
			e.delay = 10 * time.Millisecond
			e.down.Store(row.fails)
			l.Refresh() // a request with a bad token: nothing waits for the read
			synctest.Wait()
			clock.Store(int64(row.frozen))
			key := someKey()
			if err := e.Write(t.Context(), session.EndOfSession(key, now().Add(-6*time.Second))); err != nil {
				t.Fatal(err)
			}
			go func() { time.Sleep(5 * time.Millisecond); e.down.Store(false) }()
			time.Sleep(6 * time.Millisecond)
			ended, took, err := request(l, issued(key))
			if ended != revoked || err != nil || took > 2*e.delay {
				t.Errorf("%s: %q, %v after %v", row.name, ended, err, took)
			}
			if n := e.reads.Load(); n != row.reads {
				t.Errorf("%s: %d reads, want %d", row.name, n, row.reads)
			}
		})
	}
}

// TestRevocationListClockSetBack: a clock that was ahead for an hour and is set right leaves no
// gap.
func TestRevocationListClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, ahead := time.Now(), time.Hour
		l, e := newList(t, func(c *session.RevocationListConfig) {
			c.Now = func() time.Time {
				// The monotonic clock continues, and the wall clock is set.
				if ahead == 0 {
					return time.Now().Round(0)
				}
				return start.Round(0).Add(time.Since(start) + ahead)
			}
		})
		load(t, l)
		ahead = 0
		key := someKey()
		e.endSession(t, key)
		load(t, l)
		if ended, _, err := request(l, issued(key)); ended != revoked || err != nil {
			t.Errorf("%q, %v", ended, err)
		}
	})
}

// TestRevocationListForgets: an entry is kept exactly as long as a token that it refuses may live,
// so that the list has a bound.
func TestRevocationListForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t, func(c *session.RevocationListConfig) { c.Lifetime = 10 * time.Minute })
		load(t, l)
		key := someKey()
		p := issued(key)
		e.endSession(t, key)
		e.end(t, func(at time.Time) session.RevocationEntry { return session.EndOfUser("another", 3, at) })
		begin := time.Now()
		for time.Sleep(5 * time.Second); time.Since(begin) <= 12*time.Minute; time.Sleep(time.Minute) {
			if ended, _, err := request(l, p); ended != revoked || err != nil {
				t.Fatalf("after %v: %q, %v", time.Since(begin), ended, err)
			}
		}
		for range 2 {
			time.Sleep(time.Minute)
			if _, _, err := request(l, p); err != nil {
				t.Fatal(err)
			}
		}
		if sessions, users := l.Size(); sessions != 0 || users != 0 {
			t.Errorf("%d sessions and %d users are kept", sessions, users)
		}
	})
}

// TestRevocationListShares: requests at the same moment share one read, for a fresh list and an old
// list.
func TestRevocationListShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := newList(t)
		e.delay = 50 * time.Millisecond
		key := someKey()
		e.endSession(t, key)
		for i, idle := range []time.Duration{0, 5 * time.Second, time.Minute} {
			time.Sleep(idle)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if ended, took, err := request(l, issued(key)); ended != revoked || err != nil || took != e.delay {
						t.Errorf("%q, %v after %v", ended, err, took)
					}
				})
			}
			all.Wait()
			if n := e.reads.Load(); n != int32(i+1) {
				t.Errorf("%d reads, want %d", n, i+1)
			}
		}
		if e.most.Load() != 1 {
			t.Errorf("%d reads at the same moment", e.most.Load())
		}
	})
}

// TestRevocationListRaces runs requests and ends at once, for the race detector. An ended session
// never comes back.
func TestRevocationListRaces(t *testing.T) {
	var clock atomic.Int64
	start := time.Now()
	now := func() time.Time { return start.Add(time.Duration(clock.Load())) }
	l, e := newList(t, func(c *session.RevocationListConfig) { c.Now = now })
	load(t, l)
	live := issued(someKey())
	var ended []auth.Principal
	for round := range 30 {
		var all sync.WaitGroup
		for range 4 {
			key := someKey()
			ended = append(ended, issued(key))
			all.Go(func() {
				if err := e.Write(context.Background(), session.EndOfSession(key, now())); err != nil {
					t.Error(err)
				}
			})
		}
		for range 8 {
			all.Go(func() {
				for range 50 {
					if why, _, err := request(l, live); why != "" || err != nil {
						t.Errorf("a live session: %q, %v", why, err)
					}
				}
			})
		}
		all.Wait()
		clock.Add(int64([]time.Duration{5, 6, 29, 31, 100}[round%5] * time.Second))
		for range 8 {
			all.Go(func() {
				for _, p := range ended {
					if why, _, err := request(l, p); why != revoked || err != nil {
						t.Errorf("an ended session: %q, %v", why, err)
					}
				}
			})
		}
		all.Wait()
	}
	if e.most.Load() != 1 {
		t.Errorf("%d reads at the same moment", e.most.Load())
	}
}

// TestRevocationListPanic: a store that panics ends no process.
func TestRevocationListPanic(t *testing.T) {
	l, err := session.NewRevocationList(session.RevocationListConfig{Revocations: panics{}, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.CheckToken(t.Context(), issued(someKey())); err == nil {
		t.Error("a list decides that nothing was read of")
	}
}

type panics struct{ session.Revocations }

// TestRevocationListRollout ends a session by a function that has other keys than the function that
// opened it, as during a deployment. Entries name sessions without a key, so nothing changes.
func TestRevocationListRollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := bolt.OpenTemp(t)
		if err != nil {
			t.Fatal(err)
		}
		manager := func(k session.Keys) *session.Manager {
			m, err := session.NewManager(session.Config{Store: db.Sessions(), Subjects: &directory{subject: auth.Subject{ID: aUUID, TokenVersion: 2}}, Keys: k})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		old := testManager{Manager: manager(keys{}), users: &directory{subject: auth.Subject{ID: aUUID, TokenVersion: 2}}, now: time.Now()}
		g := old.login(t, auth.Balanced)
		l, err := session.NewRevocationList(session.RevocationListConfig{Revocations: db.Revocations(), Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		load(t, l)
		next := manager(nextKeys{})
		if _, err := next.Revoke(t.Context(), g.Session.Key, session.RevocationAdmin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if ended, _, err := request(l, issued(g.Session.Key)); ended != revoked || err != nil {
			t.Errorf("%q, %v", ended, err)
		}
	})
}

// nextKeys seal with another key than keys.
type nextKeys struct{ keys }

func (k nextKeys) SealingKey(ctx context.Context) (auth.RefreshTokenKey, error) {
	return k.RefreshTokenKey(ctx, 1)
}

// TestRevocationListSize measures the memory of 10,000 entries.
func TestRevocationListSize(t *testing.T) {
	l, e := newList(t)
	now := time.Now()
	const n = 10_000
	e.Revocations = many(n, now)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := memory()
	load(t, l)
	after := memory()
	if sessions, users := l.Size(); sessions+users != n {
		t.Errorf("%d sessions and %d users, want %d in all", sessions, users, n)
	}
	t.Logf("%d entries: %d bytes, %.0f each", n, after-before, float64(after-before)/n)
	runtime.KeepAlive(l)
}

// many are n entries without a store.
func many(n int, at time.Time) session.Revocations { return list{n: n, at: at} }

type list struct {
	session.Revocations
	n  int
	at time.Time
}

func (m list) Since(context.Context, time.Time, time.Time) (all []session.RevocationEntry, err error) {
	for range m.n {
		all = append(all, session.EndOfSession(someKey(), m.at))
	}
	return all, nil
}

func TestNewRevocationListRefuses(t *testing.T) {
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]session.RevocationListConfig{
		"no store":       {Lifetime: time.Hour},
		"no lifetime":    {Revocations: db.Revocations()},
		"a long life":    {Revocations: db.Revocations(), Lifetime: 2 * time.Hour},
		"a negative one": {Revocations: db.Revocations(), Lifetime: -1},
	} {
		if _, err := session.NewRevocationList(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
