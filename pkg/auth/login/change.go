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

// passwords stores the results of logins and password changes. *[user.Directory] implements it.
// Stored hashes come from Hasher.
type passwords interface {
	// CheckPassword returns an error of package password if the user with this e-mail may not set
	// the password.
	CheckPassword(ctx context.Context, password auth.Secret, email string) error
	// UpgradeHash stores a new hash of the same password. It must not change TokenVersion, so that
	// no session ends.
	UpgradeHash(ctx context.Context, u user.User, stored auth.Secret) error
	// ReplaceHash stores the hash of a new password and increments the user's TokenVersion, in one
	// conditional write. If the TokenVersion has changed, the error is user.ErrSuperseded.
	ReplaceHash(ctx context.Context, id auth.SubjectID, tokenVersion uint64, stored auth.Secret) (user.User, error)
	// PermitChange stores the SHA-256 of the secret of a change-of-password token and replaces an
	// older one. If parallel calls have stored newer digests, it stores nothing and returns nil.
	// The error is user.ErrSuperseded if the user need not change the password, is disabled, or has
	// another TokenVersion.
	PermitChange(ctx context.Context, id auth.SubjectID, tokenVersion uint64, digest [sha256.Size]byte, until time.Time) error
	// RedeemChange stores the hash of a new password and redeems the token with this digest, in one
	// conditional write. If the token may not set a password, the error is
	// user.ErrSuperseded.
	RedeemChange(ctx context.Context, id auth.SubjectID, digest [sha256.Size]byte, at time.Time, stored auth.Secret) (user.User, error)
	// RecordForms adds forms of hashes to the record that Users.Forms returns.
	RecordForms(ctx context.Context, forms []string, until time.Time) (user.Forms, error)
}

var (
	// ErrSamePassword means that the new password equals the current one.
	ErrSamePassword = errors.New("the new password equals the current one")
	errNoPasswords  = errors.New("login: changing a password requires Config.Passwords")
)

// ChangePassword sets a new password for a user who proves the current one. The proof is a login
// with c, except that c.Email is ignored, so a wrong password counts as a failed login. All
// sessions and known devices of the user end. Result.User is the user after the change, for whom
// the caller opens a new session.
//
// The errors are those of [Authenticator.Login], except that a required password change is not an
// error. In addition, the error is [ErrSamePassword], an error of package password if the new
// password is not allowed, or [user.ErrSuperseded] if a concurrent change came first.
func (a *Authenticator) ChangePassword(ctx context.Context, id auth.SubjectID, c Credentials, next auth.Secret) (Result, error) {
	if a.passwords == nil {
		return Result{}, errNoPasswords
	}
	r, err := a.Reauthenticate(ctx, id, c)
	if err != nil && !errors.Is(err, ErrPasswordChangeRequired) {
		return Result{}, err
	}
	return a.replace(ctx, r, next)
}

// Reauthenticate checks the password of a user who is logged in, for example before a payment. It
// is a login with c, except that c.Email is ignored, so a wrong password counts as a failed login
// and Steps run.
//
// The errors are those of [Authenticator.Login]. In addition, the error is [user.ErrSuperseded] if
// the user does not exist any more.
func (a *Authenticator) Reauthenticate(ctx context.Context, id auth.SubjectID, c Credentials) (Result, error) {
	u, err := a.c.Users.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Result{}, user.ErrSuperseded // erased since the session was checked
	case err != nil:
		return Result{}, fmt.Errorf("read the user: %w", err)
	}
	c.Email = u.Email
	r, err := a.Login(ctx, c)
	if err != nil && !errors.Is(err, ErrPasswordChangeRequired) {
		return Result{}, err
	}
	if r.User.ID != id { // the address now belongs to another user, and c proved that user's password
		return Result{}, &Refusal{Reason: ReasonWrongPassword, Subject: id, Reference: r.Reference}
	}
	return r, err
}

// replace stores a new password for the user of a login.
func (a *Authenticator) replace(ctx context.Context, proven Result, next auth.Secret) (Result, error) {
	u := proven.User
	stored, err := a.NewHash(ctx, u, next)
	if err != nil {
		return Result{}, err
	}
	u, err = a.passwords.ReplaceHash(ctx, u.ID, u.TokenVersion, stored)
	if errors.Is(err, auth.ErrNotFound) { // erased meanwhile
		err = user.ErrSuperseded
	}
	if err != nil {
		return Result{}, err
	}
	return Result{User: u, AMR: proven.AMR, Reference: proven.Reference, NewDevice: a.c.Keys != nil}, nil
}

// NewHash returns the hash of a new password for a user, who may not be stored yet. It requires
// Config.Passwords. The error is [ErrSamePassword], or an error of package password if the password
// is not allowed. Only the hashes run under the semaphore of logins.
func (a *Authenticator) NewHash(ctx context.Context, u user.User, next auth.Secret) (stored auth.Secret, err error) {
	if a.passwords == nil {
		return auth.Secret{}, errNoPasswords
	}
	if err := a.passwords.CheckPassword(ctx, next, u.Email); err != nil {
		return auth.Secret{}, err
	}
	err = a.inTurn(ctx, func() (err error) {
		// Compare with the stored hash, not with the text that was sent: two Unicode spellings are
		// one password.
		if a.hasPassword(u, next) {
			return ErrSamePassword
		}
		stored, err = a.c.Hasher.Hash(next)
		return err
	})
	return stored, err
}

// hasPassword reports whether the password is the user's. A partial match is not enough, because
// bytes that bcrypt ignores may differ. hasPassword computes one hash, or no hash if the stored
// hash is missing or damaged.
func (a *Authenticator) hasPassword(u user.User, given auth.Secret) bool {
	r, err := a.c.Hasher.Verify(u.Password, given)
	return err == nil && r.Match && !r.Partial
}
