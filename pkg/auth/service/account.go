package service

import (
	"context"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ForAccount returns the service of the account function, from the environment of this process. Its error names every
// variable that is missing or wrong.
func ForAccount() (*Service, error) { return start(config.Process(), common, opening) }

// AccessTokens checks the access tokens that this service issues, by its own ring.
func (x *Service) AccessTokens() *token.Verifier { return x.access }

// ownKeys are the public halves of the signing ring. While the ring cannot be read, nothing is known of any token.
type ownKeys struct{ *Service }

func (k ownKeys) Key(ctx context.Context, kid string) (token.Key, error) {
	keys, err := k.PublicKeys(ctx)
	if err != nil {
		return token.Key{}, err
	}
	return keys.Key(ctx, kid)
}
