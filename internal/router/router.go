// Package router makes one http.Handler of a function's handlers and holds them to the table of
// routes:
//
//	router.New("login", router.Handlers{"POST /auth/login": h})
package router

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Handlers are the handlers of a function by the patterns of route.Table.
type Handlers map[string]http.Handler

// New returns the handler of a function, which is named as in route.Table. It fails if the patterns
// of handlers are not exactly those of the function's rows.
//
// The handler answers 404 for a path that has no row, is not in its clean form or holds an encoded
// slash, and 405 with Allow for a method that the path has no row for. It never redirects. HEAD is
// answered if GET is. If a row has the guard route.Session and the request carries no
// auth.Principal, the handler answers 401: the configuration of the gateway is wrong, and the
// function must not be open because of it. Handlers get a request with an id (package requestid),
// which error answers repeat. The handler is safe for concurrent use if handlers are.
func New(function string, handlers Handlers) (http.Handler, error) {
	return build(route.Table(), function, handlers)
}

func build(table []route.Row, function string, handlers Handlers) (http.Handler, error) {
	byPath := make(map[string]methods)
	var errs []error
	unlisted := maps.Clone(handlers)
	for _, row := range table {
		if row.Function != function {
			continue
		}
		h, ok := unlisted[row.Pattern]
		if !ok || h == nil {
			errs = append(errs, fmt.Errorf("function %s: no handler for the route %q", function, row.Pattern))
			continue
		}
		delete(unlisted, row.Pattern)
		switch row.Guard {
		case route.None:
		case route.Session:
			h = guarded(h)
		default:
			errs = append(errs, fmt.Errorf("route %q: unknown guard %q (want %s or %s)", row.Pattern, row.Guard, route.None, route.Session))
		}
		if byPath[row.Path()] == nil {
			byPath[row.Path()] = methods{}
		}
		byPath[row.Path()][row.Method()] = h
	}
	for _, pattern := range slices.Sorted(maps.Keys(unlisted)) {
		errs = append(errs, fmt.Errorf("function %s: the handler %q has no row in the table of routes", function, pattern))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(byPath) == 0 {
		return nil, fmt.Errorf("function %q has no row in the table of routes", function)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", notFound)
	for path, m := range byPath {
		mux.Handle(path, m)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = requestid.Ensure(r.WithContext(stopwatch.Start(r.Context())))
		if !clean(r.URL) {
			notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

// methods are the handlers of one path.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, ok := m[r.Method]
	if !ok && r.Method == http.MethodHead {
		h, ok = m[http.MethodGet]
	}
	if !ok {
		w.Header().Set("Allow", m.allow())
		answer.Error(w, r, http.StatusMethodNotAllowed, errorcode.MethodNotAllowed)
		return
	}
	h.ServeHTTP(w, r)
}

// allow returns the value of Allow (RFC 9110, section 10.2.1).
func (m methods) allow() string {
	names := slices.Collect(maps.Keys(m))
	if m[http.MethodGet] != nil && m[http.MethodHead] == nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	answer.Error(w, r, http.StatusNotFound, errorcode.NotFound)
}

// guarded passes a request only if the authorizer has set its principal.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := auth.PrincipalFrom(r.Context()); !ok {
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750, section 3
			answer.Error(w, r, http.StatusUnauthorized, errorcode.InvalidToken)
			return
		}
		next.ServeHTTP(w, r)
	})
}
