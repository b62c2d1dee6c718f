package user

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// VerifyEmail records that the user read receives mail at the address read.Email. It writes nothing
// if the address is verified already. The error is [ErrSuperseded] if the address or the
// TokenVersion has changed since the read, or if the user does not exist any more.
func (d *Directory) VerifyEmail(ctx context.Context, read User) (User, error) {
	if read.VerifiedEmail == read.Email {
		return read, nil
	}
	return d.proven(ctx, read, func(*User) {})
}

// ResetPassword stores the hash of a new, checked password for a user who has proven to receive
// mail at read.Email. It records the address as verified and ends all sessions and known devices of
// the user. The errors are the same as those of [Directory.VerifyEmail].
func (d *Directory) ResetPassword(ctx context.Context, read User, stored auth.Secret) (User, error) {
	return d.proven(ctx, read, func(u *User) {
		u.Password, u.MustChange = stored, false
		u.TokenVersion++
	})
}

// RemovePassword removes the password of a user, who can then set a new password by a code. It ends
// all sessions, known devices and codes of the user.
func (d *Directory) RemovePassword(ctx context.Context, id auth.SubjectID) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		u.Password, u.MustChange = auth.Secret{}, false
		u.TokenVersion++
		return nil
	})
}

// proven changes a user whose mailbox was proven when the user was read. It begins with the user as
// read, which saves a read. It keeps a concurrent change of other members, for example of the
// roles.
func (d *Directory) proven(ctx context.Context, read User, f func(*User)) (User, error) {
	first := true
	u, err := retryFrom(ctx, func(ctx context.Context) (User, error) {
		if first {
			first = false
			return read, nil
		}
		return d.Store.Get(ctx, read.ID)
	}, func(u User) (User, error) {
		if u.TokenVersion != read.TokenVersion || u.Email != read.Email {
			return User{}, ErrSuperseded
		}
		f(&u)
		u.VerifiedEmail = u.Email
		return d.update(ctx, u)
	})
	if errors.Is(err, auth.ErrNotFound) {
		err = ErrSuperseded
	}
	return u, err
}
