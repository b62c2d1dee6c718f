package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Sessions returns the store of sessions.
func (d *DB) Sessions() session.Store { return sessions{d} }

type sessions struct{ db *DB }

// sessionRecord is the stored form of a session.
type sessionRecord struct {
	session.Session
	revocation session.Revocation // Session.Revocation, or the zero value
	forget     bool               // not Session.Remember
}

// members are the members of a session's record, with the addresses of their values in r. The key
// consists of Subject and ID.
func (r *sessionRecord) members() []member {
	s := &r.Session
	return []member{
		{"kind", &s.Kind},
		{"profile", &s.Profile},
		{"client_id", &s.Client},
		{"scope", &s.Scope},
		{"token_version", &s.TokenVersion},
		{"gen", &s.Generation},
		{"pb", &s.Parent},
		{"rot", (*moment)(&s.RotatedAt)},
		{"inv", &s.Invocation},
		{"idle", (*duration)(&s.IdleTimeout)},
		{"idle_exp", (*moment)(&s.IdleEnd)},
		{"abs_exp", (*moment)(&s.AbsoluteEnd)},
		{"created", (*moment)(&s.CreatedAt)},
		{"last_seen", (*moment)(&s.LastSeen)},
		{"auth_time", (*moment)(&s.AuthTime)},
		{"amr", &s.AMR},
		{"delivery", (*delivery)(&s.Delivery)},
		{"remember", (*not)(&r.forget)},
		{"replaces", &s.Replaces},
		{"paused", (*moment)(&s.PausedUntil)},
		{"ua", &s.UserAgent},
		{"ip", &s.Address},
		{"label", &s.Label},
		{"net", &s.Trace.Network},
		{"place", &s.Trace.Place},
		{"networks", &s.Trace.Networks},
		{"user_agents", &s.Trace.UserAgents},
		{"countries", &s.Trace.Countries},
		{"rev", (*moment)(&r.revocation.At)},
		{"rev_reason", &r.revocation.Reason},
		{"rev_inv", &r.revocation.Invocation},
	}
}

// subjectPrefix returns the subject, ended by a zero byte, which no subject contains. So the
// sessions of two subjects never mix.
func subjectPrefix(of auth.SubjectID) []byte { return append([]byte(of), 0) }

func sessionKey(k session.Key) []byte { return append(subjectPrefix(k.Subject), k.ID[:]...) }

func getSession(tx *bbolt.Tx, key session.Key) (*session.Session, error) {
	r := sessionRecord{Session: session.Session{Key: key}}
	found, err := load(tx, sessionsBucket, sessionKey(key), r.members())
	if err != nil || !found {
		return nil, err
	}
	if !r.Kind.Valid() {
		return nil, fmt.Errorf("%w: member kind of a record in bucket %s is %d", auth.ErrUnavailable, sessionsBucket, r.Kind)
	}
	if !r.Profile.Valid() {
		return nil, fmt.Errorf("%w: member profile of a record in bucket %s is %d", auth.ErrUnavailable, sessionsBucket, r.Profile)
	}
	r.Remember = !r.forget
	if r.revocation != (session.Revocation{}) {
		r.Revocation = &r.revocation
	}
	return &r.Session, nil
}

func putSession(tx *bbolt.Tx, s session.Session) error {
	r := sessionRecord{Session: s, forget: !s.Remember}
	if s.Revocation != nil {
		r.revocation = *s.Revocation
	}
	return save(tx, sessionsBucket, sessionKey(s.Key), r.members())
}

// Create implements [session.Store].
func (s sessions) Create(ctx context.Context, created session.Session) error {
	key := sessionKey(created.Key)
	return s.db.write(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(sessionsBucket).Get(key) != nil {
			return nil
		}
		return putSession(tx, created)
	})
}

// Get implements [session.Store].
func (s sessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	var found *session.Session
	err := s.db.read(ctx, func(tx *bbolt.Tx) (err error) {
		found, err = getSession(tx, key)
		return err
	})
	if err != nil {
		return session.Session{}, err
	}
	if found == nil {
		return session.Session{}, auth.ErrNotFound
	}
	return *found, nil
}

// Update implements [session.Store].
func (s sessions) Update(ctx context.Context, key session.Key, u session.Update) (before *session.Session, done bool, err error) {
	try := func(tx *bbolt.Tx) (after session.Session, err error) {
		if before, err = getSession(tx, key); err != nil || before == nil {
			done = false
			return session.Session{}, err
		}
		after = *before
		done = u.Do(&after)
		return after, nil
	}
	// A read transaction decides a refusal first, because bbolt syncs the disk at every commit,
	// even without a change.
	err = s.db.read(ctx, func(tx *bbolt.Tx) error {
		_, err := try(tx)
		return err
	})
	if err != nil || !done {
		return before, false, err
	}
	err = s.db.write(ctx, func(tx *bbolt.Tx) error {
		after, err := try(tx)
		if err != nil || !done {
			return err
		}
		if e, ok := u.Revokes(key); ok {
			if err := putRevocation(tx, e); err != nil {
				return err
			}
		}
		return putSession(tx, after)
	})
	if err != nil {
		return nil, false, err
	}
	return before, done, nil
}

// List implements [session.Store].
func (s sessions) List(ctx context.Context, of auth.SubjectID, after session.ID, limit int) ([]session.Session, error) {
	var found []session.Session
	err := s.db.read(ctx, func(tx *bbolt.Tx) error {
		prefix, from := subjectPrefix(of), sessionKey(session.Key{Subject: of, ID: after})
		c := tx.Bucket(sessionsBucket).Cursor()
		for k, _ := c.Seek(from); bytes.HasPrefix(k, prefix) && len(found) < limit; k, _ = c.Next() {
			if bytes.Equal(k, from) {
				continue
			}
			one, err := getSession(tx, session.Key{Subject: of, ID: session.ID(k[len(prefix):])})
			if err != nil {
				return err
			}
			found = append(found, *one)
		}
		return nil
	})
	return found, err
}

// DeleteAll implements [session.Store].
func (s sessions) DeleteAll(ctx context.Context, of auth.SubjectID) (deleted int, err error) {
	err = s.db.write(ctx, func(tx *bbolt.Tx) error {
		prefix, bucket := subjectPrefix(of), tx.Bucket(sessionsBucket)
		// A cursor may skip a key after a deletion, so DeleteAll collects the keys first.
		var keys [][]byte
		c := bucket.Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			keys = append(keys, k)
		}
		for _, k := range keys {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
		deleted = len(keys)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
