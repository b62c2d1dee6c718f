package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// directory is a Directory on a real store with one user, ada. Its hasher stores "hash of " and the
// password, so that a test sees which password is stored.
type directory struct {
	*user.Directory
	sessions session.Store
	ada      user.User
}

func newDirectory(t testing.TB) directory {
	t.Helper()
	var stores service.Stores
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Start: noon, Settings: func(s *service.Settings) { stores = s.Stores }})
	a.Users.Hasher = plain{}
	return directory{Directory: a.Users, sessions: stores.Sessions, ada: a.AddUser("Ada@example.com", "admin")}
}

func (d directory) get(t *testing.T, id auth.SubjectID) user.User {
	t.Helper()
	u, err := d.Store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Each verb stores the user that it returns. Each verb ends the sessions only if it should.
func TestChanges(t *testing.T) {
	type verb = func(directory, context.Context) (user.User, error)
	for _, row := range []struct {
		name string
		do   verb
		ends bool // raises the token version
		want func(user.User) bool
	}{
		{"password", func(d directory, ctx context.Context) (user.User, error) {
			return d.SetPassword(ctx, d.ada.ID, auth.NewSecret("battery staple"), false)
		}, true, func(u user.User) bool { return u.Password.Reveal() == "hash of battery staple" && !u.MustChange }},
		{"password to change", func(d directory, ctx context.Context) (user.User, error) {
			return d.SetPassword(ctx, d.ada.ID, auth.NewSecret("battery staple"), true)
		}, true, func(u user.User) bool { return u.MustChange }},
		{"password replaced", func(d directory, ctx context.Context) (user.User, error) {
			u, err := d.SetPassword(ctx, d.ada.ID, auth.NewSecret("battery staple"), true)
			if err != nil {
				return user.User{}, err
			}
			return d.ReplaceHash(ctx, d.ada.ID, u.TokenVersion, auth.NewSecret("hash of a third horse"))
		}, true, func(u user.User) bool { return u.Password.Reveal() == "hash of a third horse" && !u.MustChange }},
		{"disable", func(d directory, ctx context.Context) (user.User, error) { return d.Disable(ctx, d.ada.ID) }, true,
			func(u user.User) bool { return u.Disabled }},
		{"enable", func(d directory, ctx context.Context) (user.User, error) {
			if _, err := d.Disable(ctx, d.ada.ID); err != nil {
				return user.User{}, err
			}
			return d.Enable(ctx, d.ada.ID)
		}, true, func(u user.User) bool { return !u.Disabled }},
		{"roles", func(d directory, ctx context.Context) (user.User, error) {
			return d.SetRoles(ctx, d.ada.ID, []string{"reader"})
		}, false, func(u user.User) bool { return slices.Equal(u.Roles, []string{"reader"}) }},
		{"claims", func(d directory, ctx context.Context) (user.User, error) {
			return d.SetClaims(ctx, d.ada.ID, map[string]any{"tenant": "t1"})
		}, false, func(u user.User) bool { return u.Claims["tenant"] == "t1" }},
		{"e-mail", func(d directory, ctx context.Context) (user.User, error) {
			return d.ChangeEmail(ctx, d.ada.ID, " Countess@example.com ")
		}, false, func(u user.User) bool { return u.Email == "Countess@example.com" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDirectory(t)
			got, err := row.do(d, t.Context())
			if err != nil || !row.want(got) {
				t.Fatalf("%+v, %v", got, err)
			}
			if stored := d.get(t, d.ada.ID); !row.want(stored) || stored.Revision != got.Revision || (stored.TokenVersion > d.ada.TokenVersion) != row.ends {
				t.Errorf("stored %+v", stored)
			}
		})
	}
}

func TestChangesRefuse(t *testing.T) {
	d := newDirectory(t)
	if _, err := d.Add(t.Context(), "bob@example.com", good, nil); err != nil {
		t.Fatal(err)
	}
	ctx, id := t.Context(), d.ada.ID
	for name, row := range map[string]struct {
		do   func() (user.User, error)
		want error
	}{
		"a weak password":   {func() (user.User, error) { return d.SetPassword(ctx, id, auth.NewSecret("weak"), false) }, password.ErrTooShort},
		"a role with space": {func() (user.User, error) { return d.SetRoles(ctx, id, []string{"a b"}) }, user.ErrRole},
		"a registered name": {func() (user.User, error) { return d.SetClaims(ctx, id, map[string]any{"sub": "eve"}) }, user.ErrClaims},
		"no e-mail":         {func() (user.User, error) { return d.ChangeEmail(ctx, id, "ada") }, user.ErrEmail},
		"a taken e-mail":    {func() (user.User, error) { return d.ChangeEmail(ctx, id, "BOB@example.com") }, user.ErrExists},
		"nobody":            {func() (user.User, error) { return d.Disable(ctx, "nobody") }, auth.ErrNotFound},
	} {
		if _, err := row.do(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if stored := d.get(t, id); stored.Revision != 1 {
		t.Errorf("a refused change was stored: %+v", stored)
	}
}

// Parallel changes are all kept.
func TestParallelChangesAreKept(t *testing.T) {
	d := newDirectory(t)
	var wg sync.WaitGroup
	for _, do := range []func() (user.User, error){
		func() (user.User, error) { return d.SetRoles(t.Context(), d.ada.ID, []string{"reader"}) },
		func() (user.User, error) { return d.SetClaims(t.Context(), d.ada.ID, map[string]any{"a": "b"}) },
		func() (user.User, error) { return d.Disable(t.Context(), d.ada.ID) },
		func() (user.User, error) { return d.ChangeEmail(t.Context(), d.ada.ID, "countess@example.com") },
	} {
		wg.Go(func() {
			if _, err := do(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if u := d.get(t, d.ada.ID); u.Revision != 5 || u.Roles[0] != "reader" || u.Claims["a"] != "b" || !u.Disabled || u.Email != "countess@example.com" {
		t.Errorf("%+v", u)
	}
}

func TestUpgradeHash(t *testing.T) {
	d := newDirectory(t)
	read := d.get(t, d.ada.ID)
	if err := d.UpgradeHash(t.Context(), read, auth.NewSecret("hash of as before")); err != nil {
		t.Fatal(err)
	}
	if u := d.get(t, d.ada.ID); u.Password.Reveal() != "hash of as before" || u.TokenVersion != read.TokenVersion {
		t.Errorf("%+v", u)
	}
	// The password was changed after the read: the fresh hash of the old password must not come
	// back.
	read = d.get(t, d.ada.ID)
	if _, err := d.SetPassword(t.Context(), d.ada.ID, auth.NewSecret("battery staple"), false); err != nil {
		t.Fatal(err)
	}
	if err := d.UpgradeHash(t.Context(), read, auth.NewSecret("hash of as before")); err != nil {
		t.Errorf("a lost race: %v", err)
	}
	if u := d.get(t, d.ada.ID); u.Password.Reveal() != "hash of battery staple" {
		t.Errorf("the old password is back: %s", u.Password.Reveal())
	}
}

func TestFind(t *testing.T) {
	d := newDirectory(t)
	for _, who := range []string{string(d.ada.ID), "ada@EXAMPLE.com", " ada@example.com "} {
		if u, err := d.Find(t.Context(), who); err != nil || u.ID != d.ada.ID {
			t.Errorf("%q: %+v, %v", who, u, err)
		}
	}
	for _, who := range []string{"", "nobody", "nobody@example.com", "\x00", strings.Repeat("x", 300)} {
		if u, err := d.Find(t.Context(), who); !errors.Is(err, auth.ErrNotFound) || u.ID != "" {
			t.Errorf("%q: %+v, %v", who, u, err)
		}
	}
	// The e-mail address of one user is the subject of another. Find must return neither of them.
	if _, err := d.Import(t.Context(), user.User{ID: "eve@example.com", Email: "bob@example.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ChangeEmail(t.Context(), d.ada.ID, "eve@example.com"); err != nil {
		t.Fatal(err)
	}
	if u, err := d.Find(t.Context(), "eve@example.com"); !errors.Is(err, user.ErrAmbiguous) {
		t.Errorf("two users at once: %+v, %v", u, err)
	}
}

func TestDelete(t *testing.T) {
	d := newDirectory(t)
	for i := range 3 {
		s := session.Session{Key: session.Key{Subject: d.ada.ID, ID: session.ID{byte(i)}}, CreatedAt: noon}
		if err := d.sessions.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := d.Delete(t.Context(), d.ada.ID); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := d.Delete(t.Context(), d.ada.ID); n != 0 || !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("again: %d, %v", n, err)
	}
	if _, err := (&user.Directory{Store: d.Store}).Delete(t.Context(), d.ada.ID); err == nil {
		t.Error("a user was deleted without the sessions")
	}
}

// A proven password is no longer valid after a change of the user.
func TestReplaceHashSuperseded(t *testing.T) {
	d := newDirectory(t)
	next := auth.NewSecret("battery staple")
	for name, change := range map[string]func() (user.User, error){
		"by another password": func() (user.User, error) {
			return d.SetPassword(t.Context(), d.ada.ID, auth.NewSecret("a third horse"), false)
		},
		"by a disabled account": func() (user.User, error) { return d.Disable(t.Context(), d.ada.ID) },
	} {
		proven := d.get(t, d.ada.ID).TokenVersion
		now, err := change()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.ReplaceHash(t.Context(), d.ada.ID, proven, next); !errors.Is(err, user.ErrSuperseded) {
			t.Errorf("%s: %v", name, err)
		}
		if got := d.get(t, d.ada.ID); !got.Password.Equal(now.Password) {
			t.Errorf("%s: the password was replaced", name)
		}
	}
	if _, err := d.ReplaceHash(t.Context(), "nobody", 0, next); !errors.Is(err, auth.ErrNotFound) {
		t.Error(err)
	}
}

// A change that ends no session does not keep the owner from replacing the password.
func TestReplaceHashBesideOtherChanges(t *testing.T) {
	d := newDirectory(t)
	racing := *d.Directory
	racing.Store = readThen{d.Store, func() {
		if _, err := d.SetRoles(t.Context(), d.ada.ID, []string{"reader"}); err != nil {
			t.Error(err)
		}
	}}
	u, err := racing.ReplaceHash(t.Context(), d.ada.ID, d.ada.TokenVersion, auth.NewSecret("hash of battery staple"))
	if err != nil || u.Password.Reveal() != "hash of battery staple" || !slices.Equal(u.Roles, []string{"reader"}) {
		t.Errorf("%+v, %v", u, err)
	}
}

// readThen runs a function between a read and the next write.
type readThen struct {
	user.Store
	do func()
}

func (r readThen) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	defer r.do()
	return r.Store.Get(ctx, id)
}

// The same policy holds in each place that sets a password.
func TestPolicy(t *testing.T) {
	d := newDirectory(t)
	d.Policy.Breached = func(_ context.Context, p auth.Secret) (bool, error) {
		return p.Reveal() == "battery staple", nil
	}
	next := auth.NewSecret("battery staple")
	_, added := d.Add(t.Context(), "eve@example.com", next, nil)
	_, set := d.SetPassword(t.Context(), d.ada.ID, next, false)
	checked := d.CheckPassword(t.Context(), next, "")
	for _, err := range []error{added, set, checked} {
		if !errors.Is(err, password.ErrBreached) {
			t.Error(err)
		}
	}
}
