package rotation

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// emergency is a rotation that drops a leaked key.
type emergency struct {
	name      string
	after     time.Duration // since the previous rotation
	all       bool          // the whole ring leaked, not only the signing key
	same      bool          // the version that signs does not change
	takenBack bool          // the deployment is rolled back after five minutes

	// deaf is the time for which external verifiers may not know the new signing key.
	deaf time.Duration
}

// After a key is dropped, the tokens that it signed are refused and no session ends.
func TestDroppedKeys(t *testing.T) {
	const hours = keyrings.PublishedBeforeSigning
	for i, e := range []emergency{
		{name: "the key that signs", after: hours},
		{name: "the key that signs, soon after a rotation", after: settles, deaf: hours - settles},
		{name: "the key that signs, taken back", after: hours, takenBack: true},
		{name: "all keys", after: hours, all: true, deaf: hours},
		{name: "all keys of the same version", after: hours, all: true, same: true, deaf: hours},
		{name: "all keys, taken back", after: hours, all: true, takenBack: true, deaf: hours},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, uint64(i), token.EdDSA)
			sim.create()
			sim.addVerifiers()
			sim.addClients(16)
			for _, c := range sim.clients {
				c.steady = c.id%4 != 1
			}
			sim.tell([]step{{to: 2}, {to: 3}})
			for sim.deployed.version < 3 && !t.Failed() {
				sim.run(sim.now.Add(time.Second))
			}
			sim.run(sim.now.Add(e.after))
			sim.expectPeace()
			sim.drop(e)
		})
	}
}

// drop carries out an emergency and checks the next four hours.
func (sim *simulation) drop(e emergency) {
	sim.t.Helper()
	begins, was := sim.now, sim.deployed
	ring := sim.load(keyrings.SigningRing)
	leaked := ring.Keys[was.version].Signing.ID()
	drop := keyrings.Drop{All: e.all}
	if !e.all {
		drop.IDs = []string{leaked}
	}
	to := was.version + 1
	if e.same {
		to = was.version
	}
	tokens := sim.alive(leaked)
	sim.expectOf(tokens, sim.start("authorizer", sim.aliases["authorizer"].main), "")

	r, err := sim.move(to, drop)
	if err != nil {
		sim.t.Fatal(err)
	}
	for _, entry := range ring.Keys {
		if e.all != sim.dropped[entry.Signing.ID()] && entry.Signing.ID() != leaked {
			sim.t.Errorf("the other key %s is dropped: %t", entry.Signing.ID(), !e.all)
		}
	}
	sim.expectOf(tokens, sim.start("authorizer", &snapshot{release: *r}), "unauthenticated unknown_key")
	sim.atOnce(r)
	if e.takenBack {
		sim.after(5*time.Minute, func() {
			back, err := sim.move(was.version, keyrings.Drop{})
			if err != nil {
				sim.t.Fatal(err)
			}
			if *back == *was || strings.Contains(back.jwks, leaked) {
				sim.t.Errorf("the rollback publishes %s", back.jwks)
			}
			sim.atOnce(back)
		})
	}
	const settled = 8 * time.Minute // after a rollback too
	gone := 0
	for _, later := range []time.Duration{3 * time.Minute, settled, 12 * time.Minute} {
		sim.at(begins.Add(later), func() {
			authorizer := sim.instance("authorizer")
			for _, entry := range ring.Keys {
				if kid := entry.Signing.ID(); sim.dropped[kid] {
					old := sim.alive(kid)
					gone += len(old)
					sim.expectOf(old, authorizer, "unauthenticated unknown_key")
				}
			}
		})
	}
	for _, c := range sim.clients {
		sim.at(begins.Add(settled), c.renewOnce)
	}
	sim.at(begins.Add(settled+5*time.Minute), func() {
		for _, c := range sim.clients {
			if sim.dropped[c.access.kid] {
				sim.t.Errorf("%s still gets tokens of a dropped key", c)
			}
			sim.expectOf([]*access{c.access}, sim.instance("authorizer"), "")
		}
	})
	sim.run(begins.Add(4 * time.Hour))

	var ours, theirs, old int
	for _, r := range sim.refused {
		switch {
		case sim.dropped[r.kid]:
			old++
			if !r.at.Before(begins.Add(settled + life)) {
				sim.t.Errorf("an expired token is still in use: %v", r)
			}
		case strings.HasPrefix(r.by, "gateway"), strings.HasPrefix(r.by, "load balancer"):
			theirs++
			if !r.at.Before(begins.Add(e.deaf)) {
				sim.t.Error(r)
			}
		default:
			ours++
			if r.at.After(begins.Add(settled)) {
				sim.t.Error(r)
			}
		}
	}
	for _, r := range sim.ended {
		sim.t.Error(r)
	}
	sim.t.Logf("%d tokens of the leaked key; refused %d of dropped keys, of other keys %d by our authorizer and %d by external verifiers; %d logouts",
		len(tokens), old, ours, theirs, len(sim.ended))
	if len(tokens) < 8 || old < 5 || gone < 10 || e.deaf > 0 && theirs == 0 {
		sim.t.Error("too few events for a meaningful result")
	}
	for _, v := range sim.verifiers {
		if v.cache > 0 && strings.Contains(v.text, leaked) {
			sim.t.Errorf("%s still knows the leaked key", v.name)
		}
	}
}

// atOnce deploys without canaries: all aliases move within a minute, and a minute later every
// caller has noticed.
func (sim *simulation) atOnce(r *release) {
	sim.deployed = r
	for _, name := range functions {
		sim.after(sim.between(0, time.Minute), func() { sim.point(name, sim.aliases[name].publish(r)) })
	}
}

// alive returns the unexpired access tokens that a key signed.
func (sim *simulation) alive(kid string) (found []*access) {
	for _, a := range sim.issued {
		if a.kid == kid && a.ends.After(sim.now) {
			found = append(found, a)
		}
	}
	return found
}

// expectOf checks the authorizer's decision on each of the tokens.
func (sim *simulation) expectOf(tokens []*access, i *instance, want string) {
	sim.t.Helper()
	for _, a := range tokens {
		if why, err := i.authorize(sim.t.Context(), a.text); err != nil || why != want {
			sim.t.Fatalf("the authorizer of version %d decided %q on a token of key %d, %v; want %q",
				i.version, why, sim.versionOf[a.kid], err, want)
		}
	}
}
