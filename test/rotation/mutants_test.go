package rotation

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// careless is a stack whose rings are moved by hand, without the guard.
type careless struct {
	name     string
	every    time.Duration // between rotations
	within   time.Duration // duration of a deployment; discovery is last
	public   func(keyrings.Ring, keyrings.Version) (token.KeySet, error)
	narrowed func(text auth.Secret, v keyrings.Version) auth.Secret
	forgets  string // the function that gets no new version

	refusedBy []string // prefixes of the verifiers that must refuse tokens, or empty
	logouts   bool     // sessions must end
}

const enough = keyrings.PublishedBeforeSigning

// These stacks violate the rules, and the clients must notice each violation; otherwise a quiet
// test would prove nothing. The first stack follows the rules and shows that moving by hand is not
// itself a violation.
func TestCarelessStacks(t *testing.T) {
	for _, c := range []careless{
		{name: "nothing", every: enough, within: settles},
		{name: "ten minutes between rotations", every: 10 * time.Minute, within: 5 * time.Minute,
			refusedBy: []string{"gateway", "authorizer"}},
		{name: "an hour between rotations", every: time.Hour, within: settles, refusedBy: []string{"gateway"}},
		// A deployment may take the publication time minus the time for which gateways cache keys.
		{name: "deployments of two hours", every: enough, within: enough - gatewayCache + time.Hour,
			refusedBy: []string{"gateway"}},
		{name: "key sets without the next key", every: enough, within: settles, public: publishing(-1, 0),
			refusedBy: []string{"gateway", "authorizer"}},
		{name: "key sets without the key before", every: enough, within: settles, public: publishing(0, 1),
			refusedBy: []string{"authorizer"}},
		{name: "an authorizer that gets no new version", every: enough, within: settles, forgets: "authorizer",
			refusedBy: []string{"authorizer"}},
		{name: "refresh-token keys that come when they seal", every: enough, within: settles, narrowed: upTo, logouts: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim := c.live(t, 1)
			seen := map[string]int{}
			for _, r := range sim.refused {
				by, _, _ := strings.Cut(r.by, " ")
				seen[by]++
			}
			t.Logf("%d refreshes, %d key sets fetched by gateways; refused %v, %d logouts",
				sim.count[refreshes], sim.count[gatewayFetches], seen, len(sim.ended))
			if len(c.refusedBy) == 0 && len(sim.refused) > 0 || !c.logouts && len(sim.ended) > 0 {
				sim.expectPeace()
			}
			for _, by := range c.refusedBy {
				if seen[by] == 0 {
					t.Errorf("%s refused no token", by)
				}
			}
			if c.logouts && len(sim.ended) == 0 {
				t.Error("no session ended")
			}
		})
	}
}

// The same seed must produce the same run, so that a failure can be reproduced.
func TestSeedIsReproducible(t *testing.T) {
	t.Parallel()
	c := careless{every: 10 * time.Minute, within: 5 * time.Minute}
	first, again, other := c.live(t, 2).count.String(), c.live(t, 2).count.String(), c.live(t, 3).count.String()
	if first != again {
		t.Errorf("%s\nand\n%s", first, again)
	}
	if first == other {
		t.Error("another seed produces the same run")
	}
}

// live performs three rotations.
func (c careless) live(t *testing.T, seed uint64) *simulation {
	t.Helper()
	sim := newSimulation(t, seed, token.EdDSA)
	if c.public != nil {
		sim.public = c.public
	}
	sim.narrowed = c.narrowed
	sim.create()
	sim.addVerifiers()
	sim.addClients(16)
	for _, c := range sim.clients {
		c.steady = true
	}
	end := begin.Add(keyrings.PublishedBeforeSigning)
	for v := keyrings.Version(2); v <= 4; v++ {
		sim.at(end, func() { sim.spread(sim.moveByHand(v), c.within, c.forgets) })
		end = end.Add(c.every)
	}
	sim.run(end.Add(time.Hour))
	return sim
}

// moveByHand makes a version sign without checking the time.
func (sim *simulation) moveByHand(v keyrings.Version) *release {
	sim.t.Helper()
	before := sim.load(keyrings.SigningRing)
	for _, kind := range order {
		sim.change(kind, func(r keyrings.Ring) (keyrings.Ring, error) {
			next, err := r.Add(v+1, sim.alg, sim.now, rand.Reader)
			if err != nil {
				return keyrings.Ring{}, err
			}
			next, err = next.Sign(v, sim.now)
			next.Serial = r.Serial + 1
			return next, err
		})
	}
	sim.note(before)
	return sim.released(v)
}

// spread moves all aliases but one within the given time, canaries first and discovery last.
func (sim *simulation) spread(r *release, within time.Duration, but string) {
	sim.deployed = r
	for _, name := range functions {
		a, moves := sim.aliases[name], sim.between(0, within)
		switch name {
		case but:
			continue
		case "discovery":
			moves = within
		}
		a.canary = a.publish(r)
		sim.after(moves, func() { sim.point(name, a.publish(r)) })
	}
}

// publishing returns key sets with the versions from first to last, relative to the signing
// version.
func publishing(first, last int) func(keyrings.Ring, keyrings.Version) (token.KeySet, error) {
	return func(r keyrings.Ring, v keyrings.Version) (token.KeySet, error) {
		var keys []token.Key
		for _, have := range r.Versions() {
			if away := int(have) - int(v); first <= away && away <= last {
				keys = append(keys, r.Keys[have].Signing.Public())
			}
		}
		return token.NewKeySet(keys...)
	}
}

// upTo returns the ring without the keys after version v.
func upTo(text auth.Secret, v keyrings.Version) auth.Secret {
	r, err := keyrings.Parse(keyrings.RefreshRing, text)
	if err != nil {
		return text // the reader of the ring reports the error
	}
	for _, have := range r.Versions() {
		if have > v {
			r = r.Drop(have)
		}
	}
	narrowed, err := r.Text()
	if err != nil {
		return text
	}
	return narrowed
}
