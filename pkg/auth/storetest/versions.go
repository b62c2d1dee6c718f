package storetest

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Versions checks that a session.Versions behaves as package session defines it, together with the
// stores of users and sessions of the same database. cases is the number of generated cases.
func Versions(t *testing.T, cases int, open func(testing.TB) Stores) {
	s := open(t)
	t.Run("EqualsTheModel", func(t *testing.T) {
		for _, err := range CompareVersions(t.Context(), s, cases, 1) {
			t.Error(err)
		}
	})
	t.Run("ParallelRaises", func(t *testing.T) { parallelRaises(t, s) })
	t.Run("AgainstChangesOfTheUser", func(t *testing.T) { raiseAgainstChanges(t, s) })
	t.Run("AgainstRefreshes", func(t *testing.T) { raiseAgainstRefreshes(t, s) })
}

// CompareVersions carries out generated raises in the store and in memory. It returns every
// difference: in the result, in the user and in the session afterwards.
func CompareVersions(ctx context.Context, s Stores, cases int, seed uint64) []error {
	errs := make([]error, cases)
	parallel(cases, 64, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		if err := equalsTheModel(ctx, s, rng, auth.SubjectID(fmt.Sprintf("raise %d-%d", seed, i))); err != nil {
			errs[i] = fmt.Errorf("case %d: %w", i, err)
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func equalsTheModel(ctx context.Context, s Stores, rng *rand.Rand, id auth.SubjectID) error {
	var (
		u    *user.User
		item *session.Session
		r    = session.Raise{Key: session.Key{Subject: id, ID: session.ID{7}}, From: pick[uint64](rng, 0, 3, 4), At: Epoch.Add(time.Minute)}
	)
	r.To = r.From + uint64(rng.IntN(3))
	if rng.IntN(8) > 0 {
		u = &user.User{ID: id, Email: string(id[len("raise "):]) + "@raise.example", TokenVersion: pick[uint64](rng, 0, 3, 4), Revision: 1 + rng.Uint64N(3), CreatedAt: Epoch, UpdatedAt: Epoch}
		if err := s.Users.Create(ctx, *u, crypto.Text()); err != nil {
			return err
		}
	}
	c := randomCase(rng)
	if c.Item != nil {
		item = c.Item
		item.Key = r.Key
		if err := s.Sessions.Create(ctx, *item); err != nil {
			return err
		}
	}
	if rng.IntN(4) > 0 {
		update := randomUpdate(rng, c.Presented)
		if rng.IntN(2) == 0 { // the conditions of an arbitrary update seldom hold
			update.If = session.Condition{LiveAt: Epoch}
			if item != nil { // and a random instant is seldom at the end of the session
				update.If.LiveAt = pick(rng, Epoch, item.IdleEnd.Add(-time.Millisecond), item.IdleEnd, item.IdleEnd.Add(time.Millisecond))
			}
		}
		r.Update = &update
	}
	what := fmt.Sprintf("user %+v, session %+v, raise %+v, update %+v", u, item, r, r.Update)
	want := u != nil && u.TokenVersion == r.From && (r.Update == nil || r.Update.Do(item))
	done, err := s.Versions.Raise(ctx, r)
	switch {
	case u == nil && !errors.Is(err, auth.ErrNotFound):
		return fmt.Errorf("%s: %t, %v for an unknown user", what, done, err)
	case u != nil && err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case done != want:
		return fmt.Errorf("%s: done %t, want %t", what, done, want)
	}
	if want {
		u.TokenVersion, u.UpdatedAt = r.To, r.At
		u.Revision++
	}
	if after, err := s.Users.Get(ctx, id); u != nil && (err != nil || difference(*u, after) != "") || u == nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("%s: the user afterwards: %v%s", what, err, difference(u, &after))
	}
	if after, err := s.Sessions.Get(ctx, r.Key); item != nil && (err != nil || difference(*item, after) != "") || item == nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("%s: the session afterwards: %v%s", what, err, difference(item, &after))
	}
	return nil
}

// raised makes a user and an open session of the user.
func raised(t *testing.T, s Stores, i int) (user.User, session.Session) {
	t.Helper()
	u := created(t, s.Users, i, nil)
	one := *plain(auth.Balanced).Item
	one.Key, one.TokenVersion = session.Key{Subject: u.ID, ID: session.ID{byte(i + 1)}}, u.TokenVersion
	if err := s.Sessions.Create(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	return u, one
}

// keeping returns the raise that ends all sessions of a user except own.
func keeping(u user.User, own session.Session) session.Raise {
	to := u.TokenVersion + 1
	keep := session.Update{If: session.Condition{LiveAt: Epoch}, Set: session.Change{TokenVersion: &to}}
	return session.Raise{Key: own.Key, From: u.TokenVersion, To: to, At: Epoch, Update: &keep}
}

// parallelRaises checks that exactly one of many raises from the same version succeeds, and that
// only the session that this raise keeps has the user's version afterwards.
func parallelRaises(t *testing.T, s Stores) {
	const n = 20
	u, first := raised(t, s, 0)
	all := []session.Session{first}
	for i := range n - 1 {
		other := first
		other.ID = session.ID{byte(i + 100)}
		if err := s.Sessions.Create(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		all = append(all, other)
	}
	done := make([]bool, n)
	parallel(n, n, func(i int) {
		for try := 0; ; try++ { // a conflict of two transactions decides nothing
			ok, err := s.Versions.Raise(t.Context(), keeping(u, all[i]))
			if done[i] = ok; err == nil {
				return
			}
			if !errors.Is(err, auth.ErrUnavailable) || try == 20 {
				t.Error(err)
				return
			}
		}
	})
	after, err := s.Users.Get(t.Context(), u.ID)
	if err != nil || after.TokenVersion != u.TokenVersion+1 || after.Revision != u.Revision+1 {
		t.Errorf("the user is %+v, %v", after, err)
	}
	kept := 0
	for i, one := range all {
		got, err := s.Sessions.Get(t.Context(), one.Key)
		if err != nil {
			t.Fatal(err)
		}
		if is := got.TokenVersion == after.TokenVersion; is != done[i] {
			t.Errorf("session %d: done %t, and its version is %d", i, done[i], got.TokenVersion)
		} else if is {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("%d sessions were kept", kept)
	}
}

// raiseAgainstChanges checks that neither a raise nor a concurrent change of the user is lost.
func raiseAgainstChanges(t *testing.T, s Stores) {
	u, _ := raised(t, s, 0)
	const n = 8
	again := func(do func(now user.User) (bool, error)) {
		for range 200 {
			now, err := s.Users.Get(t.Context(), u.ID)
			if err == nil {
				var done bool
				if done, err = do(now); done && err == nil {
					return
				}
			}
			if err != nil && !errors.Is(err, user.ErrConflict) && !errors.Is(err, auth.ErrUnavailable) {
				t.Error(err)
				return
			}
		}
		t.Error("it never succeeded")
	}
	parallel(2*n, 2*n, func(i int) {
		if i%2 == 0 {
			again(func(now user.User) (bool, error) {
				return s.Versions.Raise(t.Context(), session.Raise{Key: session.Key{Subject: u.ID}, From: now.TokenVersion, To: now.TokenVersion + 1, At: Epoch})
			})
			return
		}
		again(func(now user.User) (bool, error) {
			now.Roles = append(now.Roles, fmt.Sprintf("role%d", i))
			return true, s.Users.Update(t.Context(), now)
		})
	})
	after, err := s.Users.Get(t.Context(), u.ID)
	if err != nil || after.TokenVersion != u.TokenVersion+n || after.Revision != u.Revision+2*n || len(after.Roles) != len(u.Roles)+n {
		t.Errorf("%+v, %v", after, err)
	}
}

// raiseAgainstRefreshes checks that concurrent refreshes neither lose the kept session nor undo the
// raise.
func raiseAgainstRefreshes(t *testing.T, s Stores) {
	parallel(20, 10, func(i int) {
		ctx := t.Context()
		u, own := raised(t, s, i)
		parallel(6, 6, func(j int) {
			if j == 3 {
				for try := 0; ; try++ {
					done, err := s.Versions.Raise(ctx, keeping(u, own))
					if done {
						return
					}
					if !errors.Is(err, auth.ErrUnavailable) || try == 20 {
						t.Errorf("done %t, %v", done, err)
						return
					}
				}
			}
			rotation := session.Update{Set: session.Change{
				Rotation: &session.Rotation{Generation: own.Generation + 1, Parent: branchA, At: Epoch}, Activity: &session.Activity{At: Epoch},
			}}
			if _, done, err := s.Sessions.Update(ctx, own.Key, rotation); err != nil && !errors.Is(err, auth.ErrUnavailable) || err == nil && !done {
				t.Errorf("a rotation: %t, %v", done, err)
			}
		})
		after, err := s.Sessions.Get(ctx, own.Key)
		if err != nil || after.TokenVersion != u.TokenVersion+1 || after.Generation != own.Generation+1 {
			t.Errorf("the session is %+v, %v", after, err)
		}
	})
}

// unreadableVersion checks that neither a user nor a session that cannot be read is written, and
// that an unreadable user is an outage.
func unreadableVersion(t *testing.T, s Stores, raw Raw) {
	u, own := raised(t, s, 0)
	raise := keeping(u, own)
	damage(t, raw, u.ID, func(how string) {
		// No condition checks the members of a set. A raise does not change them, and its caller
		// has read the user before.
		if strings.HasPrefix(how, "pointers has a name") {
			return
		}
		_, err := s.Versions.Raise(t.Context(), raise)
		unavailable(t, how+": the user", err)
		if after, err := s.Sessions.Get(t.Context(), own.Key); err != nil || after.TokenVersion != own.TokenVersion {
			t.Errorf("%s: the session is %+v, %v", how, after, err)
		}
	})
	raw.Set(t, own.Key, "v", 2)
	if done, err := s.Versions.Raise(t.Context(), raise); done {
		t.Errorf("an unreadable session: done, %v", err)
	}
	raw.Set(t, own.Key, "v", 1)
	if after, err := s.Users.Get(t.Context(), u.ID); err != nil || after.TokenVersion != u.TokenVersion {
		t.Errorf("the user is %+v, %v", after, err)
	}
	if done, err := s.Versions.Raise(t.Context(), raise); !done || err != nil {
		t.Errorf("both as they were: %t, %v", done, err)
	}
}
