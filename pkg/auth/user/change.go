package user

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// maxTries is the number of times that a change is tried if concurrent writes of the user
// interfere.
const maxTries = 5

// SetPassword sets a user's password and ends all sessions of the user. If mustChange is true, a
// login with this password permits only a change of the password. SetPassword returns the errors of
// [Directory.Add] for a password, and [auth.ErrNotFound] if the user is unknown.
func (d *Directory) SetPassword(ctx context.Context, id auth.SubjectID, secret auth.Secret, mustChange bool) (User, error) {
	found, err := d.Store.Get(ctx, id)
	if err != nil {
		return User{}, err
	}
	hash, err := d.newHash(ctx, secret, found.Email)
	if err != nil {
		return User{}, err
	}
	return d.change(ctx, id, func(u *User) error {
		u.Password, u.MustChange = hash, mustChange
		u.TokenVersion++
		return nil
	})
}

// CheckPassword returns an error of package password if the user with this e-mail address may not
// set the password.
func (d *Directory) CheckPassword(ctx context.Context, secret auth.Secret, email string) error {
	return d.Policy.Check(ctx, secret, email)
}

// ReplaceHash stores the hash of a new, checked password for a user who has proven the current
// password at this TokenVersion. ReplaceHash ends all sessions of the user. The error is
// [ErrSuperseded] if the user's TokenVersion has changed: the password or the user's right to log
// in changed in between, so the proof is no longer valid.
func (d *Directory) ReplaceHash(ctx context.Context, id auth.SubjectID, tokenVersion uint64, stored auth.Secret) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		if u.TokenVersion != tokenVersion {
			return ErrSuperseded
		}
		u.Password, u.MustChange = stored, false
		u.TokenVersion++
		return nil
	})
}

func (d *Directory) newHash(ctx context.Context, secret auth.Secret, email string) (auth.Secret, error) {
	if err := d.CheckPassword(ctx, secret, email); err != nil {
		return auth.Secret{}, err
	}
	hash, err := d.Hasher.Hash(secret)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}

// UpgradeHash stores a new hash of the user's current password, made with today's parameters. u
// must be the user that the password was verified against. No other member changes, and no session
// ends. If the user has been written since u was read, UpgradeHash drops the new hash and returns
// nil, because the password may have changed.
func (d *Directory) UpgradeHash(ctx context.Context, u User, stored auth.Secret) error {
	u.Password, u.UpdatedAt = stored, d.now()
	err := d.Store.Update(ctx, u)
	if errors.Is(err, ErrConflict) || errors.Is(err, auth.ErrNotFound) {
		return nil
	}
	return err
}

// Disable refuses further logins and ends the user's sessions at their next refresh. The sessions
// end even if the user is enabled again before that refresh.
func (d *Directory) Disable(ctx context.Context, id auth.SubjectID) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		if u.Disabled {
			return errSame
		}
		u.Disabled = true
		u.TokenVersion++
		return nil
	})
}

// Enable permits the user to log in again.
func (d *Directory) Enable(ctx context.Context, id auth.SubjectID) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		if !u.Disabled {
			return errSame
		}
		u.Disabled = false
		return nil
	})
}

// SetRoles replaces the user's roles. Tokens carry the new roles from the next refresh on. A role
// that no token can carry is an error.
func (d *Directory) SetRoles(ctx context.Context, id auth.SubjectID, roles []string) (User, error) {
	if err := checkRoles(roles); err != nil {
		return User{}, err
	}
	return d.change(ctx, id, func(u *User) error {
		if slices.Equal(u.Roles, roles) {
			return errSame
		}
		u.Roles = slices.Clone(roles)
		return nil
	})
}

// SetClaims replaces the user's own claims. Tokens carry the new claims from the next refresh on.
// Claims that no token can carry are an error.
func (d *Directory) SetClaims(ctx context.Context, id auth.SubjectID, claims map[string]any) (User, error) {
	if err := checkClaims(claims); err != nil {
		return User{}, err
	}
	return d.change(ctx, id, func(u *User) error {
		u.Claims = maps.Clone(claims)
		return nil
	})
}

// errSame stops a change that would store what is stored already.
var errSame = errors.New("no change")

// change reads a user, calls f to change it, and stores the result unless f returns an error. After
// a concurrent write, change reads the user again and calls f again.
func (d *Directory) change(ctx context.Context, id auth.SubjectID, f func(*User) error) (User, error) {
	return d.retry(ctx, id, func(u User) (User, error) {
		if err := f(&u); errors.Is(err, errSame) {
			return u, nil
		} else if err != nil {
			return User{}, err
		}
		return d.update(ctx, u)
	})
}

// update stores a changed user and returns the user as stored.
func (d *Directory) update(ctx context.Context, u User) (User, error) {
	u.UpdatedAt = d.now()
	if err := d.Store.Update(ctx, u); err != nil {
		return User{}, err
	}
	u.Revision++
	return u, nil
}

// ChangeEmail gives the user a new e-mail address. The error wraps [ErrEmail] if the address is not
// usable and [ErrExists] if it belongs to another user. The new address is not verified. Sessions
// continue, because they belong to the subject.
func (d *Directory) ChangeEmail(ctx context.Context, id auth.SubjectID, email string) (User, error) {
	if err := CheckEmail(email); err != nil {
		return User{}, err
	}
	email = strings.TrimSpace(email)
	return d.retry(ctx, id, func(u User) (User, error) {
		if u.Email == email { // this covers a retry after a lost reply
			return u, nil
		}
		to := u
		to.Email, to.VerifiedEmail, to.UpdatedAt = email, "", d.now()
		if err := d.Store.Move(ctx, u, to, uuid.NewString()); err != nil {
			return User{}, err
		}
		to.Revision = u.Revision + 1
		return to, nil
	})
}

// retry reads a user and calls f with it. If f returns ErrConflict, retry starts again, up to
// maxTries times.
func (d *Directory) retry(ctx context.Context, id auth.SubjectID, f func(User) (User, error)) (User, error) {
	return retryFrom(ctx, func(ctx context.Context) (User, error) { return d.Store.Get(ctx, id) }, f)
}

// retryFrom is [Directory.retry] for a caller with its own read.
func retryFrom(ctx context.Context, read func(context.Context) (User, error), f func(User) (User, error)) (User, error) {
	for try := 1; ; try++ {
		u, err := read(ctx)
		if err != nil {
			return User{}, err
		}
		if u, err = f(u); err == nil {
			return u, nil
		}
		if !errors.Is(err, ErrConflict) || try == maxTries {
			return User{}, err
		}
	}
}

// Delete erases a user and all sessions of the user, and returns the number of sessions erased. The
// error is [auth.ErrNotFound] if neither the user nor a session exists. If Delete fails half way, a
// second call finishes the deletion.
func (d *Directory) Delete(ctx context.Context, id auth.SubjectID) (sessions int, err error) {
	if d.Sessions == nil {
		return 0, errors.New("user: Directory.Sessions must hold the sessions, which are erased with their user")
	}
	missing := d.Store.Delete(ctx, id, d.now())
	if missing != nil && !errors.Is(missing, auth.ErrNotFound) {
		return 0, missing
	}
	// The user is deleted first, so that no login opens a new session afterwards.
	sessions, err = d.Sessions.DeleteAll(ctx, id)
	if err != nil {
		return sessions, fmt.Errorf("the user is erased, but not all their sessions: %w", err)
	}
	if sessions == 0 {
		return 0, missing
	}
	return sessions, nil
}
