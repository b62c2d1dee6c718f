package dev

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/route"
)

// TestChecked: on a checked route, a token stops working when its session ends. On other routes, it
// keeps working.
func TestChecked(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards([]string{"POST /money", "GET /accounts/{id}"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, password, _, err := serveOptions(t, Options{Upstream: upstream, Guards: guards})
	if err != nil {
		t.Fatal(err)
	}
	tokens := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	ask := func(method, path string) int {
		r := httptest.NewRequest(method, here+path, nil)
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header.Set("Authorization", "Bearer "+tokens.Access)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Code
	}
	routes := []struct {
		method, path string
		after        int // the logout
	}{
		{"POST", "/money", http.StatusForbidden},
		{"POST", "/mon%65y", http.StatusForbidden},
		{"POST", "//money", http.StatusForbidden},
		{"GET", "/accounts/5", http.StatusForbidden},
		{"HEAD", "/accounts/5", http.StatusForbidden},
		{"GET", "/money", http.StatusOK},
		{"POST", "/accounts/5", http.StatusOK},
		{"GET", "/", http.StatusOK},
	}
	for _, r := range routes {
		if got := ask(r.method, r.path); got != http.StatusOK {
			t.Errorf("%s %s: %d", r.method, r.path, got)
		}
	}
	post(t, l, "/auth/logout", `{"refresh_token":"`+tokens.Refresh+`"}`)
	for _, r := range routes {
		if got := ask(r.method, r.path); got != r.after {
			t.Errorf("%s %s after the logout: %d, want %d", r.method, r.path, got, r.after)
		}
	}
}

// TestCheckRevocations: with --check revocations, a token ends some seconds after its session.
func TestCheckRevocations(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards([]string{"GET /money"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, password, _, err := serveOptions(t, Options{Upstream: upstream, Guards: guards, Check: config.CheckRevocations})
	if err != nil {
		t.Fatal(err)
	}
	tokens := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	ask := func() int {
		r := httptest.NewRequest("GET", here+"/money", nil)
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header.Set("Authorization", "Bearer "+tokens.Access)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask(); got != http.StatusOK {
		t.Fatalf("a live session: %d", got)
	}
	post(t, l, "/auth/logout", `{"refresh_token":"`+tokens.Refresh+`"}`)
	for end := time.Now(); ask() != http.StatusForbidden; time.Sleep(100 * time.Millisecond) {
		if time.Since(end) > time.Minute {
			t.Fatal("a minute after the logout, the token is good")
		}
	}
}

func TestNewGuardsRefuses(t *testing.T) {
	for _, pattern := range []string{"", "/money", "POST", "POST money", " /money", "POST /{", "POST /a", "GET /{x}/b"} {
		if _, err := NewGuards([]string{"POST /a", "GET /a/{y}", pattern}, nil); err == nil {
			t.Errorf("%q is accepted", pattern)
		}
		if _, err := NewGuards([]string{"POST /a", "GET /a/{y}"}, []string{pattern}); err == nil {
			t.Errorf("public: %q is accepted", pattern)
		}
	}
	for _, r := range route.Table() {
		if _, err := NewGuards(nil, []string{r.Pattern}); err == nil || !strings.Contains(err.Error(), "--public") {
			t.Errorf("%s is public: %v", r.Pattern, err)
		}
	}
}

// TestPublic: a public route reaches the upstream without a token and without an identity. Every
// other spelling of it, and every other route, has the authorizer in front.
func TestPublic(t *testing.T) {
	var seen *http.Request
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards([]string{"GET /docs/secret", "GET /{all...}"}, []string{"GET /health", "POST /hooks/{name}", "GET /docs/"})
	if err != nil {
		t.Fatal(err)
	}
	l, _, _, err := serveOptions(t, Options{Upstream: upstream, Guards: guards})
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]int{
		"GET /health":        200,
		"GET /health?a=/b":   200,
		"GET /h%65alth":      200,
		"POST /hooks/a":      200,
		"GET /docs/":         200,
		"GET /docs/a/b":      200,
		"GET /docs/a%2Fb":    200,
		"HEAD /health":       401,
		"POST /health":       401,
		"GET /health/":       401,
		"GET //health":       401,
		"GET /Health":        401,
		"GET /x/../health":   401,
		"GET /health/../x":   401,
		"GET /health%2F":     401,
		"GET /health%00":     401,
		"GET /docs":          401,
		"GET /docs//a":       401,
		"GET /docs/../me":    401,
		"GET /docs/%2e%2e/":  401,
		"GET /docs/secret":   401,
		"GET /docs/secre%74": 401,
		"GET /":              401,
		"GET /auth/sessions": 401,
		"POST /hooks/a/b":    401,
		"POST /hooks/a%2Fb":  401,
	} {
		method, target, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, here+target, nil)
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header.Set("X-Edgeauth-Sub", "root")
		r.Header.Set("x_edgeauth_roles", "admin")
		seen = nil
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if w.Code != want || (seen != nil) != (want == 200) {
			t.Errorf("%s: %d, reaches the upstream: %t; want %d", request, w.Code, seen != nil, want)
		}
		if seen == nil {
			continue
		}
		for name := range seen.Header {
			if strings.Contains(strings.ToLower(name), "edgeauth") {
				t.Errorf("%s: the upstream gets the header %s", request, name)
			}
		}
	}
}
