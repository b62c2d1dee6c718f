package authtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Server is an Authority whose Handler listens on a port of this machine, by plain HTTP.
type Server struct {
	*Authority
	// URL is the address, without a final slash. It is the issuer, unless Config names another
	// issuer.
	URL string
}

// NewServer returns a Server that listens until the test ends.
func NewServer(t testing.TB, c Config) *Server {
	t.Helper()
	a := &Authority{t: t}
	// The issuer is the address, so the handler is made after the listener.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.Handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	if c.Issuer == "" {
		c.Issuer = server.URL
	}
	a.make(c)
	return &Server{a, server.URL}
}

// newHandler returns the handler of the whole table of routes.
func newHandler(s *service.Service, v *token.Verifier, now func() time.Time) (http.Handler, error) {
	functions, err := s.Handlers(context.Background())
	if err != nil {
		return nil, err
	}
	guard, err := authorizer.New(authorizer.Config{Verifier: v, HTTPResponse: config.ResponseSimple, Now: now})
	if err != nil {
		return nil, err
	}
	return newMux(route.Table(), functions, guard.Middleware), nil
}

// newMux sends each path to its function, which answers for the methods without a row, and puts the
// guard in front of the rows that need a session.
func newMux(table []route.Row, functions map[string]http.Handler, guard func(http.Handler) http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	paths := map[string]bool{}
	for _, row := range table {
		h := functions[row.Function]
		if !paths[row.Path()] {
			paths[row.Path()] = true
			mux.Handle(row.Path(), h)
		}
		if row.Guard != route.None {
			mux.Handle(row.Pattern, guard(h))
		}
	}
	return mux
}
