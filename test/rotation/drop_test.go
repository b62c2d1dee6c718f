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

	// deaf is for how long external verifiers may not know the new signing key.
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
			w := newWorld(t, uint64(i), token.EdDSA)
			w.create()
			w.addVerifiers()
			w.addClients(16)
			for _, c := range w.clients {
				c.steady = c.id%4 != 1
			}
			w.tell([]step{{to: 2}, {to: 3}})
			for w.deployed.version < 3 && !t.Failed() {
				w.run(w.now.Add(time.Second))
			}
			w.run(w.now.Add(e.after))
			w.expectPeace()
			w.drop(e)
		})
	}
}

// drop carries out an emergency and checks the next four hours.
func (w *world) drop(e emergency) {
	w.t.Helper()
	begins, was := w.now, w.deployed
	ring := w.load(keyrings.SigningRing)
	leaked := ring.Keys[was.version].Signing.ID()
	drop := keyrings.Drop{All: e.all}
	if !e.all {
		drop.IDs = []string{leaked}
	}
	to := was.version + 1
	if e.same {
		to = was.version
	}
	tokens := w.alive(leaked)
	w.expectOf(tokens, w.start("authorizer", w.aliases["authorizer"].main), "")

	r, err := w.move(to, drop)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range ring.Keys {
		if e.all != w.dropped[entry.Signing.ID()] && entry.Signing.ID() != leaked {
			w.t.Errorf("the other key %s is dropped: %t", entry.Signing.ID(), !e.all)
		}
	}
	w.expectOf(tokens, w.start("authorizer", &snapshot{release: *r}), "unauthenticated unknown_key")
	w.atOnce(r)
	if e.takenBack {
		w.after(5*time.Minute, func() {
			back, err := w.move(was.version, keyrings.Drop{})
			if err != nil {
				w.t.Fatal(err)
			}
			if *back == *was || strings.Contains(back.jwks, leaked) {
				w.t.Errorf("the rollback publishes %s", back.jwks)
			}
			w.atOnce(back)
		})
	}
	const settled = 8 * time.Minute // after a rollback too
	gone := 0
	for _, later := range []time.Duration{3 * time.Minute, settled, 12 * time.Minute} {
		w.at(begins.Add(later), func() {
			authorizer := w.instance("authorizer")
			for _, entry := range ring.Keys {
				if kid := entry.Signing.ID(); w.dropped[kid] {
					old := w.alive(kid)
					gone += len(old)
					w.expectOf(old, authorizer, "unauthenticated unknown_key")
				}
			}
		})
	}
	for _, c := range w.clients {
		w.at(begins.Add(settled), c.renewOnce)
	}
	w.at(begins.Add(settled+5*time.Minute), func() {
		for _, c := range w.clients {
			if w.dropped[c.access.kid] {
				w.t.Errorf("%s still gets tokens of a dropped key", c)
			}
			w.expectOf([]*access{c.access}, w.instance("authorizer"), "")
		}
	})
	w.run(begins.Add(4 * time.Hour))

	var ours, theirs, old int
	for _, r := range w.refused {
		switch {
		case w.dropped[r.kid]:
			old++
			if !r.at.Before(begins.Add(settled + life)) {
				w.t.Errorf("an expired token is still in use: %v", r)
			}
		case strings.HasPrefix(r.by, "gateway"), strings.HasPrefix(r.by, "load balancer"):
			theirs++
			if !r.at.Before(begins.Add(e.deaf)) {
				w.t.Error(r)
			}
		default:
			ours++
			if r.at.After(begins.Add(settled)) {
				w.t.Error(r)
			}
		}
	}
	for _, r := range w.ended {
		w.t.Error(r)
	}
	w.t.Logf("%d tokens of the leaked key; refused %d of dropped keys, of other keys %d by our authorizer and %d by external verifiers; %d logouts",
		len(tokens), old, ours, theirs, len(w.ended))
	if len(tokens) < 8 || old < 5 || gone < 10 || e.deaf > 0 && theirs == 0 {
		w.t.Error("too few events for a meaningful result")
	}
	for _, v := range w.verifiers {
		if v.cache > 0 && strings.Contains(v.text, leaked) {
			w.t.Errorf("%s still knows the leaked key", v.name)
		}
	}
}

// atOnce deploys without canaries: all aliases move within a minute, and a minute later every
// caller has noticed.
func (w *world) atOnce(r *release) {
	w.deployed = r
	for _, name := range functions {
		w.after(w.between(0, time.Minute), func() { w.point(name, w.aliases[name].publish(r)) })
	}
}

// alive returns the unexpired access tokens that a key signed.
func (w *world) alive(kid string) (found []*access) {
	for _, a := range w.issued {
		if a.kid == kid && a.ends.After(w.now) {
			found = append(found, a)
		}
	}
	return found
}

// expectOf checks the authorizer's decision on each of the tokens.
func (w *world) expectOf(tokens []*access, i *instance, want string) {
	w.t.Helper()
	for _, a := range tokens {
		if why, err := i.authorize(w.t.Context(), a.text); err != nil || why != want {
			w.t.Fatalf("the authorizer of version %d decided %q on a token of key %d, %v; want %q",
				i.version, why, w.versionOf[a.kid], err, want)
		}
	}
}
