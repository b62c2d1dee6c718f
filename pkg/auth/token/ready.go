package token

import "context"

// Ready returns the error that [Issuer.Issue] would return now because no signing key is available,
// or nil. Call Ready before a write that precedes Issue: if Issue fails after the write, the client
// can lose its session.
func (i *Issuer) Ready(ctx context.Context) error {
	_, err := i.c.Keys.SigningKey(ctx)
	return err
}
