package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// asking returns a request of the list of sessions. line is its method and target.
func asking(line, access string) string {
	return line + "\nAuthorization: Bearer " + access + "\nContent-Type: application/json\n\n"
}

const (
	endedToken  = `401 Www-Authenticate: Bearer error="invalid_token" {"error":"invalid_token","error_description":"the access token is not valid, or its session has ended"}`
	staleLogin  = `401 Www-Authenticate: Bearer error="insufficient_user_authentication", max_age="600" {"error":"insufficient_user_authentication","error_description":"ending other sessions needs a recent login","max_age":600}`
	noSuch      = `404 {"error":"not_found","error_description":"no such session"}`
	unavailable = `503 Retry-After: 1 {"error":"temporarily_unavailable"}`
)

type listedSessions struct {
	SID      string
	Sessions []struct {
		SID     string
		Current bool
		Label   string
	}
	Next string
}

func (h *harness) list(t testing.TB, access string) (l listedSessions) {
	t.Helper()
	got := h.send(t, asking("GET /auth/sessions", access))
	if err := json.Unmarshal([]byte(got.body), &l); err != nil || got.status != http.StatusOK || got.line != "sensitive_read listed" {
		t.Fatalf("%s, logged as %q", got.text, got.line)
	}
	return l
}

// sid returns the session of an access token.
func (h *harness) sid(t testing.TB, access string) string {
	t.Helper()
	return h.claims(t, access).SessionID
}

func (h *harness) fresh(t testing.TB, refresh string) (access string) {
	t.Helper()
	access, _ = h.send(t, formOf(refresh, "")).tokens(t)
	return access
}

func TestListSessions(t *testing.T) {
	h := newHarness(t)
	older, _ := h.login(t)
	h.clock.Advance(time.Minute)
	raw := strings.Replace(loginJSON, "\n\n", "\nUser-Agent: A Browser/1 <b>\n\n", 1)
	access, _ := h.send(t, raw+credentials).tokens(t)
	got := h.send(t, asking("GET /auth/sessions", access))
	want := `200 {"sid":"` + h.sid(t, access) + `","sessions":[` +
		`{"sid":"` + h.sid(t, access) + `","current":true,"label":"","user_agent":"A Browser/1 \u003cb\u003e","address":"192.0.2.1","client_id":"default","kind":"refresh","amr":["pwd"],"signals":[],` +
		`"created_at":"2026-05-01T12:01:00Z","last_seen_at":"2026-05-01T12:01:00Z","idle_ends_at":"2026-05-15T12:01:00Z","ends_at":"2026-05-21T12:01:00Z"},` +
		`{"sid":"` + h.sid(t, older) + `","current":false,"label":"","user_agent":"","address":"192.0.2.1","client_id":"default","kind":"refresh","amr":["pwd"],"signals":[],` +
		`"created_at":"2026-05-01T12:00:00Z","last_seen_at":"2026-05-01T12:00:00Z","idle_ends_at":"2026-05-15T12:00:00Z","ends_at":"2026-05-21T12:00:00Z"}]}`
	if got.text != want && got.text != strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(want) {
		t.Errorf("got  %s\nwant %s", got.text, want)
	}
	// The idle end is never after the absolute end.
	h.clock.Advance(13 * 24 * time.Hour)
	if _, refresh := h.login(t); refresh == "" {
		t.Fatal("no refresh token")
	}
	_, refresh := h.login(t)
	h.clock.Advance(13 * 24 * time.Hour)
	access = h.fresh(t, refresh)
	if got := h.send(t, asking("GET /auth/sessions", access)); !strings.Contains(got.body, `"idle_ends_at":"2026-06-03T12:01:00Z","ends_at":"2026-06-03T12:01:00Z"`) {
		t.Error(got.text)
	}
}

func TestListSessionsPages(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	own, err := session.ParseID(h.sid(t, access))
	if err != nil {
		t.Fatal(err)
	}
	one, err := h.sessions.Get(t.Context(), session.Key{Subject: subject, ID: own})
	if err != nil {
		t.Fatal(err)
	}
	const n = 130
	for i := range n - 1 {
		one.ID = session.ID{byte(i), 1}
		if err := h.sessions.Create(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	first := h.list(t, access)
	second := listedSessions{}
	if err := json.Unmarshal([]byte(h.send(t, asking("GET /auth/sessions?after="+first.Next, access)).body), &second); err != nil {
		t.Fatal(err)
	}
	for _, s := range append(first.Sessions, second.Sessions...) {
		seen[s.SID] = true
	}
	if len(first.Sessions) != 100 || second.Next != "" || len(seen) != n {
		t.Errorf("parts of %d and %d sessions, %d in all, and the next is %q", len(first.Sessions), len(second.Sessions), len(seen), second.Next)
	}
	if first.SID != own.String() || second.SID != own.String() {
		t.Errorf("the parts name %s and %s, want %s", first.SID, second.SID, own)
	}
	for _, query := range []string{"after=x", "after=" + first.Next + "&after=" + first.Next, "after=%zz", "after=" + first.Next + "="} {
		if got := h.send(t, asking("GET /auth/sessions?"+query, access)); got.status != http.StatusBadRequest || got.line != "sensitive_read_fail invalid_request" {
			t.Errorf("%s: %s, logged as %q", query, got.text, got.line)
		}
	}
}

func TestLabelSession(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	other, _ := h.login(t)
	if got := h.send(t, asking("PATCH /auth/sessions/"+h.sid(t, other), access)+`{"label":"the phone"}`); got.text != "200 {}" || got.line != "sensitive_update labelled" {
		t.Errorf("%s, logged as %q", got.text, got.line)
	}
	for _, s := range h.list(t, access).Sessions {
		if want := map[bool]string{true: "", false: "the phone"}[s.Current]; s.Label != want {
			t.Errorf("%+v", s)
		}
	}
	for body, want := range map[string]string{
		`{}`:                  `400 {"error":"invalid_request","error_description":"label is required; an empty one removes the label"}`,
		`{"label":7}`:         `400 {"error":"invalid_request","error_description":"label must be a string"}`,
		`{"label":"a\u0000"}`: `400 {"error":"invalid_request","error_description":"a label has at most 64 characters and 200 bytes of UTF-8, and no control characters or changes of the direction of text"}`,
	} {
		if got := h.send(t, asking("PATCH /auth/sessions/"+h.sid(t, other), access)+body); got.text != want || got.line != "sensitive_update_fail invalid_request" {
			t.Errorf("%s: %s, logged as %q", body, got.text, got.line)
		}
	}
}

func TestEndOneSession(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	other, otherRefresh := h.login(t)
	id := h.sid(t, other)
	if got := h.send(t, asking("DELETE /auth/sessions/"+id, access)); got.text != "200 {}" || got.line != "authn_token_revoked ended user" || !strings.Contains(h.log.String(), id) {
		t.Errorf("%s, logged as %q: %s", got.text, got.line, &h.log)
	}
	if got := h.send(t, asking("DELETE /auth/sessions/"+id, access)); got.text != "200 {}" || got.line != "authn_token_revoke_fail revoked user" {
		t.Errorf("again: %s, logged as %q", got.text, got.line)
	}
	if got := h.send(t, formOf(otherRefresh, "")); got.line != "session_renew_fail revoked user" {
		t.Errorf("its refresh: %s", got.line)
	}
	if got := h.list(t, access); len(got.Sessions) != 1 || !got.Sessions[0].Current {
		t.Errorf("listed %+v", got)
	}
	// The current session can be ended even if the login is not recent.
	h.clock.Advance(30 * time.Minute)
	access = h.fresh(t, refresh)
	if got := h.send(t, asking("DELETE /auth/sessions/"+h.sid(t, access), access)); got.text != "200 {}" || got.line != "authn_token_revoked ended user" {
		t.Errorf("the current session: %s, logged as %q", got.text, got.line)
	}
	for _, line := range []string{"GET /auth/sessions", "DELETE /auth/sessions", "DELETE /auth/sessions/" + id} {
		if got := h.send(t, asking(line, access)); got.text != endedToken || !strings.HasSuffix(got.line, "_fail invalid_token revoked") {
			t.Errorf("%s afterwards: %s, logged as %q", line, got.text, got.line)
		}
	}
}

// A session of another user looks like a session that does not exist, and costs the same calls.
func TestSessionsOfAnotherUser(t *testing.T) {
	h := newHarness(t)
	h.addUser(t, user.User{ID: "eve", Email: "eve@example.com"})
	access, refresh := h.login(t)
	eve, _ := h.send(t, loginJSON+`{"email":"eve@example.com","password":"`+secret+`"}`).tokens(t)
	unknown := session.ID{1}.String()
	for _, row := range []struct{ name, method, body, line string }{
		{"end", "DELETE", "", "authn_token_revoke_fail not_found"},
		{"label", "PATCH", `{"label":"mine"}`, "sensitive_update_fail not_found"},
	} {
		var calls []string
		for _, id := range []string{h.sid(t, access), unknown} {
			h.sessions.calls.Store(0)
			h.users.calls.Store(0)
			got := h.send(t, asking(row.method+" /auth/sessions/"+id, eve)+row.body)
			if got.text != noSuch || got.line != row.line {
				t.Errorf("%s: %s, logged as %q", row.name, got.text, got.line)
			}
			calls = append(calls, fmt.Sprint(h.sessions.calls.Load(), h.users.calls.Load()))
		}
		if calls[0] != calls[1] || calls[0] != "2 1" {
			t.Errorf("%s: calls %q of another's session and of an unknown one", row.name, calls)
		}
		for _, id := range []string{"x", unknown + "A", strings.ToUpper(unknown)[:21] + "B"} {
			if got := h.send(t, asking(row.method+" /auth/sessions/"+id, eve)+row.body); got.text != noSuch {
				t.Errorf("%s %q: %s", row.name, id, got.text)
			}
		}
	}
	h.send(t, formOf(refresh, "")).tokens(t)
}

func TestEndOtherSessions(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	_, otherRefresh := h.login(t)
	if got := h.send(t, asking("DELETE /auth/sessions", access)); got.text != "200 {}" || got.line != "authn_token_revoked ended_others user" {
		t.Fatalf("%s, logged as %q", got.text, got.line)
	}
	if got := h.send(t, formOf(otherRefresh, "")); got.line != "session_renew_fail subject_superseded" {
		t.Errorf("the other: %s", got.line)
	}
	// The access token from before is refused, and a refresh brings a new one.
	for _, line := range []string{"GET /auth/sessions", "DELETE /auth/sessions?all=true", "DELETE /auth/sessions/" + h.sid(t, access)} {
		if got := h.send(t, asking(line, access)); got.text != endedToken || !strings.HasSuffix(got.line, "_fail invalid_token subject_superseded") {
			t.Errorf("%s: %s, logged as %q", line, got.text, got.line)
		}
	}
	if got := h.send(t, withBearer(access, changeBody(secret, nextSecret))); got.line != "authn_password_change_fail invalid_token subject_superseded" {
		t.Errorf("a change of the password: %s", got.line)
	}
	next := h.fresh(t, refresh)
	if c := h.claims(t, next); c.TokenVersion != auth.NewTokenVersion(1) || c.SessionID != h.sid(t, access) {
		t.Errorf("%+v", c)
	}
	if got := h.list(t, next); len(got.Sessions) != 1 {
		t.Errorf("listed %+v", got)
	}
	if got := h.send(t, asking("DELETE /auth/sessions?all=true", next)); got.text != "200 {}" || got.line != "authn_token_revoked ended_all user" {
		t.Errorf("%s, logged as %q", got.text, got.line)
	}
	if got := h.send(t, formOf(refresh, "")); !strings.HasPrefix(got.line, "session_renew_fail revoked") {
		t.Errorf("after the end of all: %s", got.line)
	}
}

// TestEndsNeedARecentLogin: a stolen access token of an old session must not lock the owner out.
func TestEndsNeedARecentLogin(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	other, _ := h.login(t)
	h.clock.Advance(10 * time.Minute)
	access := h.fresh(t, refresh)
	if got := h.send(t, asking("DELETE /auth/sessions", access)); got.text != "200 {}" {
		t.Fatalf("10 minutes after the login: %s", got.text)
	}
	h.clock.Advance(time.Second)
	access = h.fresh(t, refresh)
	_, otherRefresh := h.login(t)
	for _, line := range []string{"DELETE /auth/sessions", "DELETE /auth/sessions?all=true", "DELETE /auth/sessions?all=false", "DELETE /auth/sessions/" + h.sid(t, other), "DELETE /auth/sessions/" + session.ID{1}.String()} {
		got := h.send(t, asking(line, access))
		if got.text != staleLogin || got.line != "authn_token_revoke_fail insufficient_user_authentication" {
			t.Errorf("%s: %s, logged as %q", line, got.text, got.line)
		}
	}
	h.send(t, formOf(otherRefresh, "")).tokens(t)
	for _, query := range []string{"all=yes", "all=TRUE", "all=true&all=true", "all=1", "%"} {
		if got := h.send(t, asking("DELETE /auth/sessions?"+query, access)); got.status != http.StatusBadRequest || got.line != "authn_token_revoke_fail invalid_request" {
			t.Errorf("%s: %s, logged as %q", query, got.text, got.line)
		}
	}
}

// TestSessionsOutage: a store that fails decides nothing, and a lost reply is no success.
func TestSessionsOutage(t *testing.T) {
	for _, line := range []string{"GET /auth/sessions", "DELETE /auth/sessions", "DELETE /auth/sessions?all=true", "PATCH /auth/sessions/$", "DELETE /auth/sessions/$"} {
		for name, fail := range map[string]func(h *harness){
			"the sessions": func(h *harness) { h.sessions.fail = auth.ErrUnavailable },
			"the users":    func(h *harness) { h.users.fail = auth.ErrUnavailable },
			"the writes":   func(h *harness) { h.sessions.lose, h.versions.fail = auth.ErrUnavailable, auth.ErrUnavailable },
		} {
			h := newHarness(t)
			access, refresh := h.login(t)
			fail(h)
			got := h.send(t, asking(strings.Replace(line, "$", h.sid(t, access), 1), access)+`{"label":"x"}`)
			if name == "the writes" && strings.HasPrefix(line, "GET") {
				continue
			}
			if got.text != unavailable || !strings.Contains(got.line, "_fail temporarily_unavailable") {
				t.Errorf("%s, %s: %s, logged as %q", line, name, got.text, got.line)
			}
			h.sessions.fail, h.sessions.lose, h.users.fail, h.versions.fail = nil, nil, nil, nil
			if got := h.send(t, formOf(refresh, "")); name != "the writes" && got.status != http.StatusOK {
				t.Errorf("%s, %s: the session has ended: %s", line, name, got.text)
			}
		}
	}
}

// The user may change between the check and the transaction. The request is decided again, and ends
// nothing if its token is too old by then.
func TestEndsAreDecidedAgain(t *testing.T) {
	for name, row := range map[string]struct {
		between func(h *harness)
		times   int
		want    string
	}{
		"nothing":        {func(*harness) {}, 1, "200 {}"},
		"another device": {func(h *harness) { h.changeUser(t, func(u *user.User) { u.TokenVersion++ }) }, 1, endedToken},
		"the user is locked": {func(h *harness) {
			h.changeUser(t, func(u *user.User) { u.Disabled, u.TokenVersion = true, u.TokenVersion+1 })
		}, 1, endedToken},
		"a role is changed": {func(h *harness) { h.changeUser(t, func(u *user.User) { u.Roles = nil }) }, 1, "200 {}"},
		"refused for ever":  {func(h *harness) { h.versions.refuse = true }, 9, unavailable},
	} {
		h := newHarness(t)
		access, _ := h.login(t)
		times := 0
		h.versions.before = func() {
			if times++; times <= row.times {
				row.between(h)
			}
		}
		if got := h.send(t, asking("DELETE /auth/sessions", access)); got.text != row.want {
			t.Errorf("%s: %s, logged as %q", name, got.text, got.line)
		}
	}
}

// A header other than Authorization identifies no caller, and neither does an invalid token.
func TestSessionsTrustNoHeader(t *testing.T) {
	h := newHarness(t)
	access, _ := h.login(t)
	for _, line := range []string{"GET /auth/sessions", "DELETE /auth/sessions", "PATCH /auth/sessions/x", "DELETE /auth/sessions/x"} {
		for header, want := range map[string]string{
			"X-Edgeauth-Sub: " + string(subject):                                           `Bearer {"error":"invalid_token","error_description":"an access token is required"}`,
			"Sub: " + string(subject):                                                      `Bearer {"error":"invalid_token","error_description":"an access token is required"}`,
			"Authorization: Bearer " + access + "x":                                        `Bearer error="invalid_token" {"error":"invalid_token","error_description":"the access token is not valid, or its session has ended"}`,
			"Authorization: Basic " + access:                                               `Bearer error="invalid_token" {"error":"invalid_token","error_description":"the access token is not valid, or its session has ended"}`,
			"Cookie: __Host-Http-access=" + access[1:] + "\n" + strings.TrimSpace(ownPage): `Bearer error="invalid_token" {"error":"invalid_token","error_description":"the access token is not valid, or its session has ended"}`,
		} {
			got := h.send(t, line+"\nContent-Type: application/json\n"+header+"\nX-Edgeauth-Sid: "+h.sid(t, access)+"\n\n"+`{"label":"x"}`)
			if got.text != "401 Www-Authenticate: "+want {
				t.Errorf("%s with %q: %s", line, header, got.text)
			}
		}
	}
}
