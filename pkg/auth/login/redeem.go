package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// RedeemChange sets a new password for the holder of a token that Login returned with
// [ErrPasswordChangeRequired]. Neither a key nor the table is enough to make such a token, because
// the table has only the hash of its secret. Steps do not run again: the token exists only if
// Steps.After allowed the login.
//
// A token sets one password. The same token with the same password succeeds again, without a
// change, because the first reply may be lost. The first success ends all sessions and known
// devices of the user. Result.User is the user after the change, for whom the caller opens a new
// session.
//
// The error is [ErrNoToken] if the token is unknown, older than changeLifetime, superseded by a
// newer token or used for another password, or if the user was erased, disabled or given a password
// meanwhile. It is a [*Refusal] with [ErrThrottled] if the token was tried too often. It is
// [ErrSamePassword], or an error of package password, if the password is not allowed. Any other
// error says nothing about the token and wraps the error of the store.
func (a *Authenticator) RedeemChange(ctx context.Context, change, next auth.Secret) (r Result, err error) {
	if a.passwords == nil {
		return Result{}, errNoPasswords
	}
	id, digest, ok := parseChange(change)
	if !ok {
		return Result{}, ErrNoToken
	}
	// Before the secret is verified, a request causes one read, and neither a write nor a hash.
	u, err := a.changing(ctx, id, digest)
	if err != nil {
		return Result{}, err
	}
	reference, err := a.Reference(ctx, u.Email)
	if err != nil {
		return Result{}, err
	}
	held, ending := slots{of: a.attempts}, throttle.EndingUndecided
	defer func() { held.settle(ctx, ending) }()
	// The token has its own counter, so that guesses at the account do not block its holder. The
	// counter limits the hashes of one token, and the guesses at the new password by a thief of a
	// redeemed token.
	if err := held.take(ctx, []attempt{{Device: deviceID(digest[:len(deviceID{})]), At: a.c.Now()}}, nil); err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			no := *refusal // an implementation of attempts may return the same Refusal to many logins
			no.Subject, no.Reference = u.ID, reference
			return Result{}, &no
		}
		return Result{}, err
	}
	u, err = a.redeem(ctx, u, digest, next)
	if errors.Is(err, user.ErrSuperseded) || errors.Is(err, auth.ErrNotFound) {
		// A concurrent redemption came first. If it set the same password, this is a retry.
		if u, err = a.changing(ctx, id, digest); err == nil {
			u, err = a.redeem(ctx, u, digest, next)
		}
	}
	switch {
	case err == nil:
		ending = throttle.EndingSucceeded
		return Result{User: u, AMR: []string{methodPassword}, Reference: reference, NewDevice: a.c.Keys != nil}, nil
	case errors.Is(err, user.ErrSuperseded), errors.Is(err, auth.ErrNotFound):
		err = ErrNoToken
	}
	if errors.Is(err, ErrNoToken) || errors.Is(err, ErrSamePassword) {
		ending = throttle.EndingFailed // both answers reveal something about a password
	}
	return Result{}, err
}

// changing reads the user of a token. The error is ErrNoToken if the token permits nothing.
func (a *Authenticator) changing(ctx context.Context, id auth.SubjectID, digest [sha256.Size]byte) (user.User, error) {
	u, err := a.c.Users.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.User{}, ErrNoToken
	case err != nil:
		return user.User{}, fmt.Errorf("read the user: %w", err)
	case !u.MayRedeem(digest, a.c.Now()):
		return user.User{}, ErrNoToken
	}
	return u, nil
}

// redeem sets the password of the user as read, or confirms the password that this token has set.
func (a *Authenticator) redeem(ctx context.Context, u user.User, digest [sha256.Size]byte, next auth.Secret) (user.User, error) {
	if u.Change.Redeemed {
		return u, a.inTurn(ctx, func() error {
			if !a.hasPassword(u, next) {
				return ErrNoToken
			}
			return nil
		})
	}
	stored, err := a.NewHash(ctx, u, next)
	if err != nil {
		return user.User{}, err
	}
	return a.passwords.RedeemChange(ctx, u.ID, digest, a.c.Now(), stored)
}
