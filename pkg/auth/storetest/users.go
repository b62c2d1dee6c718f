package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users checks that a user.Store behaves as package user defines it. open returns the store, which
// may hold other users.
func Users(t *testing.T, open func(testing.TB) user.Store) {
	store := open(t)
	t.Run("EqualsTheModel", func(t *testing.T) {
		for _, err := range CompareUsers(t.Context(), store, 6, 1) {
			t.Error(err)
		}
	})
	t.Run("CreateAndRead", func(t *testing.T) { createAndReadUsers(t, store) })
	t.Run("OneAccountAnEmail", func(t *testing.T) { oneAccountAnEmail(t, store) })
	t.Run("OneWriterARevision", func(t *testing.T) { oneWriterARevision(t, store) })
	t.Run("ChangeEmail", func(t *testing.T) { changeEmails(t, store) })
	t.Run("Delete", func(t *testing.T) { deleteUsers(t, store) })
	t.Run("PointersMove", func(t *testing.T) { pointersMove(t, store) })
	t.Run("PointerLimits", func(t *testing.T) { pointerLimits(t, store) })
	t.Run("OneOwnerAPointer", func(t *testing.T) { oneOwnerAPointer(t, store) })
	t.Run("HandOver", func(t *testing.T) { handOver(t, store) })
	t.Run("OneNewOwner", func(t *testing.T) { oneNewOwner(t, store) })
	t.Run("RacingMoves", func(t *testing.T) { oneMoveARevision(t, store) })
	t.Run("DeleteAgainstWrites", func(t *testing.T) { deleteAgainstWrites(t, store) })
	t.Run("ListEachOnce", func(t *testing.T) { listEachOnce(t, store) })
	t.Run("Forms", func(t *testing.T) { forms(t, store) })
}

// userOf returns a user whose subject and e-mail only this test uses.
func userOf(t testing.TB, i int) user.User {
	id := subjectOf(t, i)
	email := fmt.Sprintf("User%d@%x.example.com", i, t.Name()[len(t.Name())-8:])
	return user.User{
		ID: id, Email: email, VerifiedEmail: email, Password: auth.NewSecret("$stored$hash"),
		Roles: []string{"admin", "editor"}, Claims: map[string]any{"tenant": "t1", "seats": 3.0, "tags": []any{"a", true, nil}},
		TokenVersion: 2, Revision: 1, CreatedAt: Epoch, UpdatedAt: Epoch.Add(time.Millisecond),
		Pointers: []user.Pointer{{Kind: user.KindIdentity, Name: "issuer#" + string(id)}, {Kind: user.KindKey, Name: string(id)}},
		Change:   user.PasswordChange{Digest: sha256.Sum256([]byte(id)), Until: Epoch.Add(time.Hour), TokenVersion: 2, Redeemed: true},
	}
}

// emailOf returns the pointer from a user's e-mail.
func emailOf(t testing.TB, u user.User) user.Pointer {
	t.Helper()
	email, err := user.NormalizeEmail(u.Email)
	if err != nil {
		t.Fatal(err)
	}
	return email.Pointer()
}

// moveEmail changes the address of a user as read.
func moveEmail(ctx context.Context, store user.Store, u user.User, email, request string) error {
	return store.Move(ctx, u, withEmail(u, email), request)
}

func withEmail(u user.User, email string) user.User {
	u.Email = email
	return u
}

func createAndReadUsers(t *testing.T, store user.Store) {
	ctx, u := t.Context(), userOf(t, 0)
	email := emailOf(t, u)
	if _, err := store.Get(ctx, u.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("Get before: %v", err)
	}
	if _, err := store.ByPointer(ctx, email); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ByPointer before: %v", err)
	}
	if err := store.Update(ctx, u); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("Update before: %v", err)
	}
	// The second call is the client's retry after a lost reply.
	request := rand.Text()
	for range 2 {
		if err := store.Create(ctx, u, request); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.Get(ctx, u.ID); err != nil || difference(u, got) != "" {
		t.Errorf("Get: %v %s", err, difference(u, got))
	}
	if id, err := store.ByPointer(ctx, email); err != nil || id != u.ID {
		t.Errorf("ByPointer: %q, %v", id, err)
	}
	if err := store.Create(ctx, u, rand.Text()); !errors.Is(err, user.ErrExists) {
		t.Errorf("the same user by another request: %v", err)
	}
	bare := user.User{ID: u.ID + " bare", Email: "bare-" + u.Email, CreatedAt: Epoch, UpdatedAt: Epoch}
	if err := store.Create(ctx, bare, rand.Text()); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(ctx, bare.ID); err != nil || got.Roles != nil || got.Claims != nil || got.Password.Reveal() != "" {
		t.Errorf("a user with nothing: %+v, %v", got, err)
	}
}

// oneAccountAnEmail runs parallel creations for one address, each in a different spelling.
func oneAccountAnEmail(t *testing.T, store user.Store) {
	const n = 50
	ctx := t.Context()
	spellings := []string{"J\u030Corg@race.example.com", "\u01F0org@race.example.com", "j\u030Corg@RACE.example.com"}
	var created, refused atomic.Int32
	parallel(n, n, func(i int) {
		u := userOf(t, i)
		u.Email = spellings[i%len(spellings)]
		switch err := store.Create(ctx, u, rand.Text()); {
		case err == nil:
			created.Add(1)
		case errors.Is(err, user.ErrExists):
			refused.Add(1)
		default:
			t.Error(err)
		}
	})
	if created.Load() != 1 || refused.Load() != n-1 {
		t.Errorf("%d created, %d refused", created.Load(), refused.Load())
	}
	owner, err := store.ByPointer(ctx, user.Email("\u01F0org@race.example.com").Pointer())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := userOf(t, i).ID
		if _, err := store.Get(ctx, id); (err == nil) != (id == owner) {
			t.Errorf("%q: %v, and the e-mail points to %q", id, err, owner)
		}
	}
}

// oneWriterARevision runs parallel updates that are based on the same read.
func oneWriterARevision(t *testing.T, store user.Store) {
	const n, rounds = 20, 3
	ctx, u := t.Context(), userOf(t, 0)
	if err := store.Create(ctx, u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		read, err := store.Get(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		parallel(n, n, func(int) {
			mine := read
			mine.TokenVersion++
			switch err := store.Update(ctx, mine); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, user.ErrConflict):
				t.Error(err)
			}
		})
		after, err := store.Get(ctx, u.ID)
		if won.Load() != 1 || err != nil || after.Revision != read.Revision+1 || after.TokenVersion != read.TokenVersion+1 {
			t.Errorf("%d writers won; now %+v, %v", won.Load(), after, err)
		}
	}
	moved, err := store.Get(ctx, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	moved.Email = "other-" + moved.Email
	if err := store.Update(ctx, moved); !errors.Is(err, user.ErrConflict) {
		t.Errorf("an update moved the e-mail away from its pointer: %v", err)
	}
}

func listEachOnce(t *testing.T, store user.Store) {
	const n = 30
	ctx, mine := t.Context(), map[auth.SubjectID]bool{}
	for i := range n {
		u := userOf(t, i)
		mine[u.ID] = true
		if err := store.Create(ctx, u, rand.Text()); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[auth.SubjectID]bool{}
	each(t, store, 7, func(u user.User) {
		if seen[u.ID] {
			t.Errorf("%q listed twice", u.ID)
		}
		seen[u.ID] = true
	}, func(u user.Unreadable) { t.Errorf("%q: %v", u.ID, u.Err) })
	for id := range mine {
		if !seen[id] {
			t.Errorf("%q not listed", id)
		}
	}
}

// each lists all users, limit at a time, and calls readable or unreadable for each.
func each(t *testing.T, store user.Store, limit int, readable func(user.User), unreadable func(user.Unreadable)) {
	t.Helper()
	for after := auth.SubjectID(""); ; {
		page, err := store.List(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Users) + len(page.Unreadable); n > limit {
			t.Fatalf("a page of %d users, want at most %d", n, limit)
		}
		for _, u := range page.Users {
			readable(u)
		}
		for _, u := range page.Unreadable {
			unreadable(u)
		}
		if after = page.Next; after == "" {
			return
		}
	}
}
