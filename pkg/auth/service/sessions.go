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
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Sessions returns the handler of the sessions function. It has no signing key, and it reads
// neither the login ring nor the configuration of clients, so a session can be ended after its
// client was removed. It reads the environment variables that the package documentation lists, and
// fails as [Login] does.
func Sessions(o Options) (http.Handler, error) {
	sessions, metrics, err := startSessions(config.Process())
	if err != nil {
		return nil, err
	}
	return endpoint.Sessions(sessions, audit.Metered(o.log(), metrics), time.Now)
}

// startSessions also returns the namespace of the metrics.
func startSessions(e *config.Environment) (sessions *session.Manager, metrics string, err error) {
	metrics = e.Metrics()
	store, keys, version := e.SessionStore(), e.RefreshKeys(), e.KeyVersion()
	rules := session.DefaultRules()
	rules.SessionsNotBefore = e.SessionsNotBefore(time.Now())
	secrets := e.SecretsManagerOf(keys)
	if err := e.Err(); err != nil {
		return nil, "", err
	}
	source, err := openRing(config.RefreshKeys, keys, secrets)
	stores, storeErr := openStores(store)
	if err := errors.Join(err, storeErr); err != nil {
		return nil, "", err
	}
	refresh, err := keyring.LoadRefresh(context.Background(), source, version, time.Now)
	if err != nil {
		return nil, "", fmt.Errorf("the refresh-token keys: %w", err)
	}
	sessions, err = session.NewManager(session.Config{
		Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users}, Versions: stores.Versions,
		Keys: refresh, Rules: rules,
	})
	return sessions, metrics, err
}
