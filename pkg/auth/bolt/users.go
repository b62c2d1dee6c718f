package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users is the user.Store in a DB. It lists users in the order of their subjects.
type Users struct{ DB *DB }

var _ user.Store = Users{}

// userRecord is a user as the file keeps it. Times are milliseconds since 1970.
type userRecord struct {
	Version      int            `json:"v"`
	Email        string         `json:"email"`
	Password     string         `json:"password"`
	Roles        []string       `json:"roles,omitempty"`
	Claims       map[string]any `json:"claims,omitempty"`
	Disabled     bool           `json:"disabled,omitempty"`
	MustChange   bool           `json:"must_change,omitempty"`
	TokenVersion uint64         `json:"token_version"`
	Revision     uint64         `json:"revision"`
	Created      int64          `json:"created"`
	Updated      int64          `json:"updated"`
	// Change is the newest change-of-password token; nil is none.
	Change *changeRecord `json:"change,omitempty"`
	// Request is the token of the creation, or of the last change of the e-mail: by it a repetition recognises itself.
	Request string `json:"request"`
}

// changeRecord is a user.PasswordChange as the file keeps it.
type changeRecord struct {
	Digest       []byte `json:"digest"` // SHA-256, in base64
	Until        int64  `json:"until"`
	TokenVersion uint64 `json:"token_version"`
	Redeemed     bool   `json:"redeemed,omitempty"`
}

func userRecordOf(u user.User, request string) userRecord {
	r := userRecord{
		Version: 1, Email: u.Email, Password: u.Password.Reveal(), Roles: u.Roles, Claims: u.Claims,
		Disabled: u.Disabled, MustChange: u.MustChange, TokenVersion: u.TokenVersion, Revision: u.Revision,
		Created: millis(u.CreatedAt), Updated: millis(u.UpdatedAt), Request: request,
	}
	if c := u.Change; c != nil {
		r.Change = &changeRecord{c.Digest[:], millis(c.Until), c.TokenVersion, c.Redeemed}
	}
	return r
}

func (r userRecord) user(id auth.SubjectID) user.User {
	u := user.User{
		ID: id, Email: r.Email, Password: auth.NewSecret(r.Password), Roles: r.Roles, Claims: r.Claims,
		Disabled: r.Disabled, MustChange: r.MustChange, TokenVersion: r.TokenVersion, Revision: r.Revision,
		CreatedAt: instant(r.Created), UpdatedAt: instant(r.Updated),
	}
	if c := r.Change; c != nil {
		u.Change = &user.PasswordChange{Until: instant(c.Until), TokenVersion: c.TokenVersion, Redeemed: c.Redeemed}
		copy(u.Change.Digest[:], c.Digest)
	}
	return u
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
		var there userRecord
		taken, err := get(tx, usersBucket, []byte(u.ID), &there)
		if err != nil {
			return err
		}
		pointer := tx.Bucket(emailsBucket).Get([]byte(email))
		if taken && there.Request == request && string(pointer) == string(u.ID) {
			return nil
		}
		if taken || pointer != nil {
			return user.ErrExists
		}
		if err := tx.Bucket(emailsBucket).Put([]byte(email), []byte(u.ID)); err != nil {
			return err
		}
		return put(tx, usersBucket, []byte(u.ID), userRecordOf(u, request))
	})
}

// Get implements user.Store.
func (s Users) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	var r userRecord
	err := s.DB.read(ctx, func(tx *bbolt.Tx) error { return getUser(tx, id, &r) })
	if err != nil {
		return user.User{}, err
	}
	return r.user(id), nil
}

func getUser(tx *bbolt.Tx, id auth.SubjectID, r *userRecord) error {
	found, err := get(tx, usersBucket, []byte(id), r)
	if err == nil && !found {
		return auth.ErrNotFound
	}
	return err
}

// ByEmail implements user.Store.
func (s Users) ByEmail(ctx context.Context, e user.Email) (auth.SubjectID, error) {
	var id auth.SubjectID
	err := s.DB.read(ctx, func(tx *bbolt.Tx) error {
		id = auth.SubjectID(tx.Bucket(emailsBucket).Get([]byte(e)))
		return nil
	})
	if err == nil && id == "" {
		return "", auth.ErrNotFound
	}
	return id, err
}

// Update implements user.Store.
func (s Users) Update(ctx context.Context, u user.User) error {
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		var there userRecord
		if err := getUser(tx, u.ID, &there); err != nil {
			return err
		}
		if there.Revision != u.Revision || there.Email != u.Email {
			return user.ErrConflict
		}
		after := userRecordOf(u, there.Request)
		after.Revision++
		return put(tx, usersBucket, []byte(u.ID), after)
	})
}

// ChangeEmail implements user.Store.
func (s Users) ChangeEmail(ctx context.Context, u user.User, email, request string) error {
	to, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		var there userRecord
		if err := getUser(tx, u.ID, &there); err != nil {
			return err
		}
		if there.Request == request && there.Revision == u.Revision+1 && there.Email == email {
			return nil
		}
		if there.Revision != u.Revision || there.Email != u.Email {
			return user.ErrConflict
		}
		emails := tx.Bucket(emailsBucket)
		if owner := emails.Get([]byte(to)); owner != nil && string(owner) != string(u.ID) {
			return user.ErrExists
		}
		if err := deletePointer(tx, there.Email); err != nil {
			return err
		}
		if err := emails.Put([]byte(to), []byte(u.ID)); err != nil {
			return err
		}
		after := userRecordOf(u, request)
		after.Email = email
		after.Revision++
		return put(tx, usersBucket, []byte(u.ID), after)
	})
}

// Delete implements user.Store.
func (s Users) Delete(ctx context.Context, id auth.SubjectID) error {
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		var there userRecord
		if err := getUser(tx, id, &there); err != nil {
			return err
		}
		if err := deletePointer(tx, there.Email); err != nil {
			return err
		}
		return tx.Bucket(usersBucket).Delete([]byte(id))
	})
}

func deletePointer(tx *bbolt.Tx, email string) error {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	return tx.Bucket(emailsBucket).Delete([]byte(key))
}

// List implements user.Store.
func (s Users) List(ctx context.Context, after auth.SubjectID, limit int) ([]user.User, error) {
	var found []user.User
	err := s.DB.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(usersBucket).Cursor()
		for k, _ := c.Seek([]byte(after)); k != nil && len(found) < limit; k, _ = c.Next() {
			if string(k) == string(after) {
				continue
			}
			var r userRecord
			if err := getUser(tx, auth.SubjectID(k), &r); err != nil {
				return fmt.Errorf("listing users: %w", err)
			}
			found = append(found, r.user(auth.SubjectID(k)))
		}
		return nil
	})
	return found, err
}
