package login

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// tokens issues and parses known-device tokens. It does no I/O except for reading keys.
type tokens struct {
	Keys Keys
	Now  func() time.Time
	Rand io.Reader // cryptographically secure; must not fail, like crypto/rand.Reader
}

// Device returns a known-device token for a user who has just proven the password. (OWASP calls it
// a device cookie.) The token identifies the device, not the user: a login with it still needs the
// password, but strangers' guesses do not count on it. It is valid for 180 days, or until the
// user's TokenVersion changes.
func (x tokens) Device(ctx context.Context, u user.User) (auth.Secret, error) {
	v := voucher{Subject: u.ID, TokenVersion: u.TokenVersion, IssuedAt: x.Now()}
	if _, err := io.ReadFull(x.Rand, v.ID[:]); err != nil {
		return auth.Secret{}, fmt.Errorf("reading random bytes: %w", err)
	}
	return seal(ctx, x.Keys, v)
}

// KnownDevice is an authentic, unexpired known-device token.
type KnownDevice struct {
	// ID is the random id of the device; empty means no device.
	ID string

	voucher voucher
}

// Vouches reports whether the token was issued to this user, with no password change since.
func (d KnownDevice) Vouches(u user.User) bool {
	return d.ID != "" && d.voucher.vouchesFor(u.ID, u.TokenVersion)
}

// ReadDevice returns the known device of a token. It does no I/O except for reading keys. An
// invalid or expired token is no device, as in [Authenticator.Login].
func (a *Authenticator) ReadDevice(ctx context.Context, token auth.Secret) (KnownDevice, error) {
	v, err := a.device(ctx, token)
	if err != nil || v.ID == (deviceID{}) {
		return KnownDevice{}, err
	}
	return KnownDevice{ID: string(v.ID[:]), voucher: v}, nil
}

func (x tokens) parseDevice(ctx context.Context, token auth.Secret) (voucher, error) {
	return parse(ctx, x.Keys, token, x.Now())
}

// renewDevice is the age from which a successful login issues a new token, so that a device in use
// stays known.
const renewDevice = 90 * 24 * time.Hour
