package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/flow"
)

// Flows returns the store of flows. Flows share the bucket of the counters, whose sweep also
// deletes expired flows.
func (d *DB) Flows() flow.Store { return flows{d} }

type flows struct{ db *DB }

// flowMembers are the members of a flow's record, with the addresses of their values in f.
func flowMembers(f *flow.Flow) []member {
	person := fixed(f.Person[:])
	return []member{
		{"purpose", (*purpose)(&f.Purpose)}, {"client_id", &f.Client}, {"code", (*digest)(&f.Code)}, {"person", &person},
		{"tries_left", &f.TriesLeft}, {"ends", (*moment)(&f.Ends)}, {"try", (*mark)(&f.Mark)}, {"spent", (*mark)(&f.Spent)},
		{"proven", &f.Proven}, {"expires_at", (*second)(&f.Expires)},
	}
}

func getFlow(tx *bbolt.Tx, key []byte) (*flow.Flow, error) {
	var f flow.Flow
	found, err := load(tx, attemptsBucket, key, flowMembers(&f))
	if err != nil || !found {
		return nil, err
	}
	return &f, nil
}

// Create implements [flow.Store].
func (s flows) Create(ctx context.Context, key flow.Key, f flow.Flow) error {
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		if before, err := getFlow(tx, []byte(key)); err != nil || before != nil {
			return err
		}
		return save(tx, attemptsBucket, []byte(key), flowMembers(&f))
	})
}

// Update implements [flow.Store].
func (s flows) Update(ctx context.Context, key flow.Key, u flow.Update) (before *flow.Flow, done bool, err error) {
	var after flow.Flow
	decide := func(tx *bbolt.Tx) (err error) {
		done = false
		if before, err = getFlow(tx, []byte(key)); err == nil && before != nil {
			after = *before
			done = u.Do(&after)
		}
		return err
	}
	// A read transaction decides a refusal first, as for a counter.
	if err := s.db.read(ctx, decide); err != nil || !done {
		return before, false, err
	}
	err = s.db.write(ctx, func(tx *bbolt.Tx) error {
		if err := decide(tx); err != nil || !done {
			return err
		}
		return save(tx, attemptsBucket, []byte(key), flowMembers(&after))
	})
	if err != nil {
		return nil, false, err
	}
	return before, done, nil
}
