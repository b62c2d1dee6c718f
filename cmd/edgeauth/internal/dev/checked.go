package dev

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Checked are the routes on which a token ends with its session, because the session authorizer is
// in front of them. The zero Checked has none.
type Checked struct{ mux *http.ServeMux }

// NewChecked returns the routes that match one of the patterns, each in the form of http.ServeMux
// with a method, such as "POST /money" or "GET /accounts/{id}".
func NewChecked(patterns []string) (Checked, error) {
	c := Checked{http.NewServeMux()}
	for _, pattern := range patterns {
		if err := c.add(pattern); err != nil {
			return Checked{}, fmt.Errorf("%q is no route (want a method and a path, for example 'POST /money'): %w", pattern, err)
		}
	}
	return c, nil
}

// add turns the panic of http.ServeMux into an error.
func (c Checked) add(pattern string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	if method, _, found := strings.Cut(pattern, " "); !found || method == "" {
		return errors.New("it has no method")
	}
	c.mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

// has reports whether a request is for one of the routes. It looks at the decoded path, as the
// authorizers and the upstream do.
func (c Checked) has(r *http.Request) bool {
	if c.mux == nil {
		return false
	}
	decoded, address := *r, *r.URL
	address.RawPath = ""
	decoded.URL = &address
	_, pattern := c.mux.Handler(&decoded)
	return pattern != ""
}
