package login

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Keys are the login keys, from which this package derives all of its keys. *keyring.Login
// implements it. If the keys cannot be read at the moment, the errors wrap auth.ErrUnavailable.
type Keys interface {
	// SealingKey returns the key for new tokens.
	SealingKey(ctx context.Context) (auth.LoginKey, error)
	// LoginKey returns the accepted key with the given id. The error for any other id is
	// auth.ErrNotFound.
	LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error)
}

// pseudonym returns the pseudonym of an e-mail in the audit log, whether or not a user has the
// e-mail; see [throttle.Reference].
func pseudonym(ctx context.Context, keys Keys, email string) (string, error) {
	return throttle.Reference(ctx, keys, string(accountKey(email)))
}
