package storetest

import (
	"crypto/rand"
	"errors"
	"maps"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// The spellings of one address. The first three can belong to a new account.
var (
	spellings = []string{
		"Info@D\u00f6m\u00e4in.example", "info@xn--dmin-moa0i.example", "info@\uff44\u00f6m\u00e4in.example",
		"info@d\u00f6m\u00e4in\u3002example", "info@Do\u0308ma\u0308in.example.",
	}
	inLetters = user.Email("info@d\u00f6m\u00e4in.example").Pointer()
	inASCII   = user.Email("info@xn--dmin-moa0i.example").Pointer()
)

// EmailDomains checks that the spellings of a domain are one domain, even with the pointers that
// earlier versions wrote, and that these pointers can be moved. open returns a new, empty store.
func EmailDomains(t *testing.T, open func(testing.TB) (user.Store, Raw)) {
	for name, test := range map[string]func(*testing.T, user.Store, Raw){
		"Spellings": domainSpellings, "RacingSignUps": racingSpellings, "OldPointers": oldPointers, "OldPointerMoves": oldPointerMoves,
		"Likes": otherDomains, "Conflict": emailConflict, "Marks": marks, "MoveAll": moveAllPointers, "RacingMoves": racingPointerMoves,
	} {
		t.Run(name, func(t *testing.T) {
			store, raw := open(t)
			test(t, store, raw)
		})
	}
}

// found checks that each spelling leads to a user, or to no user if id is empty.
func found(t *testing.T, store user.Store, id auth.SubjectID, emails ...string) {
	t.Helper()
	for _, email := range emails {
		owner, err := store.ByEmail(t.Context(), email)
		if unknown := errors.Is(err, auth.ErrNotFound); owner != id || unknown != (id == "") || err != nil && !unknown {
			t.Errorf("%+q leads to %q, %v; want %q", email, owner, err, id)
		}
	}
}

// withOld stores a user with an address whose pointer is the pointer that an earlier version wrote.
func withOld(t *testing.T, store user.Store, raw Raw, i int, email string, old user.Pointer) user.User {
	t.Helper()
	u := created(t, store, i, func(u *user.User) { u.Email = email })
	raw.Rename(t, emailOf(t, u), old)
	return u
}

func domainSpellings(t *testing.T, store user.Store, _ Raw) {
	for i, email := range spellings[:3] {
		u := created(t, store, i, func(u *user.User) { u.Email = email })
		leadsTo(t, store, inASCII, u.ID)
		leadsTo(t, store, inLetters, "")
		found(t, store, u.ID, spellings...)
		for j, other := range spellings[:3] {
			if err := store.Create(t.Context(), withEmail(userOf(t, 10+j), other), rand.Text()); !errors.Is(err, user.ErrExists) {
				t.Errorf("%+q beside %+q: %v", other, email, err)
			}
			if err := moveEmail(t.Context(), store, u, other, rand.Text()); err != nil {
				t.Errorf("%+q becomes %+q: %v", email, other, err)
			}
			u.Email, u.Revision = other, u.Revision+1
			found(t, store, u.ID, spellings...)
		}
		if err := store.Delete(t.Context(), u.ID, Epoch); err != nil {
			t.Error(err)
		}
		found(t, store, "", spellings...)
	}
	found(t, store, "", "", "no address", "a@xn--9999999.example")
	none := withEmail(userOf(t, 20), "a@xn--9999999.example")
	if err := store.Create(t.Context(), none, rand.Text()); !errors.Is(err, user.ErrEmail) {
		t.Errorf("a domain without an A-label: %v", err)
	}
}

// racingSpellings runs parallel sign-ups and changes to one address, in all spellings.
func racingSpellings(t *testing.T, store user.Store, _ Raw) {
	const n = 12
	var won atomic.Int32
	movers := make([]user.User, n)
	for i := range movers {
		movers[i] = created(t, store, 100+i, nil)
	}
	parallel(2*n, 2*n, func(i int) {
		email := spellings[i%3]
		var err error
		if i < n {
			err = store.Create(t.Context(), withEmail(userOf(t, i), email), rand.Text())
		} else {
			err = moveEmail(t.Context(), store, movers[i-n], email, rand.Text())
		}
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, user.ErrExists) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d accounts have the address", won.Load())
	}
}

// oldPointers checks that an account of an earlier version is found by all spellings, that no
// second account can be created for its address, and that it can be changed.
func oldPointers(t *testing.T, store user.Store, raw Raw) {
	ctx, other := t.Context(), created(t, store, 9, nil)
	u := withOld(t, store, raw, 0, spellings[0], inLetters)
	for _, email := range spellings[:3] {
		if err := store.Create(ctx, withEmail(userOf(t, 1), email), rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("a second account for %+q: %v", email, err)
		}
		if err := moveEmail(ctx, store, other, email, rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("another user changes to %+q: %v", email, err)
		}
	}
	move := func(to user.User, pointer user.Pointer) {
		t.Helper()
		request := rand.Text()
		for range 2 { // the second time is our own retry after a lost reply
			if err := store.Move(ctx, u, to, request); err != nil {
				t.Fatalf("%+q: %v", to.Email, err)
			}
		}
		to.Revision = u.Revision + 1
		u = to
		if got, err := store.Get(ctx, u.ID); err != nil || difference(u, got) != "" {
			t.Errorf("%v %s", err, difference(u, got))
		}
		leadsTo(t, store, pointer, u.ID)
		found(t, store, u.ID, u.Email)
	}
	if err := store.Update(ctx, u); err != nil {
		t.Error(err)
	}
	u.Revision++
	found(t, store, u.ID, spellings...)
	move(withEmail(u, swapCase(u.Email)), inLetters)                                  // another spelling of the same letters
	move(withPointers(u, user.Pointer{Kind: user.KindKey, Name: "a key"}), inLetters) // another pointer
	found(t, store, u.ID, spellings...)
	move(withEmail(u, spellings[1]), inASCII) // the A-label
	leadsTo(t, store, inLetters, "")
	found(t, store, u.ID, spellings...)
	raw.Rename(t, inASCII, inLetters)
	move(withEmail(u, "other@example.com"), user.Email("other@example.com").Pointer())
	found(t, store, "", spellings...)
	leadsTo(t, store, inLetters, "")
	if err := store.Delete(ctx, u.ID, Epoch); err != nil {
		t.Error(err)
	}

	u = withOld(t, store, raw, 2, spellings[0], inLetters)
	if err := store.Delete(ctx, u.ID, Epoch); err != nil {
		t.Error(err)
	}
	leadsTo(t, store, inLetters, "")
	found(t, store, "", spellings...)
}

// otherDomains checks that a text leads only to the user of its own key, even if an earlier version
// wrote a pointer for the text that now belongs to another address. It also checks that a user with
// such a pointer can be changed and erased.
func otherDomains(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	for i, row := range []struct {
		text, other string
	}{{"info@s\u0130te.example", "info@site.example"}, {"info@stra\u1e9ee.example", "info@stra\u00dfe.example"}} {
		other := user.Email(row.other).Pointer()
		owner := created(t, store, 10*i, func(u *user.User) { u.Email = row.other })
		if p := emailOf(t, owner); p != other {
			raw.Rename(t, p, other)
		}
		found(t, store, owner.ID, row.other)
		found(t, store, "", row.text)
		mine := created(t, store, 10*i+1, func(u *user.User) { u.Email = row.text })
		found(t, store, mine.ID, row.text)
		found(t, store, owner.ID, row.other)
		if err := store.MoveEmailPointer(ctx, owner.ID, row.text); err == nil {
			t.Errorf("the pointer %q moved to %+q", row.other, row.text)
		}
		for _, u := range []user.User{owner, mine} {
			if err := store.Delete(ctx, u.ID, Epoch); err != nil {
				t.Error(err)
			}
		}
		leadsTo(t, store, other, "")

		old := withOld(t, store, raw, 10*i+2, row.text, other)
		if err := moveEmail(ctx, store, old, "new@example.com", rand.Text()); err != nil {
			t.Errorf("%+q becomes another address: %v", row.text, err)
		}
		leadsTo(t, store, other, "")
		if err := store.Delete(ctx, old.ID, Epoch); err != nil {
			t.Error(err)
		}
		old = withOld(t, store, raw, 10*i+3, row.text, other)
		if err := store.MoveEmailPointer(ctx, old.ID, old.Email); err != nil {
			t.Error(err)
		}
		found(t, store, old.ID, row.text)
		if err := store.Delete(ctx, old.ID, Epoch); err != nil {
			t.Error(err)
		}
		leadsTo(t, store, other, "")
	}
}

func oldPointerMoves(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	wide := user.Email("info@\uff44\u00f6m\u00e4in.example").Pointer()
	for i, row := range []struct {
		email string
		old   user.Pointer
	}{{spellings[0], inLetters}, {spellings[2], wide}} {
		u := withOld(t, store, raw, i, row.email, row.old)
		for range 2 {
			if err := store.MoveEmailPointer(ctx, u.ID, u.Email); err != nil {
				t.Fatal(err)
			}
			leadsTo(t, store, inASCII, u.ID)
			leadsTo(t, store, row.old, "")
		}
		if got, err := store.Get(ctx, u.ID); err != nil || difference(u, got) != "" {
			t.Errorf("the user was written: %v %s", err, difference(u, got))
		}
		if err := store.MoveEmailPointer(ctx, "another", u.Email); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("for another user: %v", err)
		}
		if err := store.Delete(ctx, u.ID, Epoch); err != nil {
			t.Error(err)
		}
		if err := store.MoveEmailPointer(ctx, u.ID, u.Email); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("for an erased user: %v", err)
		}
	}
	if err := store.MoveEmailPointer(ctx, "a user", "a@xn--9999999.example"); !errors.Is(err, user.ErrEmail) {
		t.Errorf("a domain without an A-label: %v", err)
	}
}

// conflict stores two users whose addresses have the same key.
func conflict(t *testing.T, store user.Store, raw Raw) (letters, ascii user.User) {
	t.Helper()
	letters = withOld(t, store, raw, 0, spellings[0], inLetters)
	// Earlier versions did not notice the other account.
	away := user.Email("away@example.com").Pointer()
	raw.Rename(t, inLetters, away)
	ascii = created(t, store, 1, func(u *user.User) { u.Email = spellings[1] })
	raw.Rename(t, away, inLetters)
	return letters, ascii
}

// emailConflict checks that two users with one address work as before, until one of them gets
// another address or is erased.
func emailConflict(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	for _, decide := range []func(letters, ascii user.User) error{
		func(letters, _ user.User) error { return moveEmail(ctx, store, letters, "a@b.example", rand.Text()) },
		func(_, ascii user.User) error { return moveEmail(ctx, store, ascii, "a@b.example", rand.Text()) },
		func(letters, _ user.User) error { return store.Delete(ctx, letters.ID, Epoch) },
		func(_, ascii user.User) error { return store.Delete(ctx, ascii.ID, Epoch) },
	} {
		letters, ascii := conflict(t, store, raw)
		both := func() {
			t.Helper()
			found(t, store, letters.ID, spellings[0], "INFO@D\u00f6M\u00e4IN.example")
			found(t, store, ascii.ID, spellings[1])
		}
		both()
		if err := store.MoveEmailPointer(ctx, letters.ID, letters.Email); !errors.Is(err, user.ErrExists) {
			t.Errorf("the pointer moved: %v", err)
		}
		for _, u := range []*user.User{&letters, &ascii} {
			to := withPointers(withEmail(*u, swapCase(u.Email)), user.Pointer{Kind: user.KindKey, Name: "of " + string(u.ID)})
			if err := store.Move(ctx, *u, to, rand.Text()); err != nil {
				t.Errorf("%+q: %v", u.Email, err)
			}
			*u = to
			u.Revision++
		}
		if err := moveEmail(ctx, store, letters, ascii.Email, rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("the letters become the A-label: %v", err)
		}
		if err := moveEmail(ctx, store, ascii, letters.Email, rand.Text()); !errors.Is(err, user.ErrExists) {
			t.Errorf("the A-label becomes the letters: %v", err)
		}
		both()
		reported := map[auth.SubjectID]auth.SubjectID{}
		d := &user.Directory{Store: store}
		marked, err := d.MoveEmailPointers(ctx, false, func(m user.EmailMove) { reported[m.Subject] = m.Holder }, nil)
		if marked || err != nil || !maps.Equal(reported, map[auth.SubjectID]auth.SubjectID{letters.ID: ascii.ID}) {
			t.Errorf("%v, %v, reported %v", marked, err, reported)
		}
		both()
		if err := decide(letters, ascii); err != nil {
			t.Fatal(err)
		}
		left, err := store.ByEmail(ctx, spellings[3])
		if err != nil {
			t.Error(err)
		}
		found(t, store, left, spellings...)
		for _, u := range []user.User{letters, ascii} {
			if err := store.Delete(ctx, u.ID, Epoch); err != nil && !errors.Is(err, auth.ErrNotFound) {
				t.Error(err)
			}
		}
	}
}

func marks(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	const m = user.MarkEmailPointers
	is := func(want bool) {
		t.Helper()
		if got, err := store.Marked(ctx, m); got != want || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
	is(false)
	u := created(t, store, 0, func(u *user.User) { u.Email = spellings[0] })
	for range 2 {
		if err := store.SetMark(ctx, m); err != nil {
			t.Fatal(err)
		}
		is(true)
	}
	if other, err := store.Marked(ctx, m+"-2"); other || err != nil {
		t.Errorf("another mark: %v, %v", other, err)
	}
	raw.Set(t, m, "of_a_later_version", "kept")
	raw.Set(t, m, "v", 2)
	_, err := store.Marked(ctx, m)
	unavailable(t, "a mark of a later version", err)
	if err := store.SetMark(ctx, m); err != nil {
		unavailable(t, "set it", err)
	}
	raw.Set(t, m, "v", 1)
	is(true)
	if got := raw.Get(t, m, "of_a_later_version"); got != "kept" {
		t.Errorf("the attribute of a later version is %q", got)
	}
	for range 2 { // a store may now read only this pointer
		found(t, store, u.ID, spellings...)
	}
	if err := store.Create(ctx, withEmail(userOf(t, 1), spellings[2]), rand.Text()); !errors.Is(err, user.ErrExists) {
		t.Errorf("a second account: %v", err)
	}
	if err := moveEmail(ctx, store, u, "a@b.example", rand.Text()); err != nil {
		t.Error(err)
	}
	found(t, store, "", spellings...)
	each(t, store, 3, func(listed user.User) {
		if listed.ID != u.ID {
			t.Errorf("a mark is listed as user %q", listed.ID)
		}
	}, func(u user.Unreadable) { t.Errorf("a mark is listed as %q: %v", u.ID, u.Err) })
	for _, bad := range []user.Mark{"", "a b", "a#b", "ä"} {
		_, err := store.Marked(ctx, bad)
		if err == nil || store.SetMark(ctx, bad) == nil {
			t.Errorf("%q is a mark", bad)
		}
	}
}
