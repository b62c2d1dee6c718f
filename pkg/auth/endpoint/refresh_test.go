package endpoint_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	ended    = `400 {"error":"invalid_grant","error_description":"the refresh token is not valid, or its session has ended","terminal":true}`
	notThis  = `400 {"error":"invalid_grant","error_description":"the refresh token was issued to another client","terminal":false}`
	notNow   = `503 Retry-After: 1 {"error":"temporarily_unavailable","terminal":false}`
	interval = 151 * time.Second // longer than the minimum rotation interval
)

func TestRefreshAnswer(t *testing.T) {
	h := newHarness(t)
	first, r0 := h.login(t)
	before := h.claims(t, first)
	h.clock.Set(noon.Add(time.Hour))
	got := h.send(t, formOf(r0, ""))
	want := regexp.MustCompile(`^200 {"access_token":"[\w.-]+","token_type":"Bearer","expires_in":(8[5-9]\d|900),` +
		`"refresh_token":"ert_[\w-]+","refresh_expires_in":1209600,"session_expires_in":1724400,"store_within":45,"scope":"read write","sid":"[\w-]{22}","delivery":"body"}$`)
	if !want.MatchString(got.text) || got.line != "session_renewed rotated" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	access, r1 := got.tokens(t)
	after := h.claims(t, access)
	if r1 == r0 || access == first || after.SessionID != before.SessionID || !after.AuthTime.Equal(noon) {
		t.Errorf("session %s, authenticated %v", after.SessionID, after.AuthTime)
	}
	if got := h.send(t, formOf(r1, "")); strings.Contains(got.text, "refresh_token") || !strings.Contains(got.text, `"refresh_expires_in":1209600`) {
		t.Errorf("a second refresh at once hands out a refresh token: %s", got.text)
	}
	h.clock.Advance(idleTimeout - time.Second)
	if got := h.send(t, formOf(r1, "")); !strings.Contains(got.text, `"refresh_expires_in":514801,"session_expires_in":514801`) {
		t.Errorf("the absolute end does not cap the idle end: %s", got.text)
	}
}

func TestRefreshNarrowsTheScope(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	for _, row := range []struct{ given, want string }{
		{"&scope=read", "read"},
		{"&scope=write+read", "write read"},
		{"&scope=read+read", "read"},
		{"", "read write"}, // narrows only that access token
	} {
		got := h.send(t, formOf(refresh, row.given))
		access, _ := got.tokens(t)
		if scope := strings.Join(h.claims(t, access).Scope, " "); scope != row.want || !strings.Contains(got.text, `"scope":"`+row.want+`"`) {
			t.Errorf("%q: the token says %q, the answer %s", row.given, scope, got.text)
		}
	}
}

// TestLifeOfASession sends a sequence of requests to one session. A step presents a token by its
// name and names the new token, if the answer has one.
func TestLifeOfASession(t *testing.T) {
	type step struct {
		after       time.Duration // since the previous step
		token, more string
		want, next  string
		line        string
	}
	const foreign = "&client_id=web"
	const granted = "200"
	for _, row := range []struct {
		name  string
		steps []step
	}{
		{"an honest client", []step{
			{0, "r0", "", granted, "r1", "session_renewed rotated"},
			{interval, "r1", "", granted, "r2", "session_renewed rotated"},
			{interval, "r2", "", granted, "r3", "session_renewed rotated"},
		}},
		{"a second refresh at once", []step{
			{0, "r0", "", granted, "r1", "session_renewed rotated"},
			{time.Second, "r1", "", granted, "", "session_renewed same"},
			{interval, "r1", "", granted, "r2", "session_renewed rotated"},
		}},
		{"a lost answer", []step{
			{0, "r0", "", granted, "lost", "session_renewed rotated"},
			{time.Second, "r0", "", granted, "lost too", "session_renewed duplicate"},
			{time.Hour, "r0", "", granted, "r1", "session_renewed recovered"},
			{interval, "r1", "", granted, "r2", "session_renewed rotated"},
		}},
		{"two holders go different ways", []step{
			{0, "r0", "", granted, "owner", "session_renewed rotated"},
			{time.Second, "r0", "", granted, "thief", "session_renewed duplicate"},
			{interval, "owner", "", granted, "owner2", "session_renewed rotated"},
			{time.Second, "thief", "", ended, "", "authn_token_reuse fork"},
			{time.Second, "owner2", "", ended, "", "session_renew_fail revoked theft"},
		}},
		{"a token whose successor was used", []step{
			{0, "r0", "", granted, "r1", "session_renewed rotated"},
			{interval, "r1", "", granted, "r2", "session_renewed rotated"},
			{time.Second, "r0", "", ended, "", "authn_token_reuse reuse"},
			{time.Second, "r2", "", ended, "", "session_renew_fail revoked theft"},
		}},
		{"another client's session", []step{
			{0, "r0", foreign, notThis, "", "session_renew_fail foreign_client"},
			{0, "r0", "&client_id=default", granted, "r1", "session_renewed rotated"},
		}},
		{"idle", []step{{idleTimeout, "r0", "", ended, "", "session_expired idle"}}},
		{"just not idle", []step{{idleTimeout - time.Millisecond, "r0", "", granted, "r1", "session_renewed rotated"}}},
		{"the absolute end", []step{
			{idleTimeout - time.Second, "r0", "", granted, "r1", "session_renewed rotated"},
			{absolute - idleTimeout + time.Second, "r1", "", ended, "", "session_expired absolute"},
		}},
		{"no time is left for an access token", []step{
			{idleTimeout - time.Second, "r0", "", granted, "r1", "session_renewed rotated"},
			{absolute - idleTimeout, "r1", "", granted, "r2", "session_renewed rotated"},
			{500 * time.Millisecond, "r2", "", ended, "", "session_renew_fail invalid_grant"},
		}},
		{"no token of ours", []step{
			{0, "ert_AAAA", "", ended, "", "session_renew_fail forged"},
			{0, strings.Repeat("A", 4000), "", ended, "", "session_renew_fail forged"},
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			_, r0 := h.login(t)
			held := map[string]string{"r0": r0}
			for i, s := range row.steps {
				h.clock.Advance(s.after)
				presented, ok := held[s.token]
				if !ok {
					presented = s.token
				}
				got := h.send(t, formOf(presented, s.more))
				if got.line != s.line || !strings.HasPrefix(got.text, s.want) {
					t.Fatalf("step %d: got  %s, logged as %s\nwant %s, %s", i, got.text, got.line, s.want, s.line)
				}
				if s.want != granted {
					continue
				}
				_, next := got.tokens(t)
				if (next == "") != (s.next == "") {
					t.Fatalf("step %d: %s", i, got.text)
				}
				held[s.next] = next
			}
		})
	}
}

func TestRefreshOfAChangedUser(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*user.User)
		want   string
		line   string
	}{
		{"disabled", func(u *user.User) { u.Disabled = true }, ended, "session_renew_fail subject_disabled"},
		{"logged out everywhere", func(u *user.User) { u.TokenVersion++ }, ended, "session_renew_fail subject_superseded"},
		{"other roles", func(u *user.User) { u.Roles = []string{"reader"} }, "200", "session_renewed rotated"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			_, refresh := h.login(t)
			h.changeUser(t, row.change)
			got := h.send(t, formOf(refresh, ""))
			if !strings.HasPrefix(got.text, row.want) || got.line != row.line {
				t.Fatalf("%s, logged as %s", got.text, got.line)
			}
			if got.status == 200 {
				access, _ := got.tokens(t)
				if roles := h.claims(t, access).Roles; len(roles) != 1 || roles[0] != "reader" {
					t.Errorf("roles %q", roles)
				}
			}
		})
	}
}

// TestRefreshDuringFaults: a fault decides nothing. The answer is 503, and the token is as valid as
// before.
func TestRefreshDuringFaults(t *testing.T) {
	for _, row := range []struct {
		name           string
		fault          func(*harness)
		outcome, after string // the outcomes of this refresh and of the next one
	}{
		{"the store refuses for load", func(h *harness) { h.sessions.fail = session.ErrThrottled }, "throttled", "rotated"},
		{"the store does not answer", func(h *harness) { h.sessions.fail = auth.ErrUnavailable }, "error", "rotated"},
		{"the store fails otherwise", func(h *harness) { h.sessions.fail = errors.New("table edgeauth-sessions") }, "error", "rotated"},
		{"the store's reply is lost", func(h *harness) { h.sessions.lose = auth.ErrUnavailable }, "error", "duplicate"},
		{"the user cannot be read", func(h *harness) { h.users.fail = auth.ErrUnavailable }, "error", "duplicate"},
		{"the user's record is damaged", func(h *harness) { h.users.fail = errors.New("table edgeauth-users") }, "error", "duplicate"},
	} {
		for _, scope := range []string{"", "&scope=read"} {
			t.Run(row.name+scope, func(t *testing.T) {
				h := newHarness(t)
				_, refresh := h.login(t)
				row.fault(h)
				got := h.send(t, formOf(refresh, scope))
				if got.text != notNow || got.line != "session_renew_fail "+row.outcome || !strings.Contains(h.log.String(), `"level":"ERROR"`) {
					t.Errorf("%s, logged as %s", got.text, h.log.String())
				}
				h.users.fail, h.sessions.fail, h.sessions.lose = nil, nil, nil
				if got := h.send(t, formOf(refresh, scope)); got.line != "session_renewed "+row.after {
					t.Errorf("afterwards: %s, logged as %s", got.text, got.line)
				}
			})
		}
	}
}

// TestTheftIsLoggedWhateverItsWriteDoes: a client is told that its session has ended only after the
// revocation is written. The theft is logged before that write, so that a lost reply never loses
// it.
func TestTheftIsLoggedWhateverItsWriteDoes(t *testing.T) {
	for _, row := range []struct {
		name        string
		fault       func(*faultySessions)
		newest      string // the owner's next refresh
		again, line string // the copy's next refresh
	}{
		{"the write fails", func(f *faultySessions) { f.failEnd = auth.ErrUnavailable }, "session_renewed rotated", ended, "authn_token_reuse reuse"},
		{"the reply is lost", func(f *faultySessions) { f.loseEnd = auth.ErrUnavailable }, "session_renew_fail revoked theft", ended, "session_renew_fail revoked theft"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			_, r0 := h.login(t)
			_, r1 := h.send(t, formOf(r0, "")).tokens(t)
			h.clock.Advance(interval)
			_, r2 := h.send(t, formOf(r1, "")).tokens(t)
			h.clock.Advance(interval)

			row.fault(h.sessions)
			if got := h.send(t, formOf(r0, "")); got.text != notNow || got.line != "authn_token_reuse reuse, session_renew_fail error" {
				t.Errorf("%s, logged as %s", got.text, got.line)
			}
			h.sessions.failEnd, h.sessions.loseEnd = nil, nil
			if got := h.send(t, formOf(r2, "")); got.line != row.newest {
				t.Errorf("the owner: %s, logged as %s", got.text, got.line)
			}
			if got := h.send(t, formOf(r0, "")); got.text != row.again || got.line != row.line {
				t.Errorf("the copy again: %s, logged as %s", got.text, got.line)
			}
			for _, part := range []string{`"client_id":"default"`, `"sub":"` + string(subject) + `"`, `"sid":"`} {
				if !strings.Contains(h.log.String(), part) {
					t.Errorf("%s is not in %s", part, &h.log)
				}
			}
		})
	}
}

// TestNoSigningKeyRotatesNothing: the signing key is requested before the write, because in the
// strict profile a rotation without an answer would log the client out.
func TestNoSigningKeyRotatesNothing(t *testing.T) {
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict} {
		h := newHarness(t, func(s *service.Settings) { s.Client.Profile = profile })
		h.signing.fail = errors.New("secrets manager is down")
		h.restart(t)
		g, err := h.Sessions().Open(t.Context(), session.Opening{
			Subject: auth.Subject{ID: subject}, AuthTime: noon, Client: h.Clients()[auth.DefaultClient],
		})
		if err != nil {
			t.Fatal(err)
		}
		refresh := g.RefreshToken.Reveal()
		for range 2 {
			if got := h.send(t, formOf(refresh, "")); got.text != notNow {
				t.Error(got.text)
			}
		}
		h.signing.fail = nil
		h.clock.Advance(time.Second)
		if got := h.send(t, formOf(refresh, "")); got.line != "session_renewed rotated" {
			t.Errorf("%v: %s, logged as %s", profile, got.text, got.line)
		}
	}
}
