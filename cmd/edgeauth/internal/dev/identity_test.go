package dev

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// TestForgedIdentity: the local server refuses an identity header of the client as a deployment does.
func TestForgedIdentity(t *testing.T) {
	var seen []http.Header
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header) }))
	defer behind.Close()
	upstream, err := NewUpstream(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, password, _, err := serveOptions(t, Options{Upstream: upstream})
	if err != nil {
		t.Fatal(err)
	}
	tokens := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	ask := func(header string) int {
		r := httptest.NewRequest("GET", here+"/reports", nil)
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header = http.Header{"Authorization": {"Bearer " + tokens.Access}, header: {"admin"}}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Code
	}
	for _, header := range []string{"X-Edgeauth-Sub", "X-Edgeauth-Scope", "X_Edgeauth_Roles", "x.edgeauth.tenant"} {
		if got := ask(header); got != http.StatusForbidden || len(seen) > 0 {
			t.Errorf("%s: %d, and %d requests came through", header, got, len(seen))
		}
	}
	if got := ask("X-Other"); got != http.StatusOK || len(seen) != 1 || seen[0].Get(claim.Header(claim.Roles)) != "demo" {
		t.Errorf("another header: %d, and %d requests came through, the last without the role", got, len(seen))
	}
}
