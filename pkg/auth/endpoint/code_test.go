package endpoint_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	codeJSON   = "POST /auth/code\nContent-Type: application/json\n\n"
	verifyJSON = "POST /auth/code/verify\nContent-Type: application/json\n\n"

	newcomer = "grace@example.com"
)

func codeFor(address, purpose string) string {
	return codeJSON + `{"email":"` + address + `","purpose":"` + purpose + `"}`
}

// begun is the answer of POST /auth/code, with the message that the sender received.
type begun struct {
	Session     string `json:"auth_session"`
	Reference   string
	ExpiresIn   int `json:"expires_in"`
	ResendAfter int `json:"resend_after"`
	mail.Message
	answer answer
}

// with returns the request that verifies a code, with additional members in the body.
func (b begun) with(code, more string) string {
	if more != "" {
		more = "," + more
	}
	return verifyJSON + `{"auth_session":"` + b.Session + `","code":"` + code + `"` + more + `}`
}

// verify returns the request that verifies the code of the mail.
func (b begun) verify(more string) string { return b.with(b.Code.Reveal(), more) }

// begin asks for a code.
func (h *harness) begin(t testing.TB, address, purpose string) begun {
	t.Helper()
	return h.begun(t, codeFor(address, purpose))
}

func (h *harness) begun(t testing.TB, request string) (b begun) {
	t.Helper()
	b.answer = h.send(t, request)
	if b.answer.status != http.StatusAccepted {
		t.Fatalf("no code: %s", b.answer.text)
	}
	if err := json.Unmarshal([]byte(b.answer.body), &b); err != nil {
		t.Fatal(err)
	}
	b.Message = h.mails.last(t)
	if b.Message.Reference != b.Reference || b.ExpiresIn != 600 || b.ResendAfter != 60 {
		t.Errorf("%s, and the message %+v", b.answer.text, b.Message)
	}
	return b
}

// TestCodeMakesAnAccount checks that a sign-up creates the account only after the code is verified,
// and that the account then logs in with its password.
func TestCodeMakesAnAccount(t *testing.T) {
	h := newHarness(t)
	b := h.begin(t, newcomer, "signup")
	if b.Kind != mail.KindSignup || b.To != newcomer || b.answer.line != "authn_code_requested signup" || h.metrics["codes_requested"] != 1 || !strings.Contains(h.log.String(), `"mail_class":"signup"`) {
		t.Errorf("%s %+v, logged as %s", b.answer.text, b.Message, b.answer.line)
	}
	login := loginJSON + `{"email":"` + newcomer + `","password":"` + nextSecret + `"}`
	if got := h.send(t, login); got.status != http.StatusUnauthorized {
		t.Errorf("before the code: %s", got.text)
	}
	got := h.send(t, b.verify(`"new_password":"`+nextSecret+`"`))
	access, _ := got.tokens(t)
	if got.line != "user_created" || h.metrics["signups"] != 1 {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, login); got.status != http.StatusOK {
		t.Errorf("after the code: %s", got.text)
	}
	c := h.claims(t, access)
	u, err := h.users.Get(t.Context(), c.Subject)
	if err != nil || u.VerifiedEmail != newcomer || len(c.AMR) != 1 || c.AMR[0] != "otp" {
		t.Errorf("%+v %v, amr %q", u, err, c.AMR)
	}
	if got := h.send(t, b.verify("")); got.line != "authn_code_fail invalid_session spent" {
		t.Errorf("again: %s, logged as %s", got.text, got.line)
	}
}

// TestCodeLogsIn checks that a login by code gets the same answer as a login with the password.
func TestCodeLogsIn(t *testing.T) {
	h := newHarness(t)
	got := h.send(t, h.begin(t, email, "login").verify(""))
	_, refresh := got.tokens(t)
	if got.line != "authn_login_success" || !strings.Contains(got.body, `"device_token":"edt_`) {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, formOf(refresh, "")); got.status != http.StatusOK {
		t.Errorf("a refresh: %s", got.text)
	}
}

// TestCodeResetsThePassword checks that a reset ends every session and known device of the user.
func TestCodeResetsThePassword(t *testing.T) {
	h := newHarness(t)
	var device struct {
		Token string `json:"device_token"`
	}
	first := h.send(t, loginJSON+credentials)
	if err := json.Unmarshal([]byte(first.body), &device); err != nil {
		t.Fatal(err)
	}
	_, refresh := first.tokens(t)
	b := h.begin(t, email, "reset")
	if got := h.send(t, b.verify("")); got.status != http.StatusBadRequest || !strings.Contains(got.text, "new_password is required") {
		t.Errorf("without a password: %s", got.text)
	}
	got := h.send(t, b.verify(`"new_password":"`+nextSecret+`","device_token":"`+device.Token+`"`))
	_, mine := got.tokens(t)
	if got.line != "authn_password_change" || !strings.Contains(got.body, `"device_token":"edt_`) {
		t.Errorf("%s, logged as %s: want a new known-device token", got.text, got.line)
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renew_fail subject_superseded" {
		t.Errorf("an old session: %s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, formOf(mine, "")); got.status != http.StatusOK {
		t.Errorf("the new session: %s", got.text)
	}
	if got := h.send(t, loginJSON+credentials); got.status != http.StatusUnauthorized {
		t.Errorf("the old password: %s", got.text)
	}
}

// TestCodeOfAnUnknownAddress checks that the answers for known and unknown addresses look the same,
// and that no code for an unknown address is right.
func TestCodeOfAnUnknownAddress(t *testing.T) {
	h := newHarness(t)
	h.changeUser(t, func(u *user.User) { u.Disabled = true })
	for _, c := range []struct{ address, purpose, kind, line string }{
		{"nobody@example.com", "login", "none", "authn_code_requested none unknown"},
		{"nobody@example.com", "reset", "none", "authn_code_requested none unknown"},
		{email, "login", "none", "authn_code_requested none disabled"},
		{email, "signup", "taken", "authn_code_requested taken"},
	} {
		b := h.begin(t, c.address, c.purpose)
		if string(b.Kind) != c.kind || b.answer.line != c.line || b.Code.Reveal() != "" {
			t.Errorf("%s %s: %+v, logged as %s", c.purpose, c.address, b.Message, b.answer.line)
		}
		for left := flow.Tries - 1; left >= 0; left-- {
			more := ""
			if c.purpose == "reset" {
				more = `"new_password":"` + nextSecret + `"`
			}
			got := h.send(t, b.with("12345678", more))
			want := "authn_code_fail invalid_code wrong_code"
			if left == 0 {
				want = "authn_code_fail invalid_session wrong_code"
			}
			if got.line != want || h.metrics["wrong_codes"] != 1 || strings.Contains(got.body, `"tries_left":`) != (left > 0) {
				t.Errorf("%s %s, %d left: %s, logged as %s with %v", c.purpose, c.address, left, got.text, got.line, h.metrics)
			}
		}
	}
}

// TestCodeWithoutASender checks that an outage of the sender is answered 503, uses up no mail of
// the address, and is not logged as an error of the client.
func TestCodeWithoutASender(t *testing.T) {
	h := newHarness(t)
	h.mails.fail = errors.New("no queue")
	for range flow.DefaultLimits().Address.Free + 1 {
		if got := h.send(t, codeFor(email, "login")); got.line != "authn_code_request_fail temporarily_unavailable" {
			t.Fatalf("%s, logged as %s", got.text, got.line)
		}
	}
	h.mails.fail = nil
	if b := h.begin(t, email, "login"); b.Kind != mail.KindLogin {
		t.Errorf("after the outage: %s", b.Kind)
	}
}

// TestCodeEnds checks that a code is valid for ten minutes, even with its cookie.
func TestCodeEnds(t *testing.T) {
	h := newHarness(t)
	b := h.begin(t, email, "login")
	h.clock.Advance(flow.Lifetime + time.Second)
	if got := h.send(t, b.verify("")); got.line != "authn_code_fail invalid_session expired" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}
