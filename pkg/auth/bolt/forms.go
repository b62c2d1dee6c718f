package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// formsKey is the key of the record of the forms of password hashes. The record has a separate
// bucket, so no subject and no pointer can have this key.
var formsKey = []byte("forms")

func formsMembers(f *user.Forms) []member {
	return []member{
		{"forms", &f.Recorded},
		{"changed", (*moment)(&f.ChangedAt)},
		{"until", (*moment)(&f.Until)},
		{"revision", &f.Revision},
	}
}

// Forms implements [user.Store].
func (s users) Forms(ctx context.Context) (f user.Forms, err error) {
	err = s.db.read(ctx, func(tx *bbolt.Tx) error {
		_, err := load(tx, recordsBucket, formsKey, formsMembers(&f))
		return err
	})
	if err != nil {
		return user.Forms{}, err
	}
	return f, nil
}

// UpdateForms implements [user.Store].
func (s users) UpdateForms(ctx context.Context, f user.Forms) error {
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		var there user.Forms
		if _, err := load(tx, recordsBucket, formsKey, formsMembers(&there)); err != nil {
			return err
		}
		if there.Revision != f.Revision {
			return user.ErrConflict
		}
		after := f
		after.Revision++
		return save(tx, recordsBucket, formsKey, formsMembers(&after))
	})
}
