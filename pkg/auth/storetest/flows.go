package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// FlowKey names a flow for Raw.
type FlowKey string

// Flows checks that a flow.Store behaves exactly like flow.Update.Do on a flow in memory. open
// returns the store, which may hold other flows.
func Flows(t *testing.T, open func(testing.TB) flow.Store) {
	flows := open(t)
	t.Run("EqualsTheRules", func(t *testing.T) {
		for _, err := range CompareFlows(t.Context(), flows, 24, 1) {
			t.Error(err)
		}
	})
	t.Run("CreateTwice", func(t *testing.T) { createTwice(t, flows) })
	t.Run("MissingFlow", func(t *testing.T) { missingFlow(t, flows) })
	t.Run("ParallelTries", func(t *testing.T) { parallelTries(t, flows) })
}

// flowOf returns a flow, with all members that may be empty or without them.
func flowOf(seed byte, full bool) flow.Flow {
	f := flow.Flow{
		Purpose: flow.PurposeReset, Client: "app", Code: [32]byte{seed, 1}, TriesLeft: flow.Tries, Ends: Epoch.Add(flow.Lifetime),
		Expires: Epoch.Add(time.Hour),
	}
	f.Person[0], f.Person[len(f.Person)-1] = seed, 255
	if full {
		f.Mark, f.Proven = throttle.Mark{seed, 9}, true
	}
	return f
}

// CompareFlows runs random sequences of updates in the store and in memory, each on its own flow.
// It returns the first difference of each sequence, in whether the update was written or in the
// flow before it.
func CompareFlows(ctx context.Context, flows flow.Store, sequences int, seed uint64) []error {
	errs := make([]error, sequences)
	parallel(sequences, sequences, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		key := flow.Key(fmt.Sprintf("flow sequence %d of seed %d", i, seed))
		model := flowOf(byte(i), i%2 == 0)
		if errs[i] = flows.Create(ctx, key, model); errs[i] != nil {
			return
		}
		for step := range 16 {
			u := randomFlowUpdate(rng, model)
			want := model
			wantDone := u.Do(&model)
			got, done, err := flows.Update(ctx, key, u)
			if err == nil && (done != wantDone || difference(&want, got) != "") {
				err = fmt.Errorf("%+v was written %t, the rules say %t; before: %s", u, done, wantDone, difference(&want, got))
			}
			if err != nil {
				errs[i] = fmt.Errorf("flow sequence %d, step %d: %w", i, step, err)
				return
			}
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// randomFlowUpdate returns an update whose condition sometimes holds. It seldom spends the flow.
func randomFlowUpdate(rng *rand.Rand, f flow.Flow) (u flow.Update) {
	mark := func() throttle.Mark { return throttle.Mark{byte(1 + rng.IntN(3))} }
	if rng.IntN(2) == 0 {
		u.If.LiveAt = f.Ends.Add(time.Duration(rng.IntN(3)-2) * time.Millisecond)
	}
	if rng.IntN(2) == 0 {
		u.If.TriesLeft = max(0, f.TriesLeft+rng.IntN(2))
	}
	if rng.IntN(2) == 0 {
		u.If.Mark = pick(rng, f.Mark, mark())
	}
	u.Set = flow.Change{AddTries: rng.IntN(3) - min(1, f.TriesLeft), Proven: rng.IntN(4) == 0}
	if rng.IntN(2) == 0 {
		u.Set.Mark = mark()
	}
	if rng.IntN(12) == 0 {
		u.Set.Spent = mark()
	}
	return u
}

// createTwice checks that a repeated creation, even a late one, does not bring back a spent flow.
func createTwice(t *testing.T, flows flow.Store) {
	key, f := flow.Key(t.Name()), flowOf(1, false)
	use := flow.Update{Set: flow.Change{Spent: throttle.Mark{7}}}
	if err := flows.Create(t.Context(), key, f); err != nil {
		t.Fatal(err)
	}
	if err := done(flows.Update(t.Context(), key, use)); err != nil {
		t.Fatal(err)
	}
	if err := flows.Create(t.Context(), key, f); err != nil {
		t.Errorf("a repeated creation: %v", err)
	}
	f.Spent = throttle.Mark{7}
	if before, done, err := flows.Update(t.Context(), key, use); done || err != nil || difference(&f, before) != "" {
		t.Errorf("a spent flow: written %t, %v; %s", done, err, difference(&f, before))
	}
}

// missingFlow checks that no update creates a flow.
func missingFlow(t *testing.T, flows flow.Store) {
	for _, u := range []flow.Update{{}, {Set: flow.Change{Spent: throttle.Mark{7}}}, {If: flow.Condition{Mark: throttle.Mark{1}}}} {
		if before, done, err := flows.Update(t.Context(), flow.Key(t.Name()), u); before != nil || done || err != nil {
			t.Errorf("%+v: %+v, written %t, %v", u, before, done, err)
		}
	}
}

// parallelTries makes 200 tries of one flow in parallel, and spends the flow after each try.
// Exactly the available tries count, and exactly one spending succeeds.
func parallelTries(t *testing.T, flows flow.Store) {
	key := flow.Key(t.Name())
	if err := flows.Create(t.Context(), key, flowOf(2, false)); err != nil {
		t.Fatal(err)
	}
	var counted, spent atomic.Int32
	parallel(200, 100, func(i int) {
		mark := throttle.Mark{1, byte(i)}
		try := flow.Update{If: flow.Condition{LiveAt: Epoch, TriesLeft: 1, Mark: mark}, Set: flow.Change{AddTries: -1, Mark: mark}}
		_, done, err := flows.Update(t.Context(), key, try)
		if err != nil {
			t.Error(err)
		}
		if done {
			counted.Add(1)
			time.Sleep(20 * time.Millisecond) // so that the other goroutines find the flow unspent
			if _, done, err := flows.Update(t.Context(), key, flow.Update{Set: flow.Change{Spent: mark}}); err != nil {
				t.Error(err)
			} else if done {
				spent.Add(1)
			}
		}
	})
	if n := counted.Load(); n < 1 || n > flow.Tries || spent.Load() != 1 {
		t.Errorf("%d tries counted and %d spent the flow, want at most %d and 1", n, spent.Load(), flow.Tries)
	}
}

// unreadableFlow checks that a flow that cannot be read is not changed, and does not count as
// missing.
func unreadableFlow(t *testing.T, flows flow.Store, raw Raw) {
	ctx, n := t.Context(), 0
	key := FlowKey(t.Name())
	f := flowOf(3, true)
	if err := flows.Create(ctx, flow.Key(key), f); err != nil {
		t.Fatal(err)
	}
	updates := []flow.Update{
		{If: flow.Condition{LiveAt: Epoch, TriesLeft: 1, Mark: throttle.Mark{1}}, Set: flow.Change{AddTries: -1, Mark: throttle.Mark{1}}},
		{Set: flow.Change{Spent: throttle.Mark{2}}},
	}
	damage(t, raw, key, func(how string) {
		n++
		for _, u := range updates {
			_, done, err := flows.Update(ctx, flow.Key(key), u)
			unavailable(t, how, err)
			if done {
				t.Errorf("%s: it was written", how)
			}
		}
	})
	if n == 0 {
		t.Error("the item was damaged in no way")
	}
	raw.Set(t, key, "of_a_later_version", "kept")
	for _, u := range updates {
		before, done, err := flows.Update(ctx, flow.Key(key), u)
		if err == nil && (!done || difference(&f, before) != "") {
			err = errors.New("the flow as it was: " + difference(&f, before))
		}
		if err != nil {
			t.Error(err)
		}
		u.Do(&f)
	}
	if got := raw.Get(t, key, "of_a_later_version"); got != "kept" {
		t.Errorf("the attribute of a later version is %q", got)
	}
}
