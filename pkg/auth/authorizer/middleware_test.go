package authorizer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// challengeParts finds the error code and the max_age of a challenge.
var challengeParts = regexp.MustCompile(`^Bearer error="(\w+)"(?:, max_age="(\d+)")?`)

func TestMiddleware(t *testing.T) {
	authority := newAuthority(t)
	good, old := tokenAt(authority, now), tokenAt(authority, now.Add(-time.Hour))
	replace := strings.NewReplacer("$good", good, "$old", old)
	plain := func(*authorizer.Config) {}
	rules := func(c *authorizer.Config) {
		c.Rules = []authorizer.Rule{
			{Route: "GET /reports", Scopes: []string{"read", "export"}}, {Route: "GET /admin", Roles: []string{"root"}},
			{Route: "POST /pay", MaxAuthAge: 15 * time.Minute}, {Route: "GET /files/*"}, {Route: "GET /users/{id}"},
		}
	}
	places := func(c *authorizer.Config) {
		c.TokenSources = []string{"header:authorization", "cookie:__Host-Http-access", "subprotocol:access_token", "query:t"}
	}
	down := func(c *authorizer.Config) { c.Verifier = failing{auth.ErrUnavailable} }
	flat := func(c *authorizer.Config) {
		c.ContextClaims = []string{"a"}
		h := someone
		h.Own = ownClaims(`{"a":{}}`)
		c.Verifier = h
	}
	for _, row := range []struct {
		name            string
		of              func(*authorizer.Config)
		request, header string
		status          int
		challenge       string
		reason          string
	}{
		{"good", plain, "GET /me", "Authorization: Bearer $good", 200, "", "ok"},
		{"no token", plain, "GET /me", "", 401, `Bearer`, "no_token"},
		{"another scheme", plain, "GET /me", "Authorization: Basic x", 401, `Bearer`, "not_bearer"},
		{"old", plain, "GET /me", "Authorization: Bearer $old", 401, `Bearer error="invalid_token"`, "expired"},
		{"no token behind the scheme", plain, "GET /me", "Authorization: Bearer", 400, `Bearer error="invalid_request"`, "malformed_header"},
		{"two headers", plain, "GET /me", "Authorization: Bearer $good\nAuthorization: Bearer $old", 400, `Bearer error="invalid_request"`, "several_tokens"},
		{"keys out of reach", down, "GET /me", "Authorization: Bearer $good", 503, "", "keys_unavailable"},
		{"a claim that is not flat", flat, "GET /me", "Authorization: Bearer $good", 500, "", "context_unwritable"},

		{"too narrow a scope", rules, "GET /reports", "Authorization: Bearer $good", 403, `Bearer error="insufficient_scope", scope="read export"`, "insufficient_scope"},
		{"no role", rules, "GET /admin", "Authorization: Bearer $good", 403, "", "missing_role"},
		{"an old login", rules, "POST /pay", "Authorization: Bearer $good", 401, `Bearer error="insufficient_user_authentication", max_age="900"`, "stale_login"},
		{"no rule", rules, "GET /me", "Authorization: Bearer $good", 403, "", "unlisted_route"},
		{"below", rules, "GET /files/a/b", "Authorization: Bearer $good", 200, "", "ok"},
		{"below, out of it", rules, "GET /files/%2e%2e/admin", "Authorization: Bearer $good", 403, "", "ambiguous_path"},
		{"below, another alphabet", rules, "GET /files/caf%C3%A9", "Authorization: Bearer $good", 200, "", "ok"},
		{"below, an unnecessary escape", rules, "GET /%66iles/a", "Authorization: Bearer $good", 403, "", "ambiguous_path"},
		{"below, two segments in one", rules, "GET /files/a%2Fb", "Authorization: Bearer $good", 403, "", "ambiguous_path"},
		{"a {param}", rules, "GET /users/5", "Authorization: Bearer $good", 200, "", "ok"},
		{"a refusal says nothing of rules", rules, "GET /reports", "Authorization: Bearer $old", 401, `Bearer error="invalid_token"`, "expired"},

		{"a cookie", places, "GET /me", "Cookie: __Host-Http-access=$good", 200, "", "ok"},
		{"a cookie, unsafe", places, "POST /me", "Cookie: __Host-Http-access=$good", 403, "", "cross_site"},
		{"a cookie, names an unsafe method", places, "GET /me?_method=DELETE", "Cookie: __Host-Http-access=$good", 403, "", "cross_site"},
		{"a cookie, our page", places, "POST /me", "Cookie: __Host-Http-access=$good\nSec-Fetch-Site: same-origin", 200, "", "ok"},
		{"a cookie, a WebSocket", places, "GET /me", "Cookie: __Host-Http-access=$good\nUpgrade: websocket", 403, "", "cross_site"},
		{"a cookie, a WebSocket among others", places, "GET /me", "Cookie: __Host-Http-access=$good\nUpgrade: h2c, WebSocket", 403, "", "cross_site"},
		{"a cookie, two headers", places, "GET /me", "Cookie: __Host-Http-access=$good\nUpgrade: h2c\nUpgrade: websocket", 403, "", "cross_site"},
		{"the query string of no handshake", places, "POST /me?t=$good", "Upgrade: websocket", 401, `Bearer`, "no_token"},
		{"a subprotocol", places, "GET /me", "Sec-WebSocket-Protocol: access_token, $good\nUpgrade: WebSocket", 200, "", "ok"},
		{"a subprotocol without a WebSocket", places, "GET /me", "Sec-WebSocket-Protocol: access_token, $good", 401, `Bearer`, "no_token"},
		{"the query string of a WebSocket", places, "GET /me?t=$good", "Upgrade: websocket", 200, "", "ok"},
		{"the query string", places, "GET /me?t=$good", "", 401, `Bearer`, "no_token"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { row.of(c); c.Log = &log })
			method, target, _ := strings.Cut(replace.Replace(row.request), " ")
			r := httptest.NewRequest(method, target, nil)
			for line := range strings.Lines(replace.Replace(row.header)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				r.Header.Add(name, value)
			}
			passed := false
			r.Header.Set("X-Request-Id", "r1")
			answer := httptest.NewRecorder()
			a.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				passed = true
				p, known := auth.PrincipalFrom(r.Context())
				c, told := authorizer.ClaimsFrom(r.Context())
				if !known || !told || p.Subject != "u1" || c.Subject != "u1" || !p.Expires.Equal(c.Expires) {
					t.Errorf("%+v, %+v", p, c)
				}
			})).ServeHTTP(answer, r)
			if answer.Code != row.status || answer.Header().Get("WWW-Authenticate") != row.challenge || passed != (row.status == 200) {
				t.Errorf("%d %q, passed %v", answer.Code, answer.Header().Get("WWW-Authenticate"), passed)
			}
			if row.status == 503 && answer.Header().Get("Retry-After") != "1" {
				t.Error("no Retry-After")
			}
			more := "" // what the body repeats of the challenge
			if m := challengeParts.FindStringSubmatch(row.challenge); m != nil {
				more = fmt.Sprintf(`"error":%q,`, m[1])
				if m[2] != "" {
					more += `"max_age":` + m[2] + ","
				}
			}
			if want := fmt.Sprintf("{\"message\":%q,%s\"request_id\":\"r1\"}\n", http.StatusText(row.status), more); row.status != 200 && answer.Body.String() != want {
				t.Errorf("the body is %s, want %s", answer.Body, want)
			}
			if !strings.Contains(log.String(), `"request_id":"r1"`) {
				t.Errorf("the id is not in the line %s", &log)
			}
			if !strings.Contains(log.String(), `"reason":"`+row.reason+`"`) || strings.Contains(log.String(), "eyJ") {
				t.Errorf("logged %s", &log)
			}
		})
	}
}

func TestClaimsFromABareContext(t *testing.T) {
	if _, ok := authorizer.ClaimsFrom(context.Background()); ok {
		t.Error("claims without Middleware")
	}
}
