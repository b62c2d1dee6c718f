package service

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// AccessTokens returns the verifier of the access tokens that this service issues.
func (x *Service) AccessTokens() *token.Verifier { return x.access }

// ownKeys are the public keys of the service's signing ring. If the ring cannot be read, the error
// of Key decides nothing about the token.
type ownKeys struct{ *Service }

func (k ownKeys) Key(ctx context.Context, kid string) (token.Key, error) {
	keys, err := k.PublicKeys(ctx)
	if err != nil {
		return token.Key{}, err
	}
	return keys.Key(ctx, kid)
}
