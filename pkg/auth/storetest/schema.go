package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Stores are the stores of one database.
type Stores struct {
	Users       user.Store
	Sessions    session.Store
	Counters    throttle.Counters
	Versions    session.Versions
	Revocations session.Revocations
	Flows       flow.Store
}

// Raw reads and writes single attributes of stored items directly. item is an auth.SubjectID for a
// user, a user.Pointer, a user.Mark, a session.Key for a session, a CounterKey, a FlowKey, or
// FormsKey.
type Raw interface {
	// Set writes a text or a whole number.
	Set(t testing.TB, item any, name string, value any)
	// Get returns the text of an attribute, or "" if it is missing.
	Get(t testing.TB, item any, name string) string
	// Item returns the whole item, in a form that reflect.DeepEqual compares.
	Item(t testing.TB, item any) any
	// Put stores what Item returned.
	Put(t testing.TB, item, content any)
	// Rename moves an item to the place of another pointer.
	Rename(t testing.TB, from, to user.Pointer)
	// Damaged returns damaged copies of the item in the form of Item, one for each kind of damage,
	// by the name of the damage.
	Damaged(t testing.TB, item any) map[string]any
}

// CounterKey names a counter for Raw.
type CounterKey string

// Schema checks the rules of stored items: an attribute that a later version wrote survives every
// operation, and an unreadable item gives auth.ErrUnavailable and never counts as missing.
func Schema(t *testing.T, s Stores, raw Raw) {
	t.Run("UnknownAttributes", func(t *testing.T) { unknownAttributes(t, s, raw) })
	t.Run("LaterPointers", func(t *testing.T) { laterPointers(t, s.Users, raw) })
	t.Run("UnreadableItems", func(t *testing.T) { unreadableItems(t, s, raw) })
	t.Run("UnreadableUser", func(t *testing.T) { unreadableUser(t, s.Users, raw) })
	t.Run("UnreadableVersion", func(t *testing.T) { unreadableVersion(t, s, raw) })
	t.Run("UnreadablePointer", func(t *testing.T) { unreadablePointer(t, s.Users, raw) })
	t.Run("UnreadableForms", func(t *testing.T) { unreadableForms(t, s.Users, raw) })
	t.Run("LaterForms", func(t *testing.T) { laterForms(t, s.Users, raw) })
	t.Run("UnreadableFlow", func(t *testing.T) { unreadableFlow(t, s.Flows, raw) })
	t.Run("UnreadableCounter", func(t *testing.T) { unreadableCounter(t, s.Counters, raw) })
}

// stored creates one user, one session and one counter, and returns their names.
func stored(t *testing.T, s Stores) (user.User, session.Session, CounterKey) {
	t.Helper()
	u := userOf(t, 0)
	if err := s.Users.Create(t.Context(), u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	one := session.Session{
		Key: session.Key{Subject: u.ID, ID: session.ID{9}}, Kind: session.RefreshKind, Profile: auth.Balanced, Client: "app",
		IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout), AbsoluteEnd: Epoch.Add(absoluteTimeout),
		CreatedAt: Epoch, LastSeen: Epoch, AuthTime: Epoch, Remember: true,
	}
	if err := s.Sessions.Create(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	counter := CounterKey(t.Name())
	if _, done, err := s.Counters.Update(t.Context(), string(counter), limits[0].Take(Epoch, Epoch.Add(time.Hour), "")); err != nil || !done {
		t.Fatal(done, err)
	}
	return u, one, counter
}

func unknownAttributes(t *testing.T, s Stores, raw Raw) {
	ctx := t.Context()
	u, one, counter := stored(t, s)
	pointer := emailOf(t, u)
	items := []any{u.ID, pointer, one.Key, counter}
	for _, item := range items {
		raw.Set(t, item, "of_a_later_version", "kept")
	}
	label := "a label"
	email := u.Email
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a user is changed", func() error { u.Roles = []string{"writer"}; return s.Users.Update(ctx, u) }},
		{"a user loses all that may be empty", func() error {
			u.Revision++
			u.VerifiedEmail, u.Roles, u.Claims, u.Password, u.Change = "", nil, nil, auth.Secret{}, user.PasswordChange{}
			return s.Users.Update(ctx, u)
		}},
		{"an e-mail gets another spelling", func() error {
			u.Revision++
			err := moveEmail(ctx, s.Users, u, swapCase(email), rand.Text())
			u.Email = swapCase(email)
			return err
		}},
		{"a token version is raised", func() error {
			u.Revision++
			to := u.TokenVersion + 1
			keep := session.Update{Set: session.Change{TokenVersion: &to}}
			ok, err := s.Versions.Raise(ctx, session.Raise{Key: one.Key, From: u.TokenVersion, To: to, At: Epoch, Update: &keep})
			return done(struct{}{}, ok, err)
		}},
		{"a session is labelled", func() error {
			return done(s.Sessions.Update(ctx, one.Key, session.Update{Set: session.Change{Label: &label}}))
		}},
		{"a session rotates", func() error {
			return done(s.Sessions.Update(ctx, one.Key, session.Update{Set: session.Change{
				Rotation: &session.Rotation{Generation: 1, Parent: branchA, At: Epoch},
				Activity: &session.Activity{At: Epoch.Add(time.Minute)},
			}}))
		}},
		{"a session is revoked", func() error {
			return done(s.Sessions.Update(ctx, one.Key, session.Revoke(Epoch.Add(time.Hour), session.RevocationLogout)))
		}},
		{"a counter counts", func() error {
			return done(s.Counters.Update(ctx, string(counter), limits[0].Take(Epoch.Add(time.Minute), Epoch.Add(time.Hour), "")))
		}},
		{"a counter is given back", func() error { return done(s.Counters.Update(ctx, string(counter), throttle.GiveBack(""))) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		for _, item := range items {
			if got := raw.Get(t, item, "of_a_later_version"); got != "kept" {
				t.Fatalf("%s: the attribute of a later version in %v is %q", step.name, item, got)
			}
		}
	}
	// The user moves to another address, but the item stays the same.
	u.Revision++
	if err := moveEmail(ctx, s.Users, u, "moved-"+u.Email, rand.Text()); err != nil {
		t.Fatal(err)
	}
	if got := raw.Get(t, u.ID, "of_a_later_version"); got != "kept" {
		t.Errorf("an e-mail moves: the attribute of a later version is %q", got)
	}
}

// swapCase returns another spelling of an address, which has the same key.
func swapCase(email string) string {
	b := []byte(email)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		} else if 'A' <= c && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

// done returns an error if a conditional write was refused.
func done[T any](_ T, done bool, err error) error {
	if err == nil && !done {
		err = errors.New("the store refused the write")
	}
	return err
}

// unknownProfile checks that a session whose profile is missing or of a later version has not
// ended: the rules would otherwise see a token of another profile, and end the session.
func unknownProfile(t *testing.T, store session.Store, raw Raw, one session.Session) {
	ctx := t.Context()
	for _, profile := range []int{0, 4, 257} {
		raw.Set(t, one.Key, "profile", profile)
		_, err := store.Get(ctx, one.Key)
		unavailable(t, fmt.Sprintf("read a session of profile %d", profile), err)
		_, err = store.List(ctx, one.Subject, session.ID{}, 10)
		unavailable(t, fmt.Sprintf("list a session of profile %d", profile), err)
		for _, claimed := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
			u := session.DefaultRules().Rotate(session.Presented{Token: session.Token{Profile: claimed}, Now: Epoch})
			_, done, err := store.Update(ctx, one.Key, u)
			unavailable(t, fmt.Sprintf("refresh a session of profile %d with a token of %s", profile, claimed), err)
			if done {
				t.Errorf("a session of profile %d was written", profile)
			}
		}
	}
	raw.Set(t, one.Key, "profile", int(one.Profile))
	if after, err := store.Get(ctx, one.Key); err != nil || difference(one, after) != "" {
		t.Errorf("the session was written: %v %s", err, difference(one, after))
	}
}

// unknownDelivery checks that a session with a delivery of a later version is neither read nor
// refreshed. Otherwise the answer to a cookie might have a token that scripts can read.
func unknownDelivery(t *testing.T, store session.Store, raw Raw, one session.Session) {
	ctx := t.Context()
	later := one
	later.ID, later.Delivery = session.ID{10}, auth.DeliveryCookie
	if err := store.Create(ctx, later); err != nil {
		t.Fatal(err)
	}
	for _, word := range []any{"by pigeon", "", 1} {
		raw.Set(t, later.Key, "delivery", word)
		_, err := store.Get(ctx, later.Key)
		unavailable(t, fmt.Sprintf("read a session of delivery %q", word), err)
		_, err = store.List(ctx, later.Subject, session.ID{}, 10)
		unavailable(t, fmt.Sprintf("list a session of delivery %q", word), err)
		for _, byCookie := range []bool{false, true} {
			u := session.DefaultRules().Rotate(session.Presented{Token: session.Token{Profile: later.Profile}, ByCookie: byCookie, Now: Epoch})
			_, done, err := store.Update(ctx, later.Key, u)
			unavailable(t, fmt.Sprintf("refresh a session of delivery %q, by a cookie %v", word, byCookie), err)
			if done {
				t.Errorf("a session of delivery %q was written", word)
			}
		}
	}
	raw.Set(t, later.Key, "delivery", later.Delivery.String())
	if after, err := store.Get(ctx, later.Key); err != nil || difference(later, after) != "" {
		t.Errorf("the session was written: %v %s", err, difference(later, after))
	}
}

func unreadableItems(t *testing.T, s Stores, raw Raw) {
	ctx := t.Context()
	u, one, counter := stored(t, s)
	pointer := emailOf(t, u)
	items := []any{u.ID, pointer, one.Key, counter}
	for _, damage := range []struct {
		name  string
		value any
	}{{"v", 2}, {"v", "1"}} {
		for _, item := range items {
			raw.Set(t, item, damage.name, damage.value)
		}
		for name, do := range map[string]func() error{
			"read a user":       func() error { _, err := s.Users.Get(ctx, u.ID); return err },
			"follow an e-mail":  func() error { _, err := s.Users.ByPointer(ctx, pointer); return err },
			"change a user":     func() error { return s.Users.Update(ctx, u) },
			"change an e-mail":  func() error { return moveEmail(ctx, s.Users, u, "other-"+u.Email, rand.Text()) },
			"take an e-mail":    func() error { return s.Users.Create(ctx, withEmail(userOf(t, 1), u.Email), rand.Text()) },
			"read a session":    func() error { _, err := s.Sessions.Get(ctx, one.Key); return err },
			"list the sessions": func() error { _, err := s.Sessions.List(ctx, u.ID, session.ID{}, 10); return err },
			"change a session": func() error {
				_, _, err := s.Sessions.Update(ctx, one.Key, session.Revoke(Epoch, session.RevocationLogout))
				return err
			},
			"count on a counter": func() error { _, _, err := s.Counters.Update(ctx, string(counter), throttle.GiveBack("")); return err },
		} {
			if err := do(); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrNotFound) {
				t.Errorf("%s is %v: %s: %v", damage.name, damage.value, name, err)
			}
		}
		for _, item := range items {
			raw.Set(t, item, "v", 1)
		}
		got, err := s.Users.Get(ctx, u.ID)
		if err != nil || got.Revision != u.Revision || got.Email != u.Email {
			t.Errorf("the user was written: %+v, %v", got, err)
		}
		if after, err := s.Sessions.Get(ctx, one.Key); err != nil || after.Revocation != nil {
			t.Errorf("the session was written: %+v, %v", after, err)
		}
		if owner, err := s.Users.ByPointer(ctx, pointer); err != nil || owner != u.ID {
			t.Errorf("the e-mail leads to %q, %v", owner, err)
		}
	}
	unknownProfile(t, s.Sessions, raw, one)
	unknownDelivery(t, s.Sessions, raw, one)
	// All items of a user can be erased, even sessions that cannot be read.
	raw.Set(t, one.Key, "v", 2)
	if n, err := s.Sessions.DeleteAll(ctx, u.ID); err != nil || n != 2 {
		t.Errorf("%d sessions were erased, %v", n, err)
	}
}
