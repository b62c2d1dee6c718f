package login_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// changing is a Directory on a real store with the user ada, and an Authenticator in front of it.
type changing struct {
	*user.Directory
	*login.Authenticator
	*counting
	ada user.User
	now time.Time
}

// RedeemChange calls the Authenticator; the Directory has a method of the same name.
func (c *changing) RedeemChange(ctx context.Context, change, next auth.Secret) (login.Result, error) {
	return c.Authenticator.RedeemChange(ctx, change, next)
}

// counting is a recorder that counts the failures of accounts.
type counting struct {
	*recorder
	failures atomic.Int32
}

func (c *counting) Settle(_ context.Context, s login.Slot, e login.Ending) error {
	if e == login.Failed && s.Attempt.Account != "" {
		c.failures.Add(1)
	}
	return nil
}

func newChanging(t *testing.T, change func(*login.Config)) *changing {
	t.Helper()
	users, _ := onBolt(t)
	return newChangingOn(t, users, change)
}

// onBolt returns stores in a temporary file.
func onBolt(t *testing.T) (user.Store, throttle.Counters) {
	t.Helper()
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	return db.Users(), db.Counters()
}

func newChangingOn(t *testing.T, users user.Store, change func(*login.Config)) *changing {
	t.Helper()
	c := &changing{counting: &counting{recorder: newRecorder(t)}, now: noon}
	clock := func() time.Time { return c.now }
	c.Directory = &user.Directory{Store: users, Hasher: c.counting, Now: clock}
	var err error
	if c.ada, err = c.Add(t.Context(), "ada@example.com", auth.NewSecret("correct horse"), nil); err != nil {
		t.Fatal(err)
	}
	config := login.Config{
		Users: users, Hasher: c.counting, Keys: sealing{}, Passwords: c.Directory, Now: clock,
	}
	config.Count(c.counting)
	change(&config)
	if c.Authenticator, err = login.New(config); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *changing) stored(t *testing.T) string {
	t.Helper()
	u, err := c.Find(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return u.Password.Reveal()
}

// mustChange returns the token of a login that demands a password change.
func (c *changing) mustChange(t *testing.T) auth.Secret {
	t.Helper()
	if _, err := c.SetPassword(t.Context(), c.ada.ID, auth.NewSecret("correct horse"), true); err != nil {
		t.Fatal(err)
	}
	return c.logInToChange(t, right)
}

// logInToChange logs in and returns the token for the change of the password.
func (c *changing) logInToChange(t *testing.T, given login.Credentials) auth.Secret {
	t.Helper()
	r, err := c.Login(t.Context(), given)
	if !errors.Is(err, login.ErrPasswordChangeRequired) || r.Change.Reveal() == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	return r.Change
}

// demand makes ada change the password, which stays the same until she does, and returns the token.
func (c *changing) demand(t *testing.T, given login.Credentials) auth.Secret {
	t.Helper()
	u, err := c.Find(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	u.MustChange = true
	if err := c.Directory.Store.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	return c.logInToChange(t, given)
}

func asConfigured(*login.Config) {}

func TestChangePassword(t *testing.T) {
	for _, row := range []struct {
		name, current, next string
		id                  auth.SubjectID // empty means ada
		want                error
		failures            int32
	}{
		{"good", "correct horse", "battery staple", "", nil, 0},
		{"wrong", "wrong", "battery staple", "", login.ErrInvalidCredentials, 1},
		{"empty", "", "battery staple", "", login.ErrInvalidCredentials, 1},
		{"wrong, and a new one that may not be", "wrong", "short", "", login.ErrInvalidCredentials, 1},
		{"too short", "correct horse", "short", "", password.ErrTooShort, 0},
		{"the same", "correct horse", "correct horse", "", login.ErrSamePassword, 0},
		{"an unknown subject", "correct horse", "battery staple", "s2", user.ErrSuperseded, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChanging(t, asConfigured)
			if row.id == "" {
				row.id = c.ada.ID
			}
			given := login.Credentials{Email: "eve@example.com", Password: auth.NewSecret(row.current)}
			r, err := c.ChangePassword(t.Context(), row.id, given, auth.NewSecret(row.next))
			if !errors.Is(err, row.want) || c.failures.Load() != row.failures {
				t.Errorf("%v, %d failures counted", err, c.failures.Load())
			}
			want := "hash of correct horse"
			if row.want == nil {
				want = "hash of " + row.next
				if r.User.TokenVersion != c.ada.TokenVersion+1 || !r.NewDevice || r.Reference == "" {
					t.Errorf("%+v", r)
				}
			}
			if got := c.stored(t); got != want {
				t.Errorf("stored: %s", got)
			}
		})
	}
}

// Between the two reads the address may pass to another user. That user's password proves nothing
// about ada.
func TestChangePasswordOfAMovedAddress(t *testing.T) {
	var c *changing
	c = newChanging(t, func(config *login.Config) {
		config.Steps.Before = func(ctx context.Context, _ login.Credentials) error {
			if _, err := c.ChangeEmail(ctx, c.ada.ID, "ada@example.org"); err != nil {
				return err
			}
			_, err := c.Add(ctx, "ada@example.com", auth.NewSecret("eve's password"), nil)
			return err
		}
	})
	given := login.Credentials{Password: auth.NewSecret("eve's password")}
	_, err := c.ChangePassword(t.Context(), c.ada.ID, given, auth.NewSecret("battery staple"))
	if !errors.Is(err, login.ErrInvalidCredentials) {
		t.Error(err)
	}
	u, err := c.Find(t.Context(), "ada@example.org")
	if err != nil || u.Password.Reveal() != "hash of correct horse" {
		t.Errorf("%v, %v", u.Password.Reveal(), err)
	}
}

func TestNoPasswords(t *testing.T) {
	c := newChanging(t, func(config *login.Config) { config.Keep(nil) })
	_, change := c.ChangePassword(t.Context(), c.ada.ID, right, auth.NewSecret("battery staple"))
	_, redeem := c.RedeemChange(t.Context(), auth.NewSecret("x"), auth.NewSecret("battery staple"))
	if change == nil || redeem == nil {
		t.Error(change, redeem)
	}
}

// erasing erases the user between the proof and the write.
type erasing struct{ login.Passwords }

func (erasing) ReplaceHash(context.Context, auth.SubjectID, uint64, auth.Secret) (user.User, error) {
	return user.User{}, fmt.Errorf("read: %w", auth.ErrNotFound)
}

func TestChangePasswordOfAnErasedUser(t *testing.T) {
	c := newChanging(t, func(config *login.Config) { config.Keep(erasing{config.Kept()}) })
	if _, err := c.ChangePassword(t.Context(), c.ada.ID, right, auth.NewSecret("battery staple")); !errors.Is(err, user.ErrSuperseded) {
		t.Error(err)
	}
}

// slowList is a breach list that waits for a signal.
type slowList struct {
	login.Passwords
	asked, answer chan struct{}
}

func (s slowList) CheckPassword(ctx context.Context, p auth.Secret, email string) error {
	close(s.asked)
	<-s.answer
	return s.Passwords.CheckPassword(ctx, p, email)
}

// A login that waits for a breach list must not block the hashing of other logins.
func TestSlowPolicyDoesNotBlockHashes(t *testing.T) {
	slow := slowList{asked: make(chan struct{}), answer: make(chan struct{})}
	c := newChanging(t, func(config *login.Config) {
		slow.Passwords, config.MaxHashes = config.Kept(), 1
		config.Keep(slow)
	})
	done := make(chan error)
	go func() {
		_, err := c.ChangePassword(t.Context(), c.ada.ID, right, auth.NewSecret("battery staple"))
		done <- err
	}()
	<-slow.asked
	if _, err := c.Login(t.Context(), right); err != nil {
		t.Error(err)
	}
	close(slow.answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
