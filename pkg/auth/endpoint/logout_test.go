package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	logoutJSON = "POST /auth/logout\nContent-Type: application/json\n\n"
	logoutForm = "POST /auth/logout\nContent-Type: application/x-www-form-urlencoded\n\n"
	done       = "200 {}"
	noAccess   = `400 {"error":"unsupported_token_type","error_description":"an access token cannot be revoked; send the refresh token","terminal":false}`
)

func TestLogout(t *testing.T) {
	type tokens struct{ access, refresh, other string } // the refresh token of another session
	const open = "session_renewed rotated"
	const over = "session_renew_fail revoked logout"
	for _, row := range []struct {
		name    string
		request func(tokens) string
		want    string
		line    string
		after   string // the outcome of the next refresh
	}{
		{"a form", func(x tokens) string { return logoutForm + "token=" + x.refresh }, done, "authn_token_revoked logged_out", over},
		{"JSON", func(x tokens) string { return logoutJSON + `{"refresh_token":"` + x.refresh + `"}` }, done, "authn_token_revoked logged_out", over},
		{"with a hint", func(x tokens) string { return logoutForm + "token_type_hint=refresh_token&token=" + x.refresh }, done, "authn_token_revoked logged_out", over},
		{"with a wrong hint", func(x tokens) string { return logoutForm + "token_type_hint=access_token&token=" + x.refresh }, done, "authn_token_revoked logged_out", over},
		{"with an unknown hint", func(x tokens) string {
			return logoutJSON + `{"token_type_hint":{"x":1},"refresh_token":"` + x.refresh + `"}`
		}, done, "authn_token_revoked logged_out", over},
		{"its client, named", func(x tokens) string { return logoutForm + "client_id=default&token=" + x.refresh }, done, "authn_token_revoked logged_out", over},
		{"its client, named in JSON", func(x tokens) string {
			return logoutJSON + `{"client_id":"default","refresh_token":"` + x.refresh + `"}`
		}, done, "authn_token_revoked logged_out", over},
		{"another client", func(x tokens) string { return logoutForm + "client_id=web&token=" + x.refresh }, notThis, "authn_token_revoke_fail foreign_client", open},
		{"another session", func(x tokens) string { return logoutForm + "token=" + x.other }, done, "authn_token_revoked logged_out", open},
		{"no token of ours", func(tokens) string { return logoutForm + "token=ert_AAAA" }, done, "authn_token_revoke_fail forged", open},
		{"another system's token", func(tokens) string { return logoutForm + "token=45ghiukldjahdnhzdauz" }, done, "authn_token_revoke_fail forged", open},
		{"as long as a body can be", func(tokens) string { return logoutForm + "token=" + strings.Repeat("A", 8186) }, done, "authn_token_revoke_fail forged", open},
		{"a change of one character", func(x tokens) string {
			return logoutForm + "token=" + strings.Replace(x.refresh, x.refresh[20:21], map[bool]string{true: "B", false: "A"}[x.refresh[20] == 'A'], 1)
		}, done, "authn_token_revoke_fail forged", open},
		{"the access token", func(x tokens) string { return logoutForm + "token=" + x.access }, noAccess, "authn_token_revoke_fail unsupported_token_type", open},
		{"the access token with its hint", func(x tokens) string {
			return logoutForm + "token_type_hint=access_token&token=" + x.access
		}, noAccess, "authn_token_revoke_fail unsupported_token_type", open},
		{"the access token in JSON", func(x tokens) string { return logoutJSON + `{"refresh_token":"` + x.access + `"}` }, noAccess, "authn_token_revoke_fail unsupported_token_type", open},
		{"a stranger's access token", func(tokens) string { return logoutForm + "token=eyJhbGciOiJub25lIn0.e30." }, noAccess, "authn_token_revoke_fail unsupported_token_type", open},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			var x tokens
			x.access, x.refresh = h.login(t)
			_, x.other = h.login(t)
			got := h.send(t, row.request(x))
			if got.text != row.want || got.line != row.line {
				t.Errorf("got  %s, logged as %s\nwant %s, %s", got.text, got.line, row.want, row.line)
			}
			if got := h.send(t, formOf(x.refresh, "")); got.line != row.after {
				t.Errorf("the next refresh: %s, logged as %s", got.text, got.line)
			}
		})
	}
}

// TestLogoutNames: both encodings accept both names of the token, and null means that a parameter
// is absent.
func TestLogoutNames(t *testing.T) {
	for name, request := range map[string]func(refresh string) string{
		"form, token":         func(r string) string { return logoutForm + "token=" + r },
		"form, refresh_token": func(r string) string { return logoutForm + "refresh_token=" + r },
		"form, both":          func(r string) string { return logoutForm + "refresh_token=" + r + "&token=" + r },
		"JSON, token":         func(r string) string { return logoutJSON + `{"token":"` + r + `"}` },
		"JSON, refresh_token": func(r string) string { return logoutJSON + `{"refresh_token":"` + r + `"}` },
		"JSON, null beside it": func(r string) string {
			return logoutJSON + `{"refresh_token":"` + r + `","token":null,"client_id":null}`
		},
		"JSON, token, null beside": func(r string) string { return logoutJSON + `{"refresh_token":null,"token":"` + r + `"}` },
	} {
		h := newHarness(t)
		_, refresh := h.login(t)
		if got := h.send(t, request(refresh)); got.text != "200 {}" {
			t.Errorf("%s: %s", name, got.text)
		}
		if got := h.send(t, refreshJSON+`{"refresh_token":"`+refresh+`"}`); got.status != http.StatusBadRequest {
			t.Errorf("%s: the session lives: %s", name, got.text)
		}
	}
}

// TestLogoutRequestsRefused checks the answers to invalid requests, which do not change the
// session.
func TestLogoutRequestsRefused(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	bad := func(description string) string {
		return `400 {"error":"invalid_request","error_description":"` + description + `","terminal":false}`
	}
	type415 := "415 " + wrongType + ` or application/x-www-form-urlencoded","terminal":false}`
	for _, row := range []struct{ name, request, want string }{
		{"no body", logoutForm, bad("token or refresh_token is required")},
		{"no token", logoutForm + "client_id=default", bad("token or refresh_token is required")},
		{"an empty token", logoutForm + "token=", bad("token or refresh_token is required")},
		{"twice", logoutForm + "token=" + refresh + "&token=" + refresh, bad("a parameter must not be included more than once")},
		{"two tokens", logoutForm + "token=" + refresh + "&refresh_token=x", bad("token and refresh_token differ; send one of them")},
		{"in the query string", "POST /auth/logout?token=" + refresh + "\nContent-Type: application/x-www-form-urlencoded\n\n", bad("token or refresh_token is required")},
		{"JSON: nothing given", logoutJSON + `{}`, bad("token or refresh_token is required")},
		{"JSON: null", logoutJSON + `{"refresh_token":null}`, bad("token or refresh_token is required")},
		{"JSON: two tokens", logoutJSON + `{"refresh_token":"` + refresh + `","token":"x"}`, bad("token and refresh_token differ; send one of them")},
		{"JSON: a token that is a number", logoutJSON + `{"token":1}`, bad("token must be a string")},
		{"JSON: a client that is a number", logoutJSON + `{"refresh_token":"` + refresh + `","client_id":1}`, bad("client_id must be a string")},
		{"JSON: an array", logoutJSON + `[]`, bad("the body must be one JSON object: expected a JSON object (at byte 0)")},
		{"too long", logoutForm + "token=" + strings.Repeat("x", 8192), "413 " + tooLarge + `,"terminal":false}`},
		{"no type", "POST /auth/logout\n\ntoken=" + refresh, type415},
		{"plain text", "POST /auth/logout\nContent-Type: text/plain\n\ntoken=" + refresh, type415},
		{"GET", "GET /auth/logout?token=" + refresh + "\n\n", `405 Allow: POST {"error":"method_not_allowed"}`},
		{"a path below", "POST /auth/logout/all\n\n", `404 {"error":"not_found"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := h.send(t, row.request); got.text != row.want {
				t.Errorf("got  %s\nwant %s", got.text, row.want)
			}
		})
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renewed rotated" {
		t.Errorf("after all of them: %s, %s", got.line, got.text)
	}
}

// TestLogoutInAnyState: every authentic token ends its session, in any state of session and user. A
// second logout gets the same answer.
func TestLogoutInAnyState(t *testing.T) {
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict} {
		h := newHarness(t, func(s *service.Settings) { s.Client.Profile = profile })
		_, first := h.login(t)
		last := first
		for range 3 {
			_, last = h.send(t, formOf(last, "")).tokens(t)
			h.clock.Advance(interval)
		}
		h.changeUser(t, func(u *user.User) { u.Disabled = true })
		for _, row := range []struct{ token, line string }{
			{first, "authn_token_revoked logged_out"},
			{first, "authn_token_revoke_fail revoked logout"},
			{last, "authn_token_revoke_fail revoked logout"},
		} {
			if got := h.send(t, logoutForm+"token="+row.token); got.text != done || got.line != row.line {
				t.Errorf("%v: %s, logged as %s", profile, got.text, got.line)
			}
		}
		h.changeUser(t, func(u *user.User) { u.Disabled = false })
		if got := h.send(t, formOf(last, "")); got.text != ended || got.line != "session_renew_fail revoked logout" {
			t.Errorf("%v: %s, logged as %s", profile, got.text, got.line)
		}
		h.clock.Advance(absolute)
		if got := h.send(t, logoutForm+"token="+last); got.text != done {
			t.Errorf("%v: long after its end: %s", profile, got.text)
		}
	}
}

// TestLogoutDuringFaults: a logout is confirmed only if the store has confirmed it. A retry
// succeeds whether or not the first attempt took effect.
func TestLogoutDuringFaults(t *testing.T) {
	for _, row := range []struct {
		name           string
		fault          func(*harness)
		outcome, after string
	}{
		{"the store refuses for load", func(h *harness) { h.sessions.fail = session.ErrThrottled }, "throttled", "authn_token_revoked logged_out"},
		{"the store does not answer", func(h *harness) { h.sessions.fail = auth.ErrUnavailable }, "error", "authn_token_revoked logged_out"},
		{"the store fails otherwise", func(h *harness) { h.sessions.fail = errors.New("table edgeauth-sessions") }, "error", "authn_token_revoked logged_out"},
		{"the store's reply is lost", func(h *harness) { h.sessions.lose = auth.ErrUnavailable }, "error", "authn_token_revoke_fail revoked logout"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t)
			_, refresh := h.login(t)
			row.fault(h)
			got := h.send(t, logoutForm+"token="+refresh)
			if got.text != notNow || got.line != "authn_token_revoke_fail "+row.outcome || !strings.Contains(h.log.String(), `"level":"ERROR"`) {
				t.Errorf("%s, logged as %s", got.text, h.log.String())
			}
			h.sessions.fail, h.sessions.lose = nil, nil
			if got := h.send(t, logoutForm+"token="+refresh); got.text != done || got.line != row.after {
				t.Errorf("afterwards: %s, logged as %s", got.text, got.line)
			}
		})
	}
}

// TestLogoutNeedsNoSigningKey: logout works while the signing keys are unavailable.
func TestLogoutNeedsNoSigningKey(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	h.users.fail, h.signing.fail = auth.ErrUnavailable, auth.ErrUnavailable
	if got := h.send(t, logoutForm+"token="+refresh); got.text != done || got.line != "authn_token_revoked logged_out" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}

// unknownKeys are refresh-token keys that cannot be read at the moment.
type unknownKeys struct{ session.Keys }

func (unknownKeys) RefreshTokenKey(context.Context, uint16) (auth.RefreshTokenKey, error) {
	return auth.RefreshTokenKey{}, auth.ErrUnavailable
}

// TestLogoutWithoutItsKeys: a token that cannot be checked at the moment is not treated as forged.
// A 200 would leave it valid.
func TestLogoutWithoutItsKeys(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	sessions, err := session.NewManager(session.Config{
		Store: h.settings.Stores.Sessions, Subjects: &user.Directory{Store: h.settings.Stores.Users}, Keys: unknownKeys{},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.replace(t, "/auth/logout")(endpoint.Sessions(endpoint.SessionsConfig{Sessions: sessions, Access: h.AccessTokens(), Log: &h.log, Now: h.clock.Now}))
	if got := h.send(t, logoutForm+"token="+refresh); got.text != notNow || got.line != "authn_token_revoke_fail error" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}

// TestLogoutRefusesOtherKinds: a token of another kind under the same keys ends no session.
func TestLogoutRefusesOtherKinds(t *testing.T) {
	h := newHarness(t)
	got := h.send(t, loginJSON+credentials)
	_, refresh := got.tokens(t)
	_, device, _ := strings.Cut(got.body, `"device_token":"`)
	device, _, _ = strings.Cut(device, `"`)
	if got := h.send(t, logoutForm+"token="+device); device == "" || got.text != done || got.line != "authn_token_revoke_fail forged" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renewed rotated" {
		t.Errorf("%s, logged as %s", got.text, got.line)
	}
}

// TestLogoutWithoutALog: a nil log is allowed.
func TestLogoutWithoutALog(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	h.clock.Advance(time.Second)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/auth/logout", strings.NewReader("token="+refresh))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.replace(t, "/auth/logout")(endpoint.Sessions(endpoint.SessionsConfig{Sessions: h.Sessions(), Access: h.AccessTokens()}))
	h.handlers["/auth/logout"].ServeHTTP(w, r)
	if w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
}

// TestLogoutLine: the audit line has the session and its client, and no token.
func TestLogoutLine(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
	h.send(t, "POST /auth/logout\nContent-Type: application/x-www-form-urlencoded\nX-Request-Id: r1\n\ntoken="+refresh)
	for _, part := range []string{`"request_id":"r1"`, `"sub":"` + string(subject) + `"`, `"client_id":"default"`,
		`"sid":"` + h.claims(t, access).SessionID + `"`, `"level":"INFO"`} {
		if !strings.Contains(h.log.String(), part) {
			t.Errorf("%s is not in %s", part, &h.log)
		}
	}
}

// A logout after a step-up ends the replaced session too, and each has a line.
func TestLogoutEndsTheReplacedSession(t *testing.T) {
	h := newHarness(t)
	access, refresh := h.login(t)
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
	got := h.send(t, logoutForm+"token="+g.RefreshToken.Reveal())
	if got.text != "200 {}" || got.line != "authn_token_revoked logged_out, authn_token_revoked ended step_up" || !strings.Contains(h.log.String(), id.String()) {
		t.Errorf("%s, logged as %q: %s", got.text, got.line, &h.log)
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renew_fail revoked step_up" {
		t.Errorf("the replaced session: %s", got.line)
	}
}
