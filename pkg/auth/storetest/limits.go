package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// parallelLogins starts 50 logins of one user at once, for a client with a limit of sessions, from
// functions whose clocks differ. Afterwards the user must have the limit of sessions or one more,
// and after one more login exactly the limit.
func parallelLogins(t *testing.T, store session.Store) {
	const logins = 50
	for i, row := range []struct {
		name     string
		limit    int
		together bool // no login lists the sessions before all logins have opened their sessions
	}{
		{"limit 1", 1, false}, {"limit 3", 3, false},
		{"limit 1, together", 1, true}, {"limit 3, together", 3, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			subject, shared := auth.Subject{ID: subjectOf(t, i)}, store
			if row.together {
				shared = newMeeting(store, logins)
			}
			var failures failures
			login := func(s session.Store, skew time.Duration) session.Granted {
				g, err := newManager(t, s, &clock{now: Epoch.Add(skew)}).Open(t.Context(), session.Opening{
					Subject: subject, AuthTime: Epoch, Client: auth.Client{
						ID: auth.DefaultClient, Profile: auth.Balanced, MaxSessions: row.limit, IdleTimeout: idleTimeout, AbsoluteTimeout: absoluteTimeout,
					},
				})
				switch {
				case err != nil:
					t.Errorf("a login: %v", err)
				case g.EvictErr != nil && !errors.Is(g.EvictErr, auth.ErrUnavailable):
					t.Errorf("an eviction: %v", g.EvictErr)
				case g.EvictErr != nil:
					failures.add()
				}
				return g
			}
			parallel(logins, logins, func(i int) { login(shared, time.Duration(i*7%20)*time.Second) })
			most := row.limit + 1
			if row.together {
				most = row.limit
			}
			left := openSessions(t, store, subject.ID)
			if len(left) < row.limit || len(left) > most && failures.n == 0 {
				t.Errorf("%d sessions are left, want %d to %d", len(left), row.limit, most)
			}
			last := login(store, time.Hour)
			left = openSessions(t, store, subject.ID)
			if _, own := left[last.Session.ID]; len(left) != row.limit || !own {
				t.Errorf("after one more login %d sessions are left, want %d; its own: %t", len(left), row.limit, own)
			}
		})
	}
}

// failures is a counter for several goroutines.
type failures struct {
	mu sync.Mutex
	n  int
}

func (f *failures) add() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
}

// openSessions returns the sessions of a user that are not revoked.
func openSessions(t *testing.T, store session.Store, of auth.SubjectID) map[session.ID]session.Session {
	t.Helper()
	all, err := store.List(t.Context(), of, session.ID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	open := map[session.ID]session.Session{}
	for _, s := range all {
		if s.Revocation == nil {
			open[s.ID] = s
		}
	}
	return open
}

// meeting is a store whose Create returns when all sessions have been created.
type meeting struct {
	session.Store
	created *sync.WaitGroup
}

func newMeeting(store session.Store, n int) meeting {
	m := meeting{store, new(sync.WaitGroup)}
	m.created.Add(n)
	return m
}

func (m meeting) Create(ctx context.Context, s session.Session) error {
	err := m.Store.Create(ctx, s)
	m.created.Done()
	m.created.Wait()
	return err
}
