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

// MoveEmailPointer implements [user.Store].
func (s users) MoveEmailPointer(ctx context.Context, id auth.SubjectID, email string) error {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		held, err := heldOf(tx, id, email)
		switch {
		case err != nil:
			return err
		case len(held) == 0:
			return auth.ErrNotFound
		case held[0] == key.Pointer():
			return nil
		}
		return movePointers(tx, user.PointerMoves{Add: []user.Pointer{key.Pointer()}, Remove: held}, id)
	})
}

// moveFrom moves the pointers of a user from one state to another.
func moveFrom(tx *bbolt.Tx, from, to user.User) error {
	held, err := heldOf(tx, from.ID, from.Email)
	if err != nil {
		return err
	}
	moves, err := user.MovePointers(from, to, held)
	if err != nil {
		return err
	}
	return movePointers(tx, moves, from.ID)
}

// heldOf returns the pointers that lead from an address to a user.
func heldOf(tx *bbolt.Tx, id auth.SubjectID, email string) (held []user.Pointer, err error) {
	for _, p := range user.HeldEmailPointers(email) {
		owner, err := ownerOf(tx, p)
		if err != nil {
			return nil, err
		}
		if owner == id {
			held = append(held, p)
		}
	}
	return held, nil
}

// movePointers moves the pointers of the user id.
func movePointers(tx *bbolt.Tx, m user.PointerMoves, id auth.SubjectID) error {
	for _, p := range m.Absent {
		if err := checkAbsent(tx, p); err != nil {
			return err
		}
	}
	for _, p := range m.Add {
		if err := putPointer(tx, p, id); err != nil {
			return err
		}
	}
	for _, p := range m.Remove {
		if err := deletePointer(tx, p, id); err != nil {
			return err
		}
	}
	return nil
}

// pointerMark begins the record of a pointer. Earlier versions stored the subject alone. A subject
// contains no control characters, so the mark distinguishes the two forms. JSON permits the mark as
// white space.
const pointerMark = "\n"

// pointerAt returns the bucket and the key of the record of a pointer. E-mail addresses have their
// own bucket, which is older than the other pointers.
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
	if err := checkAbsent(tx, from); err != nil {
		return err
	}
	bucket, key := pointerAt(from)
	if err := save(tx, bucket, key, pointerMembers(&to)); err != nil {
		return err
	}
	b := tx.Bucket(bucket)
	return b.Put(key, append([]byte(pointerMark), b.Get(key)...))
}

// checkAbsent returns user.ErrExists if a pointer belongs to a user.
func checkAbsent(tx *bbolt.Tx, p user.Pointer) error {
	owner, err := ownerOf(tx, p)
	if err == nil && owner != "" {
		return user.ErrExists
	}
	return err
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
