package storetest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// damage damages an item in every way, one after the other, and calls f for each. It checks that f
// does not change the damaged item.
func damage(t *testing.T, raw Raw, item any, f func(how string)) {
	whole := raw.Item(t, item)
	defer raw.Put(t, item, whole)
	for how, damaged := range raw.Damaged(t, item) {
		raw.Put(t, item, damaged)
		f(how)
		if after := raw.Item(t, item); !reflect.DeepEqual(after, damaged) {
			t.Errorf("%s: the item was written:\nwas %s\n is %s", how, shown(damaged), shown(after))
		}
	}
}

// shown prints an item, whose attributes may be pointers.
func shown(item any) string {
	raw, err := json.Marshal(item)
	if err != nil {
		return fmt.Sprint(item)
	}
	return string(raw)
}

// unavailable checks that an error wraps auth.ErrUnavailable.
func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrNotFound) {
		t.Errorf("%s: %v", what, err)
	}
}

// unreadableUser checks that a user who cannot be read is neither changed nor erased by a caller
// that read the user before the damage.
func unreadableUser(t *testing.T, store user.Store, raw Raw) {
	ctx, n := t.Context(), 0
	u, neighbour := created(t, store, 0, nil), created(t, store, 1, nil)
	email := emailOf(t, u)
	damage(t, raw, u.ID, func(how string) {
		n++
		_, err := store.Get(ctx, u.ID)
		unavailable(t, how+": read", err)
		unavailable(t, how+": update", store.Update(ctx, u))
		unavailable(t, how+": change the e-mail", moveEmail(ctx, store, u, "other-"+u.Email, rand.Text()))
		unavailable(t, how+": respell the e-mail", moveEmail(ctx, store, u, swapCase(u.Email), rand.Text()))
		unavailable(t, how+": erase", store.Delete(ctx, u.ID, Epoch))
		listed, unreadable := 0, 0
		each(t, store, 1, func(one user.User) {
			if one.ID == neighbour.ID {
				listed++
			}
		}, func(one user.Unreadable) {
			unavailable(t, how+": list", one.Err)
			if one.ID == u.ID {
				unreadable++
			}
		})
		if listed != 1 || unreadable != 1 {
			t.Errorf("%s: the list has the user %d times as unreadable and the other %d times, want 1 and 1", how, unreadable, listed)
		}
		if owner, err := store.ByPointer(ctx, email); err != nil || owner != u.ID {
			t.Errorf("%s: the e-mail leads to %q, %v", how, owner, err)
		}
	})
	if n == 0 {
		t.Error("the item was damaged in no way")
	}
	if err := store.Update(ctx, u); err != nil {
		t.Errorf("the user as it was: %v", err)
	}
}

// unreadablePointer checks that a pointer that cannot be read does not count as free, and is not
// erased.
func unreadablePointer(t *testing.T, store user.Store, raw Raw) {
	ctx, n := t.Context(), 0
	u, other := created(t, store, 0, nil), created(t, store, 1, nil)
	for _, p := range pointersOf(t, u) {
		away, taking, fresh := u, other, userOf(t, 2)
		if p.Kind == user.KindEmail {
			away.Email, taking.Email, fresh.Email = "", u.Email, u.Email
		} else {
			away.Pointers = slices.DeleteFunc(slices.Clone(u.Pointers), func(own user.Pointer) bool { return own == p })
			taking, fresh = withPointers(taking, p), withPointers(fresh, p)
		}
		damage(t, raw, p, func(how string) {
			n++
			how = p.Key() + ": " + how
			_, err := store.ByPointer(ctx, p)
			unavailable(t, how+": follow", err)
			unavailable(t, how+": move away", store.Move(ctx, u, away, rand.Text()))
			unavailable(t, how+": erase the user", store.Delete(ctx, u.ID, Epoch))
			unavailable(t, how+": another user takes it", store.Move(ctx, other, taking, rand.Text()))
			unavailable(t, how+": a new user takes it", store.Create(ctx, fresh, rand.Text()))
		})
	}
	if n == 0 {
		t.Error("the items were damaged in no way")
	}
	for _, want := range []user.User{u, other} {
		if got := consistent(t, store, want.ID); difference(want, got) != "" {
			t.Error(difference(want, got))
		}
	}
}

// unreadableCounter checks that a counter that cannot be read blocks only its own account or
// network, even after its end.
func unreadableCounter(t *testing.T, counters throttle.Counters, raw Raw) {
	ctx, n := t.Context(), 0
	take := func(key CounterKey, at time.Time) error {
		u := throttle.Update{Add: 1, AnyOf: []throttle.Match{{Below: 5}}, At: at, Expires: at.Add(time.Hour), Mark: throttle.Mark{7}}
		return done(counters.Update(ctx, string(key), u))
	}
	mine := CounterKey(t.Name() + " m")
	if err := take(mine, Epoch); err != nil {
		t.Fatal(err)
	}
	damage(t, raw, mine, func(how string) {
		unavailable(t, how, take(mine, Epoch.Add(time.Minute)))
		// A store without a TTL checks the keys that follow a new key.
		n++
		other := CounterKey(fmt.Sprintf("%s l %03d", t.Name(), n))
		if err := take(other, Epoch.Add(2*time.Hour)); err != nil {
			t.Errorf("%s: another counter: %v", how, err)
		}
	})
	if n == 0 {
		t.Error("the item was damaged in no way")
	}
	if err := take(mine, Epoch.Add(time.Minute)); err != nil {
		t.Errorf("the counter as it was: %v", err)
	}
}
