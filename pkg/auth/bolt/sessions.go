package bolt

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Sessions is the session.Store in a DB.
type Sessions struct{ DB *DB }

var _ session.Store = Sessions{}

// sessionRecord is a session as the file keeps it. Times are milliseconds since 1970.
type sessionRecord struct {
	Version      int                `json:"v"`
	Kind         session.Kind       `json:"kind"`
	Profile      auth.Profile       `json:"profile"`
	Client       auth.ClientID      `json:"client_id"`
	Scope        []string           `json:"scope,omitempty"`
	TokenVersion uint64             `json:"token_version"`
	Generation   uint64             `json:"gen"`
	Parent       session.Branch     `json:"pb"`
	Rotated      int64              `json:"rot"`
	Invocation   session.Invocation `json:"inv"`
	Idle         int64              `json:"idle"`
	IdleEnd      int64              `json:"idle_exp"`
	AbsoluteEnd  int64              `json:"abs_exp"`
	Created      int64              `json:"created"`
	LastSeen     int64              `json:"last_seen"`
	AuthTime     int64              `json:"auth_time"`
	UserAgent    string             `json:"ua,omitempty"`
	Address      string             `json:"ip,omitempty"`
	Label        string             `json:"label,omitempty"`
	Revoked      int64              `json:"rev,omitempty"`
	RevokeReason session.Reason     `json:"rev_reason,omitempty"`
}

func recordOf(s session.Session) sessionRecord {
	r := sessionRecord{
		Version: 1, Kind: s.Kind, Profile: s.Profile, Client: s.Client, Scope: s.Scope, TokenVersion: s.TokenVersion,
		Generation: s.Generation, Parent: s.Parent, Rotated: millis(s.RotatedAt), Invocation: s.Invocation,
		Idle: s.IdleTimeout.Milliseconds(), IdleEnd: millis(s.IdleEnd), AbsoluteEnd: millis(s.AbsoluteEnd),
		Created: millis(s.CreatedAt), LastSeen: millis(s.LastSeen), AuthTime: millis(s.AuthTime),
		UserAgent: s.UserAgent, Address: s.Address, Label: s.Label,
	}
	if s.Revocation != nil {
		r.Revoked, r.RevokeReason = millis(s.Revocation.At), s.Revocation.Reason
	}
	return r
}

func (r sessionRecord) session(key session.Key) session.Session {
	s := session.Session{
		Key: key, Kind: r.Kind, Profile: r.Profile, Client: r.Client, Scope: r.Scope, TokenVersion: r.TokenVersion,
		Generation: r.Generation, Parent: r.Parent, RotatedAt: instant(r.Rotated), Invocation: r.Invocation,
		IdleTimeout: time.Duration(r.Idle) * time.Millisecond, IdleEnd: instant(r.IdleEnd), AbsoluteEnd: instant(r.AbsoluteEnd),
		CreatedAt: instant(r.Created), LastSeen: instant(r.LastSeen), AuthTime: instant(r.AuthTime),
		UserAgent: r.UserAgent, Address: r.Address, Label: r.Label,
	}
	if r.Revoked != 0 {
		s.Revocation = &session.Revocation{At: instant(r.Revoked), Reason: r.RevokeReason}
	}
	return s
}

// A subject holds no control characters, so a zero byte ends it and no subject's sessions lie among another's.
func subjectPrefix(of auth.SubjectID) []byte { return append([]byte(of), 0) }

func sessionKey(k session.Key) []byte { return append(subjectPrefix(k.Subject), k.ID[:]...) }

func getSession(tx *bbolt.Tx, key session.Key) (*session.Session, error) {
	var r sessionRecord
	found, err := get(tx, sessionsBucket, sessionKey(key), &r)
	if err != nil || !found {
		return nil, err
	}
	s := r.session(key)
	return &s, nil
}

// Create implements session.Store.
func (s Sessions) Create(ctx context.Context, created session.Session) error {
	key := sessionKey(created.Key)
	return s.DB.write(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(sessionsBucket).Get(key) != nil {
			return nil
		}
		return put(tx, sessionsBucket, key, recordOf(created))
	})
}

// Get implements session.Store.
func (s Sessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	var found *session.Session
	err := s.DB.read(ctx, func(tx *bbolt.Tx) (err error) {
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

// Update implements session.Store.
func (s Sessions) Update(ctx context.Context, key session.Key, u session.Update) (before *session.Session, done bool, err error) {
	try := func(tx *bbolt.Tx) (after session.Session, err error) {
		if before, err = getSession(tx, key); err != nil || before == nil {
			done = false
			return session.Session{}, err
		}
		after = *before
		done = u.Do(&after)
		return after, nil
	}
	// A refusal is decided on a snapshot: bbolt syncs the disk at every commit, also at one that changed nothing.
	err = s.DB.read(ctx, func(tx *bbolt.Tx) error {
		_, err := try(tx)
		return err
	})
	if err != nil || !done {
		return before, false, err
	}
	err = s.DB.write(ctx, func(tx *bbolt.Tx) error {
		after, err := try(tx)
		if err != nil || !done {
			return err
		}
		return put(tx, sessionsBucket, sessionKey(key), recordOf(after))
	})
	if err != nil {
		return nil, false, err
	}
	return before, done, nil
}

// List implements session.Store.
func (s Sessions) List(ctx context.Context, of auth.SubjectID, after session.ID, limit int) ([]session.Session, error) {
	var found []session.Session
	err := s.DB.read(ctx, func(tx *bbolt.Tx) error {
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

// DeleteAll implements session.Store.
func (s Sessions) DeleteAll(ctx context.Context, of auth.SubjectID) (deleted int, err error) {
	err = s.DB.write(ctx, func(tx *bbolt.Tx) error {
		prefix, bucket := subjectPrefix(of), tx.Bucket(sessionsBucket)
		// A cursor may skip a key when the one under it is deleted, so the keys are collected first.
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
