package rotation

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestForbiddenSteps checks that a step which would cause valid tokens to be refused is refused for
// all rings together. The refusal names the right version and the time until which to wait.
func TestForbiddenSteps(t *testing.T) {
	const wait = keyrings.PublishedBeforeSigning
	for _, row := range []struct {
		name   string
		before []time.Duration // earlier rotations, each the given time after the previous one
		back   int             // number of steps back afterwards
		forth  int             // number of steps forward again
		after  time.Duration
		to     keyrings.Version
		right  keyrings.Version // 0 if the version can never be right
		until  time.Duration    // from now; 0 if waiting does not help
	}{
		{name: "a rotation right after the first deployment", to: 2, right: 1, until: wait},
		{name: "a rotation a second too early", after: wait - time.Second, to: 2, right: 1, until: time.Second},
		{name: "two rotations ten minutes apart", before: []time.Duration{wait}, after: 10 * time.Minute, to: 3,
			right: 2, until: wait - 10*time.Minute},
		{name: "the same later", before: []time.Duration{wait, wait, 100 * time.Hour}, after: 10 * time.Minute, to: 5,
			right: 4, until: wait - 10*time.Minute},
		{name: "a jump forth", before: []time.Duration{wait}, after: 100 * time.Hour, to: 4, right: 3},
		{name: "a jump back", before: []time.Duration{wait, wait}, after: 100 * time.Hour, to: 1, right: 2},
		{name: "a jump over the version that was taken back", before: []time.Duration{wait, wait}, back: 1, after: wait,
			to: 4, right: 3},
		{name: "a rotation right after a step back and forth", before: []time.Duration{wait, wait}, back: 1, forth: 1,
			after: 10 * time.Minute, to: 4, right: 3, until: wait - 10*time.Minute},
		{name: "two steps back", before: []time.Duration{wait, wait}, back: 1, after: wait, to: 1, right: 2,
			until: keyrings.RefreshKeyRetention - wait},
		{name: "the version 0", to: 0},
		{name: "the last version", to: 1<<16 - 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			sim := newSimulation(t, 1, token.EdDSA)
			sim.create()
			for _, d := range row.before {
				sim.now = sim.now.Add(d)
				sim.mustMove(sim.deployed.version + 1)
			}
			for range row.back {
				sim.mustMove(sim.deployed.version - 1)
			}
			for range row.forth {
				sim.mustMove(sim.deployed.version + 1)
			}
			sim.now = sim.now.Add(row.after)
			saved := [3]uint64{sim.signing.saved, sim.refresh.saved, sim.logins.saved}
			_, err := sim.move(row.to, keyrings.Drop{})
			if saved != [3]uint64{sim.signing.saved, sim.refresh.saved, sim.logins.saved} {
				t.Error("a ring was written")
			}
			if row.right == 0 {
				if !errors.Is(err, keyrings.ErrRefused) || !strings.Contains(err.Error(), "a number from 1 to 65534") {
					t.Errorf("got %v", err)
				}
				return
			}
			refused := sim.expectRefusal(err, row.to, row.right)
			until := time.Duration(0)
			if !refused.Until.IsZero() {
				until = refused.Until.Sub(sim.now)
			}
			if until != row.until {
				t.Errorf("%v: accepted after %v, want %v", err, until, row.until)
			}
			// The right version is accepted, and a step that came too early is accepted after the
			// wait.
			sim.mustMove(row.right)
			if row.until > 0 {
				sim.now = sim.now.Add(row.until)
				sim.mustMove(row.to)
			}
		})
	}
}

// mustMove deploys a version to all functions.
func (sim *simulation) mustMove(v keyrings.Version) {
	sim.t.Helper()
	r, err := sim.move(v, keyrings.Drop{})
	if err != nil {
		sim.t.Fatal(err)
	}
	sim.everywhere(r)
}

// A new stack adopts the rings of a deleted stack at the highest version that was in use, and at no
// other version.
func TestAdoptionOfRetainedRings(t *testing.T) {
	for _, row := range []struct {
		name  string
		moves []keyrings.Version
		right keyrings.Version
	}{
		{"never rotated", nil, 1},
		{"rotated", []keyrings.Version{2, 3, 4}, 4},
		{"rotated and taken back", []keyrings.Version{2, 3, 2}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			sim := newSimulation(t, 1, token.ES256)
			sim.create()
			for _, v := range row.moves {
				sim.now = sim.now.Add(keyrings.PublishedBeforeSigning)
				sim.mustMove(v)
			}
			sim.deployed = nil // the stack is deleted
			for v := keyrings.Version(1); v <= row.right+2; v++ {
				err := keyrings.Adopt(v, sim.load(keyrings.SigningRing), sim.load(keyrings.RefreshRing), sim.load(keyrings.LoginRing))
				if v == row.right && err != nil {
					t.Errorf("at %d: %v", v, err)
				}
				if v != row.right {
					sim.expectRefusal(err, v, row.right)
				}
			}
			sim.mustMove(row.right)
		})
	}
}
