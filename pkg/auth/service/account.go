package service

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

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
