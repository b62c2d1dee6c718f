package flow_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// admitting returns a world with these rules of sign-ups.
func admitting(t testing.TB, s flow.SignUp) *world {
	return newWorld(t, func(_ *login.Config, c *flow.Config) { c.SignUp = s })
}

// TestAdmission checks who may sign up, that the calls do not reveal who has an account, and that
// logins and resets are not affected.
func TestAdmission(t *testing.T) {
	asked := ""
	ask := func(_ context.Context, n flow.Newcomer) (bool, error) {
		asked += string(n.Email) + " "
		return strings.HasPrefix(string(n.Email), "eve@"), nil
	}
	for name, row := range map[string]struct {
		rules flow.SignUp
		email string
		held  flow.Hold
	}{
		"on":                    {flow.SignUp{Admit: flow.AdmitAll}, eve, ""},
		"off":                   {flow.SignUp{}, eve, flow.HoldClosed},
		"a domain":              {flow.SignUp{Admit: flow.AdmitAll, Domains: []string{"example.org", "EXAMPLE.com"}}, eve, ""},
		"another domain":        {flow.SignUp{Admit: flow.AdmitAll, Domains: []string{"example.com"}}, "eve@sub.example.com", flow.HoldClosed},
		"a domain's end":        {flow.SignUp{Admit: flow.AdmitAll, Domains: []string{"example.com"}}, "eve@notexample.com", flow.HoldClosed},
		"an A-label":            {flow.SignUp{Admit: flow.AdmitAll, Domains: []string{"dömäin.example"}}, "eve@xn--dmin-moa0i.example", ""},
		"asked":                 {flow.SignUp{Admit: flow.AdmitAll, Ask: ask}, eve, ""},
		"asked, and not let":    {flow.SignUp{Admit: flow.AdmitAll, Ask: ask}, "mallory@example.com", flow.HoldClosed},
		"without an invitation": {flow.SignUp{Admit: flow.AdmitInvited}, eve, flow.HoldClosed},
	} {
		w := admitting(t, row.rules)
		b := w.begin(t, flow.PurposeSignup, row.email)
		unknown, unknownWrites, trace := w.spent()
		if b.Held != row.held || (b.Message.Kind == mail.KindNone) != (row.held != "") {
			t.Errorf("%s: %q with %s", name, b.Held, b.Message.Kind)
		}
		got := reason(verified(w, answer(b, flow.PurposeSignup)))
		if want := map[bool]string{true: "ok", false: "wrong_code"}[row.held == ""]; got != want {
			t.Errorf("%s: verified: %s, want %s", name, got, want)
		}
		w.spent()
		w.begin(t, flow.PurposeSignup, ada)
		if reads, writes, known := w.spent(); row.held != "" && row.rules.Domains == nil && (reads != unknown || writes != unknownWrites) {
			t.Errorf("%s: the calls %q for an unknown address, and %q for a known one", name, trace, known)
		}
		if b := w.begin(t, flow.PurposeReset, ada); b.Message.Kind != mail.KindReset {
			t.Errorf("%s: a reset: %s", name, b.Held)
		}
	}
	if want := "eve@example.com eve@example.com"; !strings.Contains(asked, want) { // at the request and at the code
		t.Errorf("asked about %q", asked)
	}
}

func verified(w *world, a flow.Answer) error {
	_, err := w.Verify(context.Background(), a)
	return err
}

// TestAdmissionIsAskedAgain checks that a code does not help after the rules have changed.
func TestAdmissionIsAskedAgain(t *testing.T) {
	w := admitting(t, flow.SignUp{Admit: flow.AdmitAll})
	b := w.begin(t, flow.PurposeSignup, eve)
	w.SignUp.Admit = flow.AdmitNone
	if got := reason(verified(w, answer(b, flow.PurposeSignup))); got != "closed" {
		t.Error(got)
	}
	fault := errors.New("no list")
	w.SignUp = flow.SignUp{Admit: flow.AdmitAll, Ask: func(context.Context, flow.Newcomer) (bool, error) { return true, fault }}
	if _, err := w.Begin(t.Context(), request(flow.PurposeSignup, eve)); !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, fault) {
		t.Errorf("an outage of the list: %v", err)
	}
}

// TestInvitation checks that an invitation permits one sign-up of its address within seven days.
func TestInvitation(t *testing.T) {
	w := admitting(t, flow.SignUp{Admit: flow.AdmitInvited})
	invite := func(email string) auth.Secret {
		t.Helper()
		secret, err := flow.Invite(t.Context(), w.Store, email, w.now)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	begin := func(secret auth.Secret, email string) flow.Begun {
		t.Helper()
		r := request(flow.PurposeSignup, email)
		r.Invite = secret
		b, err := w.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	mine := invite("Eve@Example.com")
	for what, secret := range map[string]auth.Secret{
		"none": {}, "junk": auth.NewSecret("ein_x"), "another's": invite("mallory@example.com"),
		"another spelling": auth.NewSecret(mine.Reveal() + "="), "an auth_session": begin(auth.Secret{}, eve).Session,
	} {
		if b := begin(secret, eve); b.Held != flow.HoldClosed {
			t.Errorf("%s: %s", what, b.Message.Kind)
		}
	}
	first, second := begin(mine, eve), begin(mine, eve)
	if err := verified(w, answer(first, flow.PurposeSignup)); err != nil {
		t.Fatal(err)
	}
	if u := w.stored(t, eve); u.VerifiedEmail != eve {
		t.Errorf("%+v", u)
	}
	if _, err := w.users.ChangeEmail(t.Context(), w.stored(t, eve).ID, "eve@example.org"); err != nil {
		t.Fatal(err)
	}
	if got := reason(verified(w, answer(second, flow.PurposeSignup))); got != "closed" {
		t.Errorf("a second sign-up: %s", got)
	}
	if b := begin(mine, eve); b.Held != flow.HoldClosed {
		t.Errorf("a used invitation: %s", b.Message.Kind)
	}
	late := invite(eve)
	w.now = w.now.Add(flow.InviteLifetime)
	if b := begin(late, eve); b.Held != flow.HoldClosed {
		t.Errorf("after seven days: %s", b.Message.Kind)
	}
	if _, err := flow.Invite(t.Context(), w.Store, "eve", w.now); err == nil {
		t.Error("no address is invited")
	}
}

// TestInvitationBreaksOff ends a sign-up at each call of the stores, before and after the call took
// effect. The invitation still works afterwards, unless the account exists.
func TestInvitationBreaksOff(t *testing.T) {
	for at, refused := 1, true; refused; at++ {
		refused = false
		for _, after := range []bool{false, true} {
			w := admitting(t, flow.SignUp{Admit: flow.AdmitInvited})
			invite, err := flow.Invite(t.Context(), w.Store, eve, w.now)
			if err != nil {
				t.Fatal(err)
			}
			signUp := func() error {
				r := request(flow.PurposeSignup, eve)
				r.Invite = invite
				b, err := w.Begin(t.Context(), r)
				if err != nil {
					return err
				}
				return verified(w, answer(b, flow.PurposeSignup))
			}
			w.spent()
			w.at, w.after = at, after
			err = signUp()
			w.spent()
			if err == nil {
				continue
			}
			refused = true
			err = signUp()
			if _, none := w.users.Find(t.Context(), eve); none != nil {
				t.Errorf("call %d, after %t: no account after a second sign-up: %v", at, after, err)
			}
		}
	}
}

// TestInvitationOpensNothing checks that the item of an invitation does not work as a flow, even
// with the keys.
func TestInvitationOpensNothing(t *testing.T) {
	w, file := newDump(t)
	secret, err := flow.Invite(t.Context(), w.Store, eve, w.now)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dump := string(raw)
	if strings.Contains(dump, "eve") || strings.Contains(dump, secret.Reveal()[4:]) {
		t.Error("the tables show the address or the secret")
	}
	if !strings.Contains(dump, "invite.") {
		t.Error("the tables have no invitation")
	}
}
