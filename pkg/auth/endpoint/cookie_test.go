package endpoint_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// jar is a browser's cookies, by name. Scripts of the page see none of them.
type jar map[string]string

// line returns the header of a request, or "" if the jar is empty.
func (j jar) line() string {
	var pairs []string
	for _, name := range []string{"access", "device", "refresh", "session"} {
		if value := j[name]; value != "" {
			pairs = append(pairs, "__Host-Http-"+name+"="+value)
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	return "Cookie: " + strings.Join(pairs, "; ") + "\n"
}

// keep stores the cookies of an answer as a browser does, and returns their attributes by name.
func (j jar) keep(t testing.TB, a answer) map[string]string {
	t.Helper()
	attributes := map[string]string{}
	for _, line := range a.cookies {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		name, ours := strings.CutPrefix(c.Name, "__Host-Http-")
		if !ours || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			t.Errorf("a browser refuses or shows %s", line)
		}
		_, attributes[name], _ = strings.Cut(line, "; Path=/")
		attributes[name] = strings.Replace(attributes[name], "; HttpOnly; Secure", "", 1)
		if c.MaxAge < 0 {
			delete(j, name)
		} else {
			j[name] = c.Value
		}
	}
	return attributes
}

// page sends a request of the API's own page with the cookies of the jar, and keeps the cookies of
// the answer.
func (h *harness) page(t testing.TB, j jar, path, body string) (answer, map[string]string) {
	t.Helper()
	a := h.send(t, "POST "+path+"\nContent-Type: application/json\n"+ownPage+j.line()+"\n"+body)
	return a, j.keep(t, a)
}

func loginWith(members string) string {
	return strings.TrimSuffix(credentials, "}") + "," + members + "}"
}

var anyToken = regexp.MustCompile(`eyJ|ert_|_token"|token_type`)

// TestCookies follows a session with both tokens in cookies from its login to its logout: no body
// has a token, and the cookies have the attributes of the session.
func TestCookies(t *testing.T) {
	for _, row := range []struct {
		remember, refresh, access string
	}{
		{"true", "; Max-Age=1209600; SameSite=Strict", `^; Max-Age=8\d\d; SameSite=Lax$`},
		{"false", "; SameSite=Strict", `^; SameSite=Lax$`},
	} {
		t.Run("remember "+row.remember, func(t *testing.T) {
			h, j := newHarness(t), jar{}
			check := func(what string, a answer, set map[string]string, rotated bool) {
				t.Helper()
				if a.status != 200 || anyToken.MatchString(strings.ReplaceAll(a.body, `"device_token"`, "")) || !strings.Contains(a.body, `"delivery":"cookies"`) ||
					!strings.Contains(a.body, `"sid":"`) || !strings.Contains(a.body, `"expires_in":`) {
					t.Errorf("%s: %s", what, a.text)
				}
				if !regexp.MustCompile(row.access).MatchString(set["access"]) {
					t.Errorf("%s: the access cookie has %q", what, set["access"])
				}
				if want := map[bool]string{true: row.refresh}[rotated]; set["refresh"] != want {
					t.Errorf("%s: the refresh cookie has %q, want %q", what, set["refresh"], want)
				}
			}
			a, set := h.page(t, j, "/auth/login", loginWith(`"device_delivery":"cookie","delivery":"cookies","remember":`+row.remember))
			check("login", a, set, true)
			if set["device"] != "; Max-Age=15552000; SameSite=Strict" {
				t.Errorf("the device cookie has %q", set["device"])
			}
			h.clock.Advance(time.Hour)
			was := j["refresh"]
			a, set = h.page(t, j, "/auth/refresh", `{}`)
			check("refresh", a, set, true)
			if j["refresh"] == was || a.line != "session_renewed rotated" {
				t.Errorf("not rotated: %s", a.line)
			}
			h.clock.Advance(time.Second)
			a, set = h.page(t, j, "/auth/refresh", `{}`)
			check("a refresh soon after", a, set, false)
			a, set = h.page(t, j, "/auth/reauth", reauthBody)
			check("step-up", a, set, true)
			a, set = h.page(t, j, "/auth/password", changeBody(secret, nextSecret))
			check("password", a, set, true)
			if got := h.send(t, "GET /auth/sessions\n"+j.line()+"\n"); got.status != 200 || strings.Count(got.body, `"current":true`) != 1 {
				t.Errorf("list: %s", got.text)
			}
			device := j["device"]
			a, _ = h.page(t, j, "/auth/logout", `{}`)
			if a.text[:4] != "200 " || a.body != "{}" || len(j) != 1 || j["device"] != device || device == "" || a.line != "authn_token_revoked logged_out" {
				t.Errorf("logout: %s, logged as %s; the jar has %v", a.text, a.line, j)
			}
		})
	}
}

// TestRefreshCookie: with the delivery cookie, the access token is in the body, and the refresh
// token never is.
func TestRefreshCookie(t *testing.T) {
	h, j := newHarness(t), jar{}
	a, set := h.page(t, j, "/auth/login", loginWith(`"delivery":"cookie"`))
	for range 3 {
		if a.status != 200 || strings.Contains(a.text, `"refresh_token"`) || !strings.Contains(a.body, `"access_token":"eyJ`) || set["access"] != "" || j["access"] != "" ||
			!strings.Contains(a.body, `"delivery":"cookie"`) {
			t.Fatal(a.text)
		}
		h.clock.Advance(time.Hour)
		a, set = h.page(t, j, "/auth/refresh", `{"client_id":"default"}`)
	}
	access, _ := a.tokens(t)
	// The answer follows the session's delivery, even for a request with the token in the header.
	// It sets a cookie, so a page of another site must not cause it.
	for _, request := range []string{withBearer(access, changeBody(secret, nextSecret)), reauthOf(access, reauthBody)} {
		if got := h.send(t, request); got.status != 403 || !strings.Contains(got.body, "origin_not_allowed") {
			t.Error(got.text)
		}
	}
	got := h.send(t, inHead(reauthOf(access, strings.Replace(reauthBody, "{", `{"delivery":"cookie",`, 1)), ownPage))
	if set := (jar{}).keep(t, got); got.status != 200 || set["refresh"] == "" || strings.Contains(got.body, `"refresh_token"`) {
		t.Error(got.text)
	}
	access, _ = got.tokens(t)
	if got := h.send(t, inHead(reauthOf(access, strings.Replace(reauthBody, "{", `{"delivery":"body",`, 1)), ownPage)); got.text != invalid("delivery must be the session's, or absent") {
		t.Error(got.text)
	}
}

// TestCookiesRefused sends requests that must be refused. No token is rotated: the session of the
// jar continues afterwards.
func TestCookiesRefused(t *testing.T) {
	const listed = "https://app.example.com"
	h := newHarness(t, func(s *service.Settings) {
		s.Origins = []string{listed}
		s.Client.Profile = auth.Strict // detects a repeated refresh
	})
	j := jar{}
	first, _ := h.page(t, j, "/auth/login", loginWith(`"delivery":"cookies"`))
	own := sidOf(first)
	body := h.send(t, loginJSON+loginWith(`"device_delivery":"body"`))
	access, refresh := body.tokens(t)
	device := between(t, body.body, `"device_token":"`, `"`)
	h.clock.Advance(time.Hour)
	const (
		elsewhere  = "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n"
		sameSite   = "Sec-Fetch-Site: same-site\nOrigin: https://other.example.com\n"
		notOurs    = `403 {"error":"origin_not_allowed","error_description":"a request that sends or requests the cookie __Host-Http-refresh must come from the API's own origin or a configured one","terminal":false}`
		twice      = "the cookie __Host-Http-refresh must not be sent more than once"
		differ     = "the body and the cookie __Host-Http-refresh have different refresh tokens; send one of them"
		otherwise  = "the refresh token must be sent as it was delivered: in its cookie, or in the body"
		terminal   = `400 {"error":"invalid_grant","error_description":"the refresh token is not valid, or its session has ended","terminal":true}`
		noToken    = `400 {"error":"invalid_grant","error_description":"the request has neither the cookie nor a refresh_token","terminal":true}`
		cookieName = "Cookie: __Host-Http-refresh="
	)
	bad := func(description string) string {
		return strings.TrimSuffix(invalid(description), "}") + `,"terminal":false}`
	}
	for _, row := range []struct{ name, headers, body, want, sid string }{
		{"another site", elsewhere + cookieName + j["refresh"] + "\n", `{}`, notOurs, ""},
		{"another origin of the site", sameSite + cookieName + j["refresh"] + "\n", `{}`, notOurs, ""},
		{"a program", cookieName + j["refresh"] + "\n", `{}`, notOurs, ""},
		{"another site, and the token in the body too", elsewhere + cookieName + j["refresh"] + "\n", `{"refresh_token":"` + j["refresh"] + `"}`, notOurs, ""},
		{"two cookies", ownPage + cookieName + j["refresh"] + "; __Host-Http-refresh=x\n", `{}`, bad(twice), ""},
		{"two equal cookies", ownPage + cookieName + j["refresh"] + "; __Host-Http-refresh=" + j["refresh"] + "\n", `{}`, bad(twice), ""},
		{"two lines of cookies", ownPage + cookieName + j["refresh"] + "\nCookie: __Host-Http-refresh=" + refresh + "\n", `{}`, bad(twice), ""},
		{"the body has another token", ownPage + cookieName + j["refresh"] + "\n", `{"refresh_token":"` + refresh + `"}`, bad(differ), ""},
		{"the token of the cookie in the body", ownPage, `{"refresh_token":"` + j["refresh"] + `"}`, bad(otherwise), own},
		{"the token of a body in the cookie", ownPage + cookieName + refresh + "\n", `{}`, bad(otherwise), sidOf(body)},
		{"an access token in the cookie", ownPage + cookieName + access + "\n", `{}`, terminal, ""},
		{"a device token in the cookie", ownPage + cookieName + device + "\n", `{}`, terminal, ""},
		{"the access cookie alone", ownPage + "Cookie: __Host-Http-access=" + j["refresh"] + "\n", `{}`, noToken, ""},
		{"a malformed cookie", ownPage + cookieName + "\"a,b\" \\\n", `{}`, terminal, ""},
		{"an oversize cookie", ownPage + cookieName + strings.Repeat("x", 9000) + "\n", `{}`, terminal, ""},
		{"an empty cookie", ownPage + cookieName + "\n", `{}`, noToken, ""},
		{"no cookie, from our page", ownPage, `{}`, noToken, ""},
		{"no cookie, from a listed origin", "Origin: " + listed + "\n", `{}`, noToken, ""},
		{"no cookie, from a program", "", `{}`, bad("refresh_token is required"), ""},
		{"a name in another case", ownPage + "Cookie: __host-http-refresh=" + j["refresh"] + "\n", `{}`, noToken, ""},
		{"another client", ownPage + cookieName + j["refresh"] + "\n", `{"client_id":"web"}`,
			`400 {"error":"invalid_grant","error_description":"the refresh token was issued to another client","terminal":false}`, own},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := h.send(t, "POST /auth/refresh\nContent-Type: application/json\n"+row.headers+"\n"+row.body)
			if got.text != row.want || got.sid != row.sid {
				t.Errorf("got  %s of %q\nwant %s of %q", got.text, got.sid, row.want, row.sid)
			}
		})
	}
	if a, _ := h.page(t, j, "/auth/refresh", `{"refresh_token":"`+j["refresh"]+`"}`); a.status != 200 || a.line != "session_renewed rotated" {
		t.Errorf("the session of the jar: %s, logged as %s", a.text, a.line)
	}
	if a := h.send(t, "POST /auth/refresh\nContent-Type: application/json\nOrigin: "+listed+"\n"+j.line()+"\n{}"); a.status != 200 {
		t.Errorf("a server that sends its own listed origin: %s", a.text)
	}
	if a := h.send(t, refreshJSON+`{"refresh_token":"`+refresh+`"}`); a.status != 200 || len(a.cookies) > 0 {
		t.Errorf("the session of the body: %s", a.text)
	}
}

func sidOf(a answer) string {
	_, sid, _ := strings.Cut(a.body, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	return sid
}

// TestLogoutByCookie: every 200 removes the cookies, and no other answer does.
func TestLogoutByCookie(t *testing.T) {
	h, j := newHarness(t), jar{}
	h.page(t, j, "/auth/login", loginWith(`"delivery":"cookies"`))
	_, refresh := h.login(t)
	logout := func(headers, body string) answer {
		return h.send(t, "POST /auth/logout\nContent-Type: application/json\n"+headers+"\n"+body)
	}
	for _, row := range []struct {
		name, headers, body string
		status              int
		line                string
		clears              bool
	}{
		{"another site", "Sec-Fetch-Site: cross-site\n" + j.line(), `{}`, 403, "authn_token_revoke_fail origin_not_allowed", false},
		{"another token in the body", ownPage + j.line(), `{"token":"` + refresh + `"}`, 400, "authn_token_revoke_fail invalid_request", false},
		{"another client", ownPage + j.line(), `{"client_id":"web"}`, 400, "authn_token_revoke_fail foreign_client", false},
		{"nothing, from a program", "", `{}`, 400, "authn_token_revoke_fail invalid_request", false},
		{"a token that is not authentic", ownPage + "Cookie: __Host-Http-refresh=ert_x\n", `{}`, 200, "authn_token_revoke_fail forged", true},
		{"an access token in the cookie", ownPage + "Cookie: __Host-Http-refresh=" + j["access"] + "\n", `{}`, 200, "authn_token_revoke_fail forged", true},
		{"no cookie any more", ownPage, `{}`, 200, "authn_token_revoke_fail missing", true},
		{"a token in the body", ownPage, `{"refresh_token":"` + refresh + `"}`, 200, "authn_token_revoked logged_out", false},
		{"the cookie", ownPage + j.line(), `{}`, 200, "authn_token_revoked logged_out", true},
		{"again", ownPage + j.line(), `{}`, 200, "authn_token_revoke_fail revoked logout", true},
	} {
		got := logout(row.headers, row.body)
		cleared := jar{"access": "a", "refresh": "b", "session": "c", "device": "d"}
		cleared.keep(t, got)
		if got.status != row.status || got.line != row.line || row.clears != (len(cleared) == 1 && cleared["device"] == "d") || !row.clears && len(got.cookies) > 0 {
			t.Errorf("%s: %s, logged as %s", row.name, got.text, got.line)
		}
	}
	h.sessions.fail = auth.ErrUnavailable
	if got := logout(ownPage+j.line(), `{}`); got.status != 503 || len(got.cookies) > 0 {
		t.Errorf("while the store does not answer: %s", got.text)
	}
}

// TestAccessCookie: the routes with an access token take it from the cookie, and refuse two
// different access tokens. The cross-site rule applies to unsafe methods, and to scripts that read
// by CORS.
func TestAccessCookie(t *testing.T) {
	h, j := newHarness(t), jar{}
	h.page(t, j, "/auth/login", loginWith(`"delivery":"cookies"`))
	other, _ := h.login(t)
	const two = "the header Authorization and the cookie __Host-Http-access have different access tokens; send one of them"
	const site = "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n"
	for _, row := range []struct {
		name, request string
		status        int
		tells         string
	}{
		{"a safe method without the headers of a browser", "GET /auth/sessions\n$cookie", 200, ""},
		{"a link from another site", "GET /auth/sessions\nSec-Fetch-Site: cross-site\n$cookie", 200, ""},
		{"a script of another site reads", "GET /auth/sessions\n" + site + "$cookie", 403, "origin_not_allowed"},
		{"an unsafe one of another site", "DELETE /auth/sessions\n" + site + "$cookie", 403, "origin_not_allowed"},
		{"an unsafe one without the headers of a browser", "DELETE /auth/sessions/x\n$cookie", 403, "origin_not_allowed"},
		{"a label of another origin of the site", "PATCH /auth/sessions/x\nContent-Type: application/json\nSec-Fetch-Site: same-site\n$cookie", 403, "origin_not_allowed"},
		{"an unsafe one of our page", "DELETE /auth/sessions/AAAAAAAAAAAAAAAAAAAAAA\n" + ownPage + "$cookie", 404, "no such session"},
		{"two tokens", "GET /auth/sessions\nAuthorization: Bearer " + other + "\n$cookie", 400, two},
		{"the same token twice", "GET /auth/sessions\nAuthorization: Bearer " + j["access"] + "\n$cookie", 200, ""},
		{"two cookies", "GET /auth/sessions\n$cookieCookie: __Host-Http-access=" + other + "\n", 400, "more than once"},
		{"two tokens at the change of the password", "POST /auth/password\nContent-Type: application/json\n" + ownPage + "Authorization: Bearer " + other + "\n$cookie", 400, two},
		{"two tokens at a step-up", "POST /auth/reauth\nContent-Type: application/json\n" + ownPage + "Authorization: Bearer " + other + "\n$cookie", 400, two},
		{"a step-up of another site", "POST /auth/reauth\nContent-Type: application/json\n" + site + "$cookie", 403, "origin_not_allowed"},
		{"the refresh token in the cookie", "GET /auth/sessions\nCookie: __Host-Http-access=" + j["refresh"] + "\n", 401, "invalid_token"},
	} {
		body := map[string]string{"POST /auth/password": changeBody(secret, nextSecret), "POST /auth/reauth": reauthBody, "PATCH /auth/sessions/x": `{"label":"x"}`}
		line, _, _ := strings.Cut(row.request, "\n")
		got := h.send(t, strings.ReplaceAll(row.request, "$cookie", "Cookie: __Host-Http-access="+j["access"]+"\n")+"\n"+body[line])
		if got.status != row.status || !strings.Contains(got.body, row.tells) {
			t.Errorf("%s: %s", row.name, got.text)
		}
	}
}

// TestLoginAsksForCookies: the client's configuration says what a login may ask for, and the
// cross-site rule which page may ask. In one jar, a new session replaces an earlier session.
func TestLoginAsksForCookies(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) {
		only := s.Client
		only.ID, only.Delivery = "web", []auth.Delivery{auth.DeliveryCookies, auth.DeliveryCookie}
		s.Clients = append(s.Clients, only)
	})
	for _, row := range []struct{ name, headers, body, want string }{
		{"a delivery that the client does not allow", ownPage, loginWith(`"client_id":"web","delivery":"body"`), invalid("delivery must be cookies or cookie for this client")},
		{"a program that needs cookies by default", "", loginWith(`"client_id":"web"`),
			`403 {"error":"origin_not_allowed","error_description":"a request that asks for tokens in cookies must come from the API's own origin or a configured one"}`},
		{"a page of another site", "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n", loginWith(`"delivery":"cookie"`),
			`403 {"error":"origin_not_allowed","error_description":"a request that asks for tokens in cookies must come from the API's own origin or a configured one"}`},
	} {
		if got := h.send(t, loginFrom(row.headers, row.body)); got.text != row.want || len(got.cookies) > 0 {
			t.Errorf("%s: %s", row.name, got.text)
		}
	}
	j := jar{}
	if a, _ := h.page(t, j, "/auth/login", loginWith(`"client_id":"web"`)); a.status != 200 || j["access"] == "" {
		t.Fatal(a.text)
	}
	if a, _ := h.page(t, j, "/auth/login", loginWith(`"delivery":"cookie"`)); a.status != 200 || j["access"] != "" || j["refresh"] == "" {
		t.Errorf("the access token of the earlier session is still there: %s", a.text)
	}
}

// TestAccessTokenTooLongForACookie: an access token that a browser would drop is a fault of the
// configuration. The audit line names it, and no session is written.
func TestAccessTokenTooLongForACookie(t *testing.T) {
	h, j := newHarness(t), jar{}
	h.page(t, j, "/auth/login", loginWith(`"delivery":"cookies"`))
	h.clock.Advance(time.Hour)
	h.changeUser(t, func(u *user.User) { u.Claims = map[string]any{"own": strings.Repeat("x", 4000)} })
	const tells = `the cookie __Host-Http-access would have `
	before := h.sessions.created.Load()
	for path, body := range map[string]string{"/auth/login": loginWith(`"delivery":"cookies"`), "/auth/refresh": `{}`} {
		if a, set := h.page(t, j, path, body); a.status != 500 || len(set) > 0 || !strings.Contains(h.log.String(), tells) {
			t.Errorf("%s: %s, logged as %s", path, a.text, &h.log)
		}
	}
	if h.sessions.created.Load() != before {
		t.Error("a session was written that could never be used")
	}
	if a, _ := h.page(t, jar{}, "/auth/login", loginWith(`"delivery":"cookie"`)); a.status != 200 {
		t.Errorf("in the body: %s", a.text)
	}
}
