package endpoint_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	reauthJSON = "POST /auth/reauth\nContent-Type: application/json\n\n"
	reauthBody = `{"password":"` + secret + `"}`
)

// reauthOf returns a step-up with an access token.
func reauthOf(access, body string) string {
	return "POST /auth/reauth\nContent-Type: application/json\nAuthorization: Bearer " + access + "\n\n" + body
}

// TestReauth: a step-up opens a session with a new auth_time, and the old session ends after the
// handover.
func TestReauth(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	h.clock.Advance(time.Hour)
	access, refresh := h.send(t, formOf(refresh, "")).tokens(t)
	h.clock.Advance(time.Minute)
	got := h.send(t, reauthOf(access, reauthBody))
	if !grantedAnswer.MatchString(got.text) || got.line != "authn_reauth_success" {
		t.Fatalf("%s, logged as %s", got.text, got.line)
	}
	next, nextRefresh := got.tokens(t)
	was, now := h.claims(t, access), h.claims(t, next)
	if now.SessionID == was.SessionID || !now.AuthTime.Equal(h.clock.Now()) || !slices.Equal(now.AMR, []string{"pwd"}) {
		t.Errorf("%+v", now)
	}
	// During the handover the old session gets access tokens with its old auth_time.
	during := h.send(t, formOf(refresh, ""))
	if old, _ := during.tokens(t); during.line != "session_renewed same" || !h.claims(t, old).AuthTime.Equal(was.AuthTime) || strings.Contains(during.body, "refresh_token") {
		t.Errorf("%s, logged as %s", during.text, during.line)
	}
	h.clock.Advance(session.DefaultRules().Handover)
	ending := h.send(t, formOf(nextRefresh, ""))
	if want := "session_renewed rotated, authn_token_revoked ended step_up"; ending.line != want {
		t.Errorf("logged as %q, want %q", ending.line, want)
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renew_fail revoked step_up" {
		t.Errorf("the old session: %s", got.line)
	}
	if got := h.send(t, reauthOf(access, reauthBody)); got.line != "authn_reauth_fail invalid_token revoked" {
		t.Errorf("the old access token: %s", got.line)
	}
}

// TestReauthMethods: the methods of a step of the deployment become the amr of the access tokens.
func TestReauthMethods(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Steps.After = codeStep })
	access, _ := h.login(t)
	next, refresh := h.send(t, reauthOf(access, `{"password":"`+secret+`","one_time_code":"1"}`)).tokens(t)
	refreshed, _ := h.send(t, formOf(refresh, "")).tokens(t)
	for name, row := range map[string]struct {
		token string
		want  []string
	}{"the login": {access, []string{"pwd"}}, "the step-up": {next, []string{"pwd", "otp"}}, "its refresh": {refreshed, []string{"pwd", "otp"}}} {
		if got := h.claims(t, row.token).AMR; !slices.Equal(got, row.want) {
			t.Errorf("%s: amr %q, want %q", name, got, row.want)
		}
	}
}

// codeStep is a second factor that takes every code.
func codeStep(_ context.Context, c login.Credentials, _ login.Result) ([]string, error) {
	if c.OneTimeCode.Reveal() == "" {
		return nil, nil
	}
	return []string{"otp"}, nil
}

// A token that became old by an end of the user's other sessions permits no step-up.
func TestReauthRefused(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	for _, row := range []struct {
		name, body, line string
		prepare          func()
	}{
		{"another client", `{"password":"x","client_id":"web"}`, "authn_reauth_fail invalid_request", func() {}},
		{"wrong password", `{"password":"wrong"}`, "authn_reauth_fail invalid_credentials wrong_password", func() {}},
		{"logged out", reauthBody, "authn_reauth_fail invalid_token revoked", func() { h.send(t, logoutForm+"token="+refresh) }},
		{"disabled", reauthBody, "authn_reauth_fail invalid_token subject_disabled", func() {
			access, _ = h.login(t)
			h.changeUser(t, func(u *user.User) { u.Disabled = true })
		}},
		{"superseded", reauthBody, "authn_reauth_fail invalid_token subject_superseded", func() {
			h.changeUser(t, func(u *user.User) { u.Disabled, u.TokenVersion = false, u.TokenVersion+1 })
		}},
	} {
		row.prepare()
		if got := h.send(t, reauthOf(access, row.body)); got.line != row.line {
			t.Errorf("%s: %s, logged as %q, want %q", row.name, got.text, got.line, row.line)
		}
	}
}
