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

// maxTries is how often a change is decided anew after a concurrent write of the user.
const maxTries = 5

// SetPassword sets a password, which ends all the user's sessions. With mustChange it opens nothing but the way to a
// password of the user's own. The errors are Add's for a password, and auth.ErrNotFound.
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

// CheckPassword returns one of password's errors for a password that the user with this e-mail may not set.
func (d *Directory) CheckPassword(ctx context.Context, secret auth.Secret, email string) error {
	return d.Policy.Check(ctx, secret, email)
}

// ReplaceHash stores the hash of another password, which was checked, for a user who has proven the one before it at this
// TokenVersion. It ends all the user's sessions. It is ErrSuperseded where the TokenVersion is another one by now: then
// the password, or whether the user may log in, was changed in between, and what was proven counts no more.
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

// UpgradeHash stores another hash of the password that u was just seen to have, as it would be hashed today. Nothing else
// changes, and no session ends. It is decided on the very read that the password was verified against: where the user
// has been written since, the old hash may no longer be theirs, so the fresh one is dropped, and that is no error.
func (d *Directory) UpgradeHash(ctx context.Context, u User, stored auth.Secret) error {
	u.Password, u.UpdatedAt = stored, d.now()
	err := d.Store.Update(ctx, u)
	if errors.Is(err, ErrConflict) || errors.Is(err, auth.ErrNotFound) {
		return nil
	}
	return err
}

// Disable refuses logins, and ends the user's sessions at their next refresh, also where the user is enabled again
// before that.
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

// Enable allows logins again.
func (d *Directory) Enable(ctx context.Context, id auth.SubjectID) (User, error) {
	return d.change(ctx, id, func(u *User) error {
		if !u.Disabled {
			return errSame
		}
		u.Disabled = false
		return nil
	})
}

// SetRoles replaces the user's roles, from the next refresh on. A role that no token can carry is an error.
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

// SetClaims replaces the user's own claims, from the next refresh on. Claims that no token can carry are an error.
func (d *Directory) SetClaims(ctx context.Context, id auth.SubjectID, claims map[string]any) (User, error) {
	if err := checkClaims(claims); err != nil {
		return User{}, err
	}
	return d.change(ctx, id, func(u *User) error {
		u.Claims = maps.Clone(claims)
		return nil
	})
}

// errSame says that there is nothing to store.
var errSame = errors.New("the user is so already")

// change reads a user, lets f change it, and stores it unless f returns an error. f is called again, on a new read,
// after a concurrent write.
func (d *Directory) change(ctx context.Context, id auth.SubjectID, f func(*User) error) (User, error) {
	return d.retry(ctx, id, func(u User) (User, error) {
		if err := f(&u); errors.Is(err, errSame) {
			return u, nil
		} else if err != nil {
			return User{}, err
		}
		u.UpdatedAt = d.now()
		if err := d.Store.Update(ctx, u); err != nil {
			return User{}, err
		}
		u.Revision++
		return u, nil
	})
}

// ChangeEmail gives the user another address. It is ErrEmail for one that cannot be a key and ErrExists for one that
// is taken. Sessions go on: the subject is what they belong to.
func (d *Directory) ChangeEmail(ctx context.Context, id auth.SubjectID, email string) (User, error) {
	if err := CheckEmail(email); err != nil {
		return User{}, err
	}
	email = strings.TrimSpace(email)
	return d.retry(ctx, id, func(u User) (User, error) {
		if u.Email == email { // also our own write, whose reply was lost
			return u, nil
		}
		to := u
		to.Email, to.UpdatedAt = email, d.now()
		if err := d.Store.Move(ctx, u, to, uuid.NewString()); err != nil {
			return User{}, err
		}
		to.Revision = u.Revision + 1
		return to, nil
	})
}

// retry reads a user and calls f with it, again a few times if f meets a concurrent write.
func (d *Directory) retry(ctx context.Context, id auth.SubjectID, f func(User) (User, error)) (User, error) {
	for try := 1; ; try++ {
		u, err := d.Store.Get(ctx, id)
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

// Sessions is what Delete needs of the sessions; a session.Store is one.
type Sessions interface {
	DeleteAll(ctx context.Context, of auth.SubjectID) (int, error)
}

// Delete erases a user and all their sessions, and returns how many those were. It is auth.ErrNotFound where there was
// neither: after a deletion that failed half way, a second one finishes it.
func (d *Directory) Delete(ctx context.Context, id auth.SubjectID) (sessions int, err error) {
	if d.Sessions == nil {
		return 0, errors.New("user: Directory.Sessions must hold the sessions, which are erased with their user")
	}
	missing := d.Store.Delete(ctx, id)
	if missing != nil && !errors.Is(missing, auth.ErrNotFound) {
		return 0, missing
	}
	// The user first: from here on no login can open another session.
	sessions, err = d.Sessions.DeleteAll(ctx, id)
	if err != nil {
		return sessions, fmt.Errorf("the user is erased, but not all their sessions: %w", err)
	}
	if sessions == 0 {
		return 0, missing
	}
	return sessions, nil
}
