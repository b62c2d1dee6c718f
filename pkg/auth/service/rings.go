package service

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

// openRing returns the source in the value of the named variable.
func openRing(name string, value auth.Secret, at config.SecretsManager) (keyring.Source, error) {
	if arn, ok := config.SecretARN(value); ok {
		if arn == "" {
			return nil, fmt.Errorf("%s has no ARN (want secretsmanager:<arn>)", name)
		}
		return backend.OpenSecrets(at).Secret(arn), nil
	}
	source, err := keyring.Open(value.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return source, nil
}

// rings holds the loaded rings of one service.
type rings struct {
	signing *keyring.Signing
	refresh *keyring.Refresh
	login   *keyring.Login // nil if the service verifies no passwords
}

// loadRings reads the rings and connects the stores in parallel. On Lambda all of them wait for the
// network, and no request waits for them during initialization.
func loadRings(ctx context.Context, s Settings) (r rings, err error) {
	var (
		errs [3]error
		all  sync.WaitGroup
	)
	all.Go(func() { r.signing, errs[0] = keyring.LoadSigning(ctx, s.SigningRing, s.KeyVersion, s.Now) })
	all.Go(func() { r.refresh, errs[1] = keyring.LoadRefresh(ctx, s.RefreshKeys, s.KeyVersion, s.Now) })
	if s.LoginRing != nil {
		all.Go(func() { r.login, errs[2] = keyring.LoadLogin(ctx, s.LoginRing, s.KeyVersion, s.Now) })
	}
	if s.Stores.Connect != nil {
		all.Go(func() { s.Stores.Connect(ctx) })
	}
	all.Wait()
	for i, name := range []string{"the signing ring", "the refresh-token keys", "the login ring"} {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("%s: %w", name, errs[i])
		}
	}
	return r, errors.Join(errs[:]...)
}
