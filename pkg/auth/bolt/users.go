package bolt

import (
	"context"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users returns the store of users. The store lists users in the order of their subjects.
func (d *DB) Users() user.Store { return users{d} }

type users struct{ db *DB }

// userRecord is the stored form of a user.
type userRecord struct {
	user.User
	// request is the token of the creation or of the last move. It identifies a repeated request.
	request string
}

func (r *userRecord) members() []member {
	return append(userMembers(&r.User), member{"request", &r.request})
}

// userMembers are the members of a user's record, with the addresses of their values in u. The key
// is the subject.
func userMembers(u *user.User) []member {
	return []member{
		{"email", &u.Email},
		{"verified_email", &u.VerifiedEmail},
		{"pointers", &u.Pointers},
		{"password", (*secretText)(&u.Password)},
		{"roles", &u.Roles},
		{"claims", &u.Claims},
		{"disabled", &u.Disabled},
		{"must_change", &u.MustChange},
		{"token_version", &u.TokenVersion},
		{"revision", &u.Revision},
		{"created", (*moment)(&u.CreatedAt)},
		{"updated", (*moment)(&u.UpdatedAt)},
		{"change", (*digest)(&u.Change.Digest)},
		{"change_until", (*moment)(&u.Change.Until)},
		{"change_token_version", &u.Change.TokenVersion},
		{"change_redeemed", &u.Change.Redeemed},
	}
}

// findUser returns the record of a user, or nil if the user is unknown.
func findUser(tx *bbolt.Tx, id auth.SubjectID) (*userRecord, error) {
	r := &userRecord{User: user.User{ID: id}}
	found, err := load(tx, usersBucket, []byte(id), r.members())
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// getUser returns the record of a user. The error is auth.ErrNotFound if the user is unknown.
func getUser(tx *bbolt.Tx, id auth.SubjectID) (*userRecord, error) {
	r, err := findUser(tx, id)
	if err == nil && r == nil {
		return nil, auth.ErrNotFound
	}
	return r, err
}

func putUser(tx *bbolt.Tx, u user.User, request string) error {
	r := userRecord{u, request}
	return save(tx, usersBucket, []byte(u.ID), r.members())
}

// Create implements [user.Store].
func (s users) Create(ctx context.Context, u user.User, request string) error {
	moves, err := user.MovePointers(user.User{}, u, nil)
	if err != nil {
		return err
	}
	if err := u.ID.Validate(); err != nil {
		return err
	}
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		switch there, err := findUser(tx, u.ID); {
		case err != nil:
			return err
		case there != nil && there.request == request:
			return nil
		case there != nil:
			return user.ErrExists
		}
		if err := movePointers(tx, moves, u.ID); err != nil {
			return err
		}
		return putUser(tx, u, request)
	})
}

// Get implements [user.Store].
func (s users) Get(ctx context.Context, id auth.SubjectID) (u user.User, err error) {
	err = s.db.read(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, id)
		if err == nil {
			u = there.User
		}
		return err
	})
	return u, err
}

// ByPointer implements [user.Store].
func (s users) ByPointer(ctx context.Context, p user.Pointer) (id auth.SubjectID, err error) {
	if p.Validate() != nil {
		return "", auth.ErrNotFound
	}
	err = s.db.read(ctx, func(tx *bbolt.Tx) (err error) {
		id, err = ownerOf(tx, p)
		return err
	})
	if err == nil && id == "" {
		return "", auth.ErrNotFound
	}
	return id, err
}

// ByEmail implements [user.Store].
func (s users) ByEmail(ctx context.Context, email string) (id auth.SubjectID, err error) {
	err = s.db.read(ctx, func(tx *bbolt.Tx) error {
		for _, p := range user.EmailPointers(email) {
			var err error
			if id, err = ownerOf(tx, p); err != nil || id != "" {
				return err
			}
		}
		return auth.ErrNotFound
	})
	return id, err
}

// Update implements [user.Store].
func (s users) Update(ctx context.Context, u user.User) error {
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, u.ID)
		if err != nil {
			return err
		}
		if !there.is(u) {
			return user.ErrConflict
		}
		if err := raised(tx, there.User, u); err != nil {
			return err
		}
		after := u
		after.Revision++
		return putUser(tx, after, there.request)
	})
}

// raised writes the entry for the list of revocations if a change raises the token version of a
// user.
func raised(tx *bbolt.Tx, from, to user.User) error {
	if to.TokenVersion <= from.TokenVersion {
		return nil
	}
	return putRevocation(tx, session.EndOfUser(from.ID, to.TokenVersion, to.UpdatedAt))
}

// is reports whether the stored user is still the user on which a change is based.
func (r *userRecord) is(u user.User) bool {
	return r.Revision == u.Revision && r.Email == u.Email && slices.Equal(r.Pointers, u.Pointers)
}

// Move implements [user.Store].
func (s users) Move(ctx context.Context, from, to user.User, request string) error {
	if _, err := user.MovePointers(from, to, nil); err != nil {
		return err
	}
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, from.ID)
		switch {
		case err != nil:
			return err
		case there.request == request && there.Revision == from.Revision+1:
			return nil
		case !there.is(from):
			return user.ErrConflict
		}
		if err := moveFrom(tx, from, to); err != nil {
			return err
		}
		if err := raised(tx, from, to); err != nil {
			return err
		}
		after := to
		after.ID, after.Revision = from.ID, from.Revision+1
		return putUser(tx, after, request)
	})
}

// Delete implements [user.Store].
func (s users) Delete(ctx context.Context, id auth.SubjectID, at time.Time) error {
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, id)
		if err != nil {
			return err
		}
		if err := moveFrom(tx, there.User, user.User{}); err != nil {
			return err
		}
		if err := putRevocation(tx, session.EndOfUser(id, session.VersionAbove(there.TokenVersion, at), at)); err != nil {
			return err
		}
		return tx.Bucket(usersBucket).Delete([]byte(id))
	})
}

// List implements [user.Store].
func (s users) List(ctx context.Context, after auth.SubjectID, limit int) (user.Page, error) {
	var p user.Page
	err := s.db.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(usersBucket).Cursor()
		k, _ := c.Seek([]byte(after))
		if k != nil && string(k) == string(after) {
			k, _ = c.Next()
		}
		for range limit {
			if k == nil {
				break
			}
			id := auth.SubjectID(k)
			if one, err := getUser(tx, id); err == nil {
				p.Users = append(p.Users, one.User)
			} else {
				p.Unreadable = append(p.Unreadable, user.Unreadable{ID: id, Err: err})
			}
			if k, _ = c.Next(); k != nil {
				p.Next = id
			} else {
				p.Next = ""
			}
		}
		return nil
	})
	return p, err
}
