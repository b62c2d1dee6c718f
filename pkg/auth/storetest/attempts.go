package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Counters checks that a throttle.Counters behaves exactly like throttle.Update.Do on a counter in
// memory. open returns the store, which may hold other counters.
func Counters(t *testing.T, open func(testing.TB) throttle.Counters) {
	counters := open(t)
	t.Run("EqualsTheRules", func(t *testing.T) {
		for _, err := range CompareCounts(t.Context(), counters, 24, 1) {
			t.Error(err)
		}
	})
	t.Run("ParallelTakes", func(t *testing.T) { parallelTakes(t, counters) })
	t.Run("SpendOnce", func(t *testing.T) { spendOnce(t, counters, loginKey{}) })
	t.Run("SpendOnceWithoutKeys", func(t *testing.T) { spendOnce(t, counters, nil) })
}

// limits are limits that a few attempts exhaust. The waits of the second limit are long enough to
// depend on the source. The free attempts of the third limit also depend on the source.
var limits = []throttle.Limit{
	{Free: 3, Delay: time.Second, MaxDelay: 8 * time.Second, Window: time.Hour},
	{Free: 2, Delay: 30 * time.Second, MaxDelay: 5 * time.Minute, Window: 24 * time.Hour},
	{Free: 5, Reserve: 4, Delay: time.Minute, MaxDelay: time.Minute, Window: time.Hour},
}

// CompareCounts runs random sequences of updates in the store and in memory, each on its own
// counter. It returns the first difference of each sequence, in whether the update was written or
// in the counter before it.
func CompareCounts(ctx context.Context, counters throttle.Counters, sequences int, seed uint64) []error {
	errs := make([]error, sequences)
	parallel(sequences, sequences, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		key := fmt.Sprintf("sequence %d of seed %d", i, seed)
		var model throttle.Counter
		now := Epoch
		for step := range 40 {
			limit := limits[i%len(limits)]
			now = now.Add(pause(rng, limit))
			u := randomCount(rng, limit, model, now)
			want := model
			wantDone := u.Do(&model)
			got, done, err := counters.Update(ctx, key, u)
			if err == nil && (done != wantDone || difference(want, got) != "") {
				err = fmt.Errorf("%+v was written %t, the rules say %t; before: %s", u, done, wantDone, difference(want, got))
			}
			if err != nil {
				errs[i] = fmt.Errorf("sequence %d, step %d: %w", i, step, err)
				return
			}
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// pause returns a wait of the limit, or a little less or more.
func pause(rng *rand.Rand, l throttle.Limit) time.Duration {
	around := time.Duration(rng.IntN(2)) * l.Delay << rng.IntN(5)
	if l.MaxDelay > time.Minute {
		around += time.Duration(rng.IntN(3)) * time.Minute // the wait of a source with earlier attempts
	}
	return max(0, around+time.Duration(rng.IntN(3)-1)*time.Millisecond)
}

// randomCount returns an update that a Limiter makes, or sometimes an update of any other form.
func randomCount(rng *rand.Rand, l throttle.Limit, c throttle.Counter, now time.Time) throttle.Update {
	expires := now.Add(time.Duration(1+rng.IntN(100)) * time.Hour)
	source := pick(rng, "", "0-_source", "another0", "another0", "another0")
	form := rng.IntN(16)
	if c.N < 2 {
		form += 2 // a counter that delays no attempt is never reset
	}
	switch form {
	case 0:
		return throttle.Reset(c, source)
	case 1:
		// Another attempt took a slot later, or at the same time.
		other := pick(rng, throttle.Counter{N: -1}, throttle.Counter{N: 1}, throttle.Counter{Last: c.Last.Add(-time.Millisecond)},
			throttle.Counter{Last: c.Last.Add(time.Millisecond)})
		other.N += c.N
		if other.Last.IsZero() {
			other.Last = c.Last
		}
		return throttle.Reset(other, source)
	case 2:
		return throttle.GiveBack(source)
	case 3:
		least := rng.IntN(5)
		u := throttle.Update{Add: 1, Source: source, AnyOf: []throttle.Match{{
			Least: least, Below: least + rng.IntN(4), LastBy: pick(rng, time.Time{}, now.Add(-pause(rng, l))), SourceLeast: rng.IntN(2),
		}}, At: now, Expires: expires.Truncate(time.Second)}
		if source == "" {
			u.AnyOf[0].SourceLeast = 0
		}
		if rng.IntN(2) == 0 {
			u.Mark = throttle.Mark{1, byte(rng.IntN(256))}
		}
		if rng.IntN(2) == 0 {
			u.AnyOf = append(u.AnyOf, throttle.Match{Least: 2, LastAt: c.Last})
		}
		return u
	case 4:
		mine := c
		if u := throttle.Undo(throttle.Counter{Last: now.Add(-time.Minute)}, mine, source); c.N > 0 && (source == "" || c.Sources[source] > 0) {
			return u
		}
	}
	return l.Take(now, expires, source)
}

// parallelTakes makes a thousand attempts on one counter in parallel and checks that each sees the
// writes of the earlier attempts.
func parallelTakes(t *testing.T, counters throttle.Counters) {
	const n = 1000
	key := t.Name()
	limit := throttle.Limit{Free: 5, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour}
	take := limit.Take(Epoch, Epoch.Add(time.Hour), "")
	var granted atomic.Int32
	parallel(n, 100, func(int) {
		switch _, done, err := counters.Update(t.Context(), key, take); {
		case err != nil:
			t.Error(err)
		case done:
			granted.Add(1)
		}
	})
	if int(granted.Load()) != limit.Free {
		t.Errorf("%d slots were granted, want %d", granted.Load(), limit.Free)
	}
	// The refused attempts wrote nothing: the first wait ends one Delay after the last granted
	// attempt.
	before, done, err := counters.Update(t.Context(), key, limit.Take(Epoch.Add(limit.Delay), Epoch.Add(2*time.Hour), ""))
	if want := (throttle.Counter{N: limit.Free, Last: take.At, Expires: take.Expires}); !done || err != nil || difference(want, before) != "" {
		t.Errorf("after a delay: %+v, %t, %v; want %+v", before, done, err, want)
	}
	// A release does not create a missing counter.
	for _, u := range []throttle.Update{throttle.GiveBack(""), throttle.Reset(throttle.Counter{N: 1, Last: Epoch}, "")} {
		if before, done, err := counters.Update(t.Context(), key+" missing", u); done || err != nil || difference(throttle.Counter{}, before) != "" {
			t.Errorf("a missing counter: %+v, %t, %v", before, done, err)
		}
	}
}

// loginKey is the only login key of the suite.
type loginKey struct{}

func (loginKey) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

// spendOnce spends one id a hundred times in parallel. Exactly one call finds it unused.
func spendOnce(t *testing.T, counters throttle.Counters, keys throttle.Keys) {
	once := throttle.Once{Counters: counters, Keys: keys}
	spend := func(purpose, id string) bool {
		fresh, err := once.Spend(t.Context(), purpose, id, Epoch, Epoch.Add(time.Hour))
		if err != nil {
			t.Error(err)
		}
		return fresh
	}
	var fresh atomic.Int32
	parallel(100, 50, func(int) {
		if spend("nonce", t.Name()) {
			fresh.Add(1)
		}
	})
	if fresh.Load() != 1 {
		t.Errorf("%d spenders found the id fresh, want 1", fresh.Load())
	}
	if !spend("token", t.Name()) || !spend("nonce", t.Name()+" another") {
		t.Error("another purpose or another id is not fresh")
	}
	// The retry of a write whose reply was lost is recognised by its mark.
	again := throttle.Once{Counters: counters, Keys: keys, Rand: repeating{}}
	for range 2 {
		if ok, err := again.Spend(t.Context(), "nonce", t.Name()+" repeated", Epoch, Epoch.Add(time.Hour)); err != nil || !ok {
			t.Errorf("the repetition of one write: fresh %t, %v", ok, err)
		}
	}
	if spend("nonce", t.Name()+" repeated") {
		t.Error("a second use is taken for the repetition of the first")
	}
	if _, err := once.Spend(t.Context(), "nonce", "x", Epoch, Epoch); err == nil {
		t.Error("an id that has ended is spent")
	}
}

// repeating yields the same bytes forever.
type repeating struct{}

func (repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 7
	}
	return len(p), nil
}
