package login_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
)

// stores are the stores on which change-of-password tokens are tested.
var stores = map[string]func(*testing.T) (user.Store, throttle.Counters){
	"bbolt": onBolt,
	"DynamoDB Local": func(t *testing.T) (user.Store, throttle.Counters) {
		return onDynamoDB(t, nil)
	},
}

// onDynamoDB returns the stores in tables of the test's own.
func onDynamoDB(t *testing.T, wire http.RoundTripper) (user.Store, throttle.Counters) {
	t.Helper()
	name := "login-" + rand.Text()
	db := dynamo.New(dynamo.Config{
		Region: engine.Region, Endpoint: engine.DynamoDBLocal(t).Endpoint, Transport: wire,
		Credentials: dynamo.Credentials{AccessKeyID: engine.AccessKeyID, SecretAccessKey: auth.NewSecret(engine.SecretAccessKey)},
		Tables:      dynamo.Tables{Users: name + "-users", Sessions: name + "-sessions", Attempts: name + "-attempts"},
	})
	if err := db.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db.Users(), db.Counters()
}

var (
	next  = auth.NewSecret("battery staple")
	third = auth.NewSecret("a third horse")
)

// edit writes ada as an operator's own tool would, without the rules of a Directory.
func (c *changing) edit(t *testing.T, f func(*user.User)) {
	t.Helper()
	u, err := c.Directory.Store.Get(t.Context(), c.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	f(&u)
	if err := c.Directory.Store.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// meanwhile is a change of a user between a login that demands another password and the use of its
// token, or between this use and its repetition. A change that ends sessions ends the token.
var meanwhile = map[string]struct {
	do   func(*testing.T, *changing) error
	good bool // the token still works
}{
	"nothing": {func(*testing.T, *changing) error { return nil }, true},
	"roles": {func(t *testing.T, c *changing) error {
		_, err := c.SetRoles(t.Context(), c.ada.ID, []string{"admin"})
		return err
	}, true},
	"another spelling of the e-mail": {func(t *testing.T, c *changing) error {
		_, err := c.ChangeEmail(t.Context(), c.ada.ID, "Ada@Example.com")
		return err
	}, true},
	"disabled": {func(t *testing.T, c *changing) error {
		_, err := c.Disable(t.Context(), c.ada.ID)
		return err
	}, false},
	"disabled, by hand": {func(t *testing.T, c *changing) error {
		c.edit(t, func(u *user.User) { u.Disabled = true })
		return nil
	}, false},
	"disabled and enabled": {func(t *testing.T, c *changing) error {
		_, err := c.Disable(t.Context(), c.ada.ID)
		if err == nil {
			_, err = c.Enable(t.Context(), c.ada.ID)
		}
		return err
	}, false},
	"logged out everywhere": {func(t *testing.T, c *changing) error {
		c.edit(t, func(u *user.User) { u.TokenVersion++ })
		return nil
	}, false},
	"must_change turned round, by hand": {func(t *testing.T, c *changing) error {
		c.edit(t, func(u *user.User) { u.MustChange = !u.MustChange })
		return nil
	}, false},
	"a password by an operator": {func(t *testing.T, c *changing) error {
		_, err := c.SetPassword(t.Context(), c.ada.ID, third, false)
		return err
	}, false},
	"a password by an operator, to be changed": {func(t *testing.T, c *changing) error {
		_, err := c.SetPassword(t.Context(), c.ada.ID, third, true)
		return err
	}, false},
	"the present password by an operator": {func(t *testing.T, c *changing) error {
		_, present, _ := strings.Cut(c.stored(t), "hash of ")
		_, err := c.SetPassword(t.Context(), c.ada.ID, auth.NewSecret(present), true)
		return err
	}, false},
	"a password by the owner, in another session": {func(t *testing.T, c *changing) error {
		_, present, _ := strings.Cut(c.stored(t), "hash of ")
		given := login.Credentials{Password: auth.NewSecret(present)}
		_, err := c.ChangePassword(t.Context(), c.ada.ID, given, third)
		return err
	}, false},
	"erased": {func(t *testing.T, c *changing) error {
		return c.Directory.Store.Delete(t.Context(), c.ada.ID, time.Now())
	}, false},
	"erased, and made anew": {func(t *testing.T, c *changing) error {
		u, err := c.Directory.Store.Get(t.Context(), c.ada.ID)
		if err == nil {
			err = c.Directory.Store.Delete(t.Context(), c.ada.ID, time.Now())
		}
		u.Change = user.PasswordChange{}
		return errors.Join(err, c.Directory.Store.Create(t.Context(), u, rand.Text()))
	}, false},
}

func TestRedeemChange(t *testing.T) {
	for on, open := range stores {
		for name, row := range meanwhile {
			t.Run(on+", "+name, func(t *testing.T) {
				t.Parallel()
				users, _ := open(t)
				c := newChangingOn(t, users, asConfigured)
				token := c.mustChange(t)
				if err := row.do(t, c); err != nil {
					t.Fatal(err)
				}
				before, _ := users.Get(t.Context(), c.ada.ID)
				r, err := c.RedeemChange(t.Context(), token, next)
				after, _ := users.Get(t.Context(), c.ada.ID)
				if !row.good {
					if !errors.Is(err, login.ErrNoToken) || !after.Password.Equal(before.Password) || after.Revision != before.Revision {
						t.Errorf("%v; the user was %+v and is %+v", err, before, after)
					}
					return
				}
				if err != nil || after.Password.Reveal() != "hash of battery staple" || after.MustChange {
					t.Errorf("%v, stored %+v", err, after)
				}
				if u := r.User; u.TokenVersion != before.TokenVersion+1 || !u.Password.Equal(after.Password) || u.MustChange || !r.NewDevice || r.Reference == "" {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// A reply may be lost: the same token succeeds again with the same password, and with no other.
func TestRedeemChangeAgain(t *testing.T) {
	for on, open := range stores {
		for name, row := range meanwhile {
			t.Run(on+", "+name, func(t *testing.T) {
				t.Parallel()
				users, _ := open(t)
				c := newChangingOn(t, users, asConfigured)
				token := c.mustChange(t)
				first, err := c.RedeemChange(t.Context(), token, next)
				if err != nil {
					t.Fatal(err)
				}
				if err := row.do(t, c); err != nil {
					t.Fatal(err)
				}
				before, _ := users.Get(t.Context(), c.ada.ID)
				r, err := c.RedeemChange(t.Context(), token, next)
				if row.good != (err == nil) || !row.good && !errors.Is(err, login.ErrNoToken) {
					t.Errorf("the same password: %v", err)
				}
				// The session of the lost reply continues.
				if row.good && (r.User.ID != c.ada.ID || r.User.TokenVersion != first.User.TokenVersion) {
					t.Errorf("%+v", r)
				}
				for _, other := range []string{"a fourth horse", "correct horse", "battery staple ", "short", ""} {
					if _, err := c.RedeemChange(t.Context(), token, auth.NewSecret(other)); !errors.Is(err, login.ErrNoToken) {
						t.Errorf("%q: %v", other, err)
					}
				}
				if after, _ := users.Get(t.Context(), c.ada.ID); after.Revision != before.Revision {
					t.Errorf("written: %+v", after)
				}
			})
		}
	}
}

func TestRedeemChangeRefuses(t *testing.T) {
	for _, row := range []struct {
		name  string
		token string // empty means the valid token
		next  string
		after time.Duration
		want  error
	}{
		{"in time", "", "battery staple", 10*time.Minute - time.Millisecond, nil},
		{"too late", "", "battery staple", 10 * time.Minute, login.ErrNoToken},
		{"junk", "ect_x", "battery staple", 0, login.ErrNoToken},
		{"the same password", "", "correct horse", 0, login.ErrSamePassword},
		{"too short", "", "short", 0, password.ErrTooShort},
		{"too long", "", strings.Repeat("x", 1025), 0, password.ErrTooLong},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChanging(t, asConfigured)
			token, before := c.mustChange(t), c.stored(t)
			c.now = c.now.Add(row.after)
			given := token
			if row.token != "" {
				given = auth.NewSecret(row.token)
			}
			if _, err := c.RedeemChange(t.Context(), given, auth.NewSecret(row.next)); !errors.Is(err, row.want) {
				t.Fatal(err)
			}
			if row.want == nil {
				// The repetition has the same time limit as the first use.
				c.now = c.now.Add(time.Millisecond)
				if _, err := c.RedeemChange(t.Context(), given, auth.NewSecret(row.next)); !errors.Is(err, login.ErrNoToken) {
					t.Errorf("again, too late: %v", err)
				}
				return
			}
			if got := c.stored(t); got != before {
				t.Errorf("it was %s and is %s", before, got)
			}
			// A password that is not allowed leaves the token unchanged.
			c.now = noon
			if _, err := c.RedeemChange(t.Context(), token, next); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// After two logins, only the token of the later login is valid.
func TestNewestChangeTokenWins(t *testing.T) {
	for on, open := range stores {
		t.Run(on, func(t *testing.T) {
			users, _ := open(t)
			c := newChangingOn(t, users, asConfigured)
			older, newer := c.mustChange(t), c.logInToChange(t, right)
			if older.Equal(newer) {
				t.Fatal("both logins have the same token")
			}
			if _, err := c.RedeemChange(t.Context(), older, next); !errors.Is(err, login.ErrNoToken) {
				t.Errorf("the older one: %v", err)
			}
			if _, err := c.RedeemChange(t.Context(), newer, next); err != nil {
				t.Errorf("the newer one: %v", err)
			}
			if _, err := c.RedeemChange(t.Context(), older, next); !errors.Is(err, login.ErrNoToken) {
				t.Errorf("the older one, with the password of the newer: %v", err)
			}
		})
	}
}

// TestRedeemChangeAtOnce redeems one token many times at once. Exactly one password becomes the
// user's, and all requests with that password succeed.
func TestRedeemChangeAtOnce(t *testing.T) {
	const redeemers = 12
	for on, open := range stores {
		for _, passwords := range []int{1, 2, redeemers} {
			t.Run(fmt.Sprintf("%s, %d passwords", on, passwords), func(t *testing.T) {
				users, _ := open(t)
				c := newChangingOn(t, users, func(config *login.Config) { config.MaxHashes = redeemers })
				token := c.mustChange(t)
				version := c.ada.TokenVersion + 1 // the operator's password was the first change
				var errs [redeemers]error
				var wg sync.WaitGroup
				begin := make(chan struct{})
				for i := range redeemers {
					wg.Go(func() {
						<-begin
						_, errs[i] = c.RedeemChange(t.Context(), token, auth.NewSecret(fmt.Sprint("new password ", i%passwords)))
					})
				}
				close(begin)
				wg.Wait()
				u, err := users.Get(t.Context(), c.ada.ID)
				if err != nil || u.TokenVersion != version+1 || u.MustChange {
					t.Fatalf("%+v, %v", u, err)
				}
				for i, err := range errs {
					mine := u.Password.Reveal() == fmt.Sprint("hash of new password ", i%passwords)
					if mine && err != nil || !mine && !errors.Is(err, login.ErrNoToken) {
						t.Errorf("%d, whose password it is: %t: %v", i, mine, err)
					}
				}
			})
		}
	}
}

// TestLoginsAtOnce has many logins demand a change at once: exactly one token works, whichever was
// written last.
func TestLoginsAtOnce(t *testing.T) {
	const logins = 24 // more than the tries of a change of the user
	for on, open := range stores {
		t.Run(on, func(t *testing.T) {
			users, _ := open(t)
			c := newChangingOn(t, users, asConfigured)
			c.mustChange(t)
			var tokens [logins]auth.Secret
			var wg sync.WaitGroup
			for i := range logins {
				wg.Go(func() {
					r, err := c.Login(t.Context(), right)
					if tokens[i] = r.Change; !errors.Is(err, login.ErrPasswordChangeRequired) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			good := 0
			for _, token := range tokens {
				if _, err := c.RedeemChange(t.Context(), token, auth.NewSecret("short")); errors.Is(err, password.ErrTooShort) {
					good++
				} else if !errors.Is(err, login.ErrNoToken) {
					t.Error(err)
				}
			}
			if good != 1 {
				t.Errorf("%d of the tokens are good", good)
			}
		})
	}
}

// A known-device token permits no change of the password.
func TestRedeemChangeOfAnotherKind(t *testing.T) {
	c := newChanging(t, asConfigured)
	token := c.mustChange(t)
	device, err := c.Device(t.Context(), c.ada)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RedeemChange(t.Context(), device, next); !errors.Is(err, login.ErrNoToken) {
		t.Error(err)
	}
	// A change-of-password token does not count as a device either.
	c.attempts = nil
	if _, err := c.Login(t.Context(), withDevice(wrong, token)); !errors.Is(err, login.ErrInvalidCredentials) {
		t.Error(err)
	}
	if slices.ContainsFunc(c.attempts, func(a login.Attempt) bool { return a.Device != (login.DeviceID{}) }) {
		t.Errorf("%+v", c.attempts)
	}
}

// overtaken is a store in which another login stores a newer token before each write.
type overtaken struct {
	user.Store
	login func() // on the store without this fault
	busy  bool
}

func (o *overtaken) Update(ctx context.Context, u user.User) error {
	if !o.busy {
		o.busy = true
		o.login()
		o.busy = false
	}
	return o.Store.Update(ctx, u)
}

// TestLoginIsOvertaken checks the answer of a login that loses every race against other logins: its
// token counts as older than theirs, and no error is reported.
func TestLoginIsOvertaken(t *testing.T) {
	for on, open := range stores {
		t.Run(on, func(t *testing.T) {
			users, _ := open(t)
			o := &overtaken{Store: users, busy: true}
			c := newChangingOn(t, o, asConfigured)
			c.mustChange(t)
			var newest auth.Secret
			o.login, o.busy = func() { newest = c.logInToChange(t, right) }, false
			loser := c.logInToChange(t, right)
			o.busy = true
			if _, err := c.RedeemChange(t.Context(), loser, next); !errors.Is(err, login.ErrNoToken) {
				t.Errorf("the token of the login that lost: %v", err)
			}
			if _, err := c.RedeemChange(t.Context(), newest, next); err != nil {
				t.Errorf("the newest token: %v", err)
			}

			// A concurrent write of another kind brings no newer token, so a login that loses every
			// race against it fails.
			if _, err := c.SetPassword(t.Context(), c.ada.ID, auth.NewSecret("correct horse"), true); err != nil {
				t.Fatal(err)
			}
			writes := 0
			o.login, o.busy = func() {
				writes++
				if _, err := c.SetRoles(t.Context(), c.ada.ID, []string{fmt.Sprint("role", writes)}); err != nil {
					t.Error(err)
				}
			}, false
			if _, err := c.Login(t.Context(), right); !errors.Is(err, user.ErrConflict) {
				t.Errorf("a login that loses to other writes: %v", err)
			}
		})
	}
}
