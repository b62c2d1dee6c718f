package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestRevocationsConformanceCatchesMutants changes the writes of entries by one fault at a time.
// The conformance suite must notice each fault.
func TestRevocationsConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	isEntry := func(w write) bool { return strings.Contains(text(w["Key"]), `\trevocations`) }
	drop := func(first string) func(*transaction) {
		return func(x *transaction) {
			if strings.Contains(text(x.TransactItems[0]), first) {
				x.TransactItems = slices.DeleteFunc(x.TransactItems, func(item map[string]write) bool { return isEntry(item["Update"]) })
			}
		}
	}
	unwritten := func(attribute string) func(*transaction) {
		return func(x *transaction) {
			for _, item := range x.TransactItems {
				if w := item["Update"]; isEntry(w) {
					w["UpdateExpression"] = strings.Replace(w["UpdateExpression"].(string), "#"+attribute+" = ", "#unused = ", 1)
					w["ExpressionAttributeNames"].(map[string]any)["#unused"] = "unused"
				}
			}
		}
	}
	for name, edit := range map[string]func(*transaction){
		"a session ends without an entry":      drop(`#rev_reason = `),
		"a version is raised without an entry": drop(`#updated = :`),
		"a user is changed without an entry":   drop(`#write = `),
		"a user is deleted without an entry":   drop(`"Delete"`),
		"the version is not written":           unwritten("below"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mutate := &transactionMutator{edit: edit}
			differences := storetest.CompareRevocations(t.Context(), storesIn(newDB(t, e, mutate).Unhurried()), 4, 3)
			if mutate.changed.Load() == 0 {
				t.Fatal("the mutation changed no request")
			}
			if len(differences) == 0 {
				t.Errorf("%d writes were changed, and no difference was noticed", mutate.changed.Load())
			}
		})
	}
}

// failsFrom lets a number of requests reach the engine, and then fails every request.
type failsFrom struct {
	left  atomic.Int32 // negative: no request fails
	fault fault.Fault
	seen  atomic.Int32
}

func (f *failsFrom) RoundTrip(r *http.Request) (*http.Response, error) {
	f.seen.Add(1)
	if left := f.left.Load(); left == 0 {
		return f.fault(r, http.DefaultTransport)
	} else if left > 0 {
		f.left.Add(-1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// ending is one way to end the sessions of a user. prepare returns the sessions that end and the
// function that ends them. The function may be called again.
type ending func(t *testing.T, m *manager, now *time.Time) (ended []session.Key, end func(context.Context) error)

// endings are all ways to end a session.
var endings = map[string]ending{
	"logout": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			_, err := m.Logout(ctx, g.RefreshToken, nil)
			return err
		}
	},
	"logout that names its client": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			_, err := m.Logout(ctx, g.RefreshToken, &aClient.ID)
			return err
		}
	},
	"end of one, and of the one that it had replaced": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		old := m.login(t, aClient)
		g, err := m.StepUp(t.Context(), old.Session.ID, session.Opening{Subject: m.subject, Client: aClient, AuthTime: m.now()})
		if err != nil {
			t.Fatal(err)
		}
		return []session.Key{old.Session.Key, g.Session.Key}, func(ctx context.Context) error {
			_, err := m.Revoke(ctx, g.Session.Key, session.RevocationUser)
			return err
		}
	},
	"step-up": func(t *testing.T, m *manager, now *time.Time) ([]session.Key, func(context.Context) error) {
		old := m.login(t, aClient)
		g, err := m.StepUp(t.Context(), old.Session.ID, session.Opening{Subject: m.subject, Client: aClient, AuthTime: m.now()})
		if err != nil {
			t.Fatal(err)
		}
		*now = now.Add(10 * time.Minute)
		return []session.Key{old.Session.Key}, func(ctx context.Context) error {
			_, err := m.Refresh(ctx, session.Request{RefreshToken: g.RefreshToken})
			return err
		}
	},
	"theft": func(t *testing.T, m *manager, now *time.Time) ([]session.Key, func(context.Context) error) {
		stolen := m.login(t, aClient)
		next := stolen
		for range 2 {
			*now = now.Add(10 * time.Minute)
			var err error
			if next, err = m.Refresh(t.Context(), session.Request{RefreshToken: next.RefreshToken}); err != nil {
				t.Fatal(err)
			}
		}
		return []session.Key{stolen.Session.Key}, func(ctx context.Context) error {
			_, err := m.Refresh(ctx, session.Request{RefreshToken: stolen.RefreshToken})
			if errors.Is(err, session.ErrEnded) {
				return nil
			}
			return err
		}
	},
	"others": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		own, other := m.login(t, aClient), m.login(t, aClient)
		return []session.Key{other.Session.Key}, func(ctx context.Context) error {
			s, of, err := m.Check(ctx, own.Session.Key)
			if err == nil {
				_, err = m.EndOthers(ctx, of, s)
			}
			return err
		}
	},
	"all": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			u, err := m.users.Get(ctx, subjectID)
			if err == nil {
				_, err = m.EndAll(ctx, u.Subject(), nil)
			}
			return err
		}
	},
	"disabled": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			_, err := (&user.Directory{Store: m.users, Now: m.now}).Disable(ctx, subjectID)
			return err
		}
	},
	"eviction": func(t *testing.T, m *manager, now *time.Time) ([]session.Key, func(context.Context) error) {
		limited := aClient
		limited.MaxSessions = 1
		g := m.login(t, limited)
		*now = now.Add(time.Second)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			g, err := m.Open(ctx, session.Opening{Subject: m.subject, Client: limited, AuthTime: m.now()})
			return errors.Join(err, g.EvictErr)
		}
	},
	"deletion": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			_, err := (&user.Directory{Store: m.users, Now: m.now, Sessions: m.stored}).Delete(ctx, subjectID)
			if errors.Is(err, auth.ErrNotFound) {
				return nil // a repetition
			}
			return err
		}
	},
	"password": func(t *testing.T, m *manager, _ *time.Time) ([]session.Key, func(context.Context) error) {
		g := m.login(t, aClient)
		return []session.Key{g.Session.Key}, func(ctx context.Context) error {
			_, err := (&user.Directory{Store: m.users, Now: m.now, Hasher: m.hasher}).SetPassword(ctx, subjectID, auth.NewSecret("battery staple horse"), false)
			return err
		}
	},
}

// TestFaultsOfEnds fails every request of an end from a given one on, before and after the engine
// has executed it. At every moment, a session has ended exactly if an entry names it: no end is
// reported that did not happen, and no entry names a live session. A repeated end succeeds, and
// afterwards both exist.
func TestFaultsOfEnds(t *testing.T) {
	e := engine.Dynoxide(t)
	for name, prepare := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fail, f := range map[string]fault.Fault{"before": fault.ResetBefore, "after": fault.ResetAfter} {
				for from, more := int32(0), true; more; from++ {
					wire, now := &failsFrom{fault: f}, storetest.Epoch
					wire.left.Store(-1)
					db := newDB(t, e, wire)
					m := newManager(t, db, func() time.Time { return now })
					ended, end := prepare(t, m, &now)
					wire.left.Store(from)
					gone, hangUp := context.WithCancel(t.Context())
					err := end(gone)
					hangUp()
					more = wire.left.Load() == 0
					wire.left.Store(-1)
					if over := m.over(t, db, ended, now); err == nil && !over {
						t.Errorf("%s, from request %d on: success, and a session lives on", fail, from)
					}
					if err != nil && !errors.Is(err, auth.ErrUnavailable) || err == nil && from == 0 {
						t.Errorf("%s, from request %d on: %v", fail, from, err)
					}
					now = now.Add(time.Second)
					if err := end(t.Context()); err != nil {
						t.Errorf("%s, from request %d on, again: %v", fail, from, err)
					}
					if !m.over(t, db, ended, now) {
						t.Errorf("%s, from request %d on: a session lives on after the repetition", fail, from)
					}
				}
			}
		})
	}
}

// over reports whether all sessions have ended. It checks that each session has ended if and only
// if an entry names it.
func (m *manager) over(t *testing.T, db *dynamo.DB, sessions []session.Key, now time.Time) bool {
	t.Helper()
	all, err := db.Revocations().Since(t.Context(), storetest.Epoch, now)
	if err != nil {
		t.Fatal(err)
	}
	over := true
	for _, key := range sessions {
		s, err := db.Sessions().Get(t.Context(), key)
		deleted := errors.Is(err, auth.ErrNotFound)
		if deleted {
			s.TokenVersion, err = m.subject.TokenVersion, nil
		}
		u, userErr := m.users.Get(t.Context(), key.Subject)
		if errors.Is(userErr, auth.ErrNotFound) {
			deleted, userErr = true, nil
		}
		if err := errors.Join(err, userErr); err != nil {
			t.Fatal(err)
		}
		ended := deleted || s.Revocation != nil || u.TokenVersion > s.TokenVersion
		named := slices.ContainsFunc(all, func(e session.RevocationEntry) bool {
			return e.ID == session.RevocationIDOfSession(key) || e.ID == session.RevocationIDOfUser(key.Subject) && s.TokenVersion < e.Below
		})
		if ended != named {
			t.Errorf("the session has ended: %t; an entry names it: %t", ended, named)
		}
		over = over && ended
	}
	return over
}
