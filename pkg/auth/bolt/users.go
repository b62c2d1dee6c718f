package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users is the user.Store in a DB. It lists users in the order of their subjects.
type Users struct{ DB *DB }

var _ user.Store = Users{}

// userRecord is a user as the file keeps it.
type userRecord struct {
	user.User
	// request is the token of the creation, or of the last change of the e-mail: by it a repetition recognises itself.
	request string
}

func (r *userRecord) members() []member {
	return append(userMembers(&r.User), member{"request", &r.request})
}

// userMembers are the members of a user's record and their places in u. The subject is the key.
func userMembers(u *user.User) []member {
	return []member{
		{"email", &u.Email},
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

// findUser returns the record of a user, nil if there is none.
func findUser(tx *bbolt.Tx, id auth.SubjectID) (*userRecord, error) {
	r := &userRecord{User: user.User{ID: id}}
	found, err := load(tx, usersBucket, []byte(id), r.members())
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// getUser returns the record of a user; auth.ErrNotFound if there is none.
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

// Create implements user.Store.
func (s Users) Create(ctx context.Context, u user.User, request string) error {
	email, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	if err := u.ID.Validate(); err != nil {
		return err
	}
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		there, err := findUser(tx, u.ID)
		if err != nil {
			return err
		}
		owner, err := ownerOf(tx, email)
		if err != nil {
			return err
		}
		if there != nil && there.request == request && owner == u.ID {
			return nil
		}
		if there != nil || owner != "" {
			return user.ErrExists
		}
		if err := putPointer(tx, email, u.ID); err != nil {
			return err
		}
		return putUser(tx, u, request)
	})
}

// Get implements user.Store.
func (s Users) Get(ctx context.Context, id auth.SubjectID) (u user.User, err error) {
	err = s.DB.read(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, id)
		if err == nil {
			u = there.User
		}
		return err
	})
	return u, err
}

// ByEmail implements user.Store.
func (s Users) ByEmail(ctx context.Context, e user.Email) (id auth.SubjectID, err error) {
	err = s.DB.read(ctx, func(tx *bbolt.Tx) (err error) {
		id, err = ownerOf(tx, e)
		return err
	})
	if err == nil && id == "" {
		return "", auth.ErrNotFound
	}
	return id, err
}

// Update implements user.Store.
func (s Users) Update(ctx context.Context, u user.User) error {
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, u.ID)
		if err != nil {
			return err
		}
		if there.Revision != u.Revision || there.Email != u.Email {
			return user.ErrConflict
		}
		after := u
		after.Revision++
		return putUser(tx, after, there.request)
	})
}

// ChangeEmail implements user.Store.
func (s Users) ChangeEmail(ctx context.Context, u user.User, email, request string) error {
	to, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, u.ID)
		if err != nil {
			return err
		}
		if there.request == request && there.Revision == u.Revision+1 && there.Email == email {
			return nil
		}
		if there.Revision != u.Revision || there.Email != u.Email {
			return user.ErrConflict
		}
		switch owner, err := ownerOf(tx, to); {
		case err != nil:
			return err
		case owner == "":
			if err := errors.Join(deletePointer(tx, there.User), putPointer(tx, to, u.ID)); err != nil {
				return err
			}
		case owner != u.ID:
			return user.ErrExists
		}
		after := u
		after.Email = email
		after.Revision++
		return putUser(tx, after, request)
	})
}

// Delete implements user.Store.
func (s Users) Delete(ctx context.Context, id auth.SubjectID) error {
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, id)
		if err != nil {
			return err
		}
		if err := deletePointer(tx, there.User); err != nil {
			return err
		}
		return tx.Bucket(usersBucket).Delete([]byte(id))
	})
}

// pointerMark begins the record of a pointer. Earlier code wrote the subject alone, and a subject holds no controls, so
// that no subject is taken for a record. JSON allows the mark as white space.
const pointerMark = "\n"

// ownerOf returns the user that an e-mail leads to, "" if there is none.
func ownerOf(tx *bbolt.Tx, e user.Email) (auth.SubjectID, error) {
	raw := tx.Bucket(emailsBucket).Get([]byte(e))
	if !bytes.HasPrefix(raw, []byte(pointerMark)) {
		return auth.SubjectID(raw), nil
	}
	var id auth.SubjectID
	_, err := load(tx, emailsBucket, []byte(e), pointerMembers(&id))
	if err == nil && id == "" {
		return "", fmt.Errorf("%w: a pointer from an e-mail leads to no user", auth.ErrUnavailable)
	}
	return id, err
}

// putPointer makes the pointer from an e-mail that belongs to no user. A pointer is made and erased, never changed.
func putPointer(tx *bbolt.Tx, from user.Email, to auth.SubjectID) error {
	if err := save(tx, emailsBucket, []byte(from), pointerMembers(&to)); err != nil {
		return err
	}
	b := tx.Bucket(emailsBucket)
	return b.Put([]byte(from), append([]byte(pointerMark), b.Get([]byte(from))...))
}

// deletePointer erases the pointer from a user's e-mail.
func deletePointer(tx *bbolt.Tx, u user.User) error {
	key, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	return tx.Bucket(emailsBucket).Delete([]byte(key))
}

func pointerMembers(to *auth.SubjectID) []member { return []member{{"sub", to}} }

// List implements user.Store.
func (s Users) List(ctx context.Context, after auth.SubjectID, limit int) (user.Page, error) {
	var p user.Page
	err := s.DB.read(ctx, func(tx *bbolt.Tx) error {
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
