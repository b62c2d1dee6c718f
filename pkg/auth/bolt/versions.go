package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Versions returns the store that raises the token versions of users.
func (d *DB) Versions() session.Versions { return versions{d} }

type versions struct{ db *DB }

// errRefused rolls back a transaction whose conditions do not hold, because bbolt syncs the disk at
// every commit.
var errRefused = errors.New("a condition does not hold")

// Raise implements [session.Versions].
func (v versions) Raise(ctx context.Context, r session.Raise) (done bool, err error) {
	err = v.db.write(ctx, func(tx *bbolt.Tx) error {
		there, err := getUser(tx, r.Key.Subject)
		if err != nil {
			return err
		}
		if there.TokenVersion != r.From {
			return errRefused
		}
		if r.Update != nil {
			own, err := getSession(tx, r.Key)
			if err != nil {
				return err
			}
			if !r.Update.Do(own) {
				return errRefused
			}
			if err := putSession(tx, *own); err != nil {
				return err
			}
		}
		for _, e := range r.Revokes() {
			if err := putRevocation(tx, e); err != nil {
				return err
			}
		}
		u := there.User
		u.TokenVersion, u.UpdatedAt = r.To, r.At
		u.Revision++
		return putUser(tx, u, there.request)
	})
	if errors.Is(err, errRefused) {
		return false, nil
	}
	return err == nil, err
}
