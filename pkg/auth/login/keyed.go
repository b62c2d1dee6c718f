package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

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

func macOf(b []byte, key auth.LoginKey, purpose string) ([]byte, error) {
	derived, err := key.Derive(purpose)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of %s: %w", purpose, err)
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write(b)
	return mac.Sum(nil), nil
}

// Reference returns what the audit log calls an e-mail, whether or not a user has it; see [throttle.Reference].
func Reference(ctx context.Context, keys Keys, email string) (string, error) {
	return throttle.Reference(ctx, keys, string(accountKey(email)))
}
