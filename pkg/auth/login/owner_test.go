package login_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// siege is an account under attack by a bot that takes each slot as soon as it is free, from
// several networks.
type siege struct {
	*memory
	throttle *login.Throttle
	now      time.Time
	bot      []visitor
}

// visitor is a client in one network that retries as soon as it is allowed to.
type visitor struct {
	network netip.Prefix
	next    time.Time
}

func newSiege(t *testing.T, networks int) *siege {
	t.Helper()
	s := &siege{memory: &memory{counters: map[string]throttle.Counter{}}, now: noon}
	var err error
	if s.throttle, err = login.NewThrottle(s.memory, sealing{}, login.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	for i := range networks {
		s.bot = append(s.bot, visitor{netip.MustParsePrefix(fmt.Sprintf("10.0.%d.1/32", i)), s.now})
	}
	return s
}

// try takes a slot of the account. Without a slot it returns the wait.
func (s *siege) try(t *testing.T, from netip.Prefix) (login.Slot, time.Duration) {
	t.Helper()
	slot, err := s.throttle.Take(t.Context(), login.Attempt{Account: "ada@example.com", Network: from, At: s.now})
	var refusal *login.Refusal
	if errors.As(err, &refusal) {
		return slot, refusal.RetryAfter
	}
	if err != nil {
		t.Fatal(err)
	}
	return slot, 0
}

// wait lets the time pass until the instant. A refusal names whole seconds, rounded up; the bot
// tries four times in the last of them.
func (s *siege) wait(t *testing.T, until time.Time) {
	t.Helper()
	for {
		next := until
		var due *visitor
		for i := range s.bot {
			if b := &s.bot[i]; !b.next.After(next) {
				due, next = b, b.next
			}
		}
		s.now = next
		if due == nil {
			return
		}
		_, wait := s.try(t, due.network)
		due.next = s.now.Add(max(250*time.Millisecond, wait-time.Second))
	}
}

// visit is an hour in which the owner retries after each wait that a refusal names. The first
// attempts have a typing error. visit reports whether the owner could log in.
func (s *siege) visit(t *testing.T, from netip.Prefix, errors int) bool {
	t.Helper()
	end := s.now.Add(time.Hour)
	for s.now.Before(end) {
		slot, wait := s.try(t, from)
		switch {
		case wait > 0:
			s.wait(t, s.now.Add(wait))
		case errors > 0:
			errors--
			s.wait(t, s.now.Add(5*time.Second)) // the time to type it again
		default:
			if err := s.throttle.Settle(t.Context(), slot, login.Succeeded); err != nil {
				t.Fatal(err)
			}
			return true
		}
	}
	return false
}

// TestFewNetworksKeepNoOwnerOut lets an owner on a new device visit 54 times in three days while a
// bot takes each slot of the account as soon as it is free. Before the counters distinguished
// networks, one network kept the owner out of every visit.
func TestFewNetworksKeepNoOwnerOut(t *testing.T) {
	const visits = 54
	home := netip.MustParsePrefix("192.0.2.7/32")
	let := func(networks, errors int, from netip.Prefix) (in int) {
		s := newSiege(t, networks)
		for i := range visits {
			s.wait(t, noon.Add(12*time.Hour+time.Duration(i)*80*time.Minute))
			if s.visit(t, from, errors) {
				in++
			}
		}
		return in
	}
	t.Logf("from a network of the bot, of one: %d of %d", let(1, 0, netip.MustParsePrefix("10.0.0.9/32")), visits)
	t.Log("networks of the bot | right at once | after one typing error")
	for _, row := range []struct {
		networks     int
		always, slip bool // every visit succeeds: right at once, after one typing error
	}{{1, true, true}, {8, true, true}, {9, true, false}, {20, false, false}, {50, false, false}} {
		right, slip := let(row.networks, 0, home), let(row.networks, 1, home)
		t.Logf("%d | %d of %d | %d of %d", row.networks, right, visits, slip, visits)
		if row.always && right != visits || row.slip && slip != visits {
			t.Errorf("%d networks: the owner got in on %d and %d of %d visits", row.networks, right, slip, visits)
		}
	}
}

// TestSprayFromOneSite tries one password on each of many accounts from many networks of one IPv6
// site.
func TestSprayFromOneSite(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits())
	no := 0
	spray := func(i int) string {
		c := credentials(fmt.Sprintf("u%d@example.com", i), "a common password")
		c.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i%200))
		g.now = g.now.Add(100 * time.Millisecond)
		return g.login(t, c)
	}
	const tried = 20_000
	for i := range tried {
		if spray(i) == "no" {
			no++
		}
	}
	most := login.DefaultLimits().Site.Most(tried * 100 * time.Millisecond)
	t.Logf("%d of %d were hashed", no, tried)
	if no < 1000 || no > most {
		t.Errorf("%d were hashed, want from 1000 to %d", no, most)
	}
	// An attempt that the site refused took no slot of a network: the networks have counted as many
	// attempts as there were hashes.
	counted := 0
	for _, c := range g.counters {
		if c.Sources == nil {
			counted += c.N
		}
	}
	if counted != 2*no { // on the networks and on the site; the accounts' counters have sources
		t.Errorf("%d attempts are counted on networks and sites, want %d", counted, 2*no)
	}
	// A different site has a different counter.
	c := credentials("ada@example.com", "wrong")
	c.Address = netip.MustParseAddr("2001:db8:8::1")
	g.expect(t, "another site", c, "no")
}
