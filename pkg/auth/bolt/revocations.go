package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Revocations returns the list of ended sessions and users.
func (d *DB) Revocations() session.Revocations { return revocations{d} }

type revocations struct{ db *DB }

// revocationMembers are the members of an entry. Its key consists of At, ID and Below.
func revocationMembers(e *session.RevocationEntry) []member {
	return []member{
		{"below", &e.Below},
		{"issued_by", (*moment)(&e.IssuedBy)},
	}
}

const revocationKeyBytes = 8 + len(session.RevocationID{}) + 8

// revocationKey returns a key that sorts by time.
func revocationKey(e session.RevocationEntry) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixMilli()))
	key = append(key, e.ID[:]...)
	return binary.BigEndian.AppendUint64(key, e.Below) // two raises in the same millisecond are two entries
}

// putRevocation writes an entry, and deletes two expired ones, because the file has no TTL.
func putRevocation(tx *bbolt.Tx, e session.RevocationEntry) error {
	old := revocationKey(session.RevocationEntry{At: e.At.Add(-time.Hour - session.RevocationsKept)})
	for range 2 {
		k, _ := tx.Bucket(revocationsBucket).Cursor().First()
		if k == nil || bytes.Compare(k, old) >= 0 {
			break
		}
		if err := tx.Bucket(revocationsBucket).Delete(k); err != nil {
			return err
		}
	}
	return save(tx, revocationsBucket, revocationKey(e), revocationMembers(&e))
}

// Write implements [session.Revocations].
func (r revocations) Write(ctx context.Context, e session.RevocationEntry) error {
	return r.db.write(ctx, func(tx *bbolt.Tx) error { return putRevocation(tx, e) })
}

// Since implements [session.Revocations].
func (r revocations) Since(ctx context.Context, since, _ time.Time) (found []session.RevocationEntry, err error) {
	if since.Before(time.UnixMilli(0)) {
		since = time.UnixMilli(0) // a key cannot hold a negative time
	}
	err = r.db.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(revocationsBucket).Cursor()
		for k, _ := c.Seek(revocationKey(session.RevocationEntry{At: since})); k != nil; k, _ = c.Next() {
			if len(k) != revocationKeyBytes {
				return fmt.Errorf("%w: a key in bucket %s has %d bytes (want %d)", auth.ErrUnavailable, revocationsBucket, len(k), revocationKeyBytes)
			}
			e := session.RevocationEntry{
				At: time.UnixMilli(int64(binary.BigEndian.Uint64(k))).UTC(), ID: session.RevocationID(k[8 : 8+len(session.RevocationID{})]),
			}
			if _, err := load(tx, revocationsBucket, k, revocationMembers(&e)); err != nil {
				return err
			}
			found = append(found, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
