package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// leadsTo checks that a pointer leads to a user, or to no user if id is empty.
func leadsTo(t testing.TB, store user.Store, p user.Pointer, id auth.SubjectID) {
	t.Helper()
	owner, err := store.ByPointer(t.Context(), p)
	if unknown := errors.Is(err, auth.ErrNotFound); owner != id || unknown != (id == "") || err != nil && !unknown {
		t.Errorf("%q leads to %q, %v; want %q", p.Key(), owner, err, id)
	}
}

// pointersOf returns all pointers that a user should have.
func pointersOf(t testing.TB, u user.User) []user.Pointer {
	t.Helper()
	if u.Email == "" {
		return u.Pointers
	}
	return append([]user.Pointer{emailOf(t, u)}, u.Pointers...)
}

// withPointers returns u with these pointers in addition to the e-mail's.
func withPointers(u user.User, pointers ...user.Pointer) user.User {
	u.Pointers = user.SortPointers(pointers)
	return u
}

// numbered returns n pointers that only this test uses.
func numbered(t testing.TB, kind user.PointerKind, n int) []user.Pointer {
	all := make([]user.Pointer, n)
	for i := range all {
		all[i] = user.Pointer{Kind: kind, Name: fmt.Sprintf("%03d %s", i, t.Name())}
	}
	return all
}

// pointersMove checks that pointers of every kind are written with the user, move with the user,
// and are unique.
func pointersMove(t *testing.T, store user.Store) {
	ctx := t.Context()
	name := "# é \"" + t.Name()
	identity, credential, key := user.Pointer{Kind: user.KindIdentity, Name: name}, user.Pointer{Kind: user.KindCredential, Name: name},
		user.Pointer{Kind: user.KindKey, Name: name}
	u := created(t, store, 0, func(u *user.User) { u.Pointers = user.SortPointers([]user.Pointer{key, identity}) })
	consistent(t, store, u.ID)
	leadsTo(t, store, credential, "")
	leadsTo(t, store, user.Pointer{Kind: "u", Name: string(u.ID)}, "") // the user's own key is not a pointer

	// Without an e-mail.
	to := withPointers(u, credential, identity)
	to.Email = ""
	request := rand.Text()
	for range 2 { // the second call is the client's retry after a lost reply
		if err := store.Move(ctx, u, to, request); err != nil {
			t.Fatal(err)
		}
	}
	to.Revision = u.Revision + 1
	if got := consistent(t, store, u.ID); difference(to, got) != "" {
		t.Error(difference(to, got))
	}
	leadsTo(t, store, key, "")
	leadsTo(t, store, emailOf(t, u), "")

	// A removed pointer is free, and a kept pointer is taken. A refused move moves nothing.
	free := user.Pointer{Kind: user.KindKey, Name: name + " free"}
	other := created(t, store, 1, func(u *user.User) { u.Email, u.Pointers = "", []user.Pointer{key} })
	for _, p := range []user.Pointer{credential, identity} {
		if err := store.Move(ctx, other, withPointers(other, p, free), rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("a taken pointer: %v", err)
		}
		third := userOf(t, 2)
		if err := store.Create(ctx, withPointers(third, p, free), rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("a new user with a taken pointer: %v", err)
		}
		leadsTo(t, store, p, u.ID)
		leadsTo(t, store, emailOf(t, third), "")
	}
	leadsTo(t, store, free, "")
	if got := consistent(t, store, other.ID); difference(other, got) != "" {
		t.Error(difference(other, got))
	}

	// Only the subject leads to the user.
	alone := to
	alone.Pointers = nil
	if err := store.Move(ctx, to, alone, rand.Text()); err != nil {
		t.Fatal(err)
	}
	alone.Revision++
	if got := consistent(t, store, u.ID); difference(alone, got) != "" {
		t.Error(difference(alone, got))
	}
	leadsTo(t, store, identity, "")
	if err := store.Update(ctx, withPointers(alone, free)); !errors.Is(err, user.ErrConflict) {
		t.Errorf("an update with another pointer: %v", err)
	}
	if err := store.Update(ctx, alone); err != nil {
		t.Errorf("an update of a user without pointers: %v", err)
	}
	if err := store.Delete(ctx, u.ID, Epoch); err != nil {
		t.Errorf("a user without pointers is erased: %v", err)
	}
}

// pointerLimits checks that the maximum number of pointers can move at once, and that an invalid
// pointer is refused.
func pointerLimits(t *testing.T, store user.Store) {
	ctx := t.Context()
	first, second := numbered(t, user.KindIdentity, user.MaxPointers), numbered(t, user.KindKey, user.MaxPointers)
	second[0].Name = strings.Repeat("x", user.MaxPointerBytes-len(t.Name())) + t.Name()
	u := created(t, store, 0, func(u *user.User) { u.Pointers = user.SortPointers(first) })
	to := withPointers(withEmail(u, "other-"+u.Email), second...)
	if err := store.Move(ctx, u, to, rand.Text()); err != nil {
		t.Fatal(err)
	}
	to.Revision++
	if got := consistent(t, store, u.ID); difference(to, got) != "" {
		t.Error(difference(to, got))
	}
	for _, p := range append(first, emailOf(t, u)) {
		leadsTo(t, store, p, "")
	}
	for name, row := range map[string]struct {
		pointers []user.Pointer
		want     error
	}{
		"one too many":      {user.SortPointers(append(second, first[0])), user.ErrTooManyPointers},
		"out of order":      {[]user.Pointer{first[1], first[0]}, user.ErrPointer},
		"twice":             {[]user.Pointer{first[0], first[0]}, user.ErrPointer},
		"an e-mail":         {[]user.Pointer{user.Email("a@b.example").Pointer()}, user.ErrPointer},
		"an unknown kind":   {[]user.Pointer{{Kind: "u", Name: "x"}}, user.ErrPointer},
		"no kind":           {[]user.Pointer{{Name: "x"}}, user.ErrPointer},
		"no name":           {[]user.Pointer{{Kind: user.KindKey}}, user.ErrPointer},
		"a name too long":   {[]user.Pointer{{Kind: user.KindKey, Name: strings.Repeat("x", user.MaxPointerBytes+1)}}, user.ErrPointer},
		"a control":         {[]user.Pointer{{Kind: user.KindKey, Name: "a\nb"}}, user.ErrPointer},
		"not UTF-8":         {[]user.Pointer{{Kind: user.KindKey, Name: "\xff"}}, user.ErrPointer},
		"no usable address": {nil, user.ErrEmail},
	} {
		bad, fresh := to, userOf(t, 1)
		bad.Pointers, fresh.Pointers = row.pointers, row.pointers
		if row.pointers == nil {
			bad.Email, fresh.Email = " ", " "
		}
		if err := store.Move(ctx, to, bad, rand.Text()); !errors.Is(err, row.want) {
			t.Errorf("%s: a move: %v", name, err)
		}
		if err := store.Create(ctx, fresh, rand.Text()); !errors.Is(err, row.want) {
			t.Errorf("%s: a creation: %v", name, err)
		}
		if len(row.pointers) == 1 && row.pointers[0].Validate() != nil {
			leadsTo(t, store, row.pointers[0], "")
		}
	}
	if got := consistent(t, store, u.ID); difference(to, got) != "" {
		t.Error(difference(to, got))
	}
}

// oneOwnerAPointer has many users claim one pointer in parallel, by a move or by their creation.
func oneOwnerAPointer(t *testing.T, store user.Store) {
	const movers, creators = 10, 10
	wanted := user.Pointer{Kind: user.KindIdentity, Name: t.Name()}
	users := make([]user.User, movers+creators)
	for i := range users {
		if users[i] = userOf(t, i); i < movers {
			created(t, store, i, nil)
		}
	}
	var won, lost atomic.Int32
	parallel(len(users), len(users), func(i int) {
		to := withPointers(users[i], append([]user.Pointer{wanted}, users[i].Pointers...)...)
		var err error
		if i < movers {
			err = store.Move(t.Context(), users[i], to, rand.Text())
		} else {
			err = store.Create(t.Context(), to, rand.Text())
		}
		switch {
		case err == nil:
			won.Add(1)
			users[i] = to
		case errors.Is(err, user.ErrExists):
			lost.Add(1)
		default:
			t.Error(err)
		}
	})
	if won.Load() != 1 || int(lost.Load()) != len(users)-1 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
	for i, u := range users {
		if has := slices.Contains(u.Pointers, wanted); has {
			leadsTo(t, store, wanted, u.ID)
		} else if i >= movers {
			continue
		}
		consistent(t, store, u.ID, wanted)
	}
}

// handOver runs in parallel: a user gives a pointer away, another user claims it, and the first
// user is erased.
func handOver(t *testing.T, store user.Store) {
	parallel(20, 20, func(i int) {
		p := user.Pointer{Kind: user.KindCredential, Name: fmt.Sprintf("%s %d", t.Name(), i)}
		giver := created(t, store, 2*i, func(u *user.User) { u.Pointers = []user.Pointer{p} })
		taker := created(t, store, 2*i+1, func(u *user.User) { u.Pointers = nil })
		var taken, gone atomic.Bool
		parallel(4, 4, func(j int) {
			var err error
			switch {
			case j > 0:
				if err = store.Move(t.Context(), taker, withPointers(taker, p), rand.Text()); err == nil {
					taken.Store(true)
				}
			case i%2 == 0:
				err = store.Move(t.Context(), giver, withPointers(giver), rand.Text())
			default:
				err = store.Delete(t.Context(), giver.ID, Epoch)
				gone.Store(true)
			}
			if err != nil && !errors.Is(err, user.ErrExists) && !errors.Is(err, user.ErrConflict) {
				t.Error(err)
			}
		})
		if got := consistent(t, store, taker.ID, p); taken.Load() != slices.Contains(got.Pointers, p) {
			t.Errorf("taken %t, and the taker has %v", taken.Load(), got.Pointers)
		}
		if !gone.Load() {
			consistent(t, store, giver.ID, p)
		}
		if !taken.Load() {
			leadsTo(t, store, p, "")
		}
	})
}
