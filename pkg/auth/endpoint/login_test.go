package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func TestLoginAnswer(t *testing.T) {
	h := newHarness(t)
	got := h.send(t, loginJSON+credentials)
	want := regexp.MustCompile(`^200 {"access_token":"[\w.-]+","token_type":"Bearer","expires_in":(8[5-9]\d|900),` +
		`"refresh_token":"ert_[\w-]+","refresh_expires_in":1209600,"session_expires_in":1728000,"store_within":45,"scope":"read write","sid":"[\w-]{22}","delivery":"body","device_token":"edt_[\w-]+"}$`)
	if !want.MatchString(got.text) || got.line != "authn_login_success" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	access, refresh := got.tokens(t)
	c := h.claims(t, access)
	said := fmt.Sprint(c.Subject, c.ClientID, c.Scope, c.Roles, c.AuthTime.Equal(noon), c.SessionID != "")
	if said != string(subject)+"default[read write] [admin] true true" {
		t.Errorf("the access token says %s", said)
	}
	second, secondRefresh := h.login(t)
	if second == access || secondRefresh == refresh || h.claims(t, second).SessionID == c.SessionID {
		t.Error("a second login opened the first one's session")
	}
}

func TestLoginWithoutScope(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Client.Scope = nil })
	if got := h.send(t, loginJSON+credentials); got.status != 200 || strings.Contains(got.text, "scope") {
		t.Error(got.text)
	}
}

// TestLoginRefused: the answer does not reveal whether an account exists. The log does.
func TestLoginRefused(t *testing.T) {
	h := newHarness(t)
	h.addUser(t, user.User{ID: "disabled", Email: "disabled@example.com", Disabled: true})
	const refused = `401 {"error":"invalid_credentials"}`
	for _, row := range []struct{ name, email, password, want, line string }{
		{"wrong password", email, "correct horse ", refused, "authn_login_fail invalid_credentials wrong_password"},
		{"a password too long for any user", email, strings.Repeat("x", 8000), refused, "authn_login_fail invalid_credentials wrong_password"},
		{"unknown", "nobody@example.com", secret, refused, "authn_login_fail invalid_credentials unknown"},
		{"no e-mail at all", "x", secret, refused, "authn_login_fail invalid_credentials unknown"},
		{"disabled", "disabled@example.com", secret, refused, "authn_login_fail invalid_credentials disabled"},
		{"disabled, wrong password", "disabled@example.com", "wrong", refused, "authn_login_fail invalid_credentials wrong_password"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := h.send(t, loginJSON+`{"email":"`+row.email+`","password":"`+row.password+`"}`)
			if got.text != row.want || got.line != row.line {
				t.Errorf("got  %s, logged as %s\nwant %s, %s", got.text, got.line, row.want, row.line)
			}
		})
	}
}

func TestLoginOfAUserWhoMustChange(t *testing.T) {
	h := newHarness(t)
	h.changeUser(t, func(u *user.User) { u.MustChange = true })
	got := h.send(t, loginJSON+credentials)
	want := regexp.MustCompile(`^403 {"error":"password_change_required","change_token":"ect_[\w-]+"}$`)
	if !want.MatchString(got.text) || got.line != "authn_login_fail password_change_required" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}

// TestLoginUnderAttack: an attacker who guesses passwords does not lock out an owner on a known
// device, and the waits do not reveal whether an account exists.
func TestLoginUnderAttack(t *testing.T) {
	h := newHarness(t)
	device := regexp.MustCompile(`edt_[\w-]+`).FindString(h.send(t, loginJSON+credentials).text)
	for _, email := range []string{email, "nobody@example.com"} {
		guess := loginJSON + `{"email":"` + email + `","password":"a guess"}`
		var last string
		for range login.DefaultLimits().Account.Free + 1 {
			last = h.send(t, guess).text
		}
		if last != `429 Retry-After: 2 {"error":"too_many_requests"}` {
			t.Errorf("%s: %s", email, last)
		}
	}
	if got := h.send(t, loginJSON+credentials); got.status != 429 {
		t.Errorf("a new device: %s", got.text)
	}
	known := strings.TrimSuffix(credentials, "}") + `,"device_token":"` + device + `"}`
	if got := h.send(t, loginJSON+known); got.status != 200 || strings.Contains(got.text, "device_token") {
		t.Errorf("the owner: %s", got.text)
	}
	if got := h.send(t, loginJSON+strings.Replace(known, email, "nobody@example.com", 1)); got.status != 429 {
		t.Errorf("a known device of another account: %s", got.text)
	}
}

func TestLoginThrottled(t *testing.T) {
	h := newHarness(t)
	for _, row := range []struct {
		wait time.Duration
		want string
	}{
		{time.Millisecond, `429 Retry-After: 1 {"error":"too_many_requests"}`},
		{time.Minute, `429 Retry-After: 60 {"error":"too_many_requests"}`},
		{90*time.Second + 1, `429 Retry-After: 91 {"error":"too_many_requests"}`}, // never before the next attempt is free
	} {
		refuse := func(context.Context, login.Credentials) error {
			return &login.Refusal{Reason: login.ReasonThrottled, RetryAfter: row.wait}
		}
		who, err := login.New(login.Config{
			Users: h.users, Hasher: noMatch{}, Counters: throttle.Unlimited, Steps: login.Steps{Before: refuse},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.replace(t, "/auth/login")(endpoint.Login(h.Responder(), who, h.Sessions(), h.Clients()))
		got := h.send(t, loginJSON+credentials)
		if got.text != row.want || got.line != "authn_login_fail too_many_requests throttled" {
			t.Errorf("%v: %s, logged as %s", row.wait, got.text, got.line)
		}
	}
}

func TestLoginDuringFaults(t *testing.T) {
	const (
		later  = `503 Retry-After: 1 {"error":"temporarily_unavailable"}`
		broken = `500 {"error":"server_error"}`
	)
	for _, row := range []struct {
		name  string
		fault func(*harness)
		want  string
	}{
		{"the users cannot be read", func(h *harness) { h.users.fail = auth.ErrUnavailable }, later},
		{"a user's record is damaged", func(h *harness) { h.users.fail = errors.New("table edgeauth-users") }, broken},
		{"the session cannot be written", func(h *harness) { h.sessions.fail = auth.ErrUnavailable }, later},
		{"whether it was written is not known", func(h *harness) { h.sessions.lose = auth.ErrUnavailable }, later},
		{"the store fails otherwise", func(h *harness) { h.sessions.fail = errors.New("table edgeauth-sessions") }, broken},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			row.fault(h)
			got := h.send(t, loginJSON+credentials)
			if got.text != row.want || !strings.Contains(h.log.String(), `"level":"ERROR"`) || !strings.Contains(h.log.String(), `"fault":`) {
				t.Errorf("%s, logged as %s", got.text, h.log.String())
			}
			h.users.fail, h.sessions.fail, h.sessions.lose = nil, nil, nil
			h.login(t)
		})
	}
}

// TestSigningKeysAppear: a service that starts while its keys are unavailable recovers without a
// restart.
func TestSigningKeysAppear(t *testing.T) {
	h := newHarness(t)
	h.signing.fail = errors.New("secrets manager is down")
	h.restart(t)
	if got := h.send(t, loginJSON+credentials); got.text != `503 Retry-After: 1 {"error":"temporarily_unavailable"}` {
		t.Error(got.text)
	}
	h.signing.fail = nil
	h.clock.Advance(time.Second)
	h.login(t)
}

// TestLoginRecordsItsOrigin checks the entry in the user's list of sessions, and its size.
func TestLoginRecordsItsOrigin(t *testing.T) {
	for _, row := range []struct{ name, agent, address, wantAgent, wantAddress string }{
		{"plain", "curl/8", "192.0.2.7:1234", "curl/8", "192.0.2.7"},
		{"IPv4 in IPv6", "", "[::ffff:192.0.2.7]:1", "", "192.0.2.7"},
		{"no address", "x", "", "x", ""},
		{"as long as is kept", strings.Repeat("x", 200), "[2001:db8::1]:1", strings.Repeat("x", 200), "2001:db8::1"},
		{"cut between characters", strings.Repeat("x", 198) + "€€", "192.0.2.7:1", strings.Repeat("x", 198), "192.0.2.7"},
		{"reorders the page", "x\u202e\u2066y\u2028\u0085z\t\u200f", "192.0.2.7:1", "xyz\u200f", "192.0.2.7"},
		{"broken UTF-8", "a\xffb", "192.0.2.7:1", "a\ufffdb", "192.0.2.7"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			r := httptest.NewRequest("POST", "/auth/login", strings.NewReader(credentials))
			r.RemoteAddr = row.address
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("User-Agent", row.agent)
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
			h.serve(t, r).tokens(t)
			list, err := h.sessions.List(t.Context(), subject, session.ID{}, 10)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if s := list[0]; s.UserAgent != row.wantAgent || s.Address != row.wantAddress || !utf8.ValidString(s.UserAgent) {
				t.Errorf("%q from %q", s.UserAgent, s.Address)
			}
		})
	}
}

func TestAuditLineNamesTheSession(t *testing.T) {
	h := newHarness(t)
	access, _ := h.send(t, "POST /auth/login\nContent-Type: application/json\nX-Request-Id: r1\n\n"+credentials).tokens(t)
	line := h.log.String()
	for _, part := range []string{`"request_id":"r1"`, `"sub":"` + string(subject) + `"`, `"client_id":"default"`,
		`"sid":"` + h.claims(t, access).SessionID + `"`} {
		if !slices.Contains(strings.Split(strings.Trim(line, "{}\n"), ","), part) {
			t.Errorf("%s is not in %s", part, line)
		}
	}
}
