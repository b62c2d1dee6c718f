package authtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/route"
)

// The guard is only in front of the rows that need a session, and not in front of other methods of
// the path.
func TestMuxGuards(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	table := []route.Row{
		{Pattern: "GET /a/{id}", Function: "f", Guard: route.Session},
		{Pattern: "POST /a/{id}", Function: "f", Guard: route.None},
		{Pattern: "POST /b", Function: "g", Guard: route.None},
	}
	mux := newMux(table, map[string]http.Handler{"f": says("f"), "g": says("g")}, func(http.Handler) http.Handler { return says("guard") })
	for request, want := range map[string]string{
		"GET /a/1": "guard", "HEAD /a/1": "guard", "POST /a/1": "f", "PUT /a/1": "f", "POST /b": "g", "GET /c": "404 page not found\n",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
}
