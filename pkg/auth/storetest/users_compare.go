package storetest

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// CompareUsers runs random sequences of operations in the store and in memory, each with its own
// subjects. It returns the first difference of each sequence: in a result, in a user, or in the
// user that a pointer leads to.
func CompareUsers(ctx context.Context, store user.Store, sequences int, seed uint64) []error {
	errs := make([]error, sequences)
	parallel(sequences, sequences, func(i int) {
		w := newUsersWorld(fmt.Sprintf("%d-%d", seed, i), rand.New(rand.NewPCG(seed, uint64(i))))
		for step := range 30 {
			if err := w.step(ctx, store); err != nil {
				errs[i] = fmt.Errorf("sequence %d, step %d: %w", i, step, err)
				return
			}
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// usersWorld is the model. It has few subjects, addresses and pointers, so that they often collide.
type usersWorld struct {
	rng      *rand.Rand
	subjects []auth.SubjectID
	emails   []string
	pointers []user.Pointer
	users    map[auth.SubjectID]user.User
	repeat   func(user.Store) error // repeats the newest creation or move, if it succeeded
}

func newUsersWorld(name string, rng *rand.Rand) *usersWorld {
	w := &usersWorld{rng: rng, users: map[auth.SubjectID]user.User{}}
	for i := range 3 {
		w.subjects = append(w.subjects, auth.SubjectID(fmt.Sprintf("compare %s %d", name, i)))
		w.emails = append(w.emails, fmt.Sprintf("a%d@%s.example", i, name), fmt.Sprintf("A%d@%s.example", i, name))
		w.pointers = append(w.pointers, user.Pointer{Kind: user.KindIdentity, Name: fmt.Sprintf("%s %d", name, i)})
	}
	w.emails = append(w.emails, "")
	w.pointers = append(w.pointers, user.Pointer{Kind: user.KindKey, Name: w.pointers[0].Name})
	return w
}

// random returns a user in any state.
func (w *usersWorld) random(id auth.SubjectID, revision uint64) user.User {
	u := user.User{
		ID: id, Email: pick(w.rng, w.emails...), TokenVersion: w.rng.Uint64N(9), Revision: revision, CreatedAt: Epoch,
		UpdatedAt: Epoch.Add(time.Duration(w.rng.IntN(9)) * time.Hour),
	}
	var pointers []user.Pointer
	for _, p := range w.pointers {
		if w.rng.IntN(3) == 0 {
			pointers = append(pointers, p)
		}
	}
	return withPointers(u, pointers...)
}

// read returns a user as stored, or a state that was never stored or is outdated.
func (w *usersWorld) read(id auth.SubjectID) user.User {
	u, there := w.users[id]
	if !there {
		return w.random(id, 1)
	}
	switch w.rng.IntN(8) {
	case 0:
		u.Revision += pick[uint64](w.rng, 1, ^uint64(0))
	case 1:
		u.Email = pick(w.rng, w.emails...)
	case 2:
		u.Pointers = w.random(id, 1).Pointers
	}
	return u
}

// owner returns the user that a pointer leads to.
func (w *usersWorld) owner(p user.Pointer) auth.SubjectID {
	for id, u := range w.users {
		if slices.Contains(keysOf(u), p) {
			return id
		}
	}
	return ""
}

// keysOf returns all pointers of a valid user.
func keysOf(u user.User) []user.Pointer {
	moves, err := user.MovePointers(user.User{}, u, nil)
	if err != nil {
		panic(err)
	}
	return moves.Add
}

// judge returns the expected error of a change from a state as read.
func (w *usersWorld) judge(from, to user.User, move bool) error {
	there, known := w.users[from.ID]
	switch {
	case !known:
		return auth.ErrNotFound
	case there.Revision != from.Revision || there.Email != from.Email || !slices.Equal(there.Pointers, from.Pointers):
		return user.ErrConflict
	}
	return w.taken(to, move)
}

func (w *usersWorld) taken(u user.User, move bool) error {
	for _, p := range keysOf(u) {
		if owner := w.owner(p); move && owner != "" && owner != u.ID {
			return user.ErrExists
		}
	}
	return nil
}

func (w *usersWorld) step(ctx context.Context, store user.Store) error {
	id, request := pick(w.rng, w.subjects...), crypto.Text()
	var what string
	var want, got error
	again := w.repeat
	w.repeat = nil
	switch op := w.rng.IntN(10); {
	case again != nil && op < 2:
		what = "the same request again"
		got = again(store)
	case op < 4:
		u := w.random(id, 1)
		what = fmt.Sprintf("create %+v", u)
		if _, there := w.users[id]; there {
			want = user.ErrExists
		} else {
			want = w.taken(u, true)
		}
		do := func(s user.Store) error { return s.Create(ctx, u, request) }
		if got = do(store); want == nil {
			w.users[id], w.repeat = u, do
		}
	case op < 8:
		from := w.read(id)
		to := w.random(id, from.Revision)
		what = fmt.Sprintf("move %+v to %+v", from, to)
		want = w.judge(from, to, true)
		do := func(s user.Store) error { return s.Move(ctx, from, to, request) }
		if got = do(store); want == nil {
			to.Revision++
			w.users[id], w.repeat = to, do
		}
	case op < 9:
		u := w.read(id)
		u.TokenVersion = w.rng.Uint64N(9)
		what = fmt.Sprintf("update %+v", u)
		want = w.judge(u, u, false)
		if got = store.Update(ctx, u); want == nil {
			u.Revision++
			w.users[id] = u
		}
	default:
		what = fmt.Sprintf("delete %s", id)
		if _, there := w.users[id]; !there {
			want = auth.ErrNotFound
		}
		got = store.Delete(ctx, id, Epoch)
		delete(w.users, id)
	}
	if want == nil && got != nil || !errors.Is(got, want) {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	if err := w.compare(ctx, store); err != nil {
		return fmt.Errorf("after %s: %w", what, err)
	}
	return nil
}

// compare compares all users and all pointers.
func (w *usersWorld) compare(ctx context.Context, store user.Store) error {
	for _, id := range w.subjects {
		want, known := w.users[id]
		got, err := store.Get(ctx, id)
		if known && (err != nil || difference(want, got) != "") || !known && !errors.Is(err, auth.ErrNotFound) {
			return fmt.Errorf("user %s, %v:%s", id, err, difference(want, got))
		}
	}
	pointers := w.pointers
	for _, email := range w.emails {
		pointers = append(pointers, keysOf(user.User{Email: email})...)
	}
	for _, p := range pointers {
		owner, err := store.ByPointer(ctx, p)
		if want := w.owner(p); owner != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, auth.ErrNotFound) {
			return fmt.Errorf("%s leads to %q, %v; want %q", p.Key(), owner, err, want)
		}
	}
	return nil
}
