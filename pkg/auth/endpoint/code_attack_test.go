package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const password2 = `"new_password":"` + nextSecret + `"`

// TestOneCodeInParallel checks that of 200 parallel requests with one right code, exactly one opens
// a session.
func TestOneCodeInParallel(t *testing.T) {
	for _, purpose := range []string{"signup", "login", "reset"} {
		h := newHarness(t)
		address, more := email, ""
		if purpose == "signup" {
			address = newcomer
		}
		if purpose != "login" {
			more = password2
		}
		_, body, _ := strings.Cut(h.begin(t, address, purpose).verify(more), "\n\n")
		var opened, refused atomic.Int32
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodPost, "/auth/code/verify", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				h.handlers["/auth/code/verify"].ServeHTTP(w, r)
				switch w.Code {
				case http.StatusOK:
					opened.Add(1)
				case http.StatusBadRequest:
					refused.Add(1)
				default:
					t.Errorf("%s: %d %s", purpose, w.Code, w.Body)
				}
			})
		}
		all.Wait()
		if opened.Load() != 1 || refused.Load() != 199 || h.sessions.created.Load() != 1 {
			t.Errorf("%s: %d requests opened %d sessions, and %d were refused", purpose, opened.Load(), h.sessions.created.Load(), refused.Load())
		}
	}
}

// TestPreHijacking tries pre-hijacking in both directions: a stranger signs up with the
// address of a person before the person does, and after.
func TestPreHijacking(t *testing.T) {
	h := newHarness(t)
	const theirs = "battery staple horse"
	login := func(password string) answer {
		return h.send(t, loginJSON+`{"email":"`+newcomer+`","password":"`+password+`"}`)
	}
	stranger := h.begin(t, newcomer, "signup")
	for range 2 { // the stranger does not have the code of the mail
		if got := h.send(t, stranger.with("12345678", `"new_password":"`+theirs+`"`)); got.line != "authn_code_fail invalid_code wrong_code" {
			t.Errorf("a guess: %s", got.text)
		}
	}
	owner := h.begin(t, newcomer, "signup")
	if got := h.send(t, owner.with(stranger.Code.Reveal(), password2)); got.line != "authn_code_fail invalid_code wrong_code" {
		t.Errorf("the code of the stranger's mail in the owner's page: %s", got.text)
	}
	if got := h.send(t, owner.verify(password2)); got.line != "user_created" {
		t.Fatalf("the owner: %s", got.text)
	}
	if got := login(theirs); got.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %s", got.text)
	}

	// Even with the code, the stranger's flow has ended, and the account does not change.
	if got := h.send(t, stranger.verify(`"new_password":"`+theirs+`"`)); got.line != "authn_code_fail invalid_session taken" {
		t.Errorf("the stranger's flow: %s, logged as %s", got.text, got.line)
	}
	late := h.begin(t, newcomer, "signup")
	if late.Kind != mail.KindTaken {
		t.Errorf("afterwards, the mail says %s", late.Kind)
	}
	if got := h.send(t, late.with("12345678", `"new_password":"`+theirs+`"`)); got.line != "authn_code_fail invalid_code wrong_code" {
		t.Errorf("a sign-up of a taken address: %s", got.text)
	}
	if got := login(nextSecret); got.status != http.StatusOK {
		t.Errorf("the owner's password: %s", got.text)
	}
}

// TestCodesFitTheirFlow swaps clients and purposes, and ends flows by a change of the password.
func TestCodesFitTheirFlow(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) {
		web := s.Client
		web.ID = "web"
		s.Clients = append(s.Clients, web)
	})
	b := h.begin(t, email, "login")
	if got := h.send(t, b.verify(`"client_id":"web"`)); got.line != "authn_code_fail invalid_session client" {
		t.Errorf("another client: %s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, b.verify(password2)); got.line != "authn_code_fail invalid_request" {
		t.Errorf("a login with a new password: %s, logged as %s", got.text, got.line)
	}
	web := h.begun(t, strings.Replace(codeFor(email, "login"), "{", `{"client_id":"web",`, 1))
	if got := h.send(t, web.verify("")); got.line != "authn_code_fail invalid_session client" {
		t.Errorf("the default client: %s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, web.verify(`"client_id":"web"`)); got.status != http.StatusOK {
		t.Errorf("its client: %s", got.text)
	}
	reset := h.begin(t, email, "reset")
	if got := h.send(t, b.with(reset.Code.Reveal(), "")); got.line != "authn_code_fail invalid_code wrong_code" {
		t.Errorf("the code of another flow: %s, logged as %s", got.text, got.line)
	}
	access, _ := h.login(t)
	if got := h.send(t, withBearer(access, changeBody(secret, nextSecret))); got.status != http.StatusOK {
		t.Fatal(got.text)
	}
	for _, old := range []string{b.verify(""), reset.verify(`"new_password":"battery staple horse"`)} {
		if got := h.send(t, old); got.line != "authn_code_fail invalid_session superseded" {
			t.Errorf("after a change of the password: %s, logged as %s", got.text, got.line)
		}
	}
}

// TestCodeWithoutASession checks the audit log if the session cannot be opened after the code was
// used: the account exists, or the password was changed. The person can then log in.
func TestCodeWithoutASession(t *testing.T) {
	for purpose, want := range map[string]string{
		"signup": "user_created temporarily_unavailable", "reset": "authn_password_change temporarily_unavailable",
		"login": "authn_code_fail temporarily_unavailable",
	} {
		h := newHarness(t)
		address, more := email, password2
		switch purpose {
		case "signup":
			address = newcomer
		case "login":
			more = ""
		}
		request := h.begin(t, address, purpose).verify(more)
		h.sessions.failCreate = auth.ErrUnavailable
		if got := h.send(t, request); got.line != want || got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %s, logged as %s", purpose, got.text, got.line)
		}
		h.sessions.failCreate = nil
		if got := h.send(t, request); got.line != "authn_code_fail invalid_session spent" {
			t.Errorf("%s, again: %s, logged as %s", purpose, got.text, got.line)
		}
		password := nextSecret
		if purpose == "login" {
			password = secret
		}
		if got := h.send(t, loginJSON+`{"email":"`+address+`","password":"`+password+`"}`); got.status != http.StatusOK {
			t.Errorf("%s, a login: %s", purpose, got.text)
		}
	}
}

// TestCodeDuringAnOutage checks that an outage before the code is used decides nothing: the same
// request succeeds afterwards, and no try is lost.
func TestCodeDuringAnOutage(t *testing.T) {
	for _, purpose := range []string{"login", "reset"} {
		h := newHarness(t)
		more := ""
		if purpose == "reset" {
			more = password2
		}
		request := h.begin(t, email, purpose).verify(more)
		h.users.fail = auth.ErrUnavailable
		for range 5 { // more than the tries of a flow
			if got := h.send(t, request); got.line != "authn_code_fail temporarily_unavailable" {
				t.Errorf("%s: %s, logged as %s", purpose, got.text, got.line)
			}
		}
		h.users.fail = nil
		if got := h.send(t, request); got.status != http.StatusOK {
			t.Errorf("%s, afterwards: %s", purpose, got.text)
		}
	}
}

// TestStepOfACode checks that the client repeats a denied login without the code and with the
// second factor, and that a user who was disabled meanwhile learns nothing.
func TestStepOfACode(t *testing.T) {
	denied := true
	h := newHarness(t, deny(&denied))
	b := h.begin(t, email, "login")
	if got := h.send(t, b.verify("")); !strings.HasPrefix(got.text, `403 {"error":"second_factor_required"`) || got.line != "authn_code_fail second_factor_required denied" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	denied = false
	if got := h.send(t, b.with("", `"one_time_code":"1"`)); got.status != http.StatusOK {
		t.Errorf("without the code: %s", got.text)
	}
	late := h.begin(t, email, "login")
	h.changeUser(t, func(u *user.User) { u.Disabled = true })
	if got := h.send(t, late.verify("")); got.line != "authn_code_fail invalid_session disabled" {
		t.Errorf("a disabled user: %s, logged as %s", got.text, got.line)
	}
}

// TestNoSender checks that a deployment without mails gives the same answers, logs that it sends no
// mails, and admits no sign-up.
func TestNoSender(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Messages = nil })
	for purpose, want := range map[string]string{"login": "authn_code_requested none no_sender", "signup": "authn_code_requested none no_sender"} {
		if got := h.send(t, codeFor(email, purpose)); got.status != http.StatusAccepted || got.line != want {
			t.Errorf("%s: %s, logged as %s", purpose, got.text, got.line)
		}
	}
}

// TestAccountConfig checks that the error names a missing part.
func TestAccountConfig(t *testing.T) {
	if _, err := endpoint.Account(endpoint.AccountConfig{}); err == nil || !strings.Contains(err.Error(), "AccountConfig.Responder") {
		t.Error(err)
	}
}

// TestLocale checks which language a message has.
func TestLocale(t *testing.T) {
	h := newHarness(t)
	for header, want := range map[string]string{
		"": "", "de": "de", "de-CH, en;q=0.9": "de-CH", "en;q=0.5, pt-BR;q=0.8, *;q=0.1": "pt-BR", "fr;q=2, it": "it", "en;q=0": "",
		"<b>, x\"y, sv": "sv", strings.Repeat("a", 36): "", "da;level=1, nb": "nb",
	} {
		request := codeFor(newcomer, "signup")
		if header != "" {
			request = inHead(request, "Accept-Language: "+header+"\n")
		}
		if b := h.begun(t, request); b.Locale != want {
			t.Errorf("%q: %q, want %q", header, b.Locale, want)
		}
	}
}
