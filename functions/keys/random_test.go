package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// history is the view of verifiers and clients: the publication times of keys, and the keys that
// signed.
type history struct {
	published []publication
	signed    map[string]time.Time // when a key last signed
	gone      map[string]bool      // dropped kids
	dropped   time.Time            // when keys were last dropped
}

type publication struct {
	at   time.Time
	kids []string
}

// deploy records the state of the functions from now on.
func (h *history) deploy(now time.Time, signs string, kids []string) {
	if n := len(h.published); n > 0 {
		h.signed[h.signing()] = now
	}
	h.signed[signs] = now
	h.published = append(h.published, publication{now, append([]string{signs}, kids...)})
}

func (h *history) signing() string { return h.published[len(h.published)-1].kids[0] }

// problems returns the valid tokens that a verifier refuses. A verifier that caches a key set for
// two hours may lack the key that signs. A new key set may lack a key that signed within the
// longest token lifetime.
func (h *history) problems(now time.Time) (found []string) {
	const cache = 2 * time.Hour
	last := h.published[len(h.published)-1]
	for _, kid := range last.kids {
		if h.gone[kid] {
			found = append(found, kid+" came back")
		}
	}
	if !h.dropped.IsZero() && now.Sub(h.dropped) < keyrings.PublishedBeforeSigning {
		return found // a drop is an emergency
	}
	for i, p := range h.published {
		over := i+1 < len(h.published) && !h.published[i+1].at.After(now.Add(-cache))
		if !over && !slices.Contains(p.kids[1:], last.kids[0]) {
			found = append(found, fmt.Sprintf("who asked when %v was published does not know %s", p.at, last.kids[0]))
		}
	}
	for kid, at := range h.signed {
		if alive := now.Before(at.Add(token.MaxLifetime + token.Leeway)); alive && !h.gone[kid] && !slices.Contains(last.kids[1:], kid) {
			found = append(found, kid+" signed, and is withdrawn")
		}
	}
	return found
}

func (h *history) check(t *testing.T, stack uint64, now time.Time) {
	t.Helper()
	for _, problem := range h.problems(now) {
		t.Errorf("stack %d at %v: %s", stack, now, problem)
	}
}

// tally counts the events of one or several stacks.
type tally struct{ accepted, refused, rolledBack, repeated, drops int }

// stacks runs f for n stacks in parallel and returns the sum. Each kind of event must occur at
// least least times.
func stacks(t *testing.T, n uint64, least int, f func(t *testing.T, seed uint64) tally) {
	t.Helper()
	all := make([]tally, n)
	t.Run("stacks", func(t *testing.T) {
		for seed := range n {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				all[seed] = f(t, seed)
			})
		}
	})
	var sum tally
	for _, one := range all {
		sum.accepted += one.accepted
		sum.refused += one.refused
		sum.rolledBack += one.rolledBack
		sum.repeated += one.repeated
		sum.drops += one.drops
	}
	t.Logf("%+v", sum)
	if min(sum.accepted, sum.refused, sum.rolledBack, sum.repeated, sum.drops) < least {
		t.Errorf("%+v, want each at least %d times", sum, least)
	}
}

// steps is the number of requests to a stack.
const steps = 40

// TestRandomDeployments deploys, rolls back and repeats requests in random order at random times.
// No accepted deployment makes a verifier refuse a valid token, and no rollback fails.
func TestRandomDeployments(t *testing.T) {
	stacks(t, 16, 8, randomDeployments)
}

func randomDeployments(t *testing.T, seed uint64) (n tally) {
	random := rand.New(rand.NewPCG(seed, 1))
	s := newStack(t)
	h := &history{signed: map[string]time.Time{}, gone: map[string]bool{}}
	var events [][]byte
	// note records the changes of an accepted request.
	note := func(r reply, before keyrings.Ring) {
		signing, _ := s.stored()
		for v, entry := range before.Keys {
			kept := slices.ContainsFunc(slices.Collect(maps.Values(signing.Keys)), func(e keyrings.Entry) bool {
				return e.Signing.ID() == entry.Signing.ID()
			})
			if !kept && int(signing.Current())-int(v) < 8 {
				h.gone[entry.Signing.ID()], h.dropped = true, s.now
			}
		}
		h.deploy(s.now, signing.Keys[signing.Current()].Signing.ID(), r.kids(t))
		if fmt.Sprint(signing.Current()) != s.deployed[keyVersion] {
			t.Errorf("stack %d: version %d signs, and %s is deployed", seed, signing.Current(), s.deployed[keyVersion])
		}
	}
	note(s.create(), keyrings.Ring{})
	for range steps {
		s.now = s.now.Add([]time.Duration{time.Second, time.Minute, time.Hour, 3 * time.Hour, 100 * time.Hour}[random.IntN(5)])
		before, _ := s.stored()
		signs := before.Current()
		if len(events) > 0 && random.IntN(5) == 0 {
			n.repeated++
			event := events[len(events)-1-random.IntN(min(3, len(events)))]
			s.send(event)
			if signing, refresh := s.stored(); signing.Current() != signs || refresh.Current() != signs {
				t.Errorf("stack %d: repeated, %s moved the ring from %d", seed, event, signs)
			}
			continue
		}
		wish := []string{keyVersion, fmt.Sprint(max(1, int(signs)+[]int{-2, -1, 0, 1, 1, 1, 1, 2}[random.IntN(8)])), dropKeys, ""}
		switch random.IntN(20) {
		case 0:
			wish[3] = "all"
		case 1, 2:
			wish[3] = before.Keys[before.Versions()[random.IntN(len(before.Keys))]].Signing.ID()
		case 3:
			wish[3] = s.deployed[dropKeys].(string)
		}
		r := s.update(wish...)
		events = append(events, s.last)
		if r.Status != "SUCCESS" {
			n.refused++
			continue
		}
		n.accepted++
		note(r, before)
		h.check(t, seed, s.now)
		if random.IntN(4) == 0 { // another resource fails, immediately or after a long deployment
			n.rolledBack++
			h.signed[h.signing()] = s.now
			s.now = s.now.Add(time.Duration(random.IntN(7200)) * time.Second)
			before, _ := s.stored()
			back := s.rollback()
			events = append(events, s.last)
			note(back, before)
		}
		if !h.dropped.IsZero() && h.dropped.Equal(s.now) {
			n.drops++
		}
		h.check(t, seed, s.now)
		if t.Failed() {
			return n
		}
	}
	return n
}
