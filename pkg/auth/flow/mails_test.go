package flow_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// memory is a store of counters and flows in memory, for months on a driven clock.
type memory struct {
	mu       sync.Mutex
	counters map[string]throttle.Counter
	flows    map[flow.Key]flow.Flow
}

func newMemory() *memory {
	return &memory{counters: map[string]throttle.Counter{}, flows: map[flow.Key]flow.Flow{}}
}

type memoryCounters struct{ *memory }

func (m memoryCounters) Update(_ context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.counters[key]
	after := before
	done := u.Do(&after)
	if done {
		m.counters[key] = after
	}
	return before, done, nil
}

type memoryFlows struct{ *memory }

func (m memoryFlows) Create(_ context.Context, key flow.Key, f flow.Flow) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flows[key] = f
	return nil
}

func (m memoryFlows) Update(_ context.Context, key flow.Key, u flow.Update) (*flow.Flow, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, ok := m.flows[key]
	if !ok {
		return nil, false, nil
	}
	after := before
	done := u.Do(&after)
	m.flows[key] = after
	return &before, done, nil
}

func inMemory(_ *login.Config, c *flow.Config) {
	m := newMemory()
	c.Store, c.Counters = memoryFlows{m}, memoryCounters{m}
}

// siege is a botnet that asks for resets of ada from each of its networks at full rate, and makes
// all tries of each flow that it gets.
type siege struct {
	*world
	t        *testing.T
	networks int
	every    time.Duration
	next     time.Time
	live     []time.Time // when a flow with a live code began
	guesses  int
}

// wait lets the time pass while the botnet asks.
func (s *siege) wait(until time.Time) {
	for ; s.next.Before(until); s.next = s.next.Add(s.every) {
		s.now = s.next
		for i := range s.networks {
			r := request(flow.PurposeReset, ada)
			r.Address = netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
			b, err := s.Begin(s.t.Context(), r)
			if errors.As(err, new(*throttle.Exceeded)) {
				continue
			}
			if err != nil {
				s.t.Fatal(err)
			}
			if b.Message.Kind == mail.KindReset {
				s.live = append(s.live, s.now)
				s.guess(b)
			}
		}
	}
	s.now = until
}

// guess makes all tries of a flow with wrong codes.
func (s *siege) guess(b flow.Begun) {
	for {
		switch _, err := s.Verify(s.t.Context(), wrong(answer(b, flow.PurposeReset))); reason(err) {
		case "wrong_code":
			s.guesses++
		case "tries":
			return
		default:
			s.t.Fatal(err)
		}
	}
}

// visit is a person who forgot the password. It reports whether the code arrived and worked.
func (s *siege) visit(device auth.Secret, day int) bool {
	r := request(flow.PurposeReset, ada)
	r.Device = device
	b, err := s.Begin(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	if b.Message.Kind != mail.KindReset {
		return false
	}
	s.now = s.now.Add(time.Minute)
	a := answer(b, flow.PurposeReset)
	a.NewPassword = auth.NewSecret(fmt.Sprint("battery staple ", day))
	v, err := s.Verify(s.t.Context(), a)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ada = v.User
	return true
}

// mostIn returns the largest number of live flows in any span of this length.
func (s *siege) mostIn(d time.Duration) (most int) {
	from := 0
	for to, at := range s.live {
		for s.live[from].Add(d).Before(at) {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

var long = flag.Bool("siege", false, "lay siege to the owner's mails for longer, at a higher rate (minutes)")

// TestStrangersDoNotUseUpTheOwnersMails lets an owner visit four times a day while a botnet asks
// for mails to the owner's address from 1, 9 and 1,000 networks at full rate. With up to nine
// networks, the owner gets the mail on every visit, even on a new device. With a thousand networks,
// the owner gets it on every visit on a known device. The botnet's chance to guess a code stays
// under 1e-6 in any 24 hours.
func TestStrangersDoNotUseUpTheOwnersMails(t *testing.T) {
	for _, row := range []struct {
		networks, visits int
		every            time.Duration
		known, always    bool
	}{
		{1, 12, 20 * time.Minute, false, true},
		{9, 12, 20 * time.Minute, false, true},
		{9, 6, 20 * time.Minute, true, true},
		{1000, 4, 12 * time.Hour, true, true},
		{1000, 4, 12 * time.Hour, false, false},
	} {
		if *long {
			row.visits, row.every = 10*row.visits, row.every/12
		}
		s := &siege{world: newWorld(t, inMemory), t: t, networks: row.networks, every: row.every, next: noon}
		got := 0
		for i := range row.visits {
			s.wait(noon.Add(24*time.Hour + time.Duration(i)*5*time.Hour + time.Duration(i*i%300)*time.Minute))
			var device auth.Secret
			if row.known {
				var err error
				if device, err = s.gate.Device(t.Context(), s.ada); err != nil {
					t.Fatal(err)
				}
			}
			if s.visit(device, i) {
				got++
			}
		}
		days := s.now.Sub(noon).Hours() / 24
		worst := float64(s.mostIn(24*time.Hour)*flow.Tries) / 1e8
		t.Logf("%d networks, known device %t: the owner gets the mail on %d of %d visits; chance of the botnet %.2g a day, at most %.2g in any 24 hours",
			row.networks, row.known, got, row.visits, float64(s.guesses)/1e8/days, worst)
		if row.always && got != row.visits {
			t.Errorf("%d networks: %d of %d visits", row.networks, got, row.visits)
		}
		if worst >= 1e-6 || s.guesses == 0 {
			t.Errorf("%d networks: %.2g in 24 hours", row.networks, worst)
		}
	}
}

// TestDefaultLimits checks the numbers in the comment of DefaultLimits.
func TestDefaultLimits(t *testing.T) {
	l := flow.DefaultLimits()
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]throttle.Limit{"address": l.Address, "device": l.Device} {
		if n := one.Most(24 * time.Hour); n != 30 || float64(n*flow.Tries)/1e8 >= 1e-6 {
			t.Errorf("%s: %d flows in any 24 hours", name, n)
		}
	}
	for name, change := range map[string]func(*flow.Limits){
		"too many for an address": func(l *flow.Limits) { l.Address.Free = 17 },
		"too many for a device":   func(l *flow.Limits) { l.Device.Free = 17 },
		"waits that are too short": func(l *flow.Limits) {
			l.Address.Delay, l.Address.MaxDelay = time.Minute, time.Minute
		},
		"no window":        func(l *flow.Limits) { l.Budget.Window = 0 },
		"a reserve of all": func(l *flow.Limits) { l.Budget.Reserve = 500 },
		"a zero network":   func(l *flow.Limits) { l.Network = &throttle.Limit{} },
	} {
		l := flow.DefaultLimits()
		change(&l)
		if l.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Each class has its own counters: sign-ups with a taken address use up no resets, and the budget
// of sign-ups affects neither logins nor resets.
func TestClasses(t *testing.T) {
	w := newWorld(t, inMemory, func(_ *login.Config, c *flow.Config) {
		c.Limits = flow.DefaultLimits()
		c.Limits.Network, c.Limits.Budget = nil, throttle.Limit{Free: 20, Delay: time.Hour, MaxDelay: time.Hour, Window: time.Hour}
	})
	for range 30 {
		w.begin(t, flow.PurposeSignup, ada)
	}
	if b := w.begin(t, flow.PurposeSignup, ada); b.Message.Kind != mail.KindNone || b.Held != flow.HoldLimit || b.Class != flow.ClassSignup || b.Message.To != "" {
		t.Errorf("%+v", b)
	}
	if b := w.begin(t, flow.PurposeReset, ada); b.Message.Kind != mail.KindReset || b.Held != "" || b.Class != flow.ClassAddress {
		t.Errorf("after thirty sign-ups: %+v", b)
	}
	sent := 0
	for i := range 40 {
		b := w.begin(t, flow.PurposeSignup, fmt.Sprintf("new%d@example.com", i))
		want := flow.ClassBudget
		if b.Message.Kind == mail.KindSignup {
			sent++
			want = flow.ClassSignup
		}
		if b.Class != want {
			t.Errorf("sign-up %d, kind %s: class %q, want %q", i, b.Message.Kind, b.Class, want)
		}
	}
	if sent != 5 { // the first address took 15 of the 20
		t.Errorf("%d sign-ups within the budget, want 5", sent)
	}
	if b := w.begin(t, flow.PurposeLogin, ada); b.Message.Kind != mail.KindLogin {
		t.Errorf("after the budget: %+v", b)
	}
}

// A network without requests left gets a wait, and uses up no mail of any address.
func TestNetworks(t *testing.T) {
	w := newWorld(t, inMemory)
	refused := 0
	for range 100 {
		_, err := w.Begin(t.Context(), request(flow.PurposeReset, eve))
		if exceeded, ok := errors.AsType[*throttle.Exceeded](err); ok && exceeded.RetryAfter > 0 {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused != 70 {
		t.Errorf("%d of 100 requests of a network were refused, want 70", refused)
	}
	r := request(flow.PurposeReset, ada)
	if _, err := w.Begin(t.Context(), r); !errors.As(err, new(*throttle.Exceeded)) {
		t.Errorf("the network at another address: %v", err)
	}
	// A request from a known device does not count on the network that strangers share.
	device, err := w.gate.Device(t.Context(), w.ada)
	if err != nil {
		t.Fatal(err)
	}
	r.Device = device
	if b, err := w.Begin(t.Context(), r); err != nil || b.Message.Kind != mail.KindReset || b.Class != flow.ClassDevice {
		t.Errorf("%+v, %v", b, err)
	}
	// A device without mails left counts on the network.
	for range flow.DefaultLimits().Device.Free - 1 {
		if b, err := w.Begin(t.Context(), r); err != nil || b.Held != "" {
			t.Errorf("%+v, %v", b, err)
		}
	}
	if _, err := w.Begin(t.Context(), r); !errors.As(err, new(*throttle.Exceeded)) {
		t.Errorf("a device without mails left: %v", err)
	}
	// The device vouches only for its own user.
	r.Email = eve
	if _, err := w.Begin(t.Context(), r); !errors.As(err, new(*throttle.Exceeded)) {
		t.Errorf("a known device of another user: %v", err)
	}
	for i, site := range []string{"2001:db8:7::1", "2001:db8:7:ffff::1"} {
		r.Address, r.Email = netip.MustParseAddr(site), fmt.Sprintf("new%d@example.com", i)
		if b, err := w.Begin(t.Context(), r); err != nil || b.Held == flow.HoldLimit {
			t.Errorf("site %d: %+v, %v", i, b, err)
		}
	}
}

// A used code releases its mail, and a failed request counts nowhere.
func TestUsedMailsAreReleased(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		if _, err := w.Verify(t.Context(), answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)); err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
	}
	lost := &losing{}
	w = newWorld(t, func(_ *login.Config, c *flow.Config) { lost.Store, c.Store = c.Store, lost })
	for range 40 {
		if _, err := w.Begin(t.Context(), request(flow.PurposeLogin, ada)); !errors.Is(err, auth.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	lost.works = true
	if b := w.begin(t, flow.PurposeLogin, ada); b.Message.Kind != mail.KindLogin {
		t.Errorf("after forty failures: %+v", b)
	}
}

// losing is a store of flows that fails until it works.
type losing struct {
	flow.Store
	works bool
}

func (l *losing) Create(ctx context.Context, key flow.Key, f flow.Flow) error {
	if !l.works {
		return auth.ErrUnavailable
	}
	return l.Store.Create(ctx, key, f)
}
