package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// counted counts the reads of sessions.
type counted struct {
	session.Store
	reads int
	read  func()
}

func (c *counted) Get(ctx context.Context, key session.Key) (session.Session, error) {
	c.reads++
	if c.read != nil {
		c.read()
	}
	if err := ctx.Err(); err != nil {
		return session.Session{}, err
	}
	return c.Store.Get(ctx, key)
}

func principal(key session.Key, version auth.TokenVersion) auth.Principal {
	return auth.Principal{Subject: key.Subject, SessionID: key.ID.String(), TokenVersion: version}
}

// The versions of the token and of the session are compared with the user's version.
func TestCheckToken(t *testing.T) {
	v := auth.NewTokenVersion
	for _, row := range []struct {
		name    string
		version auth.TokenVersion
		do      func(*testManager, *session.Key)
		want    session.Outcome
	}{
		{"nothing happened", v(2), func(*testManager, *session.Key) {}, ""},
		{"a later version than the user's", v(3), func(*testManager, *session.Key) {}, ""},
		{"a lower version", v(1), func(*testManager, *session.Key) {}, session.OutcomeSubjectSuperseded},
		{"no version", auth.TokenVersion{}, func(*testManager, *session.Key) {}, session.OutcomeSubjectSuperseded},
		{"no version, of a user at 0", auth.TokenVersion{}, func(h *testManager, _ *session.Key) { h.users.subject.TokenVersion = 0 }, session.OutcomeSubjectSuperseded},
		{"version 0, of a user at 0", v(0), func(h *testManager, _ *session.Key) { h.users.subject.TokenVersion = 0 }, ""},
		{"the session's version is lower", v(9), func(h *testManager, _ *session.Key) { h.users.subject.TokenVersion++ }, session.OutcomeSubjectSuperseded},
		{"no such session", v(2), func(_ *testManager, k *session.Key) { k.ID[0]++ }, session.OutcomeMissing},
		{"session of another user", v(2), func(_ *testManager, k *session.Key) { k.Subject = "another" }, session.OutcomeMissing},
		{"logged out", v(2), func(h *testManager, k *session.Key) {
			_, _ = h.Revoke(context.Background(), *k, session.RevocationLogout)
		}, session.OutcomeRevoked},
		{"idle", v(2), func(h *testManager, _ *session.Key) { h.now = h.now.Add(14 * 24 * time.Hour) }, session.OutcomeIdle},
		{"created before the instant", v(2), func(h *testManager, _ *session.Key) { h.Config().Rules.SessionsNotBefore = h.now.Add(time.Millisecond) }, session.OutcomeNotBefore},
		{"disabled", v(2), func(h *testManager, _ *session.Key) { h.users.subject.Disabled = true }, session.OutcomeSubjectDisabled},
		{"deleted", v(2), func(h *testManager, _ *session.Key) { h.users.err = auth.ErrNotFound }, session.OutcomeSubjectMissing},
	} {
		h := newTestManager(t)
		key := h.login(t, auth.Balanced).Session.Key
		row.do(h, &key)
		c := session.Checker{Store: h.store, Subjects: h.users, Now: func() time.Time { return h.now }, SessionsNotBefore: h.Config().Rules.SessionsNotBefore}
		for name, check := range map[string]func(context.Context, auth.Principal) (string, error){"checker": c.CheckToken, "manager": h.CheckToken} {
			if ended, err := check(t.Context(), principal(key, row.version)); err != nil || ended != string(row.want) {
				t.Errorf("%s, %s: %q, %v, want %q", row.name, name, ended, err, row.want)
			}
		}
	}
}

// TestCheckTokenDecidesNothing checks that a failed read is an error, and no end of the session.
func TestCheckTokenDecidesNothing(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	version := auth.NewTokenVersion(g.Subject.TokenVersion)
	for name, c := range map[string]session.Checker{
		"the session": {Store: unread{h.store}, Subjects: h.users, Now: func() time.Time { return h.now }},
		"the user":    {Store: h.store, Subjects: &directory{err: session.ErrThrottled}, Now: func() time.Time { return h.now }},
	} {
		if ended, err := c.CheckToken(t.Context(), principal(g.Session.Key, version)); ended != "" || !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s cannot be read: %q, %v", name, ended, err)
		}
	}
}

// TestCheckTokenReads checks the cost of a check: two reads in parallel, and no read for a text
// that is not a session id.
func TestCheckTokenReads(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	store, p := &counted{Store: h.store}, principal(g.Session.Key, auth.NewTokenVersion(g.Subject.TokenVersion))
	c := session.Checker{Store: store, Subjects: h.users, Now: func() time.Time { return h.now }}
	for _, id := range []string{"", "x", g.Session.ID.String() + "A"} {
		other := p
		other.SessionID = id
		if ended, err := c.CheckToken(t.Context(), other); ended != string(session.OutcomeMissing) || err != nil {
			t.Errorf("the id %q: %q, %v", id, ended, err)
		}
	}
	if store.reads != 0 || h.users.reads.Load() != 0 {
		t.Errorf("%d and %d reads for ids that no session has", store.reads, h.users.reads.Load())
	}
	session, user := make(chan bool), make(chan bool)
	store.read = func() { close(session); <-user }
	h.users.read = func() { close(user); <-session }
	gone, cancel := context.WithCancel(t.Context())
	cancel() // the client has disconnected
	if ended, err := c.CheckToken(gone, p); ended != "" || err != nil {
		t.Errorf("%q, %v", ended, err)
	}
	if store.reads != 1 || h.users.reads.Load() != 1 {
		t.Errorf("%d reads of the session and %d of the user, want 1 and 1", store.reads, h.users.reads.Load())
	}
}
