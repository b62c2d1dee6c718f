package discovery

import (
	"fmt"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// FromEnvironment returns the handler of the discovery function, configured by the environment
// variables of the process: the issuer and the public keys. The error names every variable that is
// missing or invalid.
func FromEnvironment() (http.Handler, error) { return from(config.Process()) }

func from(e *config.Environment) (http.Handler, error) {
	issuer, jwks := e.Issuer(), e.JWKS()
	if err := e.Err(); err != nil {
		return nil, err
	}
	keys, err := token.ParseJWKS(jwks)
	if err != nil {
		return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
	}
	h, err := New(issuer, keys)
	if err != nil {
		return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
	}
	return h, nil
}
