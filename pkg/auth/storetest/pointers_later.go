package storetest

import (
	"crypto/rand"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// laterPointers checks that attributes of a later version survive a move of pointers, in the user
// and in the pointers that stay, and that a pointer of a later version is neither erased nor taken.
func laterPointers(t *testing.T, store user.Store, raw Raw) {
	ctx := t.Context()
	u := created(t, store, 0, nil)
	goes := user.Pointer{Kind: user.KindIdentity, Name: "goes " + string(u.ID)}
	stays := user.Pointer{Kind: user.KindKey, Name: "stays " + string(u.ID)}
	comes := user.Pointer{Kind: user.KindCredential, Name: "comes " + string(u.ID)}
	move := func(pointers ...user.Pointer) error {
		to := withPointers(u, pointers...)
		err := store.Move(ctx, u, to, rand.Text())
		if err == nil {
			to.Revision++
			u = to
		}
		return err
	}
	if err := move(goes, stays); err != nil {
		t.Fatal(err)
	}
	items := []any{u.ID, emailOf(t, u), stays}
	for _, item := range items {
		raw.Set(t, item, "of_a_later_version", "kept")
	}
	if err := move(stays, comes); err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if got := raw.Get(t, item, "of_a_later_version"); got != "kept" {
			t.Errorf("the attribute of a later version in %v is %q", item, got)
		}
	}

	raw.Set(t, comes, "v", 2)
	unavailable(t, "remove a later pointer", move(stays))
	unavailable(t, "erase the user of a later pointer", store.Delete(ctx, u.ID, Epoch))
	unavailable(t, "take a later pointer", store.Create(ctx, withPointers(userOf(t, 1), comes), rand.Text()))
	if err := move(comes, goes); err != nil {
		t.Errorf("move other pointers: %v", err)
	}
	raw.Set(t, comes, "v", 1)
	consistent(t, store, u.ID, stays)
	leadsTo(t, store, comes, u.ID)
}
