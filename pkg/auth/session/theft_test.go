package session_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// copied opens a session and refreshes it twice. After that, the first token proves a copy.
func (h *testManager) copied(t *testing.T) (stolen, newest session.Granted) {
	t.Helper()
	stolen = h.login(t, auth.Balanced)
	_, newest = h.refresh(t, stolen.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, newest = h.refresh(t, newest.RefreshToken)
	return stolen, newest
}

// told presents a token and returns the outcome and the theft that OnTheft received.
func (h *testManager) told(t *testing.T, text auth.Secret) (outcome session.Outcome, thefts []session.Refusal) {
	t.Helper()
	_, err := h.Refresh(t.Context(), session.Request{RefreshToken: text, OnTheft: func(r *session.Refusal) { thefts = append(thefts, *r) }})
	var refusal *session.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("no refusal: %v", err)
	}
	return refusal.Outcome, thefts
}

// TestTheftIsOnRecordBeforeItsSessionEnds: a theft must be on record even if the session's end is
// the last thing that this process does, or if the reply to that write is lost. The next request
// finds only a tombstone.
func TestTheftIsOnRecordBeforeItsSessionEnds(t *testing.T) {
	boom := errors.New("boom")
	for _, row := range []struct {
		name    string
		fault   func(*faulty, int32)
		outcome session.Outcome // of the request that proves the theft
		again   session.Outcome // of its retry
		retold  bool
		newest  session.Outcome
	}{
		{name: "confirmed", fault: func(*faulty, int32) {}, outcome: session.OutcomeReuse, again: session.OutcomeRevoked, newest: session.OutcomeRevoked},
		{name: "the reply is lost", fault: func(f *faulty, nth int32) {
			f.lose = func(n int32) error {
				if n == nth {
					return boom
				}
				return nil
			}
		}, outcome: session.OutcomeFailed, again: session.OutcomeRevoked, newest: session.OutcomeRevoked},
		{name: "the write fails", fault: func(f *faulty, nth int32) {
			f.fail = func(n int32) error {
				if n == nth {
					return boom
				}
				return nil
			}
		}, outcome: session.OutcomeFailed, again: session.OutcomeReuse, retold: true, newest: session.OutcomeRevoked},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newTestManager(t)
			stolen, newest := h.copied(t)
			row.fault(h.store, h.store.updates.Load()+2)
			outcome, thefts := h.told(t, stolen.RefreshToken)
			want(t, "the copy", outcome, row.outcome)
			theft := session.Refusal{Outcome: session.OutcomeReuse, Session: stolen.Session.Key, Client: auth.DefaultClient}
			if !reflect.DeepEqual(thefts, []session.Refusal{theft}) {
				t.Errorf("on record: %+v, want %+v", thefts, theft)
			}
			outcome, thefts = h.told(t, stolen.RefreshToken)
			want(t, "the copy again", outcome, row.again)
			if (len(thefts) > 0) != row.retold {
				t.Errorf("the retry puts on record: %+v", thefts)
			}
			var refusal *session.Refusal
			_, err := h.Refresh(t.Context(), session.Request{RefreshToken: newest.RefreshToken})
			if !errors.As(err, &refusal) || refusal.Outcome != row.newest || refusal.Revoked != session.RevocationTheft {
				t.Errorf("the owner: %+v", refusal)
			}
		})
	}
}

// TestTheftIsOnRecordIfTheProcessEnds: the process ends during the write, which takes effect.
func TestTheftIsOnRecordIfTheProcessEnds(t *testing.T) {
	h := newTestManager(t)
	stolen, _ := h.copied(t)
	last := h.store.updates.Load() + 2
	h.store.lose = func(n int32) error {
		if n == last {
			panic("the process ends")
		}
		return nil
	}
	told := 0
	func() {
		defer func() { _ = recover() }()
		_, err := h.Refresh(t.Context(), session.Request{RefreshToken: stolen.RefreshToken, OnTheft: func(*session.Refusal) { told++ }})
		t.Errorf("the process goes on: %v", err)
	}()
	h.store.lose = nil
	outcome, _ := h.told(t, stolen.RefreshToken)
	want(t, "the retry", outcome, session.OutcomeRevoked)
	if told != 1 {
		t.Errorf("the theft is on record %d times", told)
	}
}
