package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// ForSessions returns the manager of sessions for the sessions function, and where its audit lines go, from the
// environment of this process. It holds no key that signs access tokens, and reads no configuration of clients: a
// session can be ended whatever became of its client. Its error names every variable that is missing or wrong.
func ForSessions() (*session.Manager, *audit.Log, error) { return startSessions(config.Process()) }

func startSessions(e *config.Environment) (*session.Manager, *audit.Log, error) {
	store, keys, version := e.Store(), e.RefreshKeys(), e.KeyVersion()
	secrets := e.SecretsManagerOf(keys)
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	source, err := openRing(config.RefreshKeys, keys, secrets)
	stores, storeErr := OpenStores(store)
	if err := errors.Join(err, storeErr); err != nil {
		return nil, nil, err
	}
	refresh, err := keyring.LoadRefresh(context.Background(), source, version, time.Now)
	if err != nil {
		return nil, nil, fmt.Errorf("the refresh-token keys: %w", err)
	}
	sessions, err := session.NewManager(session.Config{
		Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users, Now: time.Now},
		Codec: session.Codec{Keys: refresh}, Rules: session.DefaultRules(), Now: time.Now, Rand: rand.Reader,
	})
	return sessions, audit.New(os.Stdout), err
}
