// Package guard protects the routes of a program that no gateway stands in front of: a container, a
// target of a load balancer, a server of your own.
//
//	a, err := guard.FromEnvironment() // EDGEAUTH_ISSUER, EDGEAUTH_AUDIENCE, EDGEAUTH_JWKS_URL
//	http.ListenAndServe(":8080", a.Middleware(api))
//
// It makes the authorizer of package authorizer, and can fetch the keys from a URL. A function of
// edgeauth's stack needs no URL, because each rotation of the keys deploys it again. A program that
// runs on must learn of new keys by itself.
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
// Keys from a URL are those of package jwksurl: the first token requests them, and so does a token
// with an unknown kid, at most once a minute. They are requested again every 15 minutes, and stay in
// use for 24 hours if the URL does not answer. FromEnvironment itself makes no request, so the
// program starts even if the issuer is down.
//
// The authorizer logs to standard output. The error names every variable that is missing or invalid.
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
