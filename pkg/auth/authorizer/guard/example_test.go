package guard_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer/guard"
)

// An API in a container, started with
//
//	EDGEAUTH_ISSUER=https://auth.example.com EDGEAUTH_AUDIENCE=https://auth.example.com
//	EDGEAUTH_JWKS_URL=https://auth.example.com/.well-known/jwks.json
func ExampleFromEnvironment() {
	a, err := guard.FromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprintln(w, caller.Subject)
	})
	log.Fatal(http.ListenAndServe(":8080", a.Middleware(api)))
}
