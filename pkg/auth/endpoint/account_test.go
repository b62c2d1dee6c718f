package endpoint_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	passwordJSON = "POST /auth/password\nContent-Type: application/json\n\n"
	nextSecret   = "battery staple"
)

// withBearer returns a password change with an access token.
func withBearer(access, body string) string {
	return "POST /auth/password\nContent-Type: application/json\nAuthorization: Bearer " + access + "\n\n" + body
}

func changeBody(current, next string) string {
	return `{"current_password":"` + current + `","new_password":"` + next + `"}`
}

var grantedAnswer = regexp.MustCompile(`^200 {"access_token":"[\w.-]+","token_type":"Bearer","expires_in":\d+,` +
	`"refresh_token":"ert_[\w-]+","refresh_expires_in":\d+,"session_expires_in":\d+,"store_within":45,"scope":"read write","sid":"[\w-]{22}","delivery":"body","device_token":"edt_[\w-]+"}$`)

func TestPasswordChange(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	_, elsewhere := h.login(t)
	h.clock.Advance(time.Minute)
	got := h.send(t, withBearer(access, changeBody(secret, nextSecret)))
	if !grantedAnswer.MatchString(got.text) || got.line != "authn_password_change" {
		t.Fatalf("%s, logged as %s", got.text, got.line)
	}
	next, nextRefresh := got.tokens(t)
	if c := h.claims(t, next); c.Subject != subject || c.SessionID == h.claims(t, access).SessionID || !c.AuthTime.Equal(h.clock.Now()) || c.TokenVersion != auth.NewTokenVersion(1) {
		t.Errorf("%+v", c)
	}
	for name, row := range map[string]struct{ refresh, want string }{
		"the session that asked": {refresh, "session_renew_fail subject_superseded"},
		"another session":        {elsewhere, "session_renew_fail subject_superseded"},
		"the new session":        {nextRefresh, "session_renewed rotated"},
	} {
		if got := h.send(t, formOf(row.refresh, "")); !strings.HasPrefix(got.line, row.want) {
			t.Errorf("%s: %s", name, got.line)
		}
	}
	for name, row := range map[string]struct{ text, want string }{
		"the old password":     {secret, "authn_login_fail invalid_credentials wrong_password"},
		"the new password":     {nextSecret, "authn_login_success"},
		"the old access token": {"", "authn_password_change_fail invalid_token subject_superseded"},
	} {
		raw := loginJSON + `{"email":"` + email + `","password":"` + row.text + `"}`
		if row.text == "" {
			raw = withBearer(access, changeBody(nextSecret, "a third horse"))
		}
		if got := h.send(t, raw); got.line != row.want {
			t.Errorf("%s: %s", name, got.line)
		}
	}
}

func TestPasswordChangeRefused(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	const (
		unauthorized = `401 Www-Authenticate: Bearer error="invalid_token" {"error":"invalid_token","error_description":"the access token is not valid, or its session has ended"}`
		required     = `new_password is required, and either current_password or change_token`
	)
	refused := func(why string) string {
		return `400 {"error":"password_not_allowed","error_description":"` + why + `"}`
	}
	good := changeBody(secret, nextSecret)
	for _, row := range []struct{ name, request, want, line string }{
		{"no token", passwordJSON + good, `401 Www-Authenticate: Bearer {"error":"invalid_token","error_description":"an access token is required"}`, "invalid_token"},
		{"junk", withBearer("x", good), unauthorized, "invalid_token malformed"},
		{"no scheme", strings.Replace(withBearer(access, good), "Bearer ", "", 1), unauthorized, "invalid_token"},
		{"another scheme", strings.Replace(withBearer(access, good), "Bearer", "DPoP", 1), unauthorized, "invalid_token"},
		{"two tokens", withBearer(access+", Bearer "+access, good), unauthorized, "invalid_token"},
		{"two headers", strings.Replace(withBearer(access, good), "\n\n", "\nAuthorization: Bearer "+access+"\n\n", 1), unauthorized, "invalid_token"},
		{"forged", withBearer(access[:len(access)-4]+"AAAA", good), unauthorized, "invalid_token bad_signature"},

		{"nothing given", withBearer(access, `{}`), invalid(required), "invalid_request"},
		{"no present password", withBearer(access, `{"new_password":"battery staple"}`), invalid(required), "invalid_request"},
		{"no new password", withBearer(access, `{"current_password":"correct horse"}`), invalid(required), "invalid_request"},
		{"both proofs", withBearer(access, `{"current_password":"x","change_token":"x","new_password":"battery staple"}`), invalid(required), "invalid_request"},
		{"a number", withBearer(access, `{"current_password":1,"new_password":"battery staple"}`), invalid("current_password must be a string"), "invalid_request"},
		{"another client", withBearer(access, `{"current_password":"x","new_password":"battery staple","client_id":"web"}`), invalid("client_id must be the session's, or absent"), "invalid_request"},

		{"wrong password", withBearer(access, changeBody("wrong", nextSecret)), `403 {"error":"invalid_credentials"}`, "invalid_credentials wrong_password"},
		{"the same", withBearer(access, changeBody(secret, secret)), refused("the new password must differ from the current one"), "password_not_allowed"},
		{"short", withBearer(access, changeBody(secret, "short")), refused("the password must have at least 8 characters"), "password_not_allowed"},
		{"long", withBearer(access, changeBody(secret, strings.Repeat("x", 1025))), refused("the password must have at most 1024 bytes"), "password_not_allowed"},
		{"common", withBearer(access, changeBody(secret, "password1")), refused("the password is one of the most common ones"), "password_not_allowed"},

		{"an unknown change token", passwordJSON + `{"change_token":"ect_x","new_password":"battery staple"}`,
			`400 {"error":"invalid_grant","error_description":"the change_token is invalid or used, or the password has changed; log in again"}`, "invalid_grant"},
		{"a change token, unknown client", passwordJSON + `{"change_token":"ect_x","new_password":"battery staple","client_id":"web"}`, invalid("client_id is unknown"), "invalid_request"},
		{"GET", "GET /auth/password\n\n", `405 Allow: POST {"error":"method_not_allowed"}`, ""},
		{"a form", "POST /auth/password\nContent-Type: application/x-www-form-urlencoded\n\nx=1", "415 " + wrongType + `"}`, "unsupported_media_type"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := h.send(t, row.request)
			line := strings.TrimSpace("authn_password_change_fail " + row.line)
			if row.line == "" {
				line = ""
			}
			if got.text != row.want || got.line != line {
				t.Errorf("got  %s, logged as %s\nwant %s", got.text, got.line, row.want)
			}
		})
	}
	if got := h.send(t, withBearer(access, good)); got.status != http.StatusOK {
		t.Errorf("after all of them: %s", got.text)
	}
}

// TestPasswordGuessing: a stolen access token does not bypass the throttle.
func TestPasswordGuessing(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	var last string
	for range login.DefaultLimits().Account.Free + 1 {
		last = h.send(t, withBearer(access, changeBody("a guess", nextSecret))).text
	}
	if last != `429 Retry-After: 2 {"error":"too_many_requests"}` {
		t.Error(last)
	}
	if got := h.send(t, loginJSON+credentials); got.status != http.StatusTooManyRequests {
		t.Errorf("a login from another address: %s", got.text)
	}
}

func TestPasswordOfEndedSessions(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(*harness)
		want string
	}{
		"disabled": {func(h *harness) {
			h.changeUser(t, func(u *user.User) { u.Disabled = true; u.TokenVersion++ })
		}, "invalid_token subject_disabled"},
		"expired":         {func(h *harness) { h.clock.Advance(time.Hour) }, "invalid_token expired"},
		"user store down": {func(h *harness) { h.users.fail = auth.ErrUnavailable }, "temporarily_unavailable error"},
		"store down":      {func(h *harness) { h.sessions.fail = auth.ErrUnavailable }, "temporarily_unavailable error"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			access, _ := h.login(t)
			row.end(h)
			if got := h.send(t, withBearer(access, changeBody(secret, nextSecret))); !strings.HasSuffix(got.line, row.want) {
				t.Errorf("%s, %s", got.line, got.text)
			}
		})
	}
}

// TestPasswordRequiredChange changes a password that an operator has set to one that the user
// chooses.
func TestPasswordRequiredChange(t *testing.T) {
	h := newHarness(t)
	h.changeUser(t, func(u *user.User) { u.MustChange = true })
	var refused struct {
		ChangeToken string `json:"change_token"`
	}
	if err := json.Unmarshal([]byte(h.send(t, loginJSON+credentials).body), &refused); err != nil {
		t.Fatal(err)
	}
	change := func(next string) answer {
		return h.send(t, passwordJSON+`{"change_token":"`+refused.ChangeToken+`","new_password":"`+next+`"}`)
	}
	if got := change(secret); got.line != "authn_password_change_fail password_not_allowed" {
		t.Errorf("the same password: %s", got.text)
	}
	if got := change(nextSecret); !grantedAnswer.MatchString(got.text) || got.line != "authn_password_change" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	if got := change("a third horse"); got.line != "authn_password_change_fail invalid_grant" {
		t.Errorf("once more: %s", got.text)
	}
	if got := h.send(t, strings.Replace(loginJSON+credentials, secret, nextSecret, 1)); got.status != http.StatusOK {
		t.Errorf("login: %s", got.text)
	}
	if got := h.send(t, formOf(refused.ChangeToken, "")); got.line != "session_renew_fail forged" {
		t.Errorf("as a refresh token: %s", got.line)
	}
}

// Two Unicode spellings of a password count as the same password, and not as a new password.
func TestPasswordOfTheSameTextInAnotherForm(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	const composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
	access, _ = h.send(t, withBearer(access, changeBody(secret, composed))).tokens(t)
	if got := h.send(t, withBearer(access, changeBody(composed, decomposed))); !strings.Contains(got.text, "must differ") {
		t.Error(got.text)
	}
}

func TestPasswordOfARemovedClient(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	h.replace(t, "/auth/password")(h.account(endpoint.Clients{}))
	if got := h.send(t, withBearer(access, changeBody(secret, nextSecret))); got.line != "authn_password_change_fail invalid_client" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}
