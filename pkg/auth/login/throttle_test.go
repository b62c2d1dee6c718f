package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// memory is a Counters in memory, the reference for all other implementations.
type memory struct {
	mu       sync.Mutex
	counters map[string]throttle.Counter
	updates  int
	err      error
}

func (m *memory) Update(_ context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.updates++
	if m.err != nil {
		return throttle.Counter{}, false, m.err
	}
	before := m.counters[key]
	after := before
	done := u.Do(&after)
	if done {
		m.counters[key] = after
	}
	return before, done, nil
}

type sealing struct{}

func (sealing) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

func (s sealing) LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error) {
	if id != 1 {
		return auth.LoginKey{}, auth.ErrNotFound
	}
	return s.SealingKey(ctx)
}

// guarded is a recorder with a Throttle and a driven clock.
type guarded struct {
	*recorder
	*memory
	who *login.Authenticator
	now time.Time
}

func newGuarded(t *testing.T, limits login.Limits, users ...user.User) *guarded {
	t.Helper()
	g := &guarded{recorder: newRecorder(t, users...), memory: &memory{counters: map[string]throttle.Counter{}}, now: noon}
	var err error
	g.who, err = login.New(login.Config{
		Users: g.recorder, Hasher: g.recorder, Counters: g.memory, Limits: limits, Keys: sealing{}, Now: func() time.Time { return g.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// login returns the outcome of a login: ok, no, or the time to wait.
func (g *guarded) login(t *testing.T, c login.Credentials) string {
	t.Helper()
	_, err := g.who.Login(t.Context(), c)
	var refusal *login.Refusal
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal) && refusal.Reason == login.ReasonThrottled:
		return refusal.RetryAfter.String()
	case errors.Is(err, login.ErrInvalidCredentials):
		return "no"
	}
	return err.Error()
}

func (g *guarded) device(t *testing.T, u user.User) auth.Secret {
	t.Helper()
	token, err := g.who.Device(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (g *guarded) expect(t *testing.T, what string, c login.Credentials, want string) {
	t.Helper()
	if got := g.login(t, c); got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func withDevice(c login.Credentials, token auth.Secret) login.Credentials {
	c.Device = token
	return c
}

func from(address string, c login.Credentials) login.Credentials {
	c.Address = netip.MustParseAddr(address)
	return c
}

var (
	right = credentials("ada@example.com", "correct horse")
	wrong = credentials("ada@example.com", "wrong")
)

// Of a thousand parallel guesses, only the free attempts are hashed, whether or not the user
// exists.
func TestParallelGuessesCauseNoMoreHashes(t *testing.T) {
	for _, email := range []string{"ada@example.com", "nobody@example.com", "no e-mail"} {
		g := newGuarded(t, login.DefaultLimits(), ada(asIs))
		var throttled atomic.Int32
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				c := from(fmt.Sprintf("192.0.2.%d", i%250), credentials(email, "wrong"))
				if _, err := g.who.Login(t.Context(), c); errors.Is(err, login.ErrThrottled) {
					throttled.Add(1)
				}
			})
		}
		wg.Wait()
		if free := login.DefaultLimits().Account.Free; g.count("hash") != free || int(throttled.Load()) != 1000-free {
			t.Errorf("%s: %d hashes, %d throttled", email, g.count("hash"), throttled.Load())
		}
	}
}

func TestWaitsGrowAndEnd(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits(), ada(asIs))
	for range 5 {
		g.expect(t, "free", wrong, "no")
	}
	for _, wait := range []time.Duration{2, 4, 8, 16, 32, 64, 184, 256, 512, 1024, 1800, 1800} {
		wait *= time.Second
		g.expect(t, "at once", right, wait.String())
		g.now = g.now.Add(wait - time.Millisecond)
		// A retry does not prolong the wait, and the rest of the wait is rounded up.
		g.expect(t, "too early", right, "1s")
		g.now = g.now.Add(time.Millisecond)
		g.expect(t, "in time", wrong, "no")
	}
	// A successful login resets the counter, as a known device or a day would.
	g.now = g.now.Add(30 * time.Minute)
	g.expect(t, "the owner", right, "ok")
	for range 5 {
		g.expect(t, "free again", wrong, "no")
	}
	g.expect(t, "throttled again", wrong, "2s")
	g.now = g.now.Add(24 * time.Hour)
	g.expect(t, "the next day", wrong, "no")
	g.expect(t, "free the next day", wrong, "no")
}

// The correct password of a disabled user must not reset the counter, which would confirm the
// password.
func TestOnlySuccessesReleaseAttempts(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits(), ada(func(u *user.User) { u.Disabled = true }))
	for range 5 {
		g.expect(t, "disabled", right, "no")
	}
	g.expect(t, "disabled", right, "2s")
}

func TestNetwork(t *testing.T) {
	limits := login.DefaultLimits()
	limits.Network = &throttle.Limit{Free: 3, Delay: 10 * time.Second, MaxDelay: time.Minute, Window: time.Hour}
	everybody := []user.User{ada(asIs)}
	g := newGuarded(t, limits, everybody...)
	guess := func(i int) login.Credentials { return credentials(fmt.Sprintf("u%d@example.com", i), "wrong") }
	for range 3 {
		g.expect(t, "good ones cost the network no more than the first", right, "ok")
	}
	for i := range 2 {
		g.expect(t, "one guess at each", guess(i), "no")
	}
	g.expect(t, "one too many", guess(3), "10s")
	g.expect(t, "the owner there", right, "10s")
	g.expect(t, "the owner at another address", from("198.51.100.1", right), "ok")
	g.expect(t, "the neighbour", from("192.0.2.2", guess(4)), "no")
	g.expect(t, "no address", login.Credentials{Email: "u5@example.com"}, "no")
	limits.Network = nil
	off := newGuarded(t, limits, everybody...)
	for i := range 10 {
		off.expect(t, "switched off", guess(i), "no")
	}
}

// A refusal by one counter does not count on the other counter. A network without free attempts
// must not use up the attempts of an account, and an impatient client of one account must not use
// up the attempts of its network.
func TestRefusalsCountOnNoOtherCounter(t *testing.T) {
	limits := login.DefaultLimits()
	limits.Account = throttle.Limit{Free: 2, Delay: 5 * time.Second, MaxDelay: time.Minute, Window: time.Hour}
	limits.Network = &throttle.Limit{Free: 3, Delay: 9 * time.Second, MaxDelay: time.Minute, Window: time.Hour}
	g := newGuarded(t, limits, ada(asIs))
	eve := credentials("eve@example.com", "wrong")
	for range 2 {
		g.expect(t, "the account's free ones", wrong, "no")
	}
	for range 50 {
		g.expect(t, "refused by the account", wrong, "5s")
	}
	g.expect(t, "the network's last free one", eve, "no")
	for range 50 {
		g.expect(t, "refused by the network", eve, "9s")
	}
	g.expect(t, "that account at another address", from("198.51.100.1", eve), "no")
	g.expect(t, "and its owner's second slip", from("198.51.100.1", eve), "5s") // one on each account
	// The waits belong to the last attempts that were checked.
	g.now = g.now.Add(9 * time.Second)
	g.expect(t, "the network again", wrong, "no")
}

// While nothing can be decided, nothing is counted: an outage must not throttle owners after it
// ends.
func TestOutagesAreNotCharged(t *testing.T) {
	for name, fail := range map[string]func(*recorder, error){
		"pointer": func(rec *recorder, err error) { rec.byEmailErr = err }, "user": func(rec *recorder, err error) { rec.getErr = err },
	} {
		g := newGuarded(t, login.DefaultLimits(), ada(asIs))
		fail(g.recorder, auth.ErrUnavailable)
		for range 200 {
			g.now = g.now.Add(time.Second)
			if got := g.login(t, right); !strings.Contains(got, auth.ErrUnavailable.Error()) {
				t.Fatalf("%s: %s", name, got)
			}
		}
		fail(g.recorder, nil)
		for i := range 5 {
			g.expect(t, fmt.Sprintf("%s: free one %d afterwards", name, i), wrong, "no")
		}
		g.expect(t, name+": throttled as ever", wrong, "2s")
	}
}

// Guesses at a second factor count like guesses at a password.
func TestSecondFactorIsThrottled(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits(), ada(asIs))
	var err error
	g.who, err = login.New(login.Config{
		Users: g.recorder, Hasher: g.recorder, Counters: g.memory, Keys: sealing{}, Now: func() time.Time { return g.now },
		Steps: login.Steps{After: func(_ context.Context, c login.Credentials, _ login.Result) ([]string, error) {
			if c.OneTimeCode.Reveal() != "123456" {
				return nil, &login.Denial{Code: "second_factor_required"}
			}
			return nil, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		g.expect(t, "no code", right, "login denied: second_factor_required")
	}
	g.expect(t, "a sixth", right, "2s")
	g.now = g.now.Add(2 * time.Second)
	coded := right
	coded.OneTimeCode = auth.NewSecret("123456")
	g.expect(t, "the code", coded, "ok")
	g.expect(t, "and all begins anew", right, "login denied: second_factor_required")
}

// During an attack the owner can log in only with a known device.
func TestKnownDevice(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits(), ada(asIs))
	known := g.device(t, ada(asIs))
	for range 20 {
		g.login(t, wrong)
	}
	g.expect(t, "a new device", from("198.51.100.1", right), "1s")
	g.expect(t, "the known device", withDevice(right, known), "ok")
	for name, token := range map[string]string{"junk": "edt_junk", "another kind": "ert_x", "forged": known.Reveal()[:len(known.Reveal())-9] + "AAAAAAAAA"} {
		g.expect(t, name, withDevice(right, auth.NewSecret(token)), "2s")
	}
	// A thief of the device has a few separate guesses. The successful login uses one.
	for range 9 {
		g.expect(t, "the device's own", withDevice(wrong, known), "no")
	}
	g.expect(t, "the device's own", withDevice(wrong, known), "1s")
	g.now = g.now.Add(180 * 24 * time.Hour)
	for range 5 {
		g.expect(t, "expired, so a stranger's", withDevice(wrong, known), "no")
	}
	g.expect(t, "expired, so a stranger's", withDevice(wrong, known), "2s")
}

// A device that is known for another account, or was known before a password change, gives no
// advantage.
func TestForeignDevice(t *testing.T) {
	for _, row := range []struct {
		name  string
		of    user.User
		email string
	}{
		{"another's", user.User{ID: "s2", TokenVersion: 7}, "ada@example.com"},
		{"another's, unknown e-mail", user.User{ID: "s2", TokenVersion: 7}, "nobody@example.com"},
		{"a decoy's", user.User{ID: "s1", TokenVersion: 7}, "nobody@example.com"},
		{"of an older password", user.User{ID: "s1", TokenVersion: 6}, "ada@example.com"},
	} {
		g := newGuarded(t, login.DefaultLimits(), ada(asIs), user.User{ID: "s2", Email: "eve@example.com", TokenVersion: 7})
		for i := range 5 {
			// Use a new device each time, so that the counters of the devices do not matter.
			c := withDevice(credentials(row.email, "wrong"), g.device(t, row.of))
			if got := g.login(t, c); got != "no" {
				t.Errorf("%s, guess %d: %s", row.name, i, got)
			}
		}
		if got := g.login(t, withDevice(credentials(row.email, "wrong"), g.device(t, row.of))); got != "2s" || g.count("hash") != 5 {
			t.Errorf("%s: %s after %d hashes", row.name, got, g.count("hash"))
		}
	}
}

// A login calls the store of counters once for each counter, and no more after the first success.
func TestThrottleWrites(t *testing.T) {
	g := newGuarded(t, login.DefaultLimits(), ada(asIs))
	for _, row := range []struct {
		name    string
		c       login.Credentials
		updates int
	}{
		{"first good", right, 2}, {"second good, both give back", right, 4}, {"third: the network gives back", right, 3},
		{"wrong", wrong, 2}, {"no address", login.Credentials{Email: "x@example.com"}, 1},
		{"first with a device", withDevice(right, g.device(t, ada(asIs))), 1},
	} {
		g.updates = 0
		g.login(t, row.c)
		if g.updates != row.updates {
			t.Errorf("%s: %d updates, want %d", row.name, g.updates, row.updates)
		}
	}
	for key := range g.counters {
		if strings.Contains(key, "ada") || strings.Contains(key, "192.") {
			t.Errorf("a key tells whose it is: %s", key)
		}
	}
	g.err = auth.ErrUnavailable
	if _, err := g.who.Login(t.Context(), right); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, login.ErrThrottled) {
		t.Errorf("no counters: %v", err)
	}
}

// Attempts that were reserved during a successful login of another client stay counted.
func TestResetKeepsOtherAttempts(t *testing.T) {
	counters := &memory{counters: map[string]throttle.Counter{}}
	throttle, err := login.NewThrottle(counters, sealing{}, login.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	attempt := login.Attempt{Account: "ada@example.com", At: noon}
	var slots [3]login.Slot
	for i := range slots {
		if slots[i], err = throttle.Take(t.Context(), attempt); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{3, 3, 0} {
		if err := throttle.Settle(t.Context(), slots[i], login.Succeeded); err != nil {
			t.Error(err)
		}
		for _, c := range counters.counters {
			if c.N != want {
				t.Errorf("after slot %d was good, the count is %d, want %d", i, c.N, want)
			}
		}
	}
}

func TestNewThrottleNamesWhatIsWrong(t *testing.T) {
	limits := login.DefaultLimits()
	limits.Account.Free = 0
	for want, f := range map[string]func() (*login.Throttle, error){
		"counters": func() (*login.Throttle, error) { return login.NewThrottle(nil, sealing{}, login.DefaultLimits()) },
		"keys":     func() (*login.Throttle, error) { return login.NewThrottle(&memory{}, nil, login.DefaultLimits()) },
		"Free":     func() (*login.Throttle, error) { return login.NewThrottle(&memory{}, sealing{}, limits) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// All spellings of an address share one counter, so that a spelling gives no further guesses.
func TestSpellingsShareTheCounter(t *testing.T) {
	limits := login.DefaultLimits()
	g := newGuarded(t, limits, ada(func(u *user.User) { u.Email = "ada@dömäin.example" }))
	spellings := []string{"ada@dömäin.example", "ADA@xn--dmin-moa0i.example", "ada@dömäin\u3002example."}
	for i := range int(limits.Account.Free) {
		if got := g.login(t, credentials(spellings[i%len(spellings)], "wrong")); got != "no" {
			t.Fatalf("attempt %d: %s", i, got)
		}
	}
	for _, email := range spellings {
		if got := g.login(t, credentials(email, "correct horse")); got == "no" || got == "ok" {
			t.Errorf("%s: %s, want a wait", email, got)
		}
	}
}
