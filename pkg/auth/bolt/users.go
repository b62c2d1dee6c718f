package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
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
	pointers, _, err := user.PointerMoves(user.User{}, u)
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
		for _, p := range pointers {
			if err := putPointer(tx, p, u.ID); err != nil {
				return err
			}
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
		after := u
		after.Revision++
		return putUser(tx, after, there.request)
	})
}

// is reports whether the stored user is still the user that a change is based on.
func (r *userRecord) is(u user.User) bool {
	return r.Revision == u.Revision && r.Email == u.Email && slices.Equal(r.Pointers, u.Pointers)
}

// Move implements [user.Store].
func (s users) Move(ctx context.Context, from, to user.User, request string) error {
	added, removed, err := user.PointerMoves(from, to)
	if err != nil {
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
		for _, p := range added {
			if err := putPointer(tx, p, from.ID); err != nil {
				return err
			}
		}
		for _, p := range removed {
			if err := deletePointer(tx, p, from.ID); err != nil {
				return err
			}
		}
		after := to
		after.ID, after.Revision = from.ID, from.Revision+1
		return putUser(tx, after, request)
	})
}

// Delete implements [user.Store].
func (s users) Delete(ctx context.Context, id auth.SubjectID) error {
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, id)
		if err != nil {
			return err
		}
		_, pointers, err := user.PointerMoves(there.User, user.User{})
		if err != nil {
			return err
		}
		for _, p := range pointers {
			if err := deletePointer(tx, p, id); err != nil {
				return err
			}
		}
		return tx.Bucket(usersBucket).Delete([]byte(id))
	})
}

// pointerMark begins the record of a pointer. Earlier code stored the subject alone. A subject
// contains no control characters, so the mark tells the two forms apart. JSON permits the mark as
// white space.
const pointerMark = "\n"

// pointerAt returns the place of the record of a pointer. E-mail addresses have a bucket of their
// own, which is older than the other pointers.
func pointerAt(p user.Pointer) (bucket, key []byte) {
	if p.Kind == user.KindEmail {
		return emailsBucket, []byte(p.Name)
	}
	return pointersBucket, []byte(p.Key())
}

// ownerOf returns the user that a pointer leads to, or "" if the pointer is unknown.
func ownerOf(tx *bbolt.Tx, p user.Pointer) (auth.SubjectID, error) {
	bucket, key := pointerAt(p)
	raw := tx.Bucket(bucket).Get(key)
	if !bytes.HasPrefix(raw, []byte(pointerMark)) {
		return auth.SubjectID(raw), nil
	}
	var id auth.SubjectID
	_, err := load(tx, bucket, key, pointerMembers(&id))
	if err == nil && id == "" {
		return "", fmt.Errorf("%w: a pointer leads to no user", auth.ErrUnavailable)
	}
	return id, err
}

// putPointer creates a pointer. The error is user.ErrExists if the pointer belongs to a user.
// Pointers are created and deleted, never changed.
func putPointer(tx *bbolt.Tx, from user.Pointer, to auth.SubjectID) error {
	switch owner, err := ownerOf(tx, from); {
	case err != nil:
		return err
	case owner != "":
		return user.ErrExists
	}
	bucket, key := pointerAt(from)
	if err := save(tx, bucket, key, pointerMembers(&to)); err != nil {
		return err
	}
	b := tx.Bucket(bucket)
	return b.Put(key, append([]byte(pointerMark), b.Get(key)...))
}

// deletePointer deletes a pointer of the user id.
func deletePointer(tx *bbolt.Tx, p user.Pointer, id auth.SubjectID) error {
	switch owner, err := ownerOf(tx, p); {
	case err != nil:
		return err
	case owner != id:
		return errors.New("a pointer of a user is not the user's")
	}
	bucket, key := pointerAt(p)
	return tx.Bucket(bucket).Delete(key)
}

func pointerMembers(to *auth.SubjectID) []member { return []member{{"sub", to}} }

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
