package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

type userUnlock struct {
	whoArgument
	Window time.Duration `default:"24h" help:"The window of throttle.account in the configuration (${default})."`
}

// Run clears the counter of an account. The names of counters are made with the login ring, so the
// command needs the ring of the store.
func (c *userUnlock) Run(ctx context.Context, t terminal) error {
	key, err := keysFlag{c.homeFlag, c.Store}.sealing(ctx, t)
	if errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("%w, and all counters then start again", err)
	}
	if err != nil {
		return err
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	email := c.Who
	switch u, err := directoryOf(stores).Find(ctx, c.Who); {
	case err == nil:
		email = u.Email
	case !errors.Is(err, auth.ErrNotFound): // an unknown address has a counter too
		return err
	}
	limits := login.DefaultLimits()
	limits.Account.Window = c.Window
	if err := limits.Validate(); err != nil {
		return fmt.Errorf("%w: --window: %w", errUsage, err)
	}
	attempts, err := login.Unlock(ctx, stores.Counters, key, limits, email, time.Now())
	if err != nil {
		return err
	}
	return t.print(map[string]any{"email": email, "attempts": attempts}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d attempts cleared\n", printable(email), attempts)
	})
}

// sealing is the login key that signs now.
type sealing struct {
	version keyrings.Version
	secret  auth.Secret
}

func (s sealing) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: s.version, Secret: s.secret}, nil
}
