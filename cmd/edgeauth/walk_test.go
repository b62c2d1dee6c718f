package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// busy is a store that refuses some calls because of load.
type busy struct {
	user.Store
	refuse int // so many lists
}

func (b *busy) List(ctx context.Context, after auth.SubjectID, limit int) (user.Page, error) {
	if b.refuse > 0 {
		b.refuse--
		return user.Page{}, session.ErrThrottled
	}
	return b.Store.List(ctx, after, limit)
}

// newWalk returns a walk over 250 users, of whom one cannot be read, and what it did.
func newWalk(t *testing.T) (w *walk, seen func() []string) {
	t.Helper()
	home := newHome(t)
	var users strings.Builder
	for i := range 250 {
		fmt.Fprintf(&users, "{\"subject\":\"u%03d\",\"email\":\"\"}\n", i)
	}
	done(t, users.String(), "user", "import", "-", "--data", home)
	damageUser(t, dev.Home(home).StorePath(), "u123")
	db, err := bolt.Open(filepath.Join(home, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var one sync.Mutex
	var all []string
	w = &walk{users: &busy{Store: db.Users()}, workers: 8, pause: func(context.Context, int) error { return nil }}
	w.do = func(_ context.Context, u user.User) error {
		one.Lock()
		defer one.Unlock()
		all = append(all, string(u.ID))
		return nil
	}
	return w, func() []string {
		slices.Sort(all)
		return all
	}
}

func TestWalk(t *testing.T) {
	w, seen := newWalk(t)
	w.users.(*busy).refuse = walkTries - 1
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := seen(); len(got) != 249 || len(slices.Compact(got)) != 249 || slices.Contains(got, "u123") || w.done.Load() != 249 {
		t.Errorf("%d users, %d counted", len(got), w.done.Load())
	}
	if len(w.unreadable) != 1 || w.unreadable[0].ID != "u123" {
		t.Errorf("unreadable: %v", w.unreadable)
	}
}

// TestWalkStops: a walk that cannot continue says where the next walk continues, and the two
// together visit every user.
func TestWalkStops(t *testing.T) {
	w, seen := newWalk(t)
	do, down := w.do, errors.New("the store is wrong")
	w.do = func(ctx context.Context, u user.User) error {
		if u.ID == "u150" {
			return down
		}
		return do(ctx, u)
	}
	err := w.run(t.Context())
	var s *stopped
	if !errors.As(err, &s) || !errors.Is(err, down) || s.after != "u099" ||
		err.Error() != "subject u150: the store is wrong; run the same command again with --after u099 to continue" {
		t.Fatal(err)
	}
	if got := seen(); slices.Contains(got, "u200") {
		t.Error("the walk went on to the next page")
	}
	w.do, w.after = do, s.after
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(seen()); len(got) != 249 {
		t.Errorf("the two walks met %d users", len(got))
	}
}

func TestWalkGivesUp(t *testing.T) {
	w, seen := newWalk(t)
	pauses := 0
	w.pause = func(context.Context, int) error { pauses++; return nil }
	w.users.(*busy).refuse = walkTries
	if err := w.run(t.Context()); !errors.Is(err, session.ErrThrottled) || pauses != walkTries-1 || len(seen()) != 0 {
		t.Errorf("after %d pauses: %v", pauses, err)
	}
	// An interrupt ends the pause, and no further user is begun.
	ctx, cancel := context.WithCancel(t.Context())
	w.pause, w.users.(*busy).refuse = wait, 1
	cancel()
	if err := w.run(ctx); !errors.Is(err, context.Canceled) || err.Error() != "interrupted; run the same command again" || len(seen()) != 0 {
		t.Errorf("interrupted: %v", err)
	}
}

// TestWalkTries: an error that a retry cannot fix is not retried.
func TestWalkTries(t *testing.T) {
	denied := fmt.Errorf("%w: %w", auth.ErrUnavailable, apiError("AccessDeniedException"))
	for _, row := range []struct {
		err  error
		want int
	}{
		{nil, 1},
		{auth.ErrNotFound, 1},
		{denied, 1},
		{auth.ErrUnavailable, walkTries},
		{session.ErrThrottled, walkTries},
		{fmt.Errorf("%w: %w", session.ErrThrottled, apiError("ThrottlingException")), walkTries},
		{fmt.Errorf("%w: %w", auth.ErrUnavailable, apiError("InternalServerError")), walkTries},
	} {
		w, tries := walk{pause: func(context.Context, int) error { return nil }}, 0
		if err := w.patiently(t.Context(), func() error { tries++; return row.err }); !errors.Is(err, row.err) || tries != row.want {
			t.Errorf("%v: %d tries, want %d", row.err, tries, row.want)
		}
	}
}

type apiError string

func (e apiError) Error() string     { return string(e) }
func (e apiError) ErrorCode() string { return string(e) }
