package router

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/edgeauth/edgeauth/internal/route"
)

// Matcher finds the row of a request, as a gateway in front of the functions does. It is safe for
// concurrent use.
type Matcher struct{ paths *http.ServeMux }

// NewMatcher returns a Matcher of these rows. Like http.ServeMux, it panics if a path is malformed
// or if two paths overlap and neither is more specific.
func NewMatcher(rows []route.Row) *Matcher {
	byPath := make(map[string]site)
	for _, r := range rows {
		byPath[r.Path()] = append(byPath[r.Path()], r)
	}
	m := &Matcher{http.NewServeMux()}
	for p, rows := range byPath {
		m.paths.Handle(p, rows)
	}
	return m
}

// Find returns the row of the request's method and path. If the path has rows only for other
// methods, Find returns the first of these rows, because the function of the row answers with the
// allowed methods. A path that is not in its clean form, or that has an encoded slash, has no row.
func (m *Matcher) Find(r *http.Request) (row route.Row, found bool) {
	if !clean(r.URL) {
		return route.Row{}, false
	}
	h, _ := m.paths.Handler(r)
	rows, found := h.(site)
	if !found {
		return route.Row{}, false
	}
	for _, row := range rows {
		if row.Method() == r.Method {
			return row, true
		}
	}
	return rows[0], true
}

// site is the rows of one path. It is a handler because http.ServeMux finds handlers; it is never
// called.
type site []route.Row

func (site) ServeHTTP(http.ResponseWriter, *http.Request) {}

// clean reports whether a URL's path is its own clean form and holds no encoded slash.
// http.ServeMux would answer any other path with a redirect (307). After the redirect, a client
// sends its password again, to an address that it did not choose. A path with an encoded slash can
// be read in two ways: before it is decoded and afterwards.
func clean(u *url.URL) bool {
	const encodedSlash = "%2f"
	return strings.HasPrefix(u.Path, "/") && path.Clean(u.Path) == u.Path &&
		!strings.Contains(strings.ToLower(u.EscapedPath()), encodedSlash) && !strings.Contains(strings.ToLower(u.Path), encodedSlash)
}
