package token

import "context"

// Ready returns the error with which Issue would fail now for want of a signing key, or nil. Whoever writes before they
// issue asks first: an answer that fails after the write can cost a client its session.
func (i *Issuer) Ready(ctx context.Context) error {
	_, err := i.c.Keys.SigningKey(ctx)
	return err
}
