package login_test

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// world is the three collaborators of an Authenticator, and a record of what they were asked.
type world struct {
	users    map[auth.SubjectID]user.User
	pointers map[user.Email]auth.SubjectID

	takeErr, byEmailErr, getErr, settleErr error

	mu       sync.Mutex
	calls    []string
	reads    []auth.SubjectID
	attempts []login.Attempt
}

func newWorld(users ...user.User) *world {
	w := &world{users: map[auth.SubjectID]user.User{}, pointers: map[user.Email]auth.SubjectID{}}
	for _, u := range users {
		w.users[u.ID] = u
		if key, err := user.NormalizeEmail(u.Email); err == nil {
			w.pointers[key] = u.ID
		}
	}
	return w
}

func (w *world) record(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}

func (w *world) count(call string) (n int) {
	for _, c := range w.calls {
		if c == call {
			n++
		}
	}
	return n
}

func (w *world) Take(_ context.Context, a login.Attempt) (login.Slot, error) {
	w.record("take")
	w.mu.Lock()
	w.attempts = append(w.attempts, a)
	w.mu.Unlock()
	return login.Slot{Attempt: a, State: "slot of " + kindOf(a)}, w.takeErr
}

func (w *world) Settle(_ context.Context, s login.Slot, e login.Ending) error {
	if s.State != "slot of "+kindOf(s.Attempt) {
		w.record("settle another slot")
	}
	w.record(map[login.Ending]string{login.Undecided: "settle undecided", login.Failed: "settle bad", login.Succeeded: "settle good"}[e])
	return w.settleErr
}

// kindOf says which one of its three an attempt is counted on.
func kindOf(a login.Attempt) string {
	switch {
	case a.Account != "":
		return "account"
	case a.Device != (login.DeviceID{}):
		return "device"
	}
	return "network"
}

func (w *world) ByPointer(_ context.Context, p user.Pointer) (auth.SubjectID, error) {
	w.record("pointer")
	if w.byEmailErr != nil {
		return "", w.byEmailErr
	}
	id, ok := w.pointers[user.Email(p.Name)]
	if !ok {
		return "", auth.ErrNotFound
	}
	return id, nil
}

func (w *world) Get(_ context.Context, id auth.SubjectID) (user.User, error) {
	w.record("user")
	w.mu.Lock()
	w.reads = append(w.reads, id)
	w.mu.Unlock()
	if w.getErr != nil {
		return user.User{}, w.getErr
	}
	u, ok := w.users[id]
	if !ok {
		return user.User{}, auth.ErrNotFound
	}
	return u, nil
}

// Verify takes a password stored as "hash of " and itself, and counts as one hash.
func (w *world) Verify(stored, given auth.Secret) (password.Result, error) {
	text, ok := strings.CutPrefix(stored.Reveal(), "hash of ")
	if !ok {
		return password.Result{}, password.ErrMalformed
	}
	w.record("hash")
	return password.Result{Match: text == given.Reveal()}, nil
}

func (w *world) Waste(auth.Secret) { w.record("hash") }

// Hash makes what Verify takes. It is no hash of a login's own, and not counted as one.
func (w *world) Hash(p auth.Secret) (auth.Secret, error) {
	return auth.NewSecret("hash of " + p.Reveal()), nil
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func (w *world) authenticator(t *testing.T) *login.Authenticator {
	t.Helper()
	a, err := login.New(login.Config{Users: w, Hasher: w, Attempts: w, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ada(change func(*user.User)) user.User {
	u := user.User{ID: "s1", Email: "Ada@example.com", Password: auth.NewSecret("hash of correct horse"), TokenVersion: 7}
	change(&u)
	return u
}

func asIs(*user.User) {}

func credentials(email, secret string) login.Credentials {
	return login.Credentials{Email: email, Password: auth.NewSecret(secret), Address: netip.MustParseAddr("192.0.2.1")}
}

// Whatever is refused for whatever reason: the same calls, one hash, the same answer.
func TestRefusalsAreIndistinguishable(t *testing.T) {
	for _, row := range []struct {
		name, email, password string
		change                func(*user.User)
		reason                login.Reason
		subject               auth.SubjectID
	}{
		{"wrong password", "ada@example.com", "wrong", asIs, login.ReasonWrongPassword, "s1"},
		{"empty password", "ada@example.com", "", asIs, login.ReasonWrongPassword, "s1"},
		{"unknown", "bob@example.com", "correct horse", asIs, login.ReasonUnknown, ""},
		{"no e-mail", "ada", "correct horse", asIs, login.ReasonUnknown, ""},
		{"empty e-mail", "", "correct horse", asIs, login.ReasonUnknown, ""},
		{"disabled", "ada@example.com", "correct horse", func(u *user.User) { u.Disabled = true }, login.ReasonDisabled, "s1"},
		{"disabled, must change", "ada@example.com", "correct horse",
			func(u *user.User) { u.Disabled, u.MustChange = true, true }, login.ReasonDisabled, "s1"},
		{"disabled, wrong password", "ada@example.com", "wrong", func(u *user.User) { u.Disabled = true }, login.ReasonWrongPassword, "s1"},
		{"must change, wrong password", "ada@example.com", "wrong", func(u *user.User) { u.MustChange = true }, login.ReasonWrongPassword, "s1"},
		{"no password", "ada@example.com", "", func(u *user.User) { u.Password = auth.Secret{} }, login.ReasonNoPassword, "s1"},
		{"damaged hash", "ada@example.com", "correct horse",
			func(u *user.User) { u.Password = auth.NewSecret("damaged") }, login.ReasonUnreadable, "s1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(ada(row.change))
			u, err := w.authenticator(t).Login(context.Background(), credentials(row.email, row.password))
			if !errors.Is(err, login.ErrInvalidCredentials) || err.Error() != login.ErrInvalidCredentials.Error() || u.ID != "" {
				t.Errorf("the answer is %v, %q", err, u.ID)
			}
			var refusal *login.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != row.reason || refusal.Subject != row.subject {
				t.Errorf("the audit log would say %+v", refusal)
			}
			slices.Sort(w.calls[:2]) // each two are parallel
			slices.Sort(w.calls[2:4])
			if want := []string{"pointer", "take", "take", "user", "hash", "settle bad", "settle bad"}; !slices.Equal(w.calls, want) {
				t.Errorf("calls %v, want %v", w.calls, want)
			}
		})
	}
}

func TestDamagedHashIsToldToTheLog(t *testing.T) {
	w := newWorld(ada(func(u *user.User) { u.Password = auth.NewSecret("damaged") }))
	_, err := w.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
	if !errors.Is(err, password.ErrMalformed) {
		t.Error(err)
	}
}

func TestLogin(t *testing.T) {
	for _, row := range []struct {
		name, email string
		change      func(*user.User)
		settleErr   error
		want        error
	}{
		{"right", "ada@example.com", asIs, nil, nil},
		{"another spelling", " ADA@Example.COM ", asIs, nil, nil},
		{"settlement lost", "ada@example.com", asIs, auth.ErrUnavailable, nil},
		{"must change", "ada@example.com", func(u *user.User) { u.MustChange = true }, nil, login.ErrPasswordChangeRequired},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(ada(row.change))
			w.settleErr = row.settleErr
			u, err := w.authenticator(t).Login(context.Background(), credentials(row.email, "correct horse"))
			if !errors.Is(err, row.want) || u.ID != "s1" || u.TokenVersion != 7 {
				t.Errorf("%+v, %v", u, err)
			}
			slices.Sort(w.calls[:2])
			slices.Sort(w.calls[2:4])
			if want := []string{"pointer", "take", "take", "user", "hash", "settle good", "settle good"}; !slices.Equal(w.calls, want) {
				t.Errorf("calls %v, want %v", w.calls, want)
			}
		})
	}
}

func TestThrottledBeforeAnyWork(t *testing.T) {
	w := newWorld(ada(asIs))
	w.takeErr = login.Throttled(42 * time.Second)
	_, err := w.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
	var refusal *login.Refusal
	switch {
	case !errors.Is(err, login.ErrThrottled), errors.Is(err, login.ErrInvalidCredentials):
		t.Error(err)
	case !errors.As(err, &refusal), refusal.Reason != login.ReasonThrottled, refusal.RetryAfter != 42*time.Second:
		t.Errorf("%+v", refusal)
	case w.count("hash") != 0, w.count("user") != 0:
		t.Error(w.calls)
	}
}

// A store that says nothing about the credentials must not make the answer say something.
func TestStoreErrorsDecideNothing(t *testing.T) {
	foreign := errors.New("access denied")
	for _, row := range []struct {
		name      string
		fail      func(*world, error)
		givenBack int // slots that were taken, and are as if they had not been
	}{
		{"counter", func(w *world, err error) { w.takeErr = err }, 0},
		{"pointer", func(w *world, err error) { w.byEmailErr = err }, 1},
		{"user", func(w *world, err error) { w.getErr = err }, 2},
	} {
		for _, want := range []error{auth.ErrUnavailable, foreign, context.Canceled} {
			for _, email := range []string{"ada@example.com", "bob@example.com"} {
				w := newWorld(ada(asIs))
				row.fail(w, want)
				u, err := w.authenticator(t).Login(context.Background(), credentials(email, "correct horse"))
				if !errors.Is(err, want) || u.ID != "" ||
					errors.Is(err, login.ErrInvalidCredentials) || errors.Is(err, login.ErrThrottled) ||
					errors.Is(err, auth.ErrUnavailable) != (want == auth.ErrUnavailable) {
					t.Errorf("%s, %v, %s: %v", row.name, want, email, err)
				}
				if w.count("hash") != 0 || w.count("settle undecided") != row.givenBack || w.count("settle bad") != 0 {
					t.Errorf("%s, %v, %s: %v", row.name, want, email, w.calls)
				}
			}
		}
	}
}

func TestUnknownReadsADecoyOfItsOwn(t *testing.T) {
	read := func(email string) auth.SubjectID {
		w := newWorld(ada(asIs))
		_, _ = w.authenticator(t).Login(context.Background(), credentials(email, "x"))
		if len(w.reads) != 1 {
			t.Fatalf("%s: reads %q", email, w.reads)
		}
		return w.reads[0]
	}
	bob, bobAgain, eve, junk := read("bob@example.com"), read("BOB@example.com"), read("eve@example.com"), read("junk")
	if bob != bobAgain || bob == eve || bob == junk || bob == "s1" || len(bob) != 36 || bob.Validate() != nil {
		t.Errorf("%q, %q, %q, %q", bob, bobAgain, eve, junk)
	}

	// Whoever lives under the decoy is not let in by its address.
	tenant := ada(func(u *user.User) { u.ID = bob })
	w := newWorld(tenant)
	if _, err := w.authenticator(t).Login(context.Background(), credentials("bob@example.com", "correct horse")); !errors.Is(err, login.ErrInvalidCredentials) || w.count("hash") != 1 {
		t.Errorf("%v, %v", err, w.calls)
	}
}

func TestPointerWithoutUserIsUnknown(t *testing.T) {
	w := newWorld(ada(asIs))
	delete(w.users, "s1")
	_, err := w.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
	if !errors.Is(err, login.ErrInvalidCredentials) || w.count("hash") != 1 {
		t.Errorf("%v, %v", err, w.calls)
	}
}

func TestAttemptIsWhatMayBeCounted(t *testing.T) {
	for _, row := range []struct {
		name, email, address string
		account              user.Email
		network, site        string
	}{
		{"IPv4", "ADA@example.com", "192.0.2.7", "ada@example.com", "192.0.2.7/32", ""},
		{"IPv4 in IPv6", "ada@example.com", "::ffff:192.0.2.7", "ada@example.com", "192.0.2.7/32", ""},
		{"IPv6", "ada@example.com", "2001:db8:1:2:3:4:5:6", "ada@example.com", "2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"IPv6 with a zone", "ada@example.com", "fe80::1%eth0", "ada@example.com", "fe80::/64", "fe80::/48"},
		{"no address", "ada@example.com", "", "ada@example.com", "invalid Prefix", ""},
		{"no e-mail", "ada", "192.0.2.7", "invalid:_e5DDUC9V97qwYbNl5ADPQ8G-QmogG585ucXq3x9UCk", "192.0.2.7/32", ""},
	} {
		w := newWorld()
		c := login.Credentials{Email: row.email}
		if row.address != "" {
			c.Address = netip.MustParseAddr(row.address)
		}
		_, _ = w.authenticator(t).Login(context.Background(), c)
		var network netip.Prefix // invalid without an address
		want := []login.Attempt{{At: noon}}
		if row.address != "" {
			network = netip.MustParsePrefix(row.network)
			want[0].Network = network
		}
		if row.site != "" {
			want = append(want, login.Attempt{Network: netip.MustParsePrefix(row.site), At: noon})
		}
		want = append(want, login.Attempt{Account: row.account, Network: network, At: noon})
		slices.SortFunc(w.attempts, func(a, b login.Attempt) int { // the first two are taken at the same time
			return cmp.Or(strings.Compare(string(a.Account), string(b.Account)), b.Network.Bits()-a.Network.Bits())
		})
		if !slices.Equal(w.attempts, want) {
			t.Errorf("%s: %+v, want %+v", row.name, w.attempts, want)
		}
	}
}

// gated lets none of two answer before both were asked: the network's slot and the pointer, the account's and the user.
type gated struct {
	*world
	first, second sync.WaitGroup
}

func both(w *sync.WaitGroup) {
	w.Done()
	w.Wait()
}

func (g *gated) Take(ctx context.Context, a login.Attempt) (login.Slot, error) {
	if a.Account == "" {
		both(&g.first)
	} else {
		both(&g.second)
	}
	return g.world.Take(ctx, a)
}

func (g *gated) ByPointer(ctx context.Context, p user.Pointer) (auth.SubjectID, error) {
	both(&g.first)
	return g.world.ByPointer(ctx, p)
}

func (g *gated) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	both(&g.second)
	return g.world.Get(ctx, id)
}

func TestTwoRoundTripsBeforeTheHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails at once where all are waiting
		g := &gated{world: newWorld(ada(asIs))}
		g.first.Add(2)
		g.second.Add(2)
		a, err := login.New(login.Config{Users: g, Hasher: g, Attempts: g})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Login(t.Context(), credentials("ada@example.com", "correct horse")); err != nil {
			t.Error(err)
		}
	})
}

// stuck never answers for the pointer until it is told that nobody waits.
type stuck struct{ *world }

func (s stuck) ByPointer(ctx context.Context, _ user.Pointer) (auth.SubjectID, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestThrottledDoesNotWaitForThePointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails where the pointer's read is never told to stop
		w := newWorld()
		w.takeErr = login.Throttled(time.Second)
		a, err := login.New(login.Config{Users: stuck{w}, Hasher: w, Attempts: w})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Login(t.Context(), credentials("ada@example.com", "x")); !errors.Is(err, login.ErrThrottled) {
			t.Error(err)
		}
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	w := newWorld()
	for _, row := range []struct {
		missing string
		config  login.Config
	}{
		{"Users", login.Config{Hasher: w, Attempts: w}},
		{"Hasher", login.Config{Users: w, Attempts: w}},
		{"Attempts", login.Config{Users: w, Hasher: w}},
	} {
		if _, err := login.New(row.config); err == nil || !strings.Contains(err.Error(), "Config."+row.missing) {
			t.Errorf("%s: %v", row.missing, err)
		}
	}
}
