package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Fixture is the content of a file in testdata that an earlier version wrote. Each store has the
// file in its own form.
type Fixture struct {
	users    []user.User
	sessions []session.Session
	counters map[string]throttle.Counter
	forms    user.Forms
}

// Fixtures are all fixtures by the names of their files.
var Fixtures = map[string]Fixture{"version1": version1, "one_pointer": onePointer, "unicode_domain": unicodeDomain, "forms": withForms}

// fixturePassword is the password of a fixture's user whose stored hash is argon2id's.
const fixturePassword = "correct horse battery staple"

// Login logs in with an e-mail address and a password, and returns the user's subject.
type Login func(ctx context.Context, users user.Store, email string, password auth.Secret) (auth.SubjectID, error)

// version1 holds items as the first version of schema version 1 wrote them.
var version1 = Fixture{
	users: []user.User{
		{
			ID: "fixture-ada", Email: "Ada.Lovelace@Example.com", Password: auth.NewSecret("$stored$hash"),
			Roles: []string{"admin", "editor"}, Claims: map[string]any{"tenant": "t1", "seats": 3.0, "tags": []any{"a", true, nil}},
			MustChange: true, TokenVersion: 7, Revision: 3, CreatedAt: Epoch, UpdatedAt: Epoch.Add(time.Hour),
		},
		{ID: "fixture-bare", Email: "bare@example.com", CreatedAt: Epoch, UpdatedAt: Epoch},
		{
			ID: "{\"v\":1,\"sub\":\"fixture\"}", Email: "J\u030Corg@Example.com", Password: auth.NewSecret("$stored$other"), Disabled: true,
			TokenVersion: 1, Revision: 1, CreatedAt: Epoch.Add(-time.Hour), UpdatedAt: Epoch,
		},
	},
	sessions: []session.Session{
		{
			Key: session.Key{Subject: "fixture-ada", ID: session.ID{1}}, Kind: session.RefreshKind, Profile: auth.Balanced, Client: "app",
			Scope: []string{"read", "write"}, TokenVersion: 7, Generation: 5, Parent: branchB, RotatedAt: Epoch.Add(-time.Hour),
			Invocation: session.Invocation{7}, IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout - time.Hour),
			AbsoluteEnd: Epoch.Add(absoluteTimeout / 2), CreatedAt: Epoch.Add(-absoluteTimeout / 2), LastSeen: Epoch.Add(-time.Hour),
			AuthTime: Epoch.Add(-absoluteTimeout / 2), Remember: true, UserAgent: "a browser", Address: "192.0.2.1", Label: "a label",
		},
		{
			Key: session.Key{Subject: "fixture-ada", ID: session.ID{2}}, Kind: session.RefreshKind, Profile: auth.Strict, Client: "app",
			IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout), AbsoluteEnd: Epoch.Add(absoluteTimeout), CreatedAt: Epoch,
			LastSeen: Epoch, AuthTime: Epoch, Remember: true, Revocation: &session.Revocation{At: Epoch.Add(time.Minute), Reason: session.RevocationTheft},
		},
	},
	counters: map[string]throttle.Counter{
		"fixture counter": {N: 2, Last: Epoch.Add(time.Minute), Expires: Epoch.Add(time.Hour)},
	},
}

// onePointer holds items of the time when an e-mail was the only pointer to a user.
var onePointer = Fixture{
	users: []user.User{
		{
			ID: "fixture-ada", Email: "Ada.Lovelace@Example.com",
			Password: auth.NewSecret("$argon2id$v=19$m=19456,t=2,p=1$oU/9RznrRakfarOkntS9+A$eS0DFbgYLtlMmGcktqn920LR34u+fsVF1RQh+y5TzNM"),
			Roles:    []string{"admin", "editor"}, Claims: map[string]any{"tenant": "t1", "seats": 3.0, "tags": []any{"a", true, nil}},
			Change:       user.PasswordChange{Digest: sha256.Sum256([]byte("fixture")), Until: Epoch.Add(2 * time.Hour), TokenVersion: 7, Redeemed: true},
			TokenVersion: 7, Revision: 3, CreatedAt: Epoch, UpdatedAt: Epoch.Add(time.Hour),
		},
		{ID: "fixture-bare", Email: "bare@example.com", CreatedAt: Epoch, UpdatedAt: Epoch},
		{
			ID: "{\"v\":1,\"sub\":\"fixture\"}", Email: "J\u030Corg@Example.com", Password: auth.NewSecret("$stored$other"), Disabled: true,
			MustChange: true, TokenVersion: 1, Revision: 1, CreatedAt: Epoch.Add(-time.Hour), UpdatedAt: Epoch,
		},
	},
	sessions: version1.sessions,
	counters: map[string]throttle.Counter{
		"fixture counter": {N: 2, Last: Epoch.Add(time.Minute), Expires: Epoch.Add(time.Hour)},
		"fixture spent":   {N: 1, Last: Epoch, Expires: Epoch.Add(time.Hour), Mark: throttle.Mark{1, 2, 3}},
	},
}

// unicodeDomain holds items of the time when the key of an e-mail had the domain as its owner wrote
// it.
var unicodeDomain = Fixture{
	users: []user.User{
		{
			ID: "fixture-ada", Email: "Ada@D\u00f6m\u00e4in.example", Password: onePointer.users[0].Password,
			Pointers:     []user.Pointer{{Kind: user.KindIdentity, Name: "issuer#ada"}},
			TokenVersion: 7, Revision: 3, CreatedAt: Epoch, UpdatedAt: Epoch.Add(time.Hour),
		},
		{ID: "fixture-wide", Email: "bare@\uff45xample.com", CreatedAt: Epoch, UpdatedAt: Epoch},
		{ID: "fixture-none", Email: "bare@xn--9999999.example", Password: onePointer.users[0].Password, CreatedAt: Epoch, UpdatedAt: Epoch},
	},
	sessions: version1.sessions,
	counters: version1.counters,
}

// withForms holds the first items with a record of the forms of hashes. Earlier files have no such
// record.
var withForms = Fixture{
	users: []user.User{{
		ID: "fixture-imported", Email: "imported@example.com", Password: auth.NewSecret("$stored$hash"),
		TokenVersion: 1, Revision: 1, CreatedAt: Epoch, UpdatedAt: Epoch,
	}},
	sessions: version1.sessions,
	counters: version1.counters,
	forms: user.Forms{
		Recorded: []string{
			"$2b$12$.....................................................",
			"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$later$form",
		},
		ChangedAt: Epoch.Add(time.Minute), Until: Epoch.Add(time.Hour), Revision: 5,
	},
}

// Check checks that s has the items of the fixture, that a user logs in, and that the items can be
// changed and erased.
func (f Fixture) Check(t *testing.T, s Stores, login Login) {
	ctx := t.Context()
	for _, want := range f.users {
		got, err := s.Users.Get(ctx, want.ID)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("user %s, %v:%s", want.ID, err, difference(want, got))
			continue
		}
		if owner, err := s.Users.ByEmail(ctx, want.Email); err != nil || owner != want.ID {
			t.Errorf("the e-mail of %s leads to %q, %v", want.ID, owner, err)
		}
		f.logsIn(t, s, login, want)
		moved := "moved-" + want.Email
		if user.CheckEmail(moved) != nil {
			moved = "moved@example.com"
		}
		if err := moveEmail(ctx, s.Users, want, moved, rand.Text()); err != nil {
			t.Errorf("user %s moves: %v", want.ID, err)
		}
		want.Email, want.Revision = moved, want.Revision+1
		if got, err := s.Users.Get(ctx, want.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("user %s afterwards, %v:%s", want.ID, err, difference(want, got))
		}
		f.logsIn(t, s, login, want)
		if err := s.Users.Delete(ctx, want.ID, Epoch); err != nil {
			t.Errorf("user %s is erased: %v", want.ID, err)
		}
	}
	for _, want := range f.sessions {
		got, err := s.Sessions.Get(ctx, want.Key)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("session %s, %v:%s", want.ID, err, difference(want, got))
		}
	}
	listed, err := s.Sessions.List(ctx, f.sessions[0].Subject, session.ID{}, 10)
	if err != nil || len(listed) != len(f.sessions) || slices.ContainsFunc(listed, func(l session.Session) bool { return l.Client != "app" }) {
		t.Errorf("the list of sessions: %+v, %v", listed, err)
	}
	if got, err := s.Users.Forms(ctx); err != nil || !reflect.DeepEqual(got, f.forms) {
		t.Errorf("the forms, %v:%s", err, difference(f.forms, got))
	}
	f.forms.Recorded = append(slices.Clone(f.forms.Recorded), "$new$form")
	if err := s.Users.UpdateForms(ctx, f.forms); err != nil {
		t.Errorf("a form is recorded: %v", err)
	}
	for key, want := range f.counters {
		if got, _, err := s.Counters.Update(ctx, key, throttle.GiveBack("")); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("counter %s, %v:%s", key, err, difference(want, got))
		}
	}
}

// logsIn checks that a user whose password is known logs in.
func (f Fixture) logsIn(t *testing.T, s Stores, login Login, u user.User) {
	t.Helper()
	if !strings.HasPrefix(u.Password.Reveal(), "$argon2id$") {
		return
	}
	id, err := login(t.Context(), s.Users, u.Email, auth.NewSecret(fixturePassword))
	if err != nil || id != u.ID {
		t.Errorf("user %s logs in as %q, %v", u.ID, id, err)
	}
}
