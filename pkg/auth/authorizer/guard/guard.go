// Package guard protects the routes of a program that does not run behind a gateway: a container, a
// target of a load balancer, or any other server.
//
//	a, err := guard.FromEnvironment() // EDGEAUTH_ISSUER, EDGEAUTH_AUDIENCE, EDGEAUTH_JWKS_URL
//	http.ListenAndServe(":8080", a.Middleware(api))
//
// It makes the authorizer of package authorizer, and can fetch the keys from a URL. The functions
// of edgeauth's stack need no URL, because each rotation of the keys deploys them again. A
// long-running program must fetch new keys itself.
package guard

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// FromEnvironment returns an authorizer configured by the environment variables of
// [authorizer.FromEnvironment]. Instead of EDGEAUTH_JWKS and EDGEAUTH_JWKS_FILE,
//
//	EDGEAUTH_JWKS_URL
//
// can name the https URL of the public keys (http for loopback only), for example
// https://auth.example.com/.well-known/jwks.json. One of the three must be set.
//
// Package jwksurl fetches the keys from the URL: for the first token, and for a token with an
// unknown kid at most once a minute. It fetches the keys again every 15 minutes. If the URL does
// not answer, the keys stay in use for 24 hours. FromEnvironment itself makes no request, so the
// program starts even if the issuer is down.
//
// The authorizer logs to standard output. The error names every variable that is missing or
// invalid.
func FromEnvironment() (*authorizer.Authorizer, error) {
	return from(os.LookupEnv, os.Stdout, time.Now)
}

// from is FromEnvironment with the parts that a test replaces. now is the clock of the keys.
func from(lookup func(name string) (string, bool), to io.Writer, now func() time.Time) (*authorizer.Authorizer, error) {
	e := config.New(lookup)
	_, url := e.JWKSOrURL()
	if err := e.Err(); err != nil {
		return nil, err
	}
	if url == "" {
		return authorizer.FromVariables(lookup, to, nil)
	}
	keys, err := jwksurl.New(jwksurl.Config{URL: url, Now: now, Skipped: func(reason error) {
		log.Printf("%s: %v; the key is skipped", config.JWKSURL, reason)
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.JWKSURL, err)
	}
	return authorizer.FromKeys(keys, lookup, to, nil)
}
