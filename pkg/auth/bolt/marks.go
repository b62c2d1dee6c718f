package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// SetMark implements [user.Store]. A mark is a record that has only the version.
func (s users) SetMark(ctx context.Context, m user.Mark) error {
	if err := m.Validate(); err != nil {
		return err
	}
	return s.db.write(ctx, func(tx *bbolt.Tx) error { return save(tx, marksBucket, []byte(m), nil) })
}

// Marked implements [user.Store].
func (s users) Marked(ctx context.Context, m user.Mark) (marked bool, err error) {
	if err := m.Validate(); err != nil {
		return false, err
	}
	err = s.db.read(ctx, func(tx *bbolt.Tx) (err error) {
		marked, err = load(tx, marksBucket, []byte(m), nil)
		return err
	})
	return marked, err
}
