package dev

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestChecked: on a checked route, a token ends with its session. On the others it lives on.
func TestChecked(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := NewChecked([]string{"POST /money", "GET /accounts/{id}"})
	if err != nil {
		t.Fatal(err)
	}
	l, password, _, err := serveOptions(t, Options{Upstream: upstream, Checked: checked})
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

func TestNewCheckedRefuses(t *testing.T) {
	for _, pattern := range []string{"", "/money", "POST", "POST money", " /money", "POST /{", "POST /a", "GET /{x}/b"} {
		if _, err := NewChecked([]string{"POST /a", "GET /a/{y}", pattern}); err == nil {
			t.Errorf("%q is taken", pattern)
		}
	}
}
