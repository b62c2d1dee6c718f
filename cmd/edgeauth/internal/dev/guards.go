package dev

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/route"
)

// Guards are the routes that have another guard than the authorizer. The zero Guards has no routes.
// As in a gateway, the most specific route decides about a request.
type Guards struct {
	mux             *http.ServeMux
	checked, public []string
}

// guard is the check in front of a route.
type guard int

const (
	byToken   guard = iota // the authorizer
	bySession              // the session authorizer: a token ends with its session
	byNothing              // no authorizer, as in a gateway's route without one
)

// ServeHTTP makes a guard a handler, because http.ServeMux finds handlers. It is never called.
func (guard) ServeHTTP(http.ResponseWriter, *http.Request) {}

// NewGuards returns the guards of the routes of --checked and --public, each in the form of
// http.ServeMux with a method, such as "POST /money" or "GET /accounts/{id}". A public route must
// not be one of edgeauth's routes, which have the guards of a deployment.
func NewGuards(checked, public []string) (Guards, error) {
	g := Guards{http.NewServeMux(), checked, public}
	for _, flag := range []struct {
		name     string
		patterns []string
		guard    guard
	}{{"--checked", checked, bySession}, {"--public", public, byNothing}} {
		for _, pattern := range flag.patterns {
			if err := g.add(pattern, flag.guard); err != nil {
				return Guards{}, fmt.Errorf("%s: %q is not a route (want a method and a path, for example 'POST /money'): %w", flag.name, pattern, err)
			}
		}
	}
	return g, nil
}

// add turns the panic of http.ServeMux into an error.
func (g Guards) add(pattern string, by guard) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	switch method, _, found := strings.Cut(pattern, " "); {
	case !found || method == "":
		return errors.New("it has no method")
	case method == "ANY" || method != strings.ToUpper(method):
		// http.ServeMux accepts any word as a method, but the route would match no request.
		return fmt.Errorf("%s is not an HTTP method", method)
	}
	if by == byNothing && slices.ContainsFunc(route.Table(), func(r route.Row) bool { return r.Pattern == pattern }) {
		return errors.New("it is a route of edgeauth")
	}
	g.mux.Handle(pattern, by)
	return nil
}

// of returns the guard of a request. It looks at the decoded path, as the authorizers and the
// upstream do.
//
// A public route must match exactly the path that the upstream gets, and the method. http.ServeMux
// also finds a route for "//health", and a route of GET for HEAD. In a gateway, another route could
// match such a request, so the stricter authorizer checks it.
func (g Guards) of(r *http.Request) guard {
	if g.mux == nil {
		return byToken
	}
	decoded, address := *r, *r.URL
	address.RawPath = ""
	decoded.URL = &address
	h, pattern := g.mux.Handler(&decoded)
	if pattern == "" {
		return byToken
	}
	by, exact := h.(guard) // otherwise a redirect to the clean form of the path
	method, _, _ := strings.Cut(pattern, " ")
	if !exact || by == byNothing && method != r.Method {
		return bySession
	}
	return by
}
