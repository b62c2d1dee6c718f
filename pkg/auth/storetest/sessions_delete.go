package storetest

import (
	"errors"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// deleteAllSessions erases the sessions of one subject, more than one page of them, and no session
// of another subject.
func deleteAllSessions(t *testing.T, store session.Store) {
	const n = 60
	ctx, of := t.Context(), subjectOf(t, 0)
	create := func(of auth.SubjectID, i int) {
		s := *plain(auth.Balanced).Item
		s.Key = session.Key{Subject: of, ID: session.ID{byte(i), byte(i >> 8), 1}}
		if i%3 == 0 {
			s.Revocation = &session.Revocation{At: Epoch, Reason: session.RevocationLogout}
		}
		if err := store.Create(ctx, s); err != nil {
			t.Error(err)
		}
	}
	if deleted, err := store.DeleteAll(ctx, of); deleted != 0 || err != nil {
		t.Errorf("none: %d, %v", deleted, err)
	}
	others := []auth.SubjectID{of + "0", of[:len(of)-1]} // neighbours in any order of keys
	parallel(n, n, func(i int) {
		create(of, i)
		create(others[i%2], i)
	})
	if deleted, err := store.DeleteAll(ctx, of); deleted != n || err != nil {
		t.Errorf("%d deleted of %d, %v", deleted, n, err)
	}
	if left, err := store.List(ctx, of, session.ID{}, n); len(left) != 0 || err != nil {
		t.Errorf("%d left, %v", len(left), err)
	}
	for _, other := range others {
		if left, err := store.List(ctx, other, session.ID{}, n); len(left) != n/2 || err != nil {
			t.Errorf("%d left of %q, %v", len(left), other, err)
		}
	}
}

// deleteAllAgainstRefresh erases sessions at the same time as refreshes. No refresh brings a
// session back.
func deleteAllAgainstRefresh(t *testing.T, store session.Store) {
	parallel(20, 20, func(i int) {
		ctx, subject := t.Context(), subjectOf(t, i)
		m := newManager(t, store, &clock{now: Epoch})
		opened := open(t, m, subject, auth.Balanced)
		parallel(5, 5, func(j int) {
			if j == 2 {
				if _, err := store.DeleteAll(ctx, subject); err != nil {
					t.Error(err)
				}
				return
			}
			if _, err := m.Refresh(ctx, session.Request{RefreshToken: opened.RefreshToken}); err != nil && !errors.Is(err, session.ErrEnded) {
				t.Error(err)
			}
		})
		if left, err := store.List(ctx, subject, session.ID{}, 1); len(left) != 0 || err != nil {
			t.Errorf("a refresh brought back %v, %v", left, err)
		}
	})
}
