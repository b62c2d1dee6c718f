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

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ada(change func(*user.User)) user.User {
	u := user.User{ID: "s1", Email: "Ada@example.com", Password: auth.NewSecret("hash of correct horse"), TokenVersion: 7}
	change(&u)
	return u
}

func asIs(*user.User) {}

func credentials(email, secret string) login.Credentials {
	return login.Credentials{Email: email, Password: auth.NewSecret(secret), Address: netip.MustParseAddr("192.0.2.1")}
}

// Every refused login, for any reason, makes the same calls and one hash and gets the same answer.
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
		{"no A-label", "ada@xn--9999999.example", "correct horse", asIs, login.ReasonUnknown, ""},
		{"unknown in an international domain", "bob@dömäin.example", "correct horse", asIs, login.ReasonUnknown, ""},
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
			rec := newRecorder(t, ada(row.change))
			u, err := rec.authenticator(t).Login(context.Background(), credentials(row.email, row.password))
			if !errors.Is(err, login.ErrInvalidCredentials) || err.Error() != login.ErrInvalidCredentials.Error() || u.ID != "" {
				t.Errorf("the answer is %v, %q", err, u.ID)
			}
			var refusal *login.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != row.reason || refusal.Subject != row.subject {
				t.Errorf("the audit log would say %+v", refusal)
			}
			slices.Sort(rec.calls[:2]) // the first two calls are parallel
			slices.Sort(rec.calls[2:4])
			if want := []string{"pointer", "take", "take", "user", "hash", "settle bad", "settle bad"}; !slices.Equal(rec.calls, want) {
				t.Errorf("calls %v, want %v", rec.calls, want)
			}
		})
	}
}

func TestDamagedHashIsLogged(t *testing.T) {
	rec := newRecorder(t, ada(func(u *user.User) { u.Password = auth.NewSecret("damaged") }))
	_, err := rec.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
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
		{"domain in letters", "ada@DÖMÄIN.example", func(u *user.User) { u.Email = "Ada@xn--dmin-moa0i.example" }, nil, nil},
		{"domain in ASCII", "ada@xn--dmin-moa0i.example", func(u *user.User) { u.Email = "Ada@dömäin.example" }, nil, nil},
		{"settlement lost", "ada@example.com", asIs, auth.ErrUnavailable, nil},
		{"must change", "ada@example.com", func(u *user.User) { u.MustChange = true }, nil, login.ErrPasswordChangeRequired},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := newRecorder(t, ada(row.change))
			rec.settleErr = row.settleErr
			u, err := rec.authenticator(t).Login(context.Background(), credentials(row.email, "correct horse"))
			if !errors.Is(err, row.want) || u.ID != "s1" || u.TokenVersion != 7 {
				t.Errorf("%+v, %v", u, err)
			}
			slices.Sort(rec.calls[:2])
			slices.Sort(rec.calls[2:4])
			if want := []string{"pointer", "take", "take", "user", "hash", "settle good", "settle good"}; !slices.Equal(rec.calls, want) {
				t.Errorf("calls %v, want %v", rec.calls, want)
			}
		})
	}
}

func TestThrottledBeforeAnyWork(t *testing.T) {
	rec := newRecorder(t, ada(asIs))
	rec.takeErr = login.Throttled(42 * time.Second)
	_, err := rec.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
	var refusal *login.Refusal
	switch {
	case !errors.Is(err, login.ErrThrottled), errors.Is(err, login.ErrInvalidCredentials):
		t.Error(err)
	case !errors.As(err, &refusal), refusal.Reason != login.ReasonThrottled, refusal.RetryAfter != 42*time.Second:
		t.Errorf("%+v", refusal)
	case rec.count("hash") != 0, rec.count("user") != 0:
		t.Error(rec.calls)
	}
}

// If a store fails, the answer must not reveal anything about the credentials.
func TestStoreErrorsDecideNothing(t *testing.T) {
	foreign := errors.New("access denied")
	for _, row := range []struct {
		name      string
		fail      func(*recorder, error)
		givenBack int // slots that were taken and released
	}{
		{"counter", func(rec *recorder, err error) { rec.takeErr = err }, 0},
		{"pointer", func(rec *recorder, err error) { rec.byEmailErr = err }, 1},
		{"user", func(rec *recorder, err error) { rec.getErr = err }, 2},
	} {
		for _, want := range []error{auth.ErrUnavailable, foreign, context.Canceled} {
			for _, email := range []string{"ada@example.com", "bob@example.com"} {
				rec := newRecorder(t, ada(asIs))
				row.fail(rec, want)
				u, err := rec.authenticator(t).Login(context.Background(), credentials(email, "correct horse"))
				if !errors.Is(err, want) || u.ID != "" ||
					errors.Is(err, login.ErrInvalidCredentials) || errors.Is(err, login.ErrThrottled) ||
					errors.Is(err, auth.ErrUnavailable) != (want == auth.ErrUnavailable) {
					t.Errorf("%s, %v, %s: %v", row.name, want, email, err)
				}
				if rec.count("hash") != 0 || rec.count("settle undecided") != row.givenBack || rec.count("settle bad") != 0 {
					t.Errorf("%s, %v, %s: %v", row.name, want, email, rec.calls)
				}
			}
		}
	}
}

func TestEachUnknownEmailHasADecoy(t *testing.T) {
	read := func(email string) auth.SubjectID {
		rec := newRecorder(t, ada(asIs))
		_, _ = rec.authenticator(t).Login(context.Background(), credentials(email, "x"))
		if len(rec.reads) != 1 {
			t.Fatalf("%s: reads %q", email, rec.reads)
		}
		return rec.reads[0]
	}
	bob, bobAgain, eve, junk := read("bob@example.com"), read("BOB@example.com"), read("eve@example.com"), read("junk")
	if bob != bobAgain || bob == eve || bob == junk || bob == "s1" || len(bob) != 36 || bob.Validate() != nil {
		t.Errorf("%q, %q, %q, %q", bob, bobAgain, eve, junk)
	}

	// A user whose subject is a decoy cannot log in with the e-mail of the decoy.
	tenant := ada(func(u *user.User) { u.ID = bob })
	rec := newRecorder(t, tenant)
	if _, err := rec.authenticator(t).Login(context.Background(), credentials("bob@example.com", "correct horse")); !errors.Is(err, login.ErrInvalidCredentials) || rec.count("hash") != 1 {
		t.Errorf("%v, %v", err, rec.calls)
	}
}

func TestPointerWithoutUserIsUnknown(t *testing.T) {
	rec := newRecorder(t, ada(asIs))
	rec.getErr = auth.ErrNotFound
	_, err := rec.authenticator(t).Login(context.Background(), credentials("ada@example.com", "correct horse"))
	if !errors.Is(err, login.ErrInvalidCredentials) || rec.count("hash") != 1 {
		t.Errorf("%v, %v", err, rec.calls)
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
		rec := newRecorder(t)
		c := login.Credentials{Email: row.email}
		if row.address != "" {
			c.Address = netip.MustParseAddr(row.address)
		}
		_, _ = rec.authenticator(t).Login(context.Background(), c)
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
		slices.SortFunc(rec.attempts, func(a, b login.Attempt) int { // the first two are taken at the same time
			return cmp.Or(strings.Compare(string(a.Account), string(b.Account)), b.Network.Bits()-a.Network.Bits())
		})
		if !slices.Equal(rec.attempts, want) {
			t.Errorf("%s: %+v, want %+v", row.name, rec.attempts, want)
		}
	}
}

// gated answers a call only after all calls of its round have begun: the counter of the network,
// the pointer and the record of forms, then the counter of the account and the user.
type gated struct {
	*recorder
	first, second sync.WaitGroup
}

func all(w *sync.WaitGroup) {
	w.Done()
	w.Wait()
}

func (g *gated) Take(ctx context.Context, a login.Attempt) (login.Slot, error) {
	if a.Account == "" {
		all(&g.first)
	} else {
		all(&g.second)
	}
	return g.recorder.Take(ctx, a)
}

func (g *gated) ByEmail(ctx context.Context, email string) (auth.SubjectID, error) {
	all(&g.first)
	return g.recorder.ByEmail(ctx, email)
}

func (g *gated) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	all(&g.second)
	return g.recorder.Get(ctx, id)
}

func (g *gated) Forms(ctx context.Context) (user.Forms, error) {
	all(&g.first)
	return g.recorder.Forms(ctx)
}

func TestTwoRoundTripsBeforeTheHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails at once if all goroutines wait
		g := &gated{recorder: newRecorder(t, ada(asIs))}
		g.first.Add(3)
		g.second.Add(2)
		a, err := login.New(login.Config{Users: g, Hasher: g}.Counting(g))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Login(t.Context(), credentials("ada@example.com", "correct horse")); err != nil {
			t.Error(err)
		}
	})
}

// stuck answers for the pointer only after its context is cancelled.
type stuck struct{ *recorder }

func (s stuck) ByEmail(ctx context.Context, _ string) (auth.SubjectID, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestThrottledDoesNotWaitForThePointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails if the pointer's read is never cancelled
		rec := newRecorder(t)
		rec.takeErr = login.Throttled(time.Second)
		a, err := login.New(login.Config{Users: stuck{rec}, Hasher: rec}.Counting(rec))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Login(t.Context(), credentials("ada@example.com", "x")); !errors.Is(err, login.ErrThrottled) {
			t.Error(err)
		}
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	rec := newRecorder(t)
	for _, row := range []struct {
		missing string
		config  login.Config
	}{
		{"Users", login.Config{Hasher: rec, Counters: &memory{}, Keys: sealing{}}},
		{"Hasher", login.Config{Users: rec, Counters: &memory{}, Keys: sealing{}}},
		{"Counters", login.Config{Users: rec, Hasher: rec, Keys: sealing{}}},
		{"Keys", login.Config{Users: rec, Hasher: rec, Counters: &memory{}}},
	} {
		if _, err := login.New(row.config); err == nil || !strings.Contains(err.Error(), "Config."+row.missing) {
			t.Errorf("%s: %v", row.missing, err)
		}
	}
}
