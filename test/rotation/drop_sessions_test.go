package rotation

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// sealing is one refresh-token key at one version. A version may have had several keys, and a key
// several versions.
type sealing struct {
	version keyrings.Version
	id      string
}

// one is a key source with a single key.
type one struct{ key auth.RefreshTokenKey }

func (k one) SealingKey(context.Context) (auth.RefreshTokenKey, error) { return k.key, nil }

func (k one) RefreshTokenKey(context.Context, uint16) (auth.RefreshTokenKey, error) {
	return k.key, nil
}

func (one) Reload(context.Context, time.Time) error { return nil }

// sealedBy returns the id of the key that sealed a refresh token.
func (sim *simulation) sealedBy(refresh string) string {
	sim.t.Helper()
	for s, secret := range sim.seals {
		codec := session.Codec{Keys: one{auth.RefreshTokenKey{ID: s.version, Secret: secret}}}
		if _, err := codec.Parse(sim.t.Context(), auth.NewSecret(refresh)); err == nil && s.version == keyID(refresh) {
			return s.id
		}
	}
	sim.t.Fatal("no key has sealed a refresh token")
	return ""
}

// isGone reports whether a refresh-token key was dropped. A run is too short for a key to be
// forgotten.
func (sim *simulation) isGone(id string) bool {
	sim.t.Helper()
	for _, e := range sim.load(keyrings.RefreshRing).Keys {
		if e.ID() == id {
			return false
		}
	}
	return true
}

// leak is a refresh-token or login key that leaked.
type leak struct {
	name            string
	refresh, login  func(r keyrings.Ring) keyrings.Drop // nil for none
	to              keyrings.Version                    // from version 3
	gradual         bool
	takenBack       bool // the deployment is rolled back after five minutes
	ends, forgetful bool // sessions end, known devices are forgotten
	spares          bool // some sessions are not under the key
}

func key(v keyrings.Version) func(keyrings.Ring) keyrings.Drop {
	return func(r keyrings.Ring) keyrings.Drop { return keyrings.Drop{IDs: []string{r.Keys[v].ID()}} }
}

func all(keyrings.Ring) keyrings.Drop { return keyrings.Drop{All: true} }

// TestDroppedSessions drops refresh-token and login keys under load, and rotates before and after
// it. A session ends only if its refresh token is under a dropped key. No login is refused. Only
// gateways and load balancers refuse an access token, and only if its key signed before it was
// published for three hours.
func TestDroppedSessions(t *testing.T) {
	for i, l := range []leak{
		{name: "an old key", refresh: key(1), to: 3, ends: true, spares: true},
		{name: "an old key, gradually", refresh: key(1), to: 3, gradual: true, ends: true, spares: true},
		{name: "the key that waits", refresh: key(4), to: 3, spares: true},
		{name: "the key that seals", refresh: key(3), to: 4, ends: true, spares: true},
		{name: "the key that seals, gradually", refresh: key(3), to: 4, gradual: true, ends: true, spares: true},
		{name: "the key that seals, taken back", refresh: key(3), to: 4, takenBack: true, ends: true, spares: true},
		{name: "all keys", refresh: all, to: 4, ends: true},
		{name: "all keys, gradually", refresh: all, to: 4, gradual: true, ends: true},
		{name: "all keys, taken back", refresh: all, to: 4, takenBack: true, ends: true},
		{name: "all login keys", login: all, to: 4, forgetful: true, spares: true},
		{name: "all login keys, gradually", login: all, to: 4, gradual: true, forgetful: true, spares: true},
		{name: "all login keys, taken back", login: all, to: 4, takenBack: true, forgetful: true, spares: true},
		{name: "an old login key", login: key(1), to: 3, forgetful: true, spares: true},
		{name: "the login key that seals", login: key(3), to: 4, spares: true}, // the devices are older
		{name: "all keys of both rings", refresh: all, login: all, to: 4, ends: true, forgetful: true},
		{name: "all keys of both rings, taken back", refresh: all, login: all, to: 4, takenBack: true, ends: true, forgetful: true},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulation(t, uint64(i), token.EdDSA)
			sim.passwordsStay = true
			sim.create()
			sim.addVerifiers()
			sim.addClients(24)
			for _, c := range sim.clients {
				c.steady = c.id%4 != 1
			}
			sim.tell([]step{{to: 2}, {to: 3}})
			for sim.deployed.version < 3 && !t.Failed() {
				sim.run(sim.now.Add(time.Second))
			}
			sim.run(sim.now.Add(settles + 10*time.Minute))
			sim.expectPeace()
			sim.leak(l)
		})
	}
}

// leak carries out the drop, and checks the following hours, which include the next rotation.
func (sim *simulation) leak(l leak) {
	sim.t.Helper()
	begins, was := sim.now, sim.deployed
	m := keyrings.Move{Version: l.to}
	if l.refresh != nil {
		m.DropRefresh = l.refresh(sim.load(keyrings.RefreshRing))
	}
	if l.login != nil {
		m.DropLogin = l.login(sim.load(keyrings.LoginRing))
	}
	r, err := sim.carryOut(m)
	if err != nil {
		sim.t.Fatal(err)
	}
	doomed, spared := map[*client]bool{}, 0
	for _, c := range sim.clients {
		if sim.isGone(sim.sealedBy(c.refresh)) {
			doomed[c] = true
		} else {
			spared++
		}
	}
	settled := begins.Add(settles)
	switch {
	case l.gradual:
		sim.rollOut(was, r, step{}, func() {})
	default:
		sim.atOnce(r)
	}
	if l.takenBack {
		sim.after(5*time.Minute, func() {
			back, err := sim.carryOut(keyrings.Move{Version: was.version})
			if err != nil {
				sim.t.Fatal(err)
			}
			sim.atOnce(back)
		})
	}
	for _, c := range sim.clients {
		sim.at(settled, c.renewOnce) // also of a client that is idle
		sim.at(settled.Add(30*time.Minute), func() { sim.again(c) })
	}
	devices := map[*client]string{}
	for _, c := range sim.clients {
		devices[c] = c.device
	}
	sim.at(settled.Add(time.Hour), func() {
		for _, c := range sim.clients {
			if sim.isGone(sim.sealedBy(c.refresh)) {
				sim.t.Errorf("%s still holds a token of a dropped key", c)
			}
			if forgotten := c.device != devices[c]; forgotten != l.forgetful {
				sim.t.Errorf("the device of %s is forgotten: %t", c, forgotten)
			}
		}
		sim.tell([]step{{to: sim.deployed.version + 1}})
	})
	sim.run(settled.Add(time.Hour + keyrings.PublishedBeforeSigning + settles + time.Hour))

	ended := map[*client]bool{}
	for _, r := range sim.ended {
		ended[r.client] = true
		if !sim.isGone(sim.sealedBy(r.refresh)) {
			sim.t.Errorf("a session ended that lives: %v", r)
		}
	}
	for c := range doomed {
		if !ended[c] {
			sim.t.Errorf("the session of %s is under a dropped key, and did not end", c)
		}
	}
	elsewhere := 0
	for _, r := range sim.refused {
		if !strings.HasPrefix(r.by, "gateway") && !strings.HasPrefix(r.by, "load balancer") ||
			!r.at.Before(begins.Add(keyrings.PublishedBeforeSigning)) || l.to == was.version {
			sim.t.Error(r)
		}
		elsewhere++
	}
	sim.t.Logf("%d sessions under dropped keys and %d others; %d ended; %d logins, %d from known devices; %d answers 503; external verifiers refused %d",
		len(doomed), spared, len(sim.ended), sim.count[logins], sim.count[knownLogins], sim.count[unavailable], elsewhere)
	if l.ends != (len(doomed) > 0) || l.spares != (spared > 0) || !l.forgetful && sim.count[knownLogins] == 0 {
		sim.t.Error("that shows nothing")
	}
}

// again logs in once more, from the same device.
func (sim *simulation) again(c *client) {
	if c.waiting > 0 {
		sim.after(time.Minute, func() { sim.again(c) })
		return
	}
	c.plan++
	c.login()
}
