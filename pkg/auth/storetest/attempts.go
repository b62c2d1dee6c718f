package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// Attempts holds a login.Counters to its definition: it cannot be told from login.Update.Do on a counter in memory.
func Attempts(t *testing.T, open func(testing.TB) login.Counters) {
	counters := open(t)
	t.Run("EqualsTheRules", func(t *testing.T) {
		for _, err := range CompareCounts(t.Context(), counters, 24, 1) {
			t.Error(err)
		}
	})
	t.Run("ParallelTakes", func(t *testing.T) { parallelTakes(t, counters) })
}

// aLimit is one whose every step a few takes reach.
var aLimit = login.Limit{Free: 3, Delay: time.Second, MaxDelay: 8 * time.Second, Window: time.Hour}

// CompareCounts plays random sequences of updates on counters in a store and in memory, each with a counter of its own,
// and returns the first difference of each sequence: in whether it was written and in what was found before.
func CompareCounts(ctx context.Context, counters login.Counters, sequences int, seed uint64) []error {
	errs := make([]error, sequences)
	parallel(sequences, sequences, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		key := fmt.Sprintf("sequence %d of seed %d", i, seed)
		var model login.Counter
		now := Epoch
		for step := range 40 {
			now = now.Add(pause(rng))
			u := randomCount(rng, model, now)
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

// pause is a wait of the limit, just less, just enough or just more.
func pause(rng *rand.Rand) time.Duration {
	around := pick(rng, 0, time.Second, 2*time.Second, 4*time.Second, 8*time.Second)
	return max(0, around+time.Duration(rng.IntN(3)-1)*time.Millisecond)
}

// randomCount is most often what a Throttle asks for, and else any form that an update can have.
func randomCount(rng *rand.Rand, c login.Counter, now time.Time) login.Update {
	expires := now.Add(time.Duration(1+rng.IntN(100)) * time.Hour)
	form := rng.IntN(16)
	if c.N < 2 {
		form += 2 // nobody resets a counter that keeps nobody waiting
	}
	switch form {
	case 0:
		return login.Reset(c)
	case 1:
		// Somebody took a slot since, or at the same time.
		other := pick(rng, login.Counter{N: -1}, login.Counter{N: 1}, login.Counter{Last: c.Last.Add(-time.Millisecond)},
			login.Counter{Last: c.Last.Add(time.Millisecond)})
		other.N += c.N
		if other.Last.IsZero() {
			other.Last = c.Last
		}
		return login.Reset(other)
	case 2:
		return login.GiveBack()
	case 3:
		least := rng.IntN(5)
		u := login.Update{Add: 1, AnyOf: []login.Match{{
			Least: least, Below: least + rng.IntN(4), LastBy: pick(rng, time.Time{}, now.Add(-pause(rng))),
		}}, At: now, Expires: expires.Truncate(time.Second)}
		if rng.IntN(2) == 0 {
			u.AnyOf = append(u.AnyOf, login.Match{Least: 2, LastAt: c.Last})
		}
		return u
	}
	return aLimit.Take(now, expires)
}

// parallelTakes asks for a thousand slots of one counter at once: none reads the counter before another's write.
func parallelTakes(t *testing.T, counters login.Counters) {
	const n = 1000
	key := t.Name()
	limit := login.Limit{Free: 5, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour}
	take := limit.Take(Epoch, Epoch.Add(time.Hour))
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
	// The refused ones wrote nothing: the first wait is over one Delay after the last grant.
	before, done, err := counters.Update(t.Context(), key, limit.Take(Epoch.Add(limit.Delay), Epoch.Add(2*time.Hour)))
	if want := (login.Counter{N: limit.Free, Last: take.At, Expires: take.Expires}); !done || err != nil || before != want {
		t.Errorf("after a delay: %+v, %t, %v; want %+v", before, done, err, want)
	}
	// What is missing is not made by giving back.
	for _, u := range []login.Update{login.GiveBack(), login.Reset(login.Counter{N: 1, Last: Epoch})} {
		if before, done, err := counters.Update(t.Context(), key+" missing", u); done || err != nil || before != (login.Counter{}) {
			t.Errorf("a missing counter: %+v, %t, %v", before, done, err)
		}
	}
}
