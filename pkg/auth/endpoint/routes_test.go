package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/route"
)

// TestNoRedirect sends the requests of every route to other spellings of its path. After a redirect
// the client would send its password or token again, to another URL.
func TestNoRedirect(t *testing.T) {
	h := newHarness(t)
	functions, err := h.Handlers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range route.Table() {
		p := strings.ReplaceAll(row.Path(), "{sid}", "AAAAAAAAAAAAAAAAAAAAAA")
		parent, last := path.Split(p)
		for _, target := range []string{
			"/" + p, p + "/", p + "/.", p + "/x/..", "/auth/.." + p, "/." + p, parent + "/" + last, parent + "%2F" + last,
			strings.TrimSuffix(parent, "/") + "%2f" + last, parent + "%2e/" + last, strings.ToUpper(p), p + "/x/y", "/",
		} {
			r := httptest.NewRequest(row.Method(), "/", strings.NewReader(`{"email":"`+email+`","password":"`+secret+`"}`))
			u, err := url.Parse("http://api.example.com" + target)
			if err != nil {
				t.Fatal(err)
			}
			r.URL, r.RequestURI = u, target
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Request-Id", "r1")
			w := httptest.NewRecorder()
			functions[row.Function].ServeHTTP(w, r)
			if w.Code != http.StatusNotFound || w.Body.String() != "{\"error\":\"not_found\",\"request_id\":\"r1\"}\n" || w.Header().Get("Location") != "" {
				t.Errorf("%s %s: %d %q, Location %q", row.Method(), target, w.Code, w.Body, w.Header().Get("Location"))
			}
		}
	}
}
