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
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func oneSession(s *service.Settings) { s.Client.MaxSessions = 1 }

// TestEviction: each session that a login ends has an audit line, with the ids of that session.
func TestEviction(t *testing.T) {
	h := newHarness(t, oneSession)
	access, refresh := h.login(t)
	h.clock.Advance(time.Minute)
	got := h.send(t, loginJSON+credentials)
	if want := "authn_login_success, authn_token_revoked ended evicted"; !grantedAnswer.MatchString(got.text) || got.line != want {
		t.Fatalf("%s, logged as %q, want %q", got.text, got.line, want)
	}
	var line struct {
		Sub, Sid, Fault string
		Client          string `json:"client_id"`
	}
	if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if want := h.claims(t, access).SessionID; line.Sid != want || line.Sub != string(subject) || line.Client != "default" || line.Fault != "" {
		t.Errorf("the line is %+v, want the session %s", line, want)
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renew_fail revoked evicted" || !strings.Contains(got.body, `"terminal":true`) {
		t.Errorf("the evicted session: %s, logged as %s", got.text, got.line)
	}
	// A step-up evicts nothing. The session that it replaces ends together with the new session.
	access, _ = got.tokens(t)
	h.clock.Advance(time.Minute)
	if got := h.send(t, reauthOf(access, reauthBody)); got.line != "authn_reauth_success" {
		t.Errorf("a step-up: %s, logged as %s", got.text, got.line)
	}
	h.clock.Advance(time.Minute)
	if got := h.send(t, loginJSON+credentials); got.line != "authn_login_success, authn_token_revoked ended evicted, authn_token_revoked ended step_up" {
		t.Errorf("a login after a step-up is logged as %s", got.line)
	}
}

// TestEvictionOfOwnLogins: a custom login evicts sessions too, and a repeated change of the
// password opens a second session.
func TestEvictionOfOwnLogins(t *testing.T) {
	h := newHarness(t, oneSession)
	h.changeUser(t, func(u *user.User) { u.MustChange = true })
	var refused struct {
		ChangeToken string `json:"change_token"`
	}
	if err := json.Unmarshal([]byte(h.send(t, loginJSON+credentials).body), &refused); err != nil {
		t.Fatal(err)
	}
	change := passwordJSON + `{"change_token":"` + refused.ChangeToken + `","new_password":"` + nextSecret + `"}`
	if got := h.send(t, change); got.line != "authn_password_change" {
		t.Fatalf("%s, logged as %s", got.text, got.line)
	}
	h.clock.Advance(time.Second)
	if got := h.send(t, change); got.line != "authn_password_change, authn_token_revoked ended evicted" {
		t.Errorf("the same change once more: %s, logged as %s", got.text, got.line)
	}
	u, err := h.users.Get(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	h.handlers["/auth/login"] = h.Responder().Opens(h.Sessions(), func(*http.Request) (endpoint.Proven, error) {
		return endpoint.Proven{Subject: u.Subject(), Client: h.Clients()[auth.DefaultClient], AuthTime: h.clock.Now()}, nil
	})
	h.clock.Advance(time.Second)
	if got := h.send(t, loginJSON+`{}`); got.line != "authn_login_success, authn_token_revoked ended evicted" {
		t.Errorf("a login of a program's own: %s, logged as %s", got.text, got.line)
	}
}

// TestEvictionFails: the login is answered with tokens, and the log names the session that may be
// left, with a fault.
func TestEvictionFails(t *testing.T) {
	h := newHarness(t, oneSession)
	access, _ := h.login(t)
	first := h.claims(t, access).SessionID
	for _, row := range []struct {
		name              string
		set               func(err error)
		err               error
		line, fault, left string
	}{
		{"not listed", func(err error) { h.sessions.failList = err }, auth.ErrUnavailable,
			"authn_login_success, authn_token_revoke_fail error evicted", "listing", ""},
		{"not ended", func(err error) { h.sessions.failEnd = err }, session.ErrThrottled,
			"authn_login_success, authn_token_revoke_fail throttled evicted", "ending a session", first},
		{"perhaps ended", func(err error) { h.sessions.loseEnd = err }, auth.ErrUnavailable,
			"authn_login_success, authn_token_revoke_fail error evicted", "ending a session", first},
	} {
		h.clock.Advance(time.Minute)
		row.set(row.err)
		got := h.send(t, loginJSON+credentials)
		row.set(nil)
		if !grantedAnswer.MatchString(got.text) || got.line != row.line {
			t.Errorf("%s: %s, logged as %q, want %q", row.name, got.text, got.line, row.line)
		}
		var line struct{ Sub, Sid, Fault, Level string }
		if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Sub != string(subject) || line.Sid != row.left || line.Level != "ERROR" || !regexp.MustCompile(row.fault).MatchString(line.Fault) {
			t.Errorf("%s: the line is %+v", row.name, line)
		}
	}
	h.clock.Advance(time.Minute)
	if got := h.send(t, loginJSON+credentials); !strings.HasPrefix(got.line, "authn_login_success, authn_token_revoked ended evicted, ") {
		t.Errorf("the next login is logged as %s", got.line)
	}
}
