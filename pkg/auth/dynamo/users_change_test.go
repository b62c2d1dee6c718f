package dynamo_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestFaultsOfUserChanges injects one fault into a move and into a deletion of a user. A lost reply
// must not look like a concurrent write, and no change is made twice.
func TestFaultsOfUserChanges(t *testing.T) {
	e := engine.DynamoDBLocal(t)
	for name, f := range map[string]fault.Fault{
		"reset before": fault.ResetBefore, "reset after": fault.ResetAfter, "time-out after": fault.ExpiredAfter,
		"throttled": fault.Throttled, "transaction conflict": fault.TransactConflict,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			db := newDB(t, e, wire)
			users, u := db.Users(), user.User{ID: "s", Email: "old@example.com", Pointers: keys("old"), Revision: 1}
			if err := users.Create(t.Context(), u, rand.Text()); err != nil {
				t.Fatal(err)
			}
			wire.Fail("TransactWriteItems", 1, f)
			if err := users.Move(t.Context(), u, moved(u, "new"), rand.Text()); err != nil {
				t.Errorf("a move: %v", err)
			}
			if got, err := users.Get(t.Context(), "s"); err != nil || got.Revision != 2 || got.Email != "new@example.com" ||
				!slices.Equal(got.Pointers, keys("new")) {
				t.Errorf("%+v, %v", got, err)
			}
			wire.Fail("TransactWriteItems", always, f)
			if err := users.Move(t.Context(), u, moved(u, "third"), rand.Text()); name != "reset after" && name != "time-out after" &&
				!errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("always: %v", err)
			}
			wire.Fail("TransactWriteItems", 1, f)
			if err := users.Delete(t.Context(), "s", storetest.Epoch); err != nil {
				t.Errorf("a deletion: %v", err)
			}
			for _, name := range []string{"old", "new", "third"} {
				for _, p := range append(keys(name), user.Email(name+"@example.com").Pointer()) {
					if id, err := users.ByPointer(t.Context(), p); !errors.Is(err, auth.ErrNotFound) {
						t.Errorf("%s leads to %q, %v", p.Key(), id, err)
					}
				}
			}
			sessions := db.Sessions()
			if err := sessions.Create(t.Context(), session.Session{Key: session.Key{Subject: "s"}}); err != nil {
				t.Fatal(err)
			}
			wire.Fail("BatchWriteItem", 1, f)
			if n, err := sessions.DeleteAll(t.Context(), "s"); name != "transaction conflict" && (n != 1 || err != nil) {
				t.Errorf("sessions: %d, %v", n, err)
			}
		})
	}
}

// TestFaultsOfEmailPointers injects faults into the move of an old pointer and into the reads of
// two pointers.
func TestFaultsOfEmailPointers(t *testing.T) {
	const letters, ascii = "ada@d\u00f6m\u00e4in.example", "ada@xn--dmin-moa0i.example"
	e := engine.DynamoDBLocal(t)
	for name, f := range map[string]fault.Fault{
		"reset before": fault.ResetBefore, "reset after": fault.ResetAfter, "time-out after": fault.ExpiredAfter,
		"throttled": fault.Throttled, "transaction conflict": fault.TransactConflict,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			db := newDB(t, e, wire)
			raw, users, u := dynamo.Raw{DB: db}, db.Users(), user.User{ID: "s", Email: letters, Revision: 1}
			if err := users.Create(t.Context(), u, rand.Text()); err != nil {
				t.Fatal(err)
			}
			raw.Rename(t, user.Email(ascii).Pointer(), user.Email(letters).Pointer())
			for _, email := range []string{letters, ascii} {
				wire.Fail("TransactGetItems", 1, f)
				if id, err := users.ByEmail(t.Context(), email); id != "s" || err != nil {
					t.Errorf("%q, %v", id, err)
				}
				wire.Fail("TransactGetItems", always, f)
				if id, err := users.ByEmail(t.Context(), email); !errors.Is(err, auth.ErrUnavailable) {
					t.Errorf("always: %q, %v", id, err)
				}
			}
			for range 2 {
				wire.Fail("TransactWriteItems", 1, f)
				if err := users.MoveEmailPointer(t.Context(), "s", letters); err != nil {
					t.Errorf("a move: %v", err)
				}
			}
			wire.Fail("PutItem", 1, f)
			if err := users.SetMark(t.Context(), user.MarkEmailPointers); err != nil && name != "transaction conflict" {
				t.Errorf("a mark: %v", err)
			}
			wire.Fail("", 0, nil)
			for p, want := range map[user.Email]auth.SubjectID{letters: "", ascii: "s"} {
				if id, err := users.ByPointer(t.Context(), p.Pointer()); id != want || (err != nil) != (want == "") {
					t.Errorf("%s leads to %q, %v", p, id, err)
				}
			}
			if is, err := users.Marked(t.Context(), user.MarkEmailPointers); err != nil || !is && name != "transaction conflict" {
				t.Errorf("marked %v, %v", is, err)
			}
		})
	}
}

func keys(name string) []user.Pointer {
	return []user.Pointer{{Kind: user.KindIdentity, Name: name}, {Kind: user.KindKey, Name: name}}
}

// moved returns u with a different e-mail address and different pointers.
func moved(u user.User, name string) user.User {
	u.Email, u.Pointers = name+"@example.com", keys(name)
	return u
}
