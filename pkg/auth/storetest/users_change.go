package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// created stores a user that only this test uses. edit, if not nil, changes the user before.
func created(t testing.TB, store user.Store, i int, edit func(*user.User)) user.User {
	t.Helper()
	u := userOf(t, i)
	if edit != nil {
		edit(&u)
	}
	if err := store.Create(t.Context(), u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	return u
}

// consistent checks that a user and the pointers agree: the user's own pointers lead to the user,
// and the other pointers do not.
func consistent(t testing.TB, store user.Store, id auth.SubjectID, others ...user.Pointer) user.User {
	t.Helper()
	u, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	own := pointersOf(t, u)
	for _, p := range own {
		leadsTo(t, store, p, id)
	}
	for _, other := range others {
		if slices.Contains(own, other) {
			continue
		}
		if owner, err := store.ByPointer(t.Context(), other); owner == id {
			t.Errorf("%q leads to %q, %v, who has %v", other.Key(), owner, err, own)
		}
	}
	return u
}

func changeEmails(t *testing.T, store user.Store) {
	ctx := t.Context()
	u, other := created(t, store, 0, nil), created(t, store, 1, nil)
	old, to := u.Email, "New."+u.Email
	if err := moveEmail(ctx, store, userOf(t, 2), to, rand.Text()); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	if err := moveEmail(ctx, store, u, "no address", rand.Text()); !errors.Is(err, user.ErrEmail) {
		t.Errorf("to nowhere: %v", err)
	}
	if err := moveEmail(ctx, store, u, other.Email, rand.Text()); !errors.Is(err, user.ErrExists) {
		t.Errorf("to somebody else's: %v", err)
	}
	want := u
	want.UpdatedAt = Epoch.Add(time.Hour)
	// The second call is the client's retry after a lost reply.
	request := rand.Text()
	for range 2 {
		if err := moveEmail(ctx, store, want, to, request); err != nil {
			t.Fatal(err)
		}
	}
	want.Email, want.Revision = to, u.Revision+1
	got := consistent(t, store, u.ID, emailOf(t, u))
	if d := difference(want, got); d != "" {
		t.Error(d)
	}
	for name, stale := range map[string]user.User{"a stale revision": u, "another e-mail": {ID: u.ID, Email: old, Revision: want.Revision}} {
		if err := moveEmail(ctx, store, stale, "third."+u.Email, rand.Text()); !errors.Is(err, user.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The new address has the same key in another spelling: the pointer stays, and the address for
	// mails changes.
	respelt := "NEW." + u.Email
	if err := moveEmail(ctx, store, got, respelt, rand.Text()); err != nil {
		t.Errorf("another spelling: %v", err)
	}
	if got = consistent(t, store, u.ID, emailOf(t, u)); got.Email != respelt || got.Revision != want.Revision+1 {
		t.Errorf("another spelling: %+v", got)
	}
	// The old address is free.
	created(t, store, 3, func(u *user.User) { u.Email = old })
}

func deleteUsers(t *testing.T, store user.Store) {
	ctx, u := t.Context(), created(t, store, 0, nil)
	if err := store.Delete(ctx, userOf(t, 1).ID, Epoch); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := store.Delete(ctx, u.ID, Epoch); err != nil {
		t.Fatal(err)
	}
	gone(t, store, u)
	if err := store.Delete(ctx, u.ID, Epoch); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if err := store.Update(ctx, u); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("an update brought it back: %v", err)
	}
	if err := moveEmail(ctx, store, u, "new."+u.Email, rand.Text()); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a change of its e-mail: %v", err)
	}
	created(t, store, 0, nil) // subject and address are free
}

// gone checks that nothing of a user is left.
func gone(t testing.TB, store user.Store, u user.User) {
	t.Helper()
	if _, err := store.Get(t.Context(), u.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a deleted user: %v", err)
	}
	for _, p := range pointersOf(t, u) {
		leadsTo(t, store, p, "")
	}
}

// oneNewOwner has many users change to one address in parallel with creations for it.
func oneNewOwner(t *testing.T, store user.Store) {
	const movers, creators = 10, 10
	to := "wanted@" + fmt.Sprintf("%x", t.Name()[len(t.Name())-8:]) + ".example.com"
	users := make([]user.User, movers)
	for i := range users {
		users[i] = created(t, store, i, nil)
	}
	var won, lost atomic.Int32
	parallel(movers+creators, movers+creators, func(i int) {
		var err error
		if i < movers {
			err = moveEmail(t.Context(), store, users[i], to, rand.Text())
		} else {
			u := userOf(t, i)
			u.Email = to
			err = store.Create(t.Context(), u, rand.Text())
		}
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, user.ErrExists):
			lost.Add(1)
		default:
			t.Error(err)
		}
	})
	if won.Load() != 1 || lost.Load() != movers+creators-1 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
	for _, u := range users {
		consistent(t, store, u.ID, emailOf(t, u), emailOf(t, withEmail(u, to)))
	}
}

// oneMoveARevision runs parallel changes of one user's e-mail that are based on the same read, and
// updates.
func oneMoveARevision(t *testing.T, store user.Store) {
	const n = 10
	u := created(t, store, 0, nil)
	addresses, pointers := make([]string, n), []user.Pointer{emailOf(t, u)}
	for i := range addresses {
		addresses[i] = fmt.Sprintf("%d.%s", i, u.Email)
		pointers = append(pointers, emailOf(t, withEmail(u, addresses[i])))
	}
	var won atomic.Int32
	parallel(2*n, 2*n, func(i int) {
		var err error
		if i < n {
			err = moveEmail(t.Context(), store, u, addresses[i], rand.Text())
		} else {
			err = store.Update(t.Context(), u)
		}
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, user.ErrConflict):
			t.Error(err)
		}
	})
	after := consistent(t, store, u.ID, pointers...)
	if won.Load() != 1 || after.Revision != u.Revision+1 {
		t.Errorf("%d won; now %+v", won.Load(), after)
	}
}

// deleteAgainstWrites deletes a user in parallel with updates and changes of its e-mail. Nothing is
// left.
func deleteAgainstWrites(t *testing.T, store user.Store) {
	parallel(20, 20, func(i int) {
		u := created(t, store, i, nil)
		moved := withPointers(withEmail(u, "moved."+u.Email), user.Pointer{Kind: user.KindKey, Name: "moved " + string(u.ID)})
		var deleted atomic.Int32
		parallel(6, 6, func(j int) {
			var err error
			switch j {
			case 0, 1:
				if err = store.Delete(t.Context(), u.ID, Epoch); err == nil {
					deleted.Add(1)
				}
			case 2, 3:
				err = store.Move(t.Context(), u, moved, rand.Text())
			default:
				err = store.Update(t.Context(), u)
			}
			if err != nil && !errors.Is(err, user.ErrConflict) && !errors.Is(err, auth.ErrNotFound) {
				t.Error(err)
			}
		})
		if deleted.Load() == 0 {
			t.Error("no deletion succeeded")
		}
		gone(t, store, u)
		gone(t, store, moved)
	})
}
