package session_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

var handover = session.DefaultRules().Handover

// opening is the opening of a login of the test manager.
func (h *testManager) opening(profile auth.Profile) session.Opening {
	return session.Opening{
		Subject: h.users.subject, AuthTime: h.now, AMR: []string{"pwd"}, UserAgent: "curl", Address: "192.0.2.7",
		Client: auth.Client{ID: auth.DefaultClient, Profile: profile, IdleTimeout: 14 * 24 * time.Hour,
			AbsoluteTimeout: 90 * 24 * time.Hour, Scope: []string{"read"}},
	}
}

func (h *testManager) stepUp(t *testing.T, replaces session.ID, profile auth.Profile) session.Granted {
	t.Helper()
	g, err := h.StepUp(t.Context(), replaces, h.opening(profile))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var profiles = []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed}

func TestStepUpReplacesTheSession(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			h := newTestManager(t)
			old := h.login(t, profile)
			h.now = h.now.Add(time.Hour)
			next := h.stepUp(t, old.Session.ID, profile)
			if next.Session.ID == old.Session.ID || next.Session.Replaces != old.Session.ID || !next.Session.AuthTime.Equal(h.now) {
				t.Fatalf("the new session is %+v", next.Session)
			}
			// Both sessions are alive, and the old session issues no refresh token.
			outcome, g := h.refresh(t, old.RefreshToken)
			want(t, "the old session during the handover", outcome, session.OutcomeSame)
			if g.RefreshToken.Reveal() != "" || !g.Session.AuthTime.Equal(old.Session.AuthTime) {
				t.Error("the old session was answered with a refresh token or with the new auth_time")
			}
			h.now = h.now.Add(handover)
			outcome, g = h.refresh(t, next.RefreshToken)
			if !outcome.Grants() || !slices.Equal(g.Ended, []session.Key{old.Session.Key}) {
				t.Fatalf("after the handover: %s, ended %v", outcome, g.Ended)
			}
			outcome, _ = h.refresh(t, old.RefreshToken)
			want(t, "the old session after the handover", outcome, session.OutcomeRevoked)
			s, err := h.store.Get(t.Context(), old.Session.Key)
			if err != nil || s.Revocation == nil || s.Revocation.Reason != session.RevocationStepUp {
				t.Errorf("the old session is %+v, %v", s.Revocation, err)
			}
		})
	}
}

// If the answer of the step-up is lost, the client continues with the old session.
func TestStepUpWithLostAnswerEndsNothing(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			h := newTestManager(t)
			old := h.login(t, profile)
			h.stepUp(t, old.Session.ID, profile)
			held := old.RefreshToken
			for range 20 {
				h.now = h.now.Add(time.Minute)
				outcome, g := h.refresh(t, held)
				if !outcome.Grants() {
					t.Fatalf("after %s: %s", h.now.Sub(epoch), outcome)
				}
				if g.RefreshToken.Reveal() != "" {
					held = g.RefreshToken
				}
			}
			if profile != auth.Fixed && held.Reveal() == old.RefreshToken.Reveal() {
				t.Error("the old session rotates no more")
			}
		})
	}
}

// The old session ends before the new session is answered. If it cannot be ended, the new session
// is not answered.
func TestStepUpEndIsConfirmed(t *testing.T) {
	h := newTestManager(t)
	old := h.login(t, auth.Balanced)
	next := h.stepUp(t, old.Session.ID, auth.Balanced)
	h.now = h.now.Add(handover)
	writes := h.store.updates.Load()
	h.store.fail = func(n int32) error {
		if n == writes+2 { // the first is the rotation
			return auth.ErrUnavailable
		}
		return nil
	}
	outcome, _ := h.refresh(t, next.RefreshToken)
	want(t, "the end was not confirmed", outcome, session.OutcomeFailed)
	outcome, g := h.refresh(t, next.RefreshToken)
	want(t, "the same token again", outcome, session.OutcomeDuplicate)
	if !slices.Equal(g.Ended, []session.Key{old.Session.Key}) {
		t.Error("the retry has not ended the old session")
	}
}

// After the client has received an answer that was sent after the end, a refresh costs one write
// again.
func TestStepUpEndsOnce(t *testing.T) {
	h := newTestManager(t)
	old := h.login(t, auth.Balanced)
	next := h.stepUp(t, old.Session.ID, auth.Balanced)
	h.now = h.now.Add(handover - time.Millisecond)
	_, g := h.refresh(t, next.RefreshToken)
	if len(g.Ended) > 0 {
		t.Error("the old session ended before the handover did")
	}
	for i, writes := range []int32{2, 1, 1} {
		h.now = h.now.Add(session.DefaultRules().MinimumInterval)
		before := h.store.updates.Load()
		outcome, next := h.refresh(t, g.RefreshToken)
		want(t, "a refresh after the handover", outcome, session.OutcomeRotated)
		if got := h.store.updates.Load() - before; got != writes {
			t.Errorf("refresh %d made %d writes, want %d", i, got, writes)
		}
		g = next
	}
}

func TestStepUpRefusals(t *testing.T) {
	h := newTestManager(t)
	live := h.login(t, auth.Balanced)
	over := h.login(t, auth.Balanced)
	if _, err := h.Logout(t.Context(), over.RefreshToken, nil); err != nil {
		t.Fatal(err)
	}
	stranger, another, superseded := h.opening(auth.Balanced), h.opening(auth.Balanced), h.opening(auth.Balanced)
	stranger.Subject.ID = "another"
	another.Client.ID = "another"
	superseded.Subject.TokenVersion++
	for _, row := range []struct {
		name    string
		id      session.ID
		opening session.Opening
		want    session.Outcome
	}{
		{"an ended session", over.Session.ID, h.opening(auth.Balanced), session.OutcomeRevoked},
		{"an unknown session", session.ID{1}, h.opening(auth.Balanced), session.OutcomeMissing},
		{"a session of another user", live.Session.ID, stranger, session.OutcomeMissing},
		{"a session of another client", live.Session.ID, another, session.OutcomeForeignClient},
		{"a session of an older token version", live.Session.ID, superseded, session.OutcomeSubjectSuperseded},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := h.StepUp(t.Context(), row.id, row.opening)
			var refusal *session.Refusal
			if !errors.As(err, &refusal) || refusal.Outcome != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
	t.Run("the store fails", func(t *testing.T) {
		h.store.fail = func(int32) error { return auth.ErrUnavailable }
		defer func() { h.store.fail = nil }()
		if _, err := h.StepUp(t.Context(), live.Session.ID, h.opening(auth.Balanced)); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
	list, err := h.store.List(t.Context(), aUUID, session.ID{}, 10)
	if err != nil || len(list) != 2 {
		t.Errorf("%d sessions, %v: a refusal opened one", len(list), err)
	}
}

// A copy of the old session's tokens is noticed during the handover too.
func TestStepUpKeepsTheftDetection(t *testing.T) {
	h := newTestManager(t)
	old := h.login(t, auth.Balanced)
	h.now = h.now.Add(time.Hour)
	_, child := h.refresh(t, old.RefreshToken)
	h.now = h.now.Add(time.Hour)
	if outcome, _ := h.refresh(t, child.RefreshToken); outcome != session.OutcomeRotated {
		t.Fatal(outcome)
	}
	h.stepUp(t, old.Session.ID, auth.Balanced)
	outcome, _ := h.refresh(t, old.RefreshToken)
	want(t, "a grandparent during the handover", outcome, session.OutcomeReuse)
}

// A noticed copy of the new session also ends the replaced session: the thief may have copied the
// old session before, and nothing else would end it. If this end is not confirmed, the theft can be
// proven again.
func TestStepUpTheftEndsBoth(t *testing.T) {
	h := newTestManager(t)
	old := h.login(t, auth.Strict)
	next := h.stepUp(t, old.Session.ID, auth.Strict)
	if outcome, _ := h.refresh(t, next.RefreshToken); outcome != session.OutcomeRotated {
		t.Fatal(outcome)
	}
	writes := h.store.updates.Load()
	h.store.fail = func(n int32) error {
		if n == writes+2 { // the first write finds the theft
			return auth.ErrUnavailable
		}
		return nil
	}
	outcome, _ := h.refresh(t, next.RefreshToken)
	want(t, "the end of the replaced session was not confirmed", outcome, session.OutcomeFailed)
	outcome, g := h.refresh(t, next.RefreshToken)
	want(t, "the copy again", outcome, session.OutcomeReuse)
	if !slices.Equal(g.Ended, []session.Key{old.Session.Key}) {
		t.Errorf("ended %v", g.Ended)
	}
	outcome, _ = h.refresh(t, old.RefreshToken)
	want(t, "the replaced session", outcome, session.OutcomeRevoked)
}

// A refresh during the handover does not move the idle end, so the step-up moves it. Otherwise a
// client whose step-up got no answer would find its session idle at its second refresh from then.
func TestStepUpWithLostAnswerLeavesTimeForTwoRefreshes(t *testing.T) {
	const lifetime = 15 * time.Minute // of access tokens; the shortest idle timeout that a client may have
	for _, profile := range profiles {
		h := newTestManager(t)
		o := h.opening(profile)
		o.Client.IdleTimeout = lifetime + session.DefaultRules().MinimumIdleTimeout()
		g, err := h.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		held := g.RefreshToken
		h.now = h.now.Add(lifetime - time.Second)
		if _, err := h.StepUp(t.Context(), g.Session.ID, o); err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{time.Second, lifetime, lifetime} {
			h.now = h.now.Add(after)
			outcome, g := h.refresh(t, held)
			if !outcome.Grants() {
				t.Fatalf("%s, after %s: %s", profile, h.now.Sub(epoch), outcome)
			}
			if g.RefreshToken.Reveal() != "" {
				held = g.RefreshToken
			}
		}
	}
}
