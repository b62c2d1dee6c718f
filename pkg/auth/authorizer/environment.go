package authorizer

import (
	"fmt"
	"io"
	logger "log"
	"os"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// FromEnvironment returns an Authorizer configured by these environment variables of the process:
//
//	EDGEAUTH_ISSUER          the iss of access tokens
//	EDGEAUTH_AUDIENCE        one audience, or several separated by spaces
//	EDGEAUTH_JWKS            the public keys as JSON, or else
//	EDGEAUTH_JWKS_FILE       the path of a file with them
//	EDGEAUTH_HTTP_RESPONSE   optional, as Config.HTTPResponse
//	EDGEAUTH_DENY            optional, as Config.Deny
//	EDGEAUTH_CONFIG          optional: a JSON object, or file:<path>, with routes and more
//	EDGEAUTH_METRICS         optional: the CloudWatch namespace of metrics in the log
//
// docs/configuration.md describes their values. The authorizer logs to standard output. The error
// names every variable that is missing or invalid.
//
// The keys are read once, at the start. A rotation in edgeauth's stack deploys the stack's
// functions with the new keys. Any other long-running program would refuse every new token after
// the second rotation: use package guard there, which fetches the keys.
func FromEnvironment() (*Authorizer, error) {
	return FromVariables(os.LookupEnv, os.Stdout, nil)
}

// FromVariables is [FromEnvironment] with the variables that lookup returns, in the form of
// [os.LookupEnv], and with sessions as Config.Sessions. A nil log writes no log.
func FromVariables(lookup func(name string) (string, bool), log io.Writer, sessions Sessions) (*Authorizer, error) {
	e := config.New(lookup)
	jwks := e.JWKS()
	return from(e, log, sessions, func() (token.Keys, error) {
		keys, err := token.ParseJWKS(jwks)
		if err != nil {
			return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
		}
		return keys, nil
	})
}

// FromKeys is [FromVariables] with the given keys. It does not read EDGEAUTH_JWKS and
// EDGEAUTH_JWKS_FILE. Package guard uses it with keys that it fetches from a URL.
func FromKeys(keys token.Keys, lookup func(name string) (string, bool), log io.Writer, sessions Sessions) (*Authorizer, error) {
	return from(config.New(lookup), log, sessions, func() (token.Keys, error) { return keys, nil })
}

func from(e *config.Environment, log io.Writer, sessions Sessions, load func() (token.Keys, error)) (*Authorizer, error) {
	issuer, audience := e.Issuer(), e.Audience()
	c := Config{HTTPResponse: e.HTTPResponse(), Deny: e.Deny(), Log: audit.Metered(log, e.Metrics()), Sessions: sessions}
	members := e.Document(config.DocumentNames()...)
	if err := e.Err(); err != nil {
		return nil, err
	}
	document, err := readDocument(members)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Config, err)
	}
	if len(document.issuers) > 0 && !slices.Contains(document.contextClaims, claim.Issuer) {
		// Two issuers may have the same sub, and the backend must be able to distinguish them.
		document.contextClaims = append(document.contextClaims, claim.Issuer)
	}
	c.Rules, c.TokenSources, c.ContextClaims, c.Origins = document.rules, document.tokenSources, document.contextClaims, document.origins
	c.SampleAllows = document.audit.SampleAllows
	keys, err := load()
	if err != nil {
		return nil, err
	}
	// The other variables are valid at this point, so an error from here on is in the document.
	c.Verifier, err = token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: audience, Keys: keys, Others: document.issuers, Now: time.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Config, config.AtMember("issuers", err))
	}
	for i, other := range document.issuers {
		set, _ := other.Keys.(token.KeySet)
		for _, reason := range set.Skipped() {
			logger.Printf("%s: issuers: number %d: %v; the key is skipped", config.Config, i+1, reason)
		}
	}
	a, err := New(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Config, err)
	}
	return a, nil
}
