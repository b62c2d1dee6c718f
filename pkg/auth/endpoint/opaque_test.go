package endpoint_test

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"
)

var anySecret = regexp.MustCompile(`eyJ|[a-z]{3}_[A-Za-z0-9_-]{20}|token"|token_type|expires_in":9`)

var deviceToken = regexp.MustCompile(`"device_token":"[^"]*"`)

// TestSessionCookie follows an opaque session from its login to its logout: it has one cookie, no
// body has a token, and each new proof of the user opens another session.
func TestSessionCookie(t *testing.T) {
	for remember, want := range map[string]string{"true": "; Max-Age=604800; SameSite=Lax", "false": "; SameSite=Lax"} {
		t.Run("remember "+remember, func(t *testing.T) {
			h, j := newHarness(t), jar{}
			ids := map[string]bool{}
			check := func(what string, a answer, set map[string]string) {
				t.Helper()
				if a.status != 200 || anySecret.MatchString(deviceToken.ReplaceAllString(a.body, "")) || !strings.Contains(a.body, `"delivery":"session"`) ||
					strings.Contains(a.body, `"expires_in"`) || strings.Contains(a.body, `"store_within"`) {
					t.Errorf("%s: %s", what, a.text)
				}
				if set["session"] != want || j["refresh"] != "" || j["access"] != "" || !strings.HasPrefix(j["session"], "ess_") {
					t.Errorf("%s: the cookies %v have %v, want %q", what, j, set, want)
				}
				sid := regexp.MustCompile(`"sid":"([^"]*)"`).FindString(a.body)
				if ids[sid] || sid == "" {
					t.Errorf("%s: the session %s again", what, sid)
				}
				ids[sid] = true
			}
			list := func() string {
				t.Helper()
				a := h.send(t, "GET /auth/sessions\n"+j.line()+"\n")
				if a.status != 200 || strings.Count(a.body, `"current":true`) != 1 || !strings.Contains(a.body, `"kind":"session"`) {
					t.Errorf("list: %s", a.text)
				}
				return a.body
			}
			a, set := h.page(t, j, "/auth/login", loginWith(`"device_delivery":"cookie","delivery":"session","remember":`+remember))
			check("login", a, set)
			list()
			// The cookie of a login request is not reused.
			planted := j["session"]
			a, set = h.page(t, j, "/auth/login", loginWith(`"device_delivery":"cookie","delivery":"session","remember":`+remember))
			check("a second login", a, set)
			if j["session"] == planted {
				t.Error("the login adopted the cookie of the request")
			}
			h.clock.Advance(time.Hour)
			before := maps.Clone(j)
			a, set = h.page(t, j, "/auth/reauth", reauthBody)
			check("step-up", a, set)
			list()
			// The browser did not get the answer, so the list still shows the session of its
			// cookie.
			j, before = before, j
			list()
			j = before
			a, set = h.page(t, j, "/auth/password", changeBody(secret, nextSecret))
			check("password", a, set)
			if got := list(); strings.Count(got, `"current"`) != 1 {
				t.Errorf("after a change of the password: %s", got)
			}
			a, _ = h.page(t, j, "/auth/refresh", `{}`)
			if a.status != 400 || !strings.Contains(a.body, `"error":"invalid_request"`) || !strings.Contains(a.body, `"terminal":false`) || j["session"] == "" {
				t.Errorf("refresh: %s", a.text)
			}
			last := j["session"]
			a, _ = h.page(t, j, "/auth/logout", `{}`)
			if a.text[:4] != "200 " || a.body != "{}" || j["session"] != "" || a.line != "authn_token_revoked logged_out" {
				t.Errorf("logout: %s, logged as %s; the jar has %v", a.text, a.line, j)
			}
			if a := h.send(t, "GET /auth/sessions\nCookie: __Host-Http-session="+last+"\n\n"); a.status != 401 || !strings.HasSuffix(a.line, "revoked") {
				t.Errorf("after the logout: %s, logged as %s", a.text, a.line)
			}
		})
	}
}

// TestSessionCookieRules sends the cookie with other tokens, from other pages, and malformed.
func TestSessionCookieRules(t *testing.T) {
	h, j, other := newHarness(t), jar{}, jar{}
	h.page(t, j, "/auth/login", loginWith(`"delivery":"session"`))
	h.page(t, other, "/auth/login", loginWith(`"delivery":"cookies"`))
	access, refresh := h.login(t)
	own := j.line()
	const sessions = "/auth/sessions\n"
	const logoutPage = "POST /auth/logout\nContent-Type: application/json\n"
	for name, row := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"a bearer token too":          {"GET " + sessions + own + "Authorization: Bearer " + access + "\n\n", 400, "invalid_request"},
		"an access cookie too":        {"GET " + sessions + strings.TrimSuffix(own, "\n") + "; __Host-Http-access=" + other["access"] + "\n\n", 400, "invalid_request"},
		"twice":                       {"GET " + sessions + strings.TrimSuffix(own, "\n") + "; __Host-Http-session=" + j["session"] + "\n\n", 400, "invalid_request"},
		"junk":                        {"GET " + sessions + "Cookie: __Host-Http-session=ess_junk\n\n", 401, "invalid_token"},
		"oversize":                    {"GET " + sessions + "Cookie: __Host-Http-session=" + strings.Repeat("x", 7000) + "\n\n", 401, "invalid_token"},
		"quoted":                      {"GET " + sessions + "Cookie: __Host-Http-session=\"" + j["session"] + "\"\n\n", 401, "invalid_token"},
		"an access token in it":       {"GET " + sessions + "Cookie: __Host-Http-session=" + access + "\n\n", 401, "invalid_token"},
		"a refresh token in it":       {"GET " + sessions + "Cookie: __Host-Http-session=" + refresh + "\n\n", 401, "invalid_token"},
		"it as a bearer token":        {"GET " + sessions + "Authorization: Bearer " + j["session"] + "\n\n", 401, "invalid_token"},
		"it as an access cookie":      {"GET " + sessions + "Cookie: __Host-Http-access=" + j["session"] + "\n\n", 401, "invalid_token"},
		"it as a refresh token":       {"POST /auth/refresh\nContent-Type: application/json\n\n" + `{"refresh_token":"` + j["session"] + `"}`, 400, "invalid_grant"},
		"a cross-site read":           {"GET " + sessions + own + "Sec-Fetch-Site: cross-site\n\n", 200, ""},
		"a cross-site write":          {"DELETE " + sessions + own + "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n\n", 403, "origin_not_allowed"},
		"a write of the same site":    {"DELETE " + sessions + own + "Sec-Fetch-Site: same-site\nOrigin: https://other.example.com\n\n", 403, "origin_not_allowed"},
		"a cross-site logout":         {logoutPage + own + "Sec-Fetch-Site: cross-site\n\n{}", 403, "origin_not_allowed"},
		"a logout without an origin":  {logoutPage + own + "\n{}", 403, "origin_not_allowed"},
		"a logout with another token": {logoutPage + ownPage + own + "\n" + `{"token":"` + refresh + `"}`, 400, "invalid_request"},
		"a cross-site login":          {"POST /auth/login\nContent-Type: application/json\nSec-Fetch-Site: cross-site\n\n" + loginWith(`"delivery":"session"`), 403, "origin_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.send(t, row.request)
			if a.status != row.status || row.code != "" && !strings.Contains(a.body, `"error":"`+row.code+`"`) {
				t.Errorf("%s", a.text)
			}
		})
	}
	if a := h.send(t, "GET "+sessions+own+"\n"); a.status != 200 {
		t.Errorf("afterwards: %s", a.text)
	}
}

// TestLogoutOfTwoCookies: a late answer of an earlier session can set its refresh cookie in
// addition to the session cookie. The user must still be able to log out, of both sessions.
func TestLogoutOfTwoCookies(t *testing.T) {
	h, j, late := newHarness(t), jar{}, jar{}
	h.page(t, j, "/auth/login", loginWith(`"delivery":"session"`))
	h.page(t, late, "/auth/login", loginWith(`"delivery":"cookies"`))
	j["refresh"], j["access"] = late["refresh"], late["access"]
	opaque := "Cookie: __Host-Http-session=" + j["session"] + "\n"
	if a, _ := h.page(t, j, "/auth/logout", `{}`); a.status != 200 || j["session"]+j["refresh"]+j["access"] != "" {
		t.Errorf("logout: %s; the jar has %v", a.text, j)
	}
	if a := h.send(t, "GET /auth/sessions\n"+opaque+"\n"); a.status != 401 {
		t.Errorf("the session cookie afterwards: %s", a.text)
	}
	if a, _ := h.page(t, jar{"refresh": late["refresh"]}, "/auth/refresh", `{}`); a.status != 400 || !strings.Contains(a.body, `"terminal":true`) {
		t.Errorf("the refresh cookie afterwards: %s", a.text)
	}
}
