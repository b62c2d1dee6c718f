package flow_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

var all = []flow.Purpose{flow.PurposeSignup, flow.PurposeLogin, flow.PurposeReset}

// addressFor returns an address that fits the purpose.
func addressFor(p flow.Purpose) string {
	if p == flow.PurposeSignup {
		return eve
	}
	return ada
}

// Every right code passes the steps of the deployment, and a denial changes nothing. The client
// repeats the denied login with the second factor alone.
func TestSteps(t *testing.T) {
	denial := &login.Denial{Code: "second_factor_required"}
	for _, p := range all {
		var steps []string
		w := newWorld(t, func(c *login.Config, _ *flow.Config) {
			c.Steps.Before = func(_ context.Context, c login.Credentials) error {
				if c.Email != addressFor(p) || c.Address != home {
					t.Errorf("before got %+v", c)
				}
				steps = append(steps, "before")
				return nil
			}
			c.Steps.After = func(_ context.Context, c login.Credentials, r login.Result) ([]string, error) {
				if r.User.Email != addressFor(p) || r.User.ID == "" || !slices.Equal(r.AMR, []string{"otp"}) {
					t.Errorf("after got %+v", r)
				}
				steps = append(steps, "after")
				if c.OneTimeCode.Reveal() != "123456" {
					return nil, denial
				}
				return []string{"mfa"}, nil
			}
		})
		a := answer(w.begin(t, p, addressFor(p)), p)
		v, err := w.Verify(t.Context(), a)
		no, ok := errors.AsType[*login.Denial](err)
		if !ok || no.Code != denial.Code || no.Subject == "" || v.User.ID != "" || !slices.Equal(steps, []string{"before", "after"}) {
			t.Errorf("%v: %+v after %v", p, err, steps)
		}
		if _, err := w.users.Find(t.Context(), eve); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%v: an account without the second factor: %v", p, err)
		}
		if u := w.stored(t, ada); u.Revision != w.ada.Revision {
			t.Errorf("%v: a user changed without the second factor: %+v", p, u)
		}
		a.Code, a.OneTimeCode = auth.Secret{}, auth.NewSecret("123456")
		v, err = w.Verify(t.Context(), a)
		if err != nil || !slices.Equal(v.AMR, []string{"otp", "mfa"}) {
			t.Errorf("%v: %+v, %v", p, v, err)
		}
	}
}

// A second factor cannot be guessed without limit: each denial costs a try.
func TestDenialsCost(t *testing.T) {
	denied := 0
	w := newWorld(t, func(c *login.Config, _ *flow.Config) {
		c.Steps.After = func(context.Context, login.Credentials, login.Result) ([]string, error) {
			denied++
			return nil, &login.Denial{Code: "second_factor_required"}
		}
	})
	a := answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
	for range 2 * flow.Tries {
		_, err := w.Verify(t.Context(), a)
		if err == nil {
			t.Fatal("it is let in")
		}
	}
	if denied != flow.Tries {
		t.Errorf("the second factor was asked for %d times, want %d", denied, flow.Tries)
	}
}

// A person whom Steps.Before denies gets no account.
func TestDeniedBefore(t *testing.T) {
	w := newWorld(t, func(c *login.Config, _ *flow.Config) {
		c.Steps.Before = func(context.Context, login.Credentials) error { return &login.Denial{Code: "not_invited"} }
	})
	_, err := w.Verify(t.Context(), answer(w.begin(t, flow.PurposeSignup, eve), flow.PurposeSignup))
	if no, ok := errors.AsType[*login.Denial](err); !ok || no.Code != "not_invited" {
		t.Error(err)
	}
	if _, err := w.users.Find(t.Context(), eve); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("an account: %v", err)
	}
}

// A step that fails before the code is compared decides nothing, and costs no try. Later answers
// with a wrong code each cost a try.
func TestOutageBefore(t *testing.T) {
	down := true
	w := newWorld(t, func(c *login.Config, _ *flow.Config) {
		c.Steps.Before = func(context.Context, login.Credentials) error {
			if down {
				return auth.ErrUnavailable
			}
			return nil
		}
	})
	a := answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
	for range 2 * flow.Tries {
		if _, err := w.Verify(t.Context(), wrong(a)); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("during the outage: %v", err)
		}
	}
	down = false
	for i := range flow.Tries - 1 {
		if got := reason(verified(w, wrong(a))); got != "wrong_code" {
			t.Errorf("wrong code %d: %s", i, got)
		}
	}
	without := a
	without.Code = auth.Secret{}
	if got := reason(verified(w, without)); got != "wrong_code" {
		t.Errorf("without a code: %s", got)
	}
	if got := reason(verified(w, a)); got != "tries" {
		t.Errorf("the right code after three wrong ones: %s", got)
	}
}

// Earlier versions disabled a user without raising the token version.
func TestDisabledUser(t *testing.T) {
	for _, p := range []flow.Purpose{flow.PurposeLogin, flow.PurposeReset} {
		w := newWorld(t)
		b := w.begin(t, p, ada)
		u := w.stored(t, ada)
		u.Disabled = true
		if err := w.users.Store.Update(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		_, err := w.Verify(t.Context(), answer(b, p))
		no, ok := errors.AsType[*login.Refusal](err)
		if !ok || no.Reason != login.ReasonDisabled || no.Reference == "" {
			t.Errorf("%v: %v", p, err)
		}
		if after := w.stored(t, ada); after.Revision != u.Revision+1 {
			t.Errorf("%v: the user was changed: %+v", p, after)
		}
	}
}

// A login by code does not bypass a required change of the password. A reset is the change.
func TestMustChange(t *testing.T) {
	w := newWorld(t)
	if _, err := w.users.SetPassword(t.Context(), w.ada.ID, auth.NewSecret("correct horse"), true); err != nil {
		t.Fatal(err)
	}
	v, err := w.Verify(t.Context(), answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin))
	if !errors.Is(err, login.ErrPasswordChangeRequired) || v.NewDevice {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := w.gate.RedeemChange(t.Context(), v.Change, auth.NewSecret("third horse")); err != nil {
		t.Error(err)
	}
	if _, err := w.users.SetPassword(t.Context(), w.ada.ID, auth.NewSecret("correct horse"), true); err != nil {
		t.Fatal(err)
	}
	v, err = w.Verify(t.Context(), answer(w.begin(t, flow.PurposeReset, ada), flow.PurposeReset))
	if err != nil || v.MustChange || w.stored(t, ada).MustChange {
		t.Errorf("%+v, %v", v, err)
	}
}

// Of 200 parallel answers with one right code, one succeeds, and one account or password is made.
func TestParallelAnswers(t *testing.T) {
	for _, p := range all {
		w := newWorld(t)
		a := answer(w.begin(t, p, addressFor(p)), p)
		var ok atomic.Int32
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				_, err := w.Verify(t.Context(), a)
				switch reason(err) {
				case "ok":
					ok.Add(1)
				case "spent", "tries", "superseded":
				default:
					t.Errorf("%v: %v", p, err)
				}
			})
		}
		wg.Wait()
		if ok.Load() != 1 {
			t.Errorf("%v: %d succeeded", p, ok.Load())
		}
		if u := w.stored(t, ada); p == flow.PurposeReset && u.TokenVersion != w.ada.TokenVersion+1 {
			t.Errorf("%v: %+v", p, u)
		}
	}
}

// TestCost bounds the calls of a right code. With the session that the caller opens, a sign-in
// costs at most five writes and two reads.
func TestCost(t *testing.T) {
	for _, row := range []struct {
		purpose       flow.Purpose
		after         bool // a step runs
		reads, writes int
	}{
		{flow.PurposeSignup, false, 0, 4}, {flow.PurposeLogin, false, 1, 4}, {flow.PurposeReset, false, 1, 4},
		{flow.PurposeSignup, true, 0, 4}, {flow.PurposeLogin, true, 2, 4}, {flow.PurposeReset, true, 2, 4},
	} {
		w := newWorld(t, func(c *login.Config, _ *flow.Config) {
			if row.after {
				c.Steps.After = func(context.Context, login.Credentials, login.Result) ([]string, error) { return nil, nil }
			}
		})
		a := answer(w.begin(t, row.purpose, addressFor(row.purpose)), row.purpose)
		w.spent()
		if _, err := w.Verify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if reads, writes, trace := w.spent(); reads != row.reads || writes != row.writes {
			t.Errorf("%v: %s", row.purpose, trace)
		}
	}
	// An address that is verified already is not written again.
	w := newWorld(t)
	for range 2 {
		a := answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
		w.spent()
		if _, err := w.Verify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if reads, writes, trace := w.spent(); reads != 1 || writes != 3 {
		t.Errorf("a second login: %s", trace)
	}
}

// TestBreaksOff ends a flow at each call of the stores, before and after the call took effect.
// Nothing is half done, and the same answer or a new flow succeeds afterwards.
func TestBreaksOff(t *testing.T) {
	for _, p := range all {
		broken := 0
		for at := 1; ; at++ {
			refused := false
			for _, after := range []bool{false, true} {
				w := newWorld(t)
				w.at, w.after = at, after
				b, err := w.Begin(t.Context(), request(p, addressFor(p)))
				if err != nil {
					refused = true
					broken++
					if !errors.Is(err, auth.ErrUnavailable) {
						t.Errorf("%v, call %d, after %t: begin: %v", p, at, after, err)
					}
					w.spent()
					b = w.begin(t, p, addressFor(p))
				}
				a := answer(b, p)
				_, err = w.Verify(t.Context(), a)
				w.spent()
				if err != nil {
					refused = true
					broken++
					if !errors.Is(err, auth.ErrUnavailable) {
						t.Errorf("%v, call %d, after %t: verify: %v", p, at, after, err)
					}
					whole(t, w, p)
					_, err = w.Verify(t.Context(), a)
				}
				// A flow that was spent before the end needs a new code, or is done.
				switch got := reason(err); {
				case got == "ok":
				case got == "spent" && p == flow.PurposeSignup && w.begin(t, p, eve).Message.Kind == mail.KindTaken:
				case got == "spent":
					if _, err := w.Verify(t.Context(), answer(w.begin(t, p, addressFor(p)), p)); err != nil &&
						!(p == flow.PurposeReset && errors.Is(err, login.ErrSamePassword)) {
						t.Errorf("%v, call %d, after %t: a new code: %v", p, at, after, err)
					}
				default:
					t.Errorf("%v, call %d, after %t: again: %v", p, at, after, err)
				}
				done(t, w, p)
			}
			if !refused {
				break
			}
		}
		if broken < 10 {
			t.Errorf("%v: only %d flows broke off", p, broken)
		}
	}
}

// whole checks that a purpose is carried out entirely or not at all.
func whole(t *testing.T, w *world, p flow.Purpose) {
	t.Helper()
	if p == flow.PurposeSignup {
		if u, err := w.users.Find(t.Context(), eve); err == nil && (u.VerifiedEmail != eve || u.Password.Reveal() == "") {
			t.Errorf("half an account: %+v", u)
		}
		return
	}
	u := w.stored(t, ada)
	changed := u.Revision != w.ada.Revision
	if reset := u.Password.Reveal() == "hash of battery staple"; changed != (u.VerifiedEmail == ada) ||
		p == flow.PurposeReset && (changed != reset || changed != (u.TokenVersion != w.ada.TokenVersion)) {
		t.Errorf("half a change: %+v", u)
	}
}

// done checks that a purpose is carried out.
func done(t *testing.T, w *world, p flow.Purpose) {
	t.Helper()
	if u := w.stored(t, addressFor(p)); u.VerifiedEmail != u.Email || p != flow.PurposeLogin && u.Password.Reveal() != "hash of battery staple" {
		t.Errorf("%v is not done: %+v", p, u)
	}
}
