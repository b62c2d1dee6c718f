package throttle_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// oneKey is the only login key.
type oneKey struct{}

func (oneKey) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(string(make([]byte, auth.KeyBytes)))}, nil
}

// memory is a store of counters.
type memory map[string]*throttle.Counter

func (m memory) Update(_ context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	c := m[key]
	if c == nil {
		c = &throttle.Counter{}
	}
	before := *c
	done := u.Do(c)
	if done {
		m[key] = c
	}
	return before, done, nil
}

// TestNoCountIsNegative runs attempts that overlap in every order, some of them in one millisecond.
// A store cannot read a counter with a negative count, so the account would be closed until the
// window ends.
func TestNoCountIsNegative(t *testing.T) {
	endings := []throttle.Ending{throttle.EndingUndecided, throttle.EndingFailed, throttle.EndingSucceeded}
	for seed := range uint64(20_000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		counters := memory{}
		limiter, err := throttle.New(counters, oneKey{})
		if err != nil {
			t.Fatal(err)
		}
		c := throttle.Charge{
			Kind: "account", Text: "ada@example.com", Shared: rng.IntN(2) == 0,
			Limit: throttle.Limit{Free: 20, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		}
		var running []throttle.Slot
		for range 12 {
			if len(running) > 0 && rng.IntN(2) == 0 {
				i := rng.IntN(len(running))
				if err := limiter.Settle(t.Context(), running[i], endings[rng.IntN(3)]); err != nil {
					t.Fatal(err)
				}
				running = slices.Delete(running, i, i+1)
			} else {
				c.At = time.UnixMilli(int64(1e12 + rng.IntN(3)))
				c.Source = []string{"", "a", "b"}[rng.IntN(3)]
				slot, err := limiter.Take(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				running = append(running, slot)
			}
			for _, c := range counters {
				for source, n := range c.Sources {
					if n < 0 {
						t.Fatalf("seed %d: source %s has %d attempts", seed, source, n)
					}
				}
				if c.N < 0 {
					t.Fatalf("seed %d: %d attempts", seed, c.N)
				}
			}
		}
	}
}

// TestSourcesAreFew checks that a counter has a bounded number of sources, even if a user logs in
// from very many networks. Their counts stay until the window ends, and an item of DynamoDB has at
// most 400 KB.
func TestSourcesAreFew(t *testing.T) {
	counters := memory{}
	limiter, err := throttle.New(counters, oneKey{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	for i := range 100 {
		slot, err := limiter.Take(t.Context(), throttle.Charge{
			Kind: "account", Text: "ada@example.com", Source: string(rune('a' + i)), At: at.Add(time.Duration(i) * time.Second),
			Limit: throttle.Limit{Free: 20, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := limiter.Settle(t.Context(), slot, throttle.EndingSucceeded); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for _, c := range counters {
		for name := range c.Sources {
			if kept++; len(name) > 2 {
				t.Fatalf("a source has the name %q; with more than two characters of base64url there are more than 4096", name)
			}
		}
	}
	if kept < 40 {
		t.Errorf("%d sources are told apart", kept)
	}
}
