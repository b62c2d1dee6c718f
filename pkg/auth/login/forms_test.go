package login_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// The forms of the tests, and the stored hashes of "correct horse" in them, which a machine can
// verify.
var (
	ownForm  = password.Hasher{}.Form()
	bcrypt12 = "$2b$12$" + strings.Repeat(".", 53)
	bcrypt10 = "$2b$10$" + strings.Repeat(".", 53)
	pbkdf2   = "pbkdf2_sha256$1000000$" + strings.Repeat("A", 24) + "$" + strings.Repeat("A", 43) + "="
)

// machine is a Hasher that takes a given time for a hash of each form.
type machine struct {
	takes    map[string]time.Duration
	verified map[string]int
}

func newMachine(takes map[string]time.Duration) *machine {
	return &machine{takes, map[string]int{}}
}

func (m *machine) Form() string { return ownForm }

// Verify takes a form for a hash of "correct horse".
func (m *machine) Verify(stored, given auth.Secret) (password.Result, error) {
	form := stored.Reveal()
	if _, ok := m.takes[form]; !ok {
		return password.Result{}, password.ErrMalformed
	}
	m.verified[form]++
	time.Sleep(m.takes[form])
	return password.Result{Match: given.Reveal() == "correct horse", Outdated: form != ownForm}, nil
}

func (m *machine) Waste(given auth.Secret) { _, _ = m.Verify(auth.NewSecret(ownForm), given) }

func (m *machine) Hash(auth.Secret) (auth.Secret, error) {
	time.Sleep(m.takes[ownForm])
	return auth.NewSecret(ownForm), nil
}

func stored(form string) func(*user.User) {
	return func(u *user.User) { u.Password = auth.NewSecret(form) }
}

// record stores forms in the record of rec.
func record(t testing.TB, rec *recorder, forms ...string) {
	t.Helper()
	d := user.Directory{Store: rec.store}
	if _, err := d.RecordForms(t.Context(), forms, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// took returns how long a login takes, and whether it succeeds.
func took(t testing.TB, a *login.Authenticator, c login.Credentials) (time.Duration, bool) {
	t.Helper()
	started := time.Now()
	_, err := a.Login(t.Context(), c)
	if err != nil && !errors.Is(err, login.ErrInvalidCredentials) {
		t.Error(err)
	}
	return time.Since(started), err == nil
}

// TestFormsOfOneMachine imports on a fast machine and logs in on a slow machine. Refusals take a
// quarter more than the slowest form on the machine of the login.
func TestFormsOfOneMachine(t *testing.T) {
	slow := map[string]time.Duration{ownForm: 60 * time.Millisecond, bcrypt12: 400 * time.Millisecond, bcrypt10: 100 * time.Millisecond}
	fast := map[string]time.Duration{ownForm: 6 * time.Millisecond, bcrypt12: 40 * time.Millisecond, bcrypt10: 10 * time.Millisecond}
	for name, takes := range map[string]map[string]time.Duration{"slow": slow, "fast": fast} {
		floor := takes[bcrypt12] + takes[bcrypt12]/4
		for _, row := range []struct {
			name   string
			c      login.Credentials
			change func(*user.User)
			want   time.Duration
		}{
			{"wrong password", wrong, stored(bcrypt12), floor},
			{"wrong password, a cheaper form", wrong, stored(bcrypt10), floor},
			{"wrong password, the form of new hashes", wrong, stored(ownForm), floor},
			{"unknown", credentials("eve@example.com", "x"), stored(bcrypt12), floor},
			{"no e-mail", credentials("eve", "x"), stored(bcrypt12), floor},
			{"disabled", right, func(u *user.User) { stored(bcrypt12)(u); u.Disabled = true }, floor},
			{"no password", right, func(u *user.User) { u.Password = auth.Secret{} }, floor},
			{"damaged", right, stored("damaged"), floor},
			{"success", right, stored(bcrypt12), takes[bcrypt12]},
			{"success, the form of new hashes", right, stored(ownForm), takes[ownForm]},
			{"must change", right, func(u *user.User) { stored(ownForm)(u); u.MustChange = true }, takes[ownForm]},
		} {
			synctest.Test(t, func(t *testing.T) {
				rec, m := newRecorder(t, ada(row.change)), newMachine(takes)
				record(t, rec, bcrypt12, bcrypt10, ownForm)
				a := rec.with(t, func(c *login.Config) { c.Hasher = m })
				// The first login on a machine pays for the measurement, for every account.
				_, _ = a.Login(t.Context(), credentials("someone@example.com", "x"))
				started := time.Now()
				_, _ = a.Login(t.Context(), row.c)
				if took := time.Since(started); took != row.want {
					t.Errorf("%s machine, %s: answered after %v, want %v", name, row.name, took, row.want)
				}
			})
		}
	}
}

// TestFormsAreMeasuredOnce checks that only the first login waits for the measurement, for every
// account, and that no form is measured that is certainly faster.
func TestFormsAreMeasuredOnce(t *testing.T) {
	takes := map[string]time.Duration{
		ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond, bcrypt10: 75 * time.Millisecond, pbkdf2: 350 * time.Millisecond,
	}
	const measurement = 650 * time.Millisecond // of bcrypt12 and of pbkdf2
	const floor = 350*time.Millisecond + 350*time.Millisecond/4
	for _, row := range []struct {
		name  string
		first login.Credentials
		want  time.Duration
	}{
		{"unknown", credentials("eve@example.com", "x"), measurement + floor},
		{"wrong", wrong, measurement + floor},
		{"right", right, measurement + 300*time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			rec, m := newRecorder(t, ada(stored(bcrypt12))), newMachine(takes)
			record(t, rec, ownForm, bcrypt12, bcrypt10, pbkdf2, "$later$form")
			a := rec.with(t, func(c *login.Config) { c.Hasher = m })
			if got, _ := took(t, a, row.first); got != row.want {
				t.Errorf("%s: the first login took %v, want %v", row.name, got, row.want)
			}
			measured := m.verified[pbkdf2]
			for range 3 {
				if got, _ := took(t, a, credentials("eve@example.com", "x")); got != floor {
					t.Errorf("%s: a refusal took %v, want %v", row.name, got, floor)
				}
			}
			if measured != 1 || m.verified[pbkdf2] != 1 || m.verified[bcrypt10] != 0 {
				t.Errorf("%s: computed %v", row.name, m.verified)
			}
		})
	}
}

// TestFormsMeasureALittleAtATime checks that a login stops measuring after a second, and that the
// next login continues.
func TestFormsMeasureALittleAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := map[string]time.Duration{ownForm: time.Millisecond, pbkdf2: 1200 * time.Millisecond, bcrypt12: 1300 * time.Millisecond}
		rec, m := newRecorder(t), newMachine(takes)
		record(t, rec, pbkdf2, bcrypt12)
		a := rec.with(t, func(c *login.Config) { c.Hasher = m })
		for i, want := range []time.Duration{1200 + 1500, 1300 + 1625, 1625} {
			if got, _ := took(t, a, wrong); got != want*time.Millisecond {
				t.Errorf("login %d took %v, want %v", i+1, got, want*time.Millisecond)
			}
		}
	})
}

// TestFormsOfABusyMachine checks that refusals follow hashes that take longer than in the
// measurement, up to twice as long, and that they become shorter again.
func TestFormsOfABusyMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := map[string]time.Duration{ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond}
		rec, m := newRecorder(t, ada(stored(bcrypt12))), newMachine(takes)
		record(t, rec, bcrypt12)
		a := rec.with(t, func(c *login.Config) { c.Hasher = m })
		took(t, a, wrong)
		for _, row := range []struct {
			logins          int
			bcrypt, unknown time.Duration
		}{{1, 320, 375}, {1, 450, 450}, {1, 300, 450}, {1, 5000, 600}, {63, 310, 600}, {1, 310, 375}} {
			for range row.logins {
				takes[bcrypt12] = row.bcrypt * time.Millisecond
				took(t, a, wrong)
			}
			if got, _ := took(t, a, credentials("eve@example.com", "x")); got != row.unknown*time.Millisecond {
				t.Errorf("%d hashes of %vms: a refusal takes %v, want %vms", row.logins, int64(row.bcrypt), got, int64(row.unknown))
			}
		}
	})
}

// TestFormsOneForm checks that a deployment whose hashes have one form measures nothing and does
// not wait.
func TestFormsOneForm(t *testing.T) {
	for _, forms := range [][]string{nil, {ownForm}} {
		synctest.Test(t, func(t *testing.T) {
			rec, m := newRecorder(t), newMachine(map[string]time.Duration{ownForm: 50 * time.Millisecond})
			record(t, rec, forms...)
			a := rec.with(t, func(c *login.Config) { c.Hasher = m })
			if got, _ := took(t, a, wrong); got != 50*time.Millisecond || m.verified[ownForm] != 1 {
				t.Errorf("%q: took %v, computed %v", forms, got, m.verified)
			}
		})
	}
}

// TestFormsAreReadOnceAMinute checks when the record is read, and that the login that reads of a
// new form measures it.
func TestFormsAreReadOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := noon
		takes := map[string]time.Duration{ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond}
		rec, m := newRecorder(t), newMachine(takes)
		a := rec.with(t, func(c *login.Config) { c.Hasher, c.Now = m, func() time.Time { return now } })
		a.Prepare(t.Context())
		a.Prepare(t.Context())
		record(t, rec, bcrypt12)
		for _, row := range []struct {
			at    time.Duration
			reads int
			want  time.Duration
		}{
			{0, 1, 50}, {time.Minute - time.Second, 1, 50}, {time.Minute, 2, 300 + 375}, {time.Minute + time.Second, 2, 375},
			{time.Hour, 3, 375}, {0, 4, 375}, // the clock was set back
		} {
			now = noon.Add(row.at)
			if got, _ := took(t, a, wrong); got != row.want*time.Millisecond || rec.forms != row.reads {
				t.Errorf("after %v: took %v after %d reads, want %vms after %d", row.at, got, rec.forms, row.want, row.reads)
			}
		}
	})
}

// TestFormsFailedRead checks that a failed read keeps the floor, and that a login without any
// record decides nothing.
func TestFormsFailedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := noon
		takes := map[string]time.Duration{ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond}
		rec, m := newRecorder(t, ada(stored(bcrypt12))), newMachine(takes)
		record(t, rec, bcrypt12)
		a := rec.with(t, func(c *login.Config) { c.Hasher, c.Now = m, func() time.Time { return now } })
		rec.formsErr = auth.ErrUnavailable
		a.Prepare(t.Context())
		for _, c := range []login.Credentials{right, wrong, credentials("eve@example.com", "x")} {
			if _, err := a.Login(t.Context(), c); !errors.Is(err, auth.ErrUnavailable) || len(m.verified) != 0 {
				t.Errorf("no record was read: %v, %v", err, m.verified)
			}
		}
		rec.formsErr = nil
		if got, _ := took(t, a, wrong); got != 675*time.Millisecond {
			t.Errorf("the first login took %v", got)
		}
		rec.formsErr, rec.forms = auth.ErrUnavailable, 0
		for _, row := range []struct {
			at    time.Duration
			reads int
		}{{time.Minute, 1}, {time.Minute + 4*time.Second, 1}, {time.Minute + 5*time.Second, 2}, {time.Hour, 3}} {
			now = noon.Add(row.at)
			if got, _ := took(t, a, credentials("eve@example.com", "x")); got != 375*time.Millisecond || rec.forms != row.reads {
				t.Errorf("after %v: took %v after %d reads, want 375ms after %d", row.at, got, rec.forms, row.reads)
			}
		}
	})
}

// TestFormsOfNewHashes checks that the form of new hashes is recorded before the first of them, and
// that the upgrade of a hash changes no record.
func TestFormsOfNewHashes(t *testing.T) {
	for name, first := range map[string]func(testing.TB, *login.Authenticator){
		"prepared":      func(t testing.TB, a *login.Authenticator) { a.Prepare(t.Context()) },
		"a first login": func(t testing.TB, a *login.Authenticator) { took(t, a, wrong) },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { formsOfNewHashes(t, first) }) })
	}
}

func formsOfNewHashes(t *testing.T, first func(testing.TB, *login.Authenticator)) {
	takes := map[string]time.Duration{ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond}
	rec, m := newRecorder(t, ada(stored(bcrypt12))), newMachine(takes)
	record(t, rec, bcrypt12)
	a := rec.with(t, func(c *login.Config) {
		c.Hasher, c.Passwords = m, &user.Directory{Store: rec.store, Hasher: m}
	})
	forms := func() user.Forms {
		f, err := rec.store.Forms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first(t, a)
	before := forms()
	if want := []string{ownForm, bcrypt12}; len(before.Lacks(want)) > 0 || len(before.Recorded) != 2 {
		t.Errorf("recorded are %q, want %q", before.Recorded, want)
	}
	if _, err := a.Login(t.Context(), right); err != nil {
		t.Fatal(err)
	}
	if u, err := rec.store.Get(t.Context(), "s1"); err != nil || u.Password.Reveal() != ownForm {
		t.Errorf("the hash was not upgraded: %v", err)
	}
	if after := forms(); after.Revision != before.Revision || !slices.Equal(after.Recorded, before.Recorded) {
		t.Errorf("the upgrade changed the record %+v to %+v", before, after)
	}
}

// A configured Floor that is longer than the slowest form wins.
func TestFormsWithFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := map[string]time.Duration{ownForm: 50 * time.Millisecond, bcrypt12: 300 * time.Millisecond}
		for floor, want := range map[time.Duration]time.Duration{100 * time.Millisecond: 375 * time.Millisecond, time.Second: time.Second} {
			rec, m := newRecorder(t, ada(stored(bcrypt12))), newMachine(takes)
			record(t, rec, bcrypt12)
			a := rec.with(t, func(c *login.Config) { c.Hasher, c.Floor = m, floor })
			for i, c := range []login.Credentials{credentials("eve@example.com", "x"), wrong, wrong} {
				got, _ := took(t, a, c)
				if i == 0 {
					got -= 300 * time.Millisecond // the measurement
				}
				if got != want {
					t.Errorf("floor %v: login %d took %v, want %v", floor, i+1, got, want)
				}
			}
		}
	})
}
