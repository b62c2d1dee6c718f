package user

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// VerifyEmail records that the owner of a user has proven to receive mail at the address of the user
// as read. It writes nothing if that is known. The error is [ErrSuperseded] if the address or the
// TokenVersion has changed since the read, or if the user does not exist any more.
func (d *Directory) VerifyEmail(ctx context.Context, read User) (User, error) {
	if read.VerifiedEmail == read.Email {
		return read, nil
	}
	return d.proven(ctx, read, func(*User) {})
}

// ResetPassword stores the hash of a new, checked password for the owner of the mailbox of a user as
// read. It records the address as proven and ends all sessions and known devices of the user. The
// errors are those of [Directory.VerifyEmail].
func (d *Directory) ResetPassword(ctx context.Context, read User, stored auth.Secret) (User, error) {
	return d.proven(ctx, read, func(u *User) {
		u.Password, u.MustChange = stored, false
		u.TokenVersion++
	})
}

// RemovePassword removes the password of a user, who sets a new one by a code. All sessions, known
// devices and codes of the user end.
func (d *Directory) RemovePassword(ctx context.Context, id auth.SubjectID) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		u.Password, u.MustChange = auth.Secret{}, false
		u.TokenVersion++
		return nil
	})
}

// proven changes a user whose mailbox was proven when the user was read. It begins with the user as
// read, which saves a read. Another change of the user in between, for example of the roles, stays.
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
