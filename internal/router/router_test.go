package router

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

var rows = []route.Row{
	{Pattern: "POST /auth/login", Function: "login", Guard: route.None},
	{Pattern: "GET /auth/sessions", Function: "sessions", Guard: route.Session},
	{Pattern: "GET /auth/sessions/{sid}", Function: "sessions", Guard: route.Session},
	{Pattern: "DELETE /auth/sessions/{sid}", Function: "sessions", Guard: route.Session},
	{Pattern: "DELETE /auth/sessions/current", Function: "sessions", Guard: route.Session},
	{Pattern: "GET /auth/keys", Function: "sessions", Guard: route.None},
	{Pattern: "HEAD /auth/keys", Function: "sessions", Guard: route.None},
}

// named answers with its pattern, the method and the session in the path.
func named(pattern string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s: %s %s", pattern, r.Method, r.PathValue("sid"))
	})
}

// handlers returns a handler for every row of a function.
func handlers(function string) Handlers {
	all := Handlers{}
	for _, row := range rows {
		if row.Function == function {
			all[row.Pattern] = named(row.Pattern)
		}
	}
	return all
}

const (
	notFoundBody  = `404 {"error":"not_found","request_id":"r1"}`
	notAllowed    = `405 Allow=%s {"error":"method_not_allowed","request_id":"r1"}`
	noPrincipal   = `401 WWW-Authenticate=Bearer {"error":"invalid_token","request_id":"r1"}`
	sessionsAllow = "DELETE, GET, HEAD"
)

// text is an answer as text: status, the headers that this package adds, and the body.
func text(w *httptest.ResponseRecorder) string {
	s := fmt.Sprint(w.Code)
	for _, name := range []string{"Allow", "WWW-Authenticate", "Location"} {
		if value := w.Header().Get(name); value != "" {
			s += " " + name + "=" + value
		}
	}
	return s + " " + strings.TrimSpace(w.Body.String())
}

func TestNew(t *testing.T) {
	login, err1 := build(rows, "login", handlers("login"))
	sessions, err2 := build(rows, "sessions", handlers("sessions"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, row := range []struct {
		h                    http.Handler
		method, target, want string
	}{
		{login, "POST", "/auth/login", "200 POST /auth/login: POST"},
		{login, "POST", "/auth/login?next=//auth", "200 POST /auth/login: POST"},
		{login, "POST", "/auth/%6cogin", "200 POST /auth/login: POST"},
		{login, "GET", "/auth/login", fmt.Sprintf(notAllowed, "POST")},
		{login, "HEAD", "/auth/login", fmt.Sprintf(notAllowed, "POST")},
		{login, "CONNECT", "/auth/login", fmt.Sprintf(notAllowed, "POST")},

		// A redirect would make the client send its password once more.
		{login, "POST", "//auth/login", notFoundBody},
		{login, "POST", "/auth//login", notFoundBody},
		{login, "POST", "/auth/../auth/login", notFoundBody},
		{login, "POST", "/auth/./login", notFoundBody},
		{login, "POST", "/auth/%2e%2e/auth/login", notFoundBody},
		{login, "POST", "/auth/login/", notFoundBody},
		{login, "POST", "/auth/login/.", notFoundBody},
		{login, "POST", "/auth%2Flogin", notFoundBody},
		{login, "POST", "/auth%2flogin", notFoundBody},
		{login, "POST", "%2Fauth/login", notFoundBody},
		{login, "POST", "/auth%252Flogin", notFoundBody},
		{login, "CONNECT", "/auth/../auth/login", notFoundBody},

		{login, "POST", "/", notFoundBody},
		{login, "OPTIONS", "*", notFoundBody},
		{login, "POST", "/Auth/login", notFoundBody},
		{login, "POST", "/auth/login/x", notFoundBody},
		{login, "GET", "/auth/sessions", notFoundBody}, // another function's

		{sessions, "GET", "/auth/keys", "200 GET /auth/keys: GET"},
		{sessions, "HEAD", "/auth/keys", "200 HEAD /auth/keys: HEAD"},
		{sessions, "POST", "/auth/keys", fmt.Sprintf(notAllowed, "GET, HEAD")},
		{sessions, "GET", "/auth/sessions/a1", noPrincipal},
		{sessions, "PUT", "/auth/sessions/a1", fmt.Sprintf(notAllowed, sessionsAllow)},
		{sessions, "GET", "/auth/sessions/a1%2Fb2", notFoundBody},
		{sessions, "GET", "/auth/sessions/", notFoundBody},
	} {
		r := httptest.NewRequest(row.method, "/", nil)
		if u, err := url.ParseRequestURI(row.target); err == nil {
			r.URL = u
		} else {
			r.URL = &url.URL{Path: "/auth/login", RawPath: row.target}
		}
		r.RequestURI = row.target
		r.Header.Set("X-Request-Id", "r1")
		w := httptest.NewRecorder()
		row.h.ServeHTTP(w, r)
		if got := text(w); got != row.want {
			t.Errorf("%s %s: got %s, want %s", row.method, row.target, got, row.want)
		}
	}
}

// TestGuard checks that a request that passed the authorizer reaches the handler of its pattern.
func TestGuard(t *testing.T) {
	h, err := build(rows, "sessions", handlers("sessions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ method, target, want string }{
		{"GET", "/auth/sessions", "200 GET /auth/sessions: GET"},
		{"GET", "/auth/sessions/a1", "200 GET /auth/sessions/{sid}: GET a1"},
		{"HEAD", "/auth/sessions/a1", "200 GET /auth/sessions/{sid}: HEAD a1"},
		{"DELETE", "/auth/sessions/a1", "200 DELETE /auth/sessions/{sid}: DELETE a1"},
		{"DELETE", "/auth/sessions/current", "200 DELETE /auth/sessions/current: DELETE"},
	} {
		r := httptest.NewRequest(row.method, row.target, nil)
		r = r.WithContext(auth.WithPrincipal(r.Context(), auth.Principal{Subject: "u1"}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := text(w); got != row.want {
			t.Errorf("%s %s: got %s, want %s", row.method, row.target, got, row.want)
		}
	}
}

// TestServerNeverRedirects goes through a real server, which decodes the path of a request itself.
func TestServerNeverRedirects(t *testing.T) {
	h, err := build(rows, "login", handlers("login"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, target := range []string{"//auth/login", "/auth/../auth/login", "/auth/login/", "/auth%2Flogin", "/%2e/auth/login", "//evil.example/auth/login"} {
		r, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(`{"password":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = target // sent as it is
		if strings.HasPrefix(target, "//") {
			r.URL.Opaque = "//" + r.URL.Host + target
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Location") != "" || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, %v", target, answer.StatusCode, answer.Header)
		}
	}
}

func TestNewRefused(t *testing.T) {
	with := func(pattern string, h http.Handler) Handlers {
		all := handlers("login")
		all[pattern] = h
		return all
	}
	odd := append(rows[:len(rows):len(rows)], route.Row{Pattern: "GET /auth/odd", Function: "odd", Guard: "admin"})
	for _, row := range []struct {
		name, function string
		handlers       Handlers
		want           string
	}{
		{"no handler", "login", Handlers{}, `function login: no handler for the route "POST /auth/login"`},
		{"a nil handler", "login", with("POST /auth/login", nil), `no handler for the route "POST /auth/login"`},
		{"a handler without a row", "login", with("GET /auth/login", named("")), `the handler "GET /auth/login" has no row`},
		{"a handler of another function", "login", with("GET /auth/keys", named("")), `the handler "GET /auth/keys" has no row`},
		{"an unknown function", "mailer", Handlers{}, `function "mailer" has no row`},
		{"an unknown guard", "odd", Handlers{"GET /auth/odd": named("")}, `unknown guard "admin" (want none or session)`},
	} {
		h, err := build(odd, row.function, row.handlers)
		if err == nil || h != nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestTable checks the rules that all rows must follow.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range route.Table() {
		if seen[row.Pattern] {
			t.Errorf("%s is there twice", row.Pattern)
		}
		seen[row.Pattern] = true
		if row.Guard != route.None && row.Guard != route.Session {
			t.Errorf("%s has the guard %q", row.Pattern, row.Guard)
		}
		if row.Method()+" "+row.Path() != row.Pattern || !clean(&url.URL{Path: row.Path()}) {
			t.Errorf("%q is not a method and a clean path", row.Pattern)
		}
	}
	for pattern := range seen {
		if path, head := strings.CutPrefix(pattern, "HEAD "); head && !seen["GET "+path] {
			t.Errorf("%s has no GET", pattern)
		}
	}
	NewMatcher(route.Table()) // panics if two paths overlap
}

func TestMatcher(t *testing.T) {
	m := NewMatcher(rows)
	for _, row := range []struct{ method, target, want string }{
		{"POST", "/auth/login", "POST /auth/login"},
		{"GET", "/auth/login", "POST /auth/login"},
		{"DELETE", "/auth/sessions/a1", "DELETE /auth/sessions/{sid}"},
		{"PUT", "/auth/sessions/a1", "GET /auth/sessions/{sid}"},
		{"DELETE", "/auth/sessions/current", "DELETE /auth/sessions/current"},
		{"HEAD", "/auth/keys", "HEAD /auth/keys"},
		{"GET", "/auth/sessions/", ""},
		{"GET", "/auth/sessions/a1/b2", ""},
		{"GET", "/auth/sessions/a1%2Fb2", ""},
		{"POST", "//auth/login", ""},
		{"POST", "/auth/login/", ""},
		{"POST", "/nowhere", ""},
	} {
		r := httptest.NewRequest(row.method, "/", nil)
		u, err := url.ParseRequestURI(row.target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		if got, found := m.Find(r); got.Pattern != row.want || found != (row.want != "") {
			t.Errorf("%s %s: got %q, want %q", row.method, row.target, got.Pattern, row.want)
		}
	}
}
