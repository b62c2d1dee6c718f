package session_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// A session can replace a session that has itself replaced a session a moment before. The end of
// the last session must end the whole chain, even if a write fails on the way and the client
// repeats its request.
func TestStepUpChainEndsWhole(t *testing.T) {
	for name, request := range map[string]func(*testManager, session.Granted) error{
		"a refresh": func(h *testManager, last session.Granted) error {
			_, err := h.Refresh(t.Context(), session.Request{RefreshToken: last.RefreshToken})
			return err
		},
		"a logout": func(h *testManager, last session.Granted) error {
			_, err := h.Logout(t.Context(), last.RefreshToken, nil)
			return err
		},
		"an end": func(h *testManager, last session.Granted) error {
			_, err := h.Revoke(t.Context(), last.Session.Key, session.RevocationUser)
			return err
		},
	} {
		for _, fault := range []string{"fails", "loses its reply"} {
			for at := range int32(4) {
				h := newTestManager(t)
				first := h.login(t, auth.Balanced)
				second := h.stepUp(t, first.Session.ID, auth.Balanced)
				third := h.stepUp(t, second.Session.ID, auth.Balanced)
				last := h.stepUp(t, third.Session.ID, auth.Balanced)
				h.now = h.now.Add(handover)
				nth := h.store.updates.Load() + 1 + at
				broken := func(n int32) error {
					if n == nth {
						return auth.ErrUnavailable
					}
					return nil
				}
				if fault == "fails" {
					h.store.fail = broken
				} else {
					h.store.lose = broken
				}
				if err := request(h, last); err == nil {
					t.Fatalf("%s: write %d %s, and the answer is a success", name, at+1, fault)
				}
				if err := request(h, last); err != nil {
					t.Fatalf("%s, again: %v", name, err)
				}
				for i, one := range []session.Granted{first, second, third} {
					if outcome, _ := h.refresh(t, one.RefreshToken); outcome != session.OutcomeRevoked {
						t.Errorf("%s whose write %d %s, and again: session %d of the chain is %s", name, at+1, fault, i+1, outcome)
					}
				}
			}
		}
	}
}

// In the strict profile, a rotation whose answer is an error logs the client out. So the end of the
// replaced session is confirmed before the rotation.
func TestStepUpEndIsConfirmedBeforeAStrictRotation(t *testing.T) {
	h := newTestManager(t)
	old := h.login(t, auth.Strict)
	next := h.stepUp(t, old.Session.ID, auth.Strict)
	h.now = h.now.Add(handover)
	for n := int32(1); ; n++ {
		nth := h.store.updates.Load() + n
		h.store.fail = func(n int32) error {
			if n == nth {
				return auth.ErrUnavailable
			}
			return nil
		}
		outcome, g := h.refresh(t, next.RefreshToken)
		if outcome == session.OutcomeRotated {
			if n != 3 {
				t.Errorf("the refresh did %d writes", n-1)
			}
			if outcome, _ := h.refresh(t, g.RefreshToken); !outcome.Grants() {
				t.Errorf("the next refresh: %s", outcome)
			}
			break
		}
		want(t, "a write fails", outcome, session.OutcomeFailed)
	}
	h.store.fail = nil
	outcome, _ := h.refresh(t, old.RefreshToken)
	want(t, "the old session", outcome, session.OutcomeRevoked)
}
