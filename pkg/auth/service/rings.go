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

// openRing returns the source that the variable of this name names.
func openRing(name string, value auth.Secret, at config.SecretsManager) (keyring.Source, error) {
	if arn, ok := config.SecretARN(value); ok {
		if arn == "" {
			return nil, fmt.Errorf("%s names no secret: it should hold secretsmanager:<arn>", name)
		}
		return backend.OpenSecrets(at).Secret(arn), nil
	}
	source, err := keyring.Open(value.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return source, nil
}

// rings are the rings of one service, in use.
type rings struct {
	signing *keyring.Signing
	refresh *keyring.Refresh
	login   *keyring.Login // nil if the service proves no passwords
}

// loadRings reads the rings, and lets the stores get ready meanwhile. On Lambda all of them wait for the network, and
// during the start no request waits for them.
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
