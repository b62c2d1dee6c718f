package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Passwords stores what a login leads to; user.Directory is one. What is stored is a hash that Hasher made.
type Passwords interface {
	// CheckPassword returns one of package password's errors for a password that may not be set.
	CheckPassword(ctx context.Context, password auth.Secret) error
	// UpgradeHash stores another hash of the same password. It must leave TokenVersion alone: no session ends.
	UpgradeHash(ctx context.Context, u user.User, stored auth.Secret) error
	// ReplaceHash stores the hash of another password and raises the user's TokenVersion, in one conditional write. The
	// error is user.ErrSuperseded if the TokenVersion is no longer this one.
	ReplaceHash(ctx context.Context, id auth.SubjectID, tokenVersion uint64, stored auth.Secret) (user.User, error)
	// PermitChange stores the SHA-256 of the secret of a change-of-password token, in the place of an older one. It stores
	// nothing, and the error is nil, if parallel calls have stored newer ones. The error is user.ErrSuperseded if the user
	// need not change the password, is disabled, or has another TokenVersion by now.
	PermitChange(ctx context.Context, id auth.SubjectID, tokenVersion uint64, digest [sha256.Size]byte, until time.Time) error
	// RedeemChange stores the hash of another password and redeems the token with this digest, in one conditional write.
	// The error is user.ErrSuperseded if the user's ChangeState is not user.ChangeOpen.
	RedeemChange(ctx context.Context, id auth.SubjectID, digest [sha256.Size]byte, at time.Time, stored auth.Secret) (user.User, error)
}

var (
	// ErrSamePassword refuses a new password that is the one before it.
	ErrSamePassword = errors.New("the new password is the old one")
	errNoPasswords  = errors.New("login: without Config.Passwords no password can be changed")
)

// ChangePassword sets another password for a user who proves the present one: a login like any other, so a wrong one
// counts as a failed login, and c.Email is not asked. All the user's sessions and known devices end; Result.User is the
// user as of now, for whom the caller opens a new session.
//
// The errors are Login's, except that a password which must be changed is no error; ErrSamePassword, those of package
// password for a password that may not be set, and user.ErrSuperseded if another change was faster.
func (a *Authenticator) ChangePassword(ctx context.Context, id auth.SubjectID, c Credentials, next auth.Secret) (Result, error) {
	if a.c.Passwords == nil {
		return Result{}, errNoPasswords
	}
	u, err := a.c.Users.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Result{}, user.ErrSuperseded // erased, while the session was looked at
	case err != nil:
		return Result{}, fmt.Errorf("read the user: %w", err)
	}
	c.Email = u.Email
	r, err := a.Login(ctx, c)
	if err != nil && !errors.Is(err, ErrPasswordChangeRequired) {
		return Result{}, err
	}
	if r.User.ID != id { // the address has gone to another user since it was read, whose password this was
		return Result{}, &Refusal{Reason: ReasonWrongPassword, Subject: id, Reference: r.Reference}
	}
	return a.replace(ctx, r.User, r.Reference, next)
}

// replace stores another password for a user as they were read.
func (a *Authenticator) replace(ctx context.Context, u user.User, reference string, next auth.Secret) (Result, error) {
	stored, err := a.newHash(ctx, u, next)
	if err != nil {
		return Result{}, err
	}
	u, err = a.c.Passwords.ReplaceHash(ctx, u.ID, u.TokenVersion, stored)
	if errors.Is(err, auth.ErrNotFound) { // erased meanwhile
		err = user.ErrSuperseded
	}
	if err != nil {
		return Result{}, err
	}
	return Result{User: u, Reference: reference, NewDevice: a.c.Keys != nil}, nil
}

// newHash returns the hash of another password for a user as they were read, if it may be set and is not the old one. The
// hashes are made in a turn, as a login's are, and nothing else is done in it.
func (a *Authenticator) newHash(ctx context.Context, u user.User, next auth.Secret) (stored auth.Secret, err error) {
	if err := a.c.Passwords.CheckPassword(ctx, next); err != nil {
		return auth.Secret{}, err
	}
	err = a.inTurn(ctx, func() (err error) {
		// By the stored hash and not by what was typed: two spellings of Unicode are one password.
		if a.hasPassword(u, next) {
			return ErrSamePassword
		}
		stored, err = a.c.Hasher.Hash(next)
		return err
	})
	return stored, err
}

// hasPassword reports whether a password is the user's. A partial match is no proof of that: the tail that bcrypt did not
// see may differ. It does one hash, or none if the stored one is missing or damaged.
func (a *Authenticator) hasPassword(u user.User, given auth.Secret) bool {
	r, err := a.c.Hasher.Verify(u.Password, given)
	return err == nil && r.Match && !r.Partial
}
