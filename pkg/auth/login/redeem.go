package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// RedeemChange sets another password for the holder of the token that a login gave out with ErrPasswordChangeRequired. No
// key and no table makes such a token: the table holds the hash of its secret. Steps are not asked again, since the token
// exists only if Steps.After said yes.
//
// The token sets one password, once. The same token with the same password again is success, because the reply may have
// been lost; it changes nothing then. All the user's sessions and known devices end with the first success. Result.User is
// the user as of now, for whom the caller opens a new session.
//
// The error is ErrNoToken for a token that is unknown, older than ChangeLifetime, superseded by a newer one, or used for
// another password, and if the user was erased, disabled or given a password meanwhile. It is a *Refusal with ErrThrottled
// if the token was tried too often, ErrSamePassword, or one of package password's for a password that may not be set. Any
// other error says nothing about the token and wraps the store's.
func (a *Authenticator) RedeemChange(ctx context.Context, change, next auth.Secret) (r Result, err error) {
	if a.c.Passwords == nil {
		return Result{}, errNoPasswords
	}
	id, digest, ok := parseChange(change)
	if !ok {
		return Result{}, ErrNoToken
	}
	// Until the secret is known to be right, a stranger gets one read out of us: no write and no hash.
	u, err := a.changing(ctx, id, digest)
	if err != nil {
		return Result{}, err
	}
	reference, err := a.reference(ctx, u.Email)
	if err != nil {
		return Result{}, err
	}
	held, ending := slots{of: a.c.Attempts}, Undecided
	defer func() { held.settle(ctx, ending) }()
	// The holder has a counter of their own, so that guesses at the account do not keep them out. It limits the hashes that
	// one token buys, and the guesses at the new password by a thief of a redeemed token.
	if err := held.take(ctx, []Attempt{{Device: DeviceID(digest[:len(DeviceID{})]), At: a.c.Now()}}, nil); err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			no := *refusal // an Attempts may answer many logins with the same one
			no.Subject, no.Reference = u.ID, reference
			return Result{}, &no
		}
		return Result{}, err
	}
	u, err = a.redeem(ctx, u, digest, next)
	if errors.Is(err, user.ErrSuperseded) || errors.Is(err, auth.ErrNotFound) {
		// Another redemption was faster. If it set the same password, this one is its repetition.
		if u, err = a.changing(ctx, id, digest); err == nil {
			u, err = a.redeem(ctx, u, digest, next)
		}
	}
	switch {
	case err == nil:
		ending = Succeeded
		return Result{User: u, Reference: reference, NewDevice: a.c.Keys != nil}, nil
	case errors.Is(err, user.ErrSuperseded), errors.Is(err, auth.ErrNotFound):
		err = ErrNoToken
	}
	if errors.Is(err, ErrNoToken) || errors.Is(err, ErrSamePassword) {
		ending = Failed // each of them tells the holder something about a password
	}
	return Result{}, err
}

// changing reads the user for whom a token permits something; ErrNoToken if there is none.
func (a *Authenticator) changing(ctx context.Context, id auth.SubjectID, digest [sha256.Size]byte) (user.User, error) {
	u, err := a.c.Users.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.User{}, ErrNoToken
	case err != nil:
		return user.User{}, fmt.Errorf("read the user: %w", err)
	case u.ChangeState(digest, a.c.Now()) == user.ChangeRefused:
		return user.User{}, ErrNoToken
	}
	return u, nil
}

// redeem sets a password for a user as they were read, or confirms the one that this token has set.
func (a *Authenticator) redeem(ctx context.Context, u user.User, digest [sha256.Size]byte, next auth.Secret) (user.User, error) {
	if u.Change.Redeemed {
		return u, a.inTurn(ctx, func() error {
			if !a.hasPassword(u, next) {
				return ErrNoToken
			}
			return nil
		})
	}
	stored, err := a.newHash(ctx, u, next)
	if err != nil {
		return user.User{}, err
	}
	return a.c.Passwords.RedeemChange(ctx, u.ID, digest, a.c.Now(), stored)
}
