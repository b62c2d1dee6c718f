package endpoint_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// TestEveryEndIsLoggedOnce ends a session in every way that an endpoint can, and counts the lines
// of its end. test/imports checks that there is no other way.
func TestEveryEndIsLoggedOnce(t *testing.T) {
	const theft, logout, change = "authn_token_reuse", "authn_token_revoked", "authn_password_change"
	for _, row := range []struct {
		name  string
		end   func(h *harness, access, refresh string) answer
		event string
		over  string // the line of the next refresh
	}{
		{"a copy", func(h *harness, _, r0 string) answer {
			_, r1 := h.send(t, formOf(r0, "")).tokens(t)
			h.clock.Advance(interval)
			h.send(t, formOf(r1, "")).tokens(t)
			return h.send(t, formOf(r0, ""))
		}, theft, "session_renew_fail revoked theft"},
		{"a logout", func(h *harness, _, refresh string) answer { return h.send(t, logoutForm+"token="+refresh) }, logout, "session_renew_fail revoked logout"},
		{"a step-up", func(h *harness, access, refresh string) answer {
			id, err := session.ParseID(h.claims(t, access).SessionID)
			if err != nil {
				t.Fatal(err)
			}
			g, err := h.Sessions().StepUp(t.Context(), id, session.Opening{
				Subject: auth.Subject{ID: subject}, AuthTime: noon, Client: h.Clients()[auth.DefaultClient],
			})
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(2 * interval)
			got := h.send(t, formOf(g.RefreshToken.Reveal(), ""))
			if again := h.send(t, formOf(g.RefreshToken.Reveal(), "")); strings.Contains(again.line, logout) {
				t.Errorf("the next refresh: %s", again.line)
			}
			return got
		}, logout, "session_renew_fail revoked step_up"},
		{"a change of the password", func(h *harness, access, _ string) answer {
			return h.send(t, withBearer(access, changeBody(secret, nextSecret)))
		}, change, "session_renew_fail subject_superseded"},
		{"a change of the password without a new session", func(h *harness, access, _ string) answer {
			h.sessions.failCreate = auth.ErrUnavailable
			return h.send(t, withBearer(access, changeBody(secret, nextSecret)))
		}, change, "session_renew_fail subject_superseded"},
		{"a change that was required", func(h *harness, _, _ string) answer {
			h.changeUser(t, func(u *user.User) { u.MustChange = true })
			var refused struct {
				ChangeToken string `json:"change_token"`
			}
			if err := json.Unmarshal([]byte(h.send(t, loginJSON+credentials).body), &refused); err != nil {
				t.Fatal(err)
			}
			h.sessions.failCreate = session.ErrThrottled
			return h.send(t, passwordJSON+`{"change_token":"`+refused.ChangeToken+`","new_password":"`+nextSecret+`"}`)
		}, change, "session_renew_fail subject_superseded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			access, refresh := h.login(t)
			got := row.end(h, access, refresh)
			lines := slices.DeleteFunc(strings.Split(got.line, ", "), func(line string) bool {
				event, _, _ := strings.Cut(line, " ")
				return !slices.Contains([]string{theft, logout, change}, event)
			})
			if len(lines) != 1 || !strings.HasPrefix(lines[0], row.event) {
				t.Errorf("the end is logged as %q, want %s once", got.line, row.event)
			}
			if !strings.Contains(h.log.String(), `"sub":"`+string(subject)+`"`) {
				t.Errorf("the line does not say whose session: %s", &h.log)
			}
			h.sessions.failCreate = nil
			if got := h.send(t, formOf(refresh, "")); got.line != row.over {
				t.Errorf("the next refresh: %s", got.line)
			}
		})
	}
}

// TestEveryReplacedSessionHasItsLine: a logout ends a chain of sessions that replaced each other,
// and each session has a line.
func TestEveryReplacedSessionHasItsLine(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	id, err := session.ParseID(h.claims(t, access).SessionID)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		g, err := h.Sessions().StepUp(t.Context(), id, session.Opening{
			Subject: auth.Subject{ID: subject}, AuthTime: noon, Client: h.Clients()[auth.DefaultClient],
		})
		if err != nil {
			t.Fatal(err)
		}
		id, refresh = g.Session.ID, g.RefreshToken.Reveal()
	}
	got := h.send(t, logoutForm+"token="+refresh)
	const replaced = ", authn_token_revoked ended step_up"
	if want := "authn_token_revoked logged_out" + strings.Repeat(replaced, 3); got.line != want {
		t.Errorf("logged as %q, want %q", got.line, want)
	}
}
