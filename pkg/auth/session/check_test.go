package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// unread is a store whose reads fail.
type unread struct{ session.Store }

func (unread) Get(context.Context, session.Key) (session.Session, error) {
	return session.Session{}, auth.ErrUnavailable
}

func TestCheckRefusesEndedSessions(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*testManager, *session.Key)
		want session.Outcome
	}{
		{"nothing happened", func(*testManager, *session.Key) {}, ""},
		{"no such session", func(_ *testManager, k *session.Key) { k.ID[0]++ }, session.OutcomeMissing},
		{"session of another user", func(_ *testManager, k *session.Key) { k.Subject = "another" }, session.OutcomeMissing},
		{"revoked", func(h *testManager, k *session.Key) {
			_, _ = h.Revoke(context.Background(), *k, session.RevocationLogout)
		}, session.OutcomeRevoked},
		{"idle", func(h *testManager, _ *session.Key) { h.now = h.now.Add(14 * 24 * time.Hour) }, session.OutcomeIdle},
		{"absolute", func(h *testManager, _ *session.Key) { h.now = h.now.Add(90 * 24 * time.Hour) }, session.OutcomeAbsolute},
		{"created before the instant", func(h *testManager, _ *session.Key) { h.Config().Rules.SessionsNotBefore = h.now.Add(time.Millisecond) }, session.OutcomeNotBefore},
		{"created at the instant", func(h *testManager, _ *session.Key) { h.Config().Rules.SessionsNotBefore = h.now }, ""},
		{"disabled", func(h *testManager, _ *session.Key) { h.users.subject.Disabled = true }, session.OutcomeSubjectDisabled},
		{"a new password", func(h *testManager, _ *session.Key) { h.users.subject.TokenVersion++ }, session.OutcomeSubjectSuperseded},
		{"deleted", func(h *testManager, _ *session.Key) { h.users.err = auth.ErrNotFound }, session.OutcomeSubjectMissing},
		{"the user cannot be read", func(h *testManager, _ *session.Key) { h.users.err = auth.ErrUnavailable }, session.OutcomeFailed},
		{"the session cannot be read", func(h *testManager, _ *session.Key) { h.Config().Store = unread{h.store} }, session.OutcomeFailed},
	} {
		h := newTestManager(t)
		g := h.login(t, auth.Balanced)
		key := g.Session.Key
		row.do(h, &key)
		s, subject, err := h.Check(t.Context(), key)
		if row.want == "" {
			if err != nil || s.Key != key || subject.ID != key.Subject {
				t.Errorf("%s: %v, %v, %v", row.name, s.Key, subject.ID, err)
			}
			continue
		}
		var refusal *session.Refusal
		if !errors.As(err, &refusal) || refusal.Outcome != row.want || refusal.Session != key ||
			errors.Is(err, session.ErrEnded) != (row.want != session.OutcomeFailed) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
