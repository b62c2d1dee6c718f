package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// breaking fails one call of a store, before or after it took effect.
type breaking struct {
	user.Store
	left  int
	after bool
}

var errBroken = fmt.Errorf("%w: broken by the test", auth.ErrUnavailable)

func (b *breaking) do(f func() error) error {
	b.left--
	if b.left == 0 && !b.after {
		return errBroken
	}
	err := f()
	if b.left == 0 {
		return errBroken
	}
	return err
}

func (b *breaking) List(ctx context.Context, after auth.SubjectID, limit int) (p user.Page, err error) {
	err = b.do(func() error { p, err = b.Store.List(ctx, after, limit); return err })
	return p, err
}

func (b *breaking) ByPointer(ctx context.Context, p user.Pointer) (id auth.SubjectID, err error) {
	err = b.do(func() error { id, err = b.Store.ByPointer(ctx, p); return err })
	return id, err
}

func (b *breaking) MoveEmailPointer(ctx context.Context, id auth.SubjectID, email string) error {
	return b.do(func() error { return b.Store.MoveEmailPointer(ctx, id, email) })
}

func (b *breaking) SetMark(ctx context.Context, m user.Mark) error {
	return b.do(func() error { return b.Store.SetMark(ctx, m) })
}

func (b *breaking) Marked(ctx context.Context, m user.Mark) (is bool, err error) {
	err = b.do(func() error { is, err = b.Store.Marked(ctx, m); return err })
	return is, err
}

// moveAllPointers interrupts a move of all pointers at each call of the store and repeats it. It
// checks that all users are found at every moment.
func moveAllPointers(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	plain := created(t, store, 0, nil)
	asNew := created(t, store, 1, func(u *user.User) { u.Email = "new@d\u00f6m\u00e4in.example" })
	owners := map[string]auth.SubjectID{plain.Email: plain.ID, asNew.Email: asNew.ID}
	var old []user.User
	for i := range 3 {
		email := fmt.Sprintf("%d@d\u00f6m\u00e4in.example", i)
		u := withOld(t, store, raw, 2+i, email, user.Email(email).Pointer())
		owners[email], owners[fmt.Sprintf("%d@xn--dmin-moa0i.example", i)] = u.ID, u.ID
		old = append(old, u)
	}
	allFound := func() {
		t.Helper()
		for email, id := range owners {
			found(t, store, id, email)
		}
	}
	var dry []string
	marked, err := (&user.Directory{Store: store}).MoveEmailPointers(ctx, true, func(m user.EmailMove) { dry = append(dry, m.Email) }, nil)
	if slices.Sort(dry); marked || err != nil || !slices.Equal(dry, []string{old[0].Email, old[1].Email, old[2].Email}) {
		t.Errorf("a dry run: %v, %v, %q", marked, err, dry)
	}
	for _, u := range old {
		leadsTo(t, store, user.Email(u.Email).Pointer(), u.ID)
	}
	calls, moves := 0, 0
	for marked := false; !marked; {
		calls++
		for _, after := range []bool{false, true} {
			b := &breaking{Store: store, left: calls, after: after}
			if marked, err = (&user.Directory{Store: b}).MoveEmailPointers(ctx, false, func(m user.EmailMove) {
				if moves++; m.Err != nil {
					t.Errorf("%+q: %v", m.Email, m.Err)
				}
			}, nil); err != nil && !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
			allFound()
		}
		if calls > 100 {
			t.Fatal("the move does not come to an end")
		}
	}
	for _, u := range old {
		leadsTo(t, store, user.Email(u.Email).Pointer(), "")
		leadsTo(t, store, emailOf(t, u), u.ID)
	}
	if is, err := store.Marked(ctx, user.MarkEmailPointers); !is || err != nil || calls < 5 || moves > len(old) {
		t.Errorf("marked %v, %v; broken at %d calls; %d moves", is, err, calls, moves)
	}
	allFound()
}

// racingPointerMoves moves a pointer in parallel with changes, erasures and sign-ups, and reads it
// all the time.
func racingPointerMoves(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	for i := range 6 {
		u := withOld(t, store, raw, i, spellings[0], inLetters)
		d := &user.Directory{Store: store, Sessions: noSessions{}}
		parallel(6, 6, func(j int) {
			var err error
			switch j {
			case 0, 1:
				err = store.MoveEmailPointer(ctx, u.ID, u.Email)
				if i > 1 && errors.Is(err, auth.ErrNotFound) {
					err = nil
				}
			case 2:
				err = store.Create(ctx, withEmail(userOf(t, 50+i), spellings[1]), rand.Text())
				if i < 2 && err == nil {
					t.Error("a second account")
				}
				if errors.Is(err, user.ErrExists) {
					err = nil
				}
			case 3:
				if i < 2 {
					found(t, store, u.ID, spellings...)
				}
			case 4:
				switch i / 2 {
				case 1:
					_, err = d.ChangeEmail(ctx, u.ID, fmt.Sprintf("%d@example.com", i))
				case 2:
					_, err = d.Delete(ctx, u.ID)
				}
			case 5:
				if i < 2 {
					found(t, store, u.ID, spellings...)
				}
			}
			if err != nil {
				t.Errorf("round %d, call %d: %v", i, j, err)
			}
		})
		leadsTo(t, store, inLetters, "")
		// The remaining users can be erased.
		for _, id := range []auth.SubjectID{u.ID, userOf(t, 50+i).ID} {
			if err := store.Delete(ctx, id, Epoch); err != nil && !errors.Is(err, auth.ErrNotFound) {
				t.Error(err)
			}
		}
		found(t, store, "", spellings...)
	}
}

type noSessions struct{}

func (noSessions) DeleteAll(context.Context, auth.SubjectID) (int, error) { return 0, nil }
