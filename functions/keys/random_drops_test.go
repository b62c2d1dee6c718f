package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// TestRandomDrops drops refresh-token and login keys in random order, mixed with rotations,
// refusals, rollbacks and repeated requests. A dropped key never returns, the three rings have the
// same version, and the deployed version always has a key that seals.
func TestRandomDrops(t *testing.T) {
	stacks(t, 12, 12, randomDrops)
}

func randomDrops(t *testing.T, seed uint64) (n tally) {
	properties := map[keyrings.Kind]string{keyrings.RefreshRing: dropRefreshKeys, keyrings.LoginRing: dropLoginKeys}
	random := rand.New(rand.NewPCG(seed, 7))
	s := newStack(t)
	s.create()
	gone := map[string]bool{}
	check := func(what string) {
		t.Helper()
		deployed, err := strconv.Atoi(fmt.Sprint(s.deployed[keyVersion]))
		if err != nil {
			t.Fatal(err)
		}
		for kind := range arnProperty {
			r := s.ring(kind)
			if int(r.Current()) != deployed {
				t.Errorf("stack %d, %s: the %s stands at %d, and %d is deployed", seed, what, kind, r.Current(), deployed)
			}
			for v, entry := range r.Keys {
				if gone[entry.ID()] {
					t.Errorf("stack %d, %s: version %d of the %s has a dropped key", seed, what, v, kind)
				}
			}
			for _, v := range []keyrings.Version{r.Current(), r.Current() + 1} {
				if _, ok := r.Keys[v]; !ok {
					t.Errorf("stack %d, %s: version %d of the %s has no key", seed, what, v, kind)
				}
			}
		}
	}
	for range steps {
		s.now = s.now.Add([]time.Duration{time.Second, time.Minute, 3 * time.Hour, 30 * time.Hour}[random.IntN(4)])
		current := s.ring(keyrings.SigningRing).Current()
		wish := []string{keyVersion, fmt.Sprint(int(current) + []int{0, 1, 1, 1}[random.IntN(4)]), dropKeys, ""}
		doomed := []string{}
		for kind, property := range properties {
			r := s.ring(kind)
			text := ""
			switch random.IntN(8) {
			case 0:
				text = "all"
				for _, entry := range r.Keys {
					doomed = append(doomed, entry.ID())
				}
			case 1, 2:
				text = r.Keys[r.Versions()[random.IntN(len(r.Keys))]].ID()
				doomed = append(doomed, text)
			case 3:
				text, _ = s.deployed[property].(string) // SAM keeps a parameter
			}
			wish = append(wish, property, text)
		}
		r := s.update(wish...)
		if r.Status != "SUCCESS" {
			n.refused++
			check("refused: " + r.Reason)
			continue
		}
		n.accepted++
		// A key that the request named and that left the ring never returns. A second "all" at the
		// same version drops no key.
		for _, id := range doomed {
			if !s.has(id) {
				gone[id] = true
				n.drops++
			}
		}
		check("accepted")
		if random.IntN(3) == 0 {
			n.repeated++
			if again := s.send(s.last); again.Status != "SUCCESS" || again.Data["Stamp"] != r.Data["Stamp"] {
				t.Errorf("stack %d, repeated: %s %s", seed, again.Status, again.Reason)
			}
			check("repeated")
		}
		if random.IntN(3) == 0 {
			n.rolledBack++
			s.rollback()
			check("rolled back")
		}
		if t.Failed() {
			return n
		}
	}
	return n
}

// has reports whether any ring has a key with this id.
func (s *stack) has(id string) bool {
	for kind := range arnProperty {
		r := s.ring(kind)
		if slices.ContainsFunc(r.Versions(), func(v keyrings.Version) bool { return r.Keys[v].ID() == id }) {
			return true
		}
	}
	return false
}
