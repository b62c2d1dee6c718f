package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Passwords stores what a login leads to; user.Directory is one. What is stored is a hash that Hasher made.
type Passwords interface {
	// CheckPassword returns one of package password's errors for a password that may not be set.
	CheckPassword(ctx context.Context, password auth.Secret) error
	// UpgradeHash stores another hash of the same password. It must leave TokenVersion alone: no session ends.
	UpgradeHash(ctx context.Context, u user.User, stored auth.Secret) error
	// ReplaceHash stores the hash of another password, where the user's TokenVersion is still this one, and raises it. It
	// is user.ErrSuperseded where it is not.
	ReplaceHash(ctx context.Context, id auth.SubjectID, tokenVersion uint64, stored auth.Secret) (user.User, error)
}

var (
	// ErrSamePassword refuses a new password that is the one before it.
	ErrSamePassword = errors.New("the new password is the old one")
	errNoPasswords  = errors.New("login: without Config.Passwords and Config.Keys no password can be changed")
)

// ChangePassword sets another password for a user who proves the present one: a login like any other, so a wrong one
// counts as a failed login, and c.Email is not asked. All the user's sessions and known devices end; Result.User is the
// user as of now, for whom the caller opens a new session.
//
// The errors are Login's, except that a password which must be changed is no error; ErrSamePassword, those of package
// password for a password that may not be set, and user.ErrSuperseded where somebody else was faster.
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

// RedeemChange sets another password for whom a token of a login with ErrPasswordChangeRequired is. The errors are
// ChangePassword's, and ErrNoToken for one that is none, too old or used: it works once.
func (a *Authenticator) RedeemChange(ctx context.Context, change, next auth.Secret) (Result, error) {
	if a.c.Passwords == nil || a.c.Keys == nil {
		return Result{}, errNoPasswords
	}
	id, version, err := a.tokens.ParseChange(ctx, change)
	if err != nil {
		return Result{}, err
	}
	u, err := a.c.Users.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Result{}, ErrNoToken
	case err != nil:
		return Result{}, fmt.Errorf("read the user: %w", err)
	case u.TokenVersion != version || u.Disabled:
		return Result{}, ErrNoToken
	}
	reference, err := a.reference(ctx, u.Email)
	if err != nil {
		return Result{}, err
	}
	r, err := a.replace(ctx, u, reference, next)
	if errors.Is(err, user.ErrSuperseded) {
		return Result{}, ErrNoToken // another one who held it was faster
	}
	return r, err
}

// replace stores another password for a user as they were read. The hashes are made in a turn, as a login's are, and
// nothing else is done in it.
func (a *Authenticator) replace(ctx context.Context, u user.User, reference string, next auth.Secret) (Result, error) {
	if err := a.c.Passwords.CheckPassword(ctx, next); err != nil {
		return Result{}, err
	}
	var stored auth.Secret
	err := a.inTurn(ctx, func() (err error) {
		// By the stored hash and not by what was typed: two spellings of Unicode are one password.
		// A partial match is no proof of that: the tail that bcrypt did not see may differ.
		if old, err := a.c.Hasher.Verify(u.Password, next); err == nil && old.Match && !old.Partial {
			return ErrSamePassword
		}
		stored, err = a.c.Hasher.Hash(next)
		return err
	})
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
