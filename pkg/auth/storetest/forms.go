package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// FormsKey names the record of the forms of password hashes for Raw.
type FormsKey struct{}

// forms checks that one writer for each revision writes the record of the forms of hashes, and that
// the record is not a user.
func forms(t *testing.T, store user.Store) {
	ctx := t.Context()
	before, err := store.Forms(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []user.Forms{
		{Recorded: []string{"$2b$10$.", "$2b$12$.", `{"hash":"","N":16384}`}, ChangedAt: Epoch, Until: Epoch.Add(time.Hour)},
		{Recorded: []string{"$2b$10$."}, ChangedAt: Epoch.Add(time.Millisecond)},
		{Recorded: []string{"$2b$10$."}},
		{},
	} {
		next.Revision = before.Revision
		if err := store.UpdateForms(ctx, next); err != nil {
			t.Fatalf("%+v: %v", next, err)
		}
		if err := store.UpdateForms(ctx, next); !errors.Is(err, user.ErrConflict) {
			t.Errorf("the same revision again: %v", err)
		}
		ahead := next
		ahead.Revision += 2
		if err := store.UpdateForms(ctx, ahead); !errors.Is(err, user.ErrConflict) {
			t.Errorf("a revision that is not there yet: %v", err)
		}
		next.Revision++
		if before, err = store.Forms(ctx); err != nil || difference(next, before) != "" {
			t.Errorf("%v%s", err, difference(next, before))
		}
	}
	noUserHasTheForms(ctx, t, store)
	oneFormsAt(ctx, t, store)
}

// noUserHasTheForms checks that neither a list nor a subject nor a pointer leads to the record.
func noUserHasTheForms(ctx context.Context, t *testing.T, store user.Store) {
	for _, name := range []string{"forms", "records", "forms#", "#forms"} {
		if u, err := store.Get(ctx, auth.SubjectID(name)); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("the user %q: %+v, %v", name, u, err)
		}
		for _, kind := range []user.PointerKind{user.KindEmail, user.KindIdentity, user.KindCredential, user.KindKey} {
			if id, err := store.ByPointer(ctx, user.Pointer{Kind: kind, Name: name}); !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("the pointer %s#%s: %q, %v", kind, name, id, err)
			}
		}
	}
	each(t, store, 7, func(u user.User) {
		if u.ID == "" || u.ID == "forms" {
			t.Errorf("the record is listed as the user %q", u.ID)
		}
	}, func(u user.Unreadable) { t.Errorf("%q: %v", u.ID, u.Err) })
	// A user whose subject looks like the key does not change the record.
	u, before := userOf(t, 0), formsIn(t, store)
	u.ID = "forms"
	if err := store.Create(ctx, u, "request"); err != nil {
		t.Fatal(err)
	}
	if after := formsIn(t, store); difference(before, after) != "" {
		t.Error(difference(before, after))
	}
	if err := store.Delete(ctx, u.ID, Epoch); err != nil {
		t.Error(err)
	}
	if after := formsIn(t, store); difference(before, after) != "" {
		t.Error(difference(before, after))
	}
}

func formsIn(t *testing.T, store user.Store) user.Forms {
	t.Helper()
	f, err := store.Forms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// oneFormsAt runs parallel writes that are based on the same read.
func oneFormsAt(ctx context.Context, t *testing.T, store user.Store) {
	const n = 20
	read := formsIn(t, store)
	var won atomic.Int32
	parallel(n, n, func(i int) {
		mine := read
		mine.Recorded = []string{fmt.Sprintf("$2b$%02d$.", i)}
		switch err := store.UpdateForms(ctx, mine); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, user.ErrConflict):
			t.Error(err)
		}
	})
	if after := formsIn(t, store); won.Load() != 1 || after.Revision != read.Revision+1 || len(after.Recorded) != 1 {
		t.Errorf("%d writers won; now %+v", won.Load(), after)
	}
}

// recorded returns the record of a store, which has forms and an import.
func recorded(t *testing.T, store user.Store) user.Forms {
	t.Helper()
	f := formsIn(t, store)
	f.Recorded, f.ChangedAt, f.Until = []string{"$2b$10$.", "$2b$12$."}, Epoch, Epoch.Add(time.Hour)
	if err := store.UpdateForms(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	f.Revision++
	return f
}

// laterForms checks that an attribute of a later version survives every write of the record.
func laterForms(t *testing.T, store user.Store, raw Raw) {
	ctx, f := t.Context(), recorded(t, store)
	raw.Set(t, FormsKey{}, "of_a_later_version", "kept")
	for _, next := range [][]string{{"$2b$10$."}, nil, {"$2b$14$."}} {
		f.Recorded, f.ChangedAt, f.Until = slices.Clone(next), time.Time{}, time.Time{}
		if err := store.UpdateForms(ctx, f); err != nil {
			t.Fatal(err)
		}
		f.Revision++
		if got := raw.Get(t, FormsKey{}, "of_a_later_version"); got != "kept" {
			t.Errorf("forms %q: the attribute of a later version is %q", next, got)
		}
	}
}

// unreadableForms checks that a record that cannot be read is an outage, never an empty record, and
// is not written.
func unreadableForms(t *testing.T, store user.Store, raw Raw) {
	ctx, n := t.Context(), 0
	f := recorded(t, store)
	damage(t, raw, FormsKey{}, func(how string) {
		n++
		got, err := store.Forms(ctx)
		unavailable(t, how+": read", err)
		if len(got.Recorded) > 0 {
			t.Errorf("%s: a part was read: %+v", how, got)
		}
		unavailable(t, how+": write", store.UpdateForms(ctx, f))
		unavailable(t, how+": write as the first", store.UpdateForms(ctx, user.Forms{}))
	})
	if n == 0 {
		t.Error("the record was damaged in no way")
	}
	raw.Set(t, FormsKey{}, "v", 2)
	_, err := store.Forms(ctx)
	unavailable(t, "a record of a later schema", err)
	unavailable(t, "a record of a later schema: write", store.UpdateForms(ctx, f))
	raw.Set(t, FormsKey{}, "v", 1)
	if after := formsIn(t, store); difference(f, after) != "" {
		t.Errorf("the record was written:%s", difference(f, after))
	}
}
