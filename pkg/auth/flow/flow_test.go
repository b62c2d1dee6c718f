package flow_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func TestSignup(t *testing.T) {
	w := newWorld(t)
	b := w.begin(t, flow.PurposeSignup, " Eve@Example.com")
	if b.Message.Kind != mail.KindSignup || b.Message.To != "Eve@Example.com" || len(b.Message.Code.Reveal()) != 8 || b.ExpiresIn != 10*time.Minute {
		t.Errorf("%+v", b)
	}
	if b.Reference != b.Message.Reference || len(b.Reference) != 4 {
		t.Errorf("references %q and %q", b.Reference, b.Message.Reference)
	}
	if _, err := w.users.Find(t.Context(), eve); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("before the code: %v", err)
	}
	v, err := w.Verify(t.Context(), answer(b, flow.PurposeSignup))
	if err != nil {
		t.Fatal(err)
	}
	u := w.stored(t, eve)
	if u.ID != v.User.ID || u.Email != "Eve@Example.com" || u.VerifiedEmail != u.Email || u.Password.Reveal() != "hash of battery staple" {
		t.Errorf("%+v, %+v", u, v)
	}
	if !slices.Equal(v.AMR, []string{"otp"}) || !v.NewDevice || v.Purpose != flow.PurposeSignup || v.Client != client || v.Reference == "" {
		t.Errorf("%+v", v)
	}
	if _, err := w.gate.Login(t.Context(), login.Credentials{Email: eve, Password: auth.NewSecret("battery staple")}); err != nil {
		t.Error(err)
	}
}

// An account without a password logs in by codes alone.
func TestSignupWithoutAPassword(t *testing.T) {
	w := newWorld(t)
	a := answer(w.begin(t, flow.PurposeSignup, eve), flow.PurposeSignup)
	a.NewPassword = auth.Secret{}
	if _, err := w.Verify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := w.gate.Login(t.Context(), login.Credentials{Email: eve}); !errors.Is(err, login.ErrInvalidCredentials) {
		t.Errorf("an empty password: %v", err)
	}
	if v, err := w.Verify(t.Context(), answer(w.begin(t, flow.PurposeLogin, eve), flow.PurposeLogin)); err != nil || v.User.Email != eve {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	b := w.begin(t, flow.PurposeLogin, "ADA@example.com")
	if b.Message.Kind != mail.KindLogin || b.Message.To != ada {
		t.Errorf("the mail goes to %q, want the address as the user has it", b.Message.To)
	}
	v, err := w.Verify(t.Context(), answer(b, flow.PurposeLogin))
	if err != nil {
		t.Fatal(err)
	}
	u := w.stored(t, ada)
	if u.VerifiedEmail != ada || u.TokenVersion != w.ada.TokenVersion || !u.Password.Equal(w.ada.Password) || v.User.Revision != u.Revision {
		t.Errorf("%+v, %+v", u, v)
	}
	if !slices.Equal(v.AMR, []string{"otp"}) || !v.NewDevice {
		t.Errorf("%+v", v)
	}
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	device, err := w.gate.Device(t.Context(), w.ada)
	if err != nil {
		t.Fatal(err)
	}
	a := answer(w.begin(t, flow.PurposeReset, ada), flow.PurposeReset)
	a.Device = device
	v, err := w.Verify(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	u := w.stored(t, ada)
	if u.Password.Reveal() != "hash of battery staple" || u.TokenVersion != w.ada.TokenVersion+1 || u.VerifiedEmail != ada || v.User.TokenVersion != u.TokenVersion {
		t.Errorf("%+v, %+v", u, v)
	}
	if !v.NewDevice { // the old token ended with the token version
		t.Error("the device gets no new token")
	}
	known, err := w.gate.ReadDevice(t.Context(), device)
	if err != nil || known.Vouches(u) {
		t.Errorf("the device is still known: %v", err)
	}
}

// A mail is sent only if the purpose fits the address. Everything else looks the same.
func TestKinds(t *testing.T) {
	for _, row := range []struct {
		purpose  flow.Purpose
		email    string
		disabled bool
		want     mail.Kind
	}{
		{flow.PurposeSignup, eve, false, mail.KindSignup},
		{flow.PurposeSignup, ada, false, mail.KindTaken},
		{flow.PurposeSignup, ada, true, mail.KindTaken},
		{flow.PurposeLogin, ada, false, mail.KindLogin},
		{flow.PurposeLogin, ada, true, mail.KindNone},
		{flow.PurposeLogin, eve, false, mail.KindNone},
		{flow.PurposeReset, ada, false, mail.KindReset},
		{flow.PurposeReset, ada, true, mail.KindNone},
		{flow.PurposeReset, eve, false, mail.KindNone},
	} {
		w := newWorld(t)
		if row.disabled {
			if _, err := w.users.Disable(t.Context(), w.ada.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.spent()
		b := w.begin(t, row.purpose, row.email)
		_, _, trace := w.spent()
		if want := wantCalls(row.purpose); sorted(trace) != sorted(want) {
			t.Errorf("%v of %s: %s, want %s", row.purpose, row.email, trace, want)
		}
		if b.Message.Kind != row.want || (b.Message.To == "") != (row.want == mail.KindNone) {
			t.Errorf("%v of %s: %+v", row.purpose, row.email, b.Message)
		}
		hasCode := row.want != mail.KindNone && row.want != mail.KindTaken
		if (b.Message.Code.Reveal() != "") != hasCode {
			t.Errorf("%v of %s: a code %t", row.purpose, row.email, !hasCode)
		}
		if hasCode {
			continue
		}
		for try := range flow.Tries {
			_, err := w.Verify(t.Context(), wrong(answer(b, row.purpose)))
			if want := try < flow.Tries-1; reason(err) != "wrong_code" || errors.Is(err, flow.ErrInvalidCode) != want {
				t.Errorf("%v of %s, try %d: %v", row.purpose, row.email, try, err)
			}
		}
	}
}

// wantCalls returns the calls of a Begin, whether or not the address has an account.
func wantCalls(p flow.Purpose) string {
	if p == flow.PurposeSignup {
		return "count pointer count user count flow"
	}
	return "count pointer count user flow"
}

// sorted returns the words of a text in order, because some calls run in parallel.
func sorted(trace string) string {
	words := strings.Fields(trace)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestLocale(t *testing.T) {
	w := newWorld(t)
	r := request(flow.PurposeLogin, ada)
	r.Locale = "fr"
	if b, err := w.Begin(t.Context(), r); err != nil || b.Message.Locale != "fr" {
		t.Errorf("%+v, %v", b.Message, err)
	}
	if _, err := w.users.SetClaims(t.Context(), w.ada.ID, map[string]any{"locale": "de-AT"}); err != nil {
		t.Fatal(err)
	}
	if b, err := w.Begin(t.Context(), r); err != nil || b.Message.Locale != "de-AT" {
		t.Errorf("%+v, %v", b.Message, err)
	}
}

// A refused request reads and writes nothing.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		name   string
		change func(*flow.Request)
		want   error
	}{
		{"no address", func(r *flow.Request) { r.Email = "" }, user.ErrEmail},
		{"two addresses", func(r *flow.Request) { r.Email = "a@example.com, eve@example.com" }, user.ErrEmail},
		{"a quoted local part", func(r *flow.Request) { r.Email = `"a b"@example.com` }, user.ErrEmail},
		{"a line feed", func(r *flow.Request) { r.Email = "a@example.com\nBcc: b@example.com" }, user.ErrEmail},
		{"no purpose", func(r *flow.Request) { r.Purpose = 0 }, nil},
		{"no client", func(r *flow.Request) { r.Client = "" }, nil},
	} {
		r := request(flow.PurposeSignup, eve)
		row.change(&r)
		_, err := w.Begin(t.Context(), r)
		if reads, writes, _ := w.spent(); err == nil || row.want != nil && !errors.Is(err, row.want) || reads+writes != 0 {
			t.Errorf("%s: %v with %d reads and %d writes", row.name, err, reads, writes)
		}
	}
}

// TestRefusals sends answers that are refused. The flow stays unchanged unless a try was counted.
func TestRefusals(t *testing.T) {
	for _, row := range []struct {
		name    string
		purpose flow.Purpose
		change  func(*world, *flow.Answer)
		want    string
		io      bool // the store is asked
	}{
		{"junk", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Session = auth.NewSecret("eas_junk") }, "forged", false},
		{"empty", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Session = auth.Secret{} }, "forged", false},
		{"another client", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Client = "ios" }, "client", false},
		{"no client", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Client = "" }, "client", false},
		{"late", flow.PurposeLogin, func(w *world, _ *flow.Answer) { w.now = w.now.Add(11 * time.Minute) }, "expired", false},
		{"at the end", flow.PurposeLogin, func(w *world, _ *flow.Answer) { w.now = w.now.Add(flow.Lifetime) }, "expired", true},
		{"just in time", flow.PurposeLogin, func(w *world, _ *flow.Answer) { w.now = w.now.Add(flow.Lifetime - time.Millisecond) }, "ok", true},
		{"wrong", flow.PurposeLogin, func(_ *world, a *flow.Answer) { *a = wrong(*a) }, "wrong_code", true},
		{"seven digits", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Code = auth.NewSecret("1234567") }, "wrong_code", false},
		{"letters", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Code = auth.NewSecret("１２345678") }, "wrong_code", false},
		{"no code", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.Code = auth.Secret{} }, "wrong_code", true},
		{"a login with a new password", flow.PurposeLogin, func(_ *world, a *flow.Answer) { a.NewPassword = auth.NewSecret("battery staple") },
			flow.ErrNewPassword.Error(), false},
		{"a reset without one", flow.PurposeReset, func(_ *world, a *flow.Answer) { a.NewPassword = auth.Secret{} }, flow.ErrNewPassword.Error(), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			a := answer(w.begin(t, row.purpose, ada), row.purpose)
			row.change(w, &a)
			w.spent()
			v, err := w.Verify(t.Context(), a)
			reads, writes, trace := w.spent()
			if reason(err) != row.want || (reads+writes > 0) != row.io || err != nil && v.User.ID != "" {
				t.Errorf("%v after %s, want %s", err, trace, row.want)
			}
			if err != nil && row.io && (reads != 0 || writes != 1) {
				t.Errorf("a refusal costs %s", trace)
			}
		})
	}
}

// A flow has three tries in every case: the right code on the fourth try is too late.
func TestTries(t *testing.T) {
	w := newWorld(t)
	a := answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
	for left := flow.Tries - 1; left >= 0; left-- {
		_, err := w.Verify(t.Context(), wrong(a))
		refusal, ok := errors.AsType[*flow.Refusal](err)
		if !ok || refusal.TriesLeft != left || refusal.Reason != flow.ReasonWrongCode || refusal.Subject != "" {
			t.Errorf("%+v", refusal)
		}
	}
	if _, err := w.Verify(t.Context(), a); reason(err) != "tries" || !errors.Is(err, flow.ErrInvalidSession) {
		t.Errorf("the right code after three wrong ones: %v", err)
	}
	// The last try may be the right one.
	a = answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
	for range flow.Tries - 1 {
		if _, err := w.Verify(t.Context(), wrong(a)); !errors.Is(err, flow.ErrInvalidCode) {
			t.Error(err)
		}
	}
	if _, err := w.Verify(t.Context(), a); err != nil {
		t.Error(err)
	}
	if _, err := w.Verify(t.Context(), a); reason(err) != "spent" || !errors.Is(err, flow.ErrInvalidSession) {
		t.Errorf("the code again: %v", err)
	}
}

// The holder of a stolen key seals other hints, but the item of the flow decides.
func TestSwapped(t *testing.T) {
	for name, reseal := range map[string]func(*world, flow.ID) (auth.Secret, error){
		"purpose": func(w *world, i flow.ID) (auth.Secret, error) {
			key, _ := sealing{}.SealingKey(t.Context())
			return flow.Reseal(key, i, flow.PurposeReset, client, w.Manager)
		},
		"client": func(w *world, i flow.ID) (auth.Secret, error) {
			key, _ := sealing{}.SealingKey(t.Context())
			return flow.Reseal(key, i, flow.PurposeLogin, "ios", w.Manager)
		},
		"key": func(w *world, i flow.ID) (auth.Secret, error) {
			key, _ := sealing{}.LoginKey(t.Context(), 2)
			return flow.Reseal(key, i, flow.PurposeLogin, client, w.Manager)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := answer(w.begin(t, flow.PurposeLogin, ada), flow.PurposeLogin)
			_, i, err := w.Parse(a.Session)
			if err != nil {
				t.Fatal(err)
			}
			if a.Session, err = reseal(w, i); err != nil {
				t.Fatal(err)
			}
			want := "forged"
			switch name {
			case "purpose":
				a.NewPassword = auth.NewSecret("battery staple")
			case "client":
				a.Client = "ios"
			case "key":
				want = "wrong_code" // the HMAC of the code was made with the first key
			}
			if _, err := w.Verify(t.Context(), a); reason(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
			if u := w.stored(t, ada); u.Revision != w.ada.Revision {
				t.Errorf("the user was changed: %+v", u)
			}
		})
	}
}

// A flow ends when its user's token version or address changes, or when the user is erased.
func TestOldFlowsEnd(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*world) error
		want   string
	}{
		{"a new password", func(w *world) error {
			_, err := w.users.SetPassword(t.Context(), w.ada.ID, auth.NewSecret("third horse"), false)
			return err
		}, "superseded"},
		{"another address", func(w *world) error {
			_, err := w.users.ChangeEmail(t.Context(), w.ada.ID, "new@example.com")
			return err
		}, "superseded"},
		{"disabled", func(w *world) error { _, err := w.users.Disable(t.Context(), w.ada.ID); return err }, "superseded"},
		{"erased", func(w *world) error { return w.users.Store.Delete(t.Context(), w.ada.ID, w.now) }, "superseded"},
		{"another reset", func(w *world) error {
			_, err := w.Verify(t.Context(), answer(w.begin(t, flow.PurposeReset, ada), flow.PurposeReset))
			return err
		}, "superseded"},
		{"other roles", func(w *world) error { _, err := w.users.SetRoles(t.Context(), w.ada.ID, []string{"admin"}); return err }, "ok"},
	} {
		for _, p := range []flow.Purpose{flow.PurposeLogin, flow.PurposeReset} {
			w := newWorld(t)
			b := w.begin(t, p, ada)
			if err := row.change(w); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Verify(t.Context(), answer(b, p)); reason(err) != row.want {
				t.Errorf("%s, %v: %v, want %s", row.name, p, err, row.want)
			}
		}
	}
}

// Two people cannot sign up with one address: after the code, the second learns that the address is
// taken.
func TestSignupOfATakenAddress(t *testing.T) {
	w := newWorld(t)
	first, second := w.begin(t, flow.PurposeSignup, eve), w.begin(t, flow.PurposeSignup, "EVE@example.com")
	v, err := w.Verify(t.Context(), answer(first, flow.PurposeSignup))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verify(t.Context(), answer(second, flow.PurposeSignup)); reason(err) != "taken" {
		t.Error(err)
	}
	if u := w.stored(t, eve); u.ID != v.User.ID || u.Revision != 1 {
		t.Errorf("%+v", u)
	}
}

// A refused password costs no try, and the code need not be sent again.
func TestRefusedPassword(t *testing.T) {
	w := newWorld(t)
	a := answer(w.begin(t, flow.PurposeReset, ada), flow.PurposeReset)
	for range 2 * flow.Tries {
		for text, want := range map[string]error{"short": password.ErrTooShort, "password": password.ErrCommon, "correct horse": login.ErrSamePassword} {
			a.NewPassword = auth.NewSecret(text)
			if _, err := w.Verify(t.Context(), a); !errors.Is(err, want) {
				t.Fatalf("%s: %v", text, err)
			}
			a.Code = auth.Secret{}
		}
	}
	a.NewPassword = auth.NewSecret("battery staple")
	if v, err := w.Verify(t.Context(), a); err != nil || v.User.ID != w.ada.ID {
		t.Errorf("%+v, %v", v, err)
	}
}
