package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Sessions returns the handler of the sessions function. It has no signing key, and it does not
// read the login ring. It reads the environment variables that the package documentation lists, and
// fails as [Login] does.
func Sessions(o Options) (http.Handler, error) {
	c, metrics, err := startSessions(config.Process())
	if err != nil {
		return nil, err
	}
	c.Log = audit.Metered(o.log(), metrics)
	return endpoint.Sessions(c)
}

// startSessions also returns the namespace of the metrics.
func startSessions(e *config.Environment) (c endpoint.SessionsConfig, metrics string, err error) {
	metrics = e.Metrics()
	store, keys, version := e.SessionStore(), e.RefreshKeys(), e.KeyVersion()
	s, jwks := Settings{Issuer: e.Issuer(), Audience: e.Audience()}, e.JWKS()
	rules := session.DefaultRules()
	rules.SessionsNotBefore = e.SessionsNotBefore(time.Now())
	secrets := e.SecretsManagerOf(keys)
	document := e.Document(config.DocumentNames()...)
	if err := e.Err(); err != nil {
		return c, metrics, err
	}
	source, err := openRing(config.RefreshKeys, keys, secrets)
	stores, storeErr := openStores(store)
	public, jwksErr := token.ParseJWKS(jwks)
	if jwksErr != nil {
		jwksErr = fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, jwksErr)
	}
	if err := errors.Join(err, storeErr, readDocument(document, &s), jwksErr); err != nil {
		return c, metrics, err
	}
	c.Origins = s.Origins
	if c.Access, err = s.verifier(public); err != nil {
		return c, metrics, err
	}
	refresh, err := keyring.LoadRefresh(context.Background(), source, version, time.Now)
	if err != nil {
		return c, metrics, fmt.Errorf("the refresh-token keys: %w", err)
	}
	// Clients is not set: a session must still be ended after its client was removed.
	c.Sessions, err = session.NewManager(session.Config{
		Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users}, Versions: stores.Versions, Revocations: stores.Revocations,
		Keys: refresh, Rules: rules,
	})
	return c, metrics, err
}
