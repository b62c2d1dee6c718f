package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Counters returns the store of throttle counters.
func (d *DB) Counters() throttle.Counters { return counters{d} }

type counters struct{ db *DB }

// counterMembers are the members of a counter's record, with the addresses of their values in c.
func counterMembers(c *throttle.Counter) []member {
	return []member{
		{"n", &c.N}, {"last", (*moment)(&c.Last)}, {"expires_at", (*second)(&c.Expires)}, {"mark", (*mark)(&c.Mark)},
		{"f", &c.Sources},
	}
}

func getCounter(tx *bbolt.Tx, key []byte) (c throttle.Counter, found bool, err error) {
	found, err = load(tx, attemptsBucket, key, counterMembers(&c))
	return c, found, err
}

// Update implements [throttle.Counters].
func (s counters) Update(ctx context.Context, key string, u throttle.Update) (before throttle.Counter, done bool, err error) {
	k := []byte(key)
	// A read transaction decides a refusal first, because bbolt syncs the disk at every commit,
	// even without a change.
	err = s.db.read(ctx, func(tx *bbolt.Tx) (err error) {
		if before, _, err = getCounter(tx, k); err == nil {
			after := before
			done = u.Do(&after)
		}
		return err
	})
	if err != nil || !done {
		return before, false, err
	}
	err = s.db.write(ctx, func(tx *bbolt.Tx) error {
		there, found, err := getCounter(tx, k)
		if err != nil {
			return err
		}
		before = there
		after := there
		if done = u.Do(&after); !done {
			return nil
		}
		if !found {
			if err := sweep(tx, k, u.At); err != nil {
				return err
			}
		}
		return save(tx, attemptsBucket, k, counterMembers(&after))
	})
	if err != nil {
		return throttle.Counter{}, false, err
	}
	return before, done, nil
}

// swept is the number of counters that sweep checks for each new counter.
const swept = 8

// sweep deletes expired counters that follow key, because the file has no TTL. Keys begin with
// hashes, so the checked counters are random. Each new counter checks eight counters, so in the
// long run at most an eighth of the counters are expired. An unreadable counter belongs to another
// account: sweep ignores it, and the login continues.
func sweep(tx *bbolt.Tx, key []byte, now time.Time) error {
	b := tx.Bucket(attemptsBucket)
	c := b.Cursor()
	var expired [][]byte // collected first, because a deletion moves the cursor
	k, _ := c.Seek(key)
	for range swept {
		if k == nil {
			if k, _ = c.First(); k == nil {
				break
			}
		}
		if counter, _, err := getCounter(tx, k); err == nil && counter.Expires.Before(now) {
			expired = append(expired, k)
		}
		k, _ = c.Next()
	}
	for _, k := range expired {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
