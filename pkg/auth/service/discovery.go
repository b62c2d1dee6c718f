package service

import (
	"fmt"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ForDiscovery returns what the discovery function serves, from the environment of this process: the issuer and the
// public keys, and no secret. Its error names every variable that is missing or wrong.
func ForDiscovery() (http.Handler, error) { return startDiscovery(config.Process()) }

func startDiscovery(e *config.Environment) (http.Handler, error) {
	issuer, jwks := e.Issuer(), e.JWKS()
	if err := e.Err(); err != nil {
		return nil, err
	}
	keys, err := token.ParseJWKS(jwks)
	if err != nil {
		return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
	}
	h, err := endpoint.Discovery(issuer, keys)
	if err != nil {
		return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
	}
	return h, nil
}
