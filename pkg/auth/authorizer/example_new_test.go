package authorizer_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// An API in a container: the middleware takes the access tokens of one issuer, whose keys it
// fetches.
func ExampleNew() {
	const issuer = "https://auth.example.com"
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer + "/.well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := authorizer.New(authorizer.Config{
		Verifier: verifier,
		Rules:    []authorizer.Rule{{Route: "GET /orders/{id}", Scopes: []string{"orders:read"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	api := http.NewServeMux()
	api.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprintln(w, "order", r.PathValue("id"), "of", caller.Subject)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", a.Middleware(api)))
}
