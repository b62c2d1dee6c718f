package login

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Keys are the login keys, from which every key of this package is derived; keyring.Login is one. Errors wrap
// auth.ErrUnavailable while the keys cannot be read.
type Keys interface {
	// SealingKey returns the key that new tokens are made with.
	SealingKey(ctx context.Context) (auth.LoginKey, error)
	// LoginKey returns an accepted key; auth.ErrNotFound for any other id.
	LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error)
}

// Reference returns what the audit log calls an e-mail, whether or not a user has it; see [throttle.Reference].
func Reference(ctx context.Context, keys Keys, email string) (string, error) {
	return throttle.Reference(ctx, keys, string(accountKey(email)))
}
