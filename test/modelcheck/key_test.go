package modelcheck

import (
	"maps"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// future is one step from a state, with the outcome and the key of the state that follows.
type future struct {
	move    move
	outcome session.Outcome
	key     stateKey
}

// refused reports that the search ends here.
func (f future) refused() bool { return f.move.event == arrival && !granted(f.outcome) }

// A search is exhaustive only if states with equal keys have equal futures. With the small
// constants of the last row, a few steps reach every age at which something changes, and every
// refusal.
func TestEqualKeysHaveEqualFutures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rules  session.Rules
		grid   time.Duration
		steps  int
		stepUp bool
	}{
		{"as built", session.DefaultRules(), 15 * time.Second, 5, false},
		{"as built, coarse", session.DefaultRules(), 45 * time.Second, 8, false},
		{"with a step-up", session.DefaultRules(), 45 * time.Second, 8, true},
		{"small", session.Rules{GracePeriod: 30 * time.Second, MinimumInterval: 45 * time.Second, LateUse: 45 * time.Second}, 45 * time.Second, 11, false},
		{"small, with a step-up", session.Rules{GracePeriod: 30 * time.Second, MinimumInterval: 45 * time.Second, LateUse: 45 * time.Second, Handover: 45 * time.Second},
			45 * time.Second, 9, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := Honest{Model: Of(tt.rules, auth.Balanced), Grid: tt.grid, AtOnce: 3, StepUp: tt.stepUp}
			known := map[stateKey]map[future]bool{}
			compared := 0
			layer := []state{h.begin()}
			for range tt.steps {
				var next []state
				for _, s := range layer {
					for m := range h.moves(s) {
						after, outcome := h.after(s, m)
						if (future{move: m, outcome: outcome}).refused() {
							continue
						}
						k := h.key(after)
						first, again := known[k]
						if !again {
							known[k] = h.futures(after)
							next = append(next, after)
							continue
						}
						if compared++; !maps.Equal(first, h.futures(after)) {
							t.Fatalf("two states of key %+v have different futures; one is %+v", k, after)
						}
					}
				}
				layer = next
			}
			t.Logf("%d keys, %d more states", len(known), compared)
		})
	}
}

func (h Honest) futures(s state) map[future]bool {
	futures := map[future]bool{}
	for m := range h.moves(s) {
		after, outcome := h.after(s, m)
		f := future{move: m, outcome: outcome}
		f.move.index = 0 // the key orders messages itself
		if !f.refused() {
			f.key = h.key(after)
		}
		futures[f] = true
	}
	return futures
}

// A thief needs only the newest of his own branches of one generation: if he keeps all of them, he
// lasts no longer.
func TestHoardingHelpsNoThief(t *testing.T) {
	thief := Thief{Model: asBuilt(auth.Balanced), Interval: 300 * time.Second, Grid: 60 * time.Second}
	frugal := thief.Search(thief.Bound())
	thief.hoard = true
	hoarder := thief.Search(thief.Bound())
	if frugal.Longest != hoarder.Longest || frugal.Noticed != hoarder.Noticed {
		t.Errorf("with every token a thief lasts %s, with the newest %s", hoarder.Longest, frugal.Longest)
	}
	if hoarder.States <= frugal.States {
		t.Errorf("hoarding made %d states of %d", hoarder.States, frugal.States)
	}
}
