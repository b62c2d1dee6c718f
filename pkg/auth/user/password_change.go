package user

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// PasswordChange is the stored part of a change-of-password token: the hash of a random secret,
// which opens nothing by itself. It is a member of the user, so that one conditional write redeems
// the token and sets the password. A newer token replaces an older one.
type PasswordChange struct {
	// Digest is the SHA-256 of the token's secret.
	Digest [sha256.Size]byte
	// Until is the token's end, in UTC and in whole milliseconds.
	Until time.Time
	// TokenVersion is the user's TokenVersion when the token was issued or redeemed. A change that
	// ends the user's sessions also ends the token.
	TokenVersion uint64
	// Redeemed says that the token has set the current password. From then on the token only
	// confirms this password.
	Redeemed bool
}

// changeState says what a change-of-password token permits.
type changeState int

const (
	changeRefused changeState = iota // nothing
	// changeOpen permits a new password, once.
	changeOpen
	// changeRedeemed permits only a repetition of the same password, in case the reply was lost.
	changeRedeemed
)

// MayRedeem reports whether a change-of-password token permits anything at an instant: a new
// password, or, once it was redeemed, a repetition of the same password. digest is the SHA-256 of
// the token's secret. A token permits nothing if it is unknown, expired or not the newest, if the
// user is disabled, or if MustChange or TokenVersion has changed since the token was made or
// redeemed.
func (u User) MayRedeem(digest [sha256.Size]byte, at time.Time) bool {
	return u.changeState(digest, at) != changeRefused
}

func (u User) changeState(digest [sha256.Size]byte, at time.Time) changeState {
	c := u.Change
	switch {
	case c == (PasswordChange{}), subtle.ConstantTimeCompare(c.Digest[:], digest[:]) != 1:
		return changeRefused
	case !at.Before(c.Until), u.Disabled, c.TokenVersion != u.TokenVersion, c.Redeemed == u.MustChange:
		return changeRefused
	case c.Redeemed:
		return changeRedeemed
	}
	return changeOpen
}

// PermitChange stores a change-of-password token for a user who has proven the password at this
// TokenVersion. digest is the SHA-256 of the token's secret. The new token replaces an older one.
// The error is [ErrSuperseded] if the user need not change the password, is disabled, or has a
// different TokenVersion. It is [auth.ErrNotFound] if the user is unknown.
//
// The newest token wins. If this call loses every race against parallel calls, its token counts as
// the oldest: PermitChange returns nil, and the token is already superseded.
func (d *Directory) PermitChange(
	ctx context.Context, id auth.SubjectID, tokenVersion uint64, digest [sha256.Size]byte, until time.Time,
) error {
	var first *PasswordChange
	overtaken := false
	_, err := d.change(ctx, id, func(u *User) error {
		if !u.MustChange || u.Disabled || u.TokenVersion != tokenVersion {
			return ErrSuperseded
		}
		if first == nil {
			before := u.Change
			first = &before
		}
		overtaken = u.Change != *first
		u.Change = PasswordChange{Digest: digest, Until: until.UTC().Truncate(time.Millisecond), TokenVersion: tokenVersion}
		return nil
	})
	if errors.Is(err, ErrConflict) && overtaken {
		return nil
	}
	return err
}

// RedeemChange stores the hash of a new, checked password for the holder of a change-of-password
// token. One conditional write stores the hash, clears MustChange, ends all sessions of the user
// and marks the token as redeemed. The error is [ErrSuperseded] if the token may not set a
// password at this instant. It is [auth.ErrNotFound] if the user is unknown.
func (d *Directory) RedeemChange(
	ctx context.Context, id auth.SubjectID, digest [sha256.Size]byte, at time.Time, stored auth.Secret,
) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		if u.changeState(digest, at) != changeOpen {
			return ErrSuperseded
		}
		u.Password, u.MustChange = stored, false
		u.TokenVersion++
		u.Change = PasswordChange{Digest: digest, Until: u.Change.Until, TokenVersion: u.TokenVersion, Redeemed: true}
		return nil
	})
}
