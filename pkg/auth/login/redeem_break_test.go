package login_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// breaking fails the call number at and all later calls of the stores, as if the function had died.
// If after is set, the first failed call takes effect.
type breaking struct {
	user.Store
	throttle.Counters
	at    int // 0 means no call fails
	after bool

	mu    sync.Mutex // calls are made in parallel
	calls int
}

// do runs a call, or fails it.
func (b *breaking) do(call func() error) error {
	b.mu.Lock()
	b.calls++
	n := b.calls
	b.mu.Unlock()
	if b.at == 0 || n < b.at {
		return call()
	}
	if b.after && n == b.at {
		if err := call(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: lost", auth.ErrUnavailable)
}

func (b *breaking) Get(ctx context.Context, id auth.SubjectID) (u user.User, err error) {
	err = b.do(func() (err error) { u, err = b.Store.Get(ctx, id); return err })
	return u, err
}

func (b *breaking) ByEmail(ctx context.Context, email string) (id auth.SubjectID, err error) {
	err = b.do(func() (err error) { id, err = b.Store.ByEmail(ctx, email); return err })
	return id, err
}

func (b *breaking) Update(ctx context.Context, u user.User) error {
	return b.do(func() error { return b.Store.Update(ctx, u) })
}

// breakingCounters are the counters of a breaking.
type breakingCounters struct{ *breaking }

func (b breakingCounters) Update(ctx context.Context, key string, u throttle.Update) (before throttle.Counter, done bool, err error) {
	err = b.do(func() (err error) { before, done, err = b.Counters.Update(ctx, key, u); return err })
	return before, done, err
}

func newBreaking(t *testing.T) (*changing, *breaking) {
	t.Helper()
	users, counters := onBolt(t)
	b := &breaking{Store: users, Counters: counters}
	c := newChangingOn(t, b, func(config *login.Config) {
		limit, err := login.NewThrottle(breakingCounters{b}, sealing{}, login.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		config.Count(limit)
	})
	return c, b
}

// TestRedeemChangeBreaksOff ends a redemption at each call of the stores, before and after the call
// took effect. The same token with the same password succeeds afterwards. Another password succeeds
// only if no password was set.
func TestRedeemChangeBreaksOff(t *testing.T) {
	broken, set := 0, 0
	for at := 1; ; at++ {
		refused := false
		for _, after := range []bool{false, true} {
			for _, again := range []auth.Secret{next, third} {
				c, b := newBreaking(t)
				token := c.mustChange(t)
				version := c.ada.TokenVersion + 1
				b.calls, b.at, b.after = 0, at, after
				_, err := c.RedeemChange(t.Context(), token, next)
				refused = refused || err != nil
				if err != nil && !errors.Is(err, auth.ErrUnavailable) {
					t.Errorf("call %d, after %t: %v", at, after, err)
				}
				b.at = 0
				took := c.stored(t) == "hash of battery staple"
				if err == nil && !took {
					t.Errorf("call %d, after %t: it succeeded, and nothing is set", at, after)
				}
				broken++
				if took && err != nil {
					set++
				}
				r, err := c.RedeemChange(t.Context(), token, again)
				good := again.Equal(next) || !took
				if good != (err == nil) || !good && !errors.Is(err, login.ErrNoToken) {
					t.Errorf("call %d, after %t, set %t, again with the same %t: %v", at, after, took, again.Equal(next), err)
				}
				u, err := b.Store.Get(t.Context(), c.ada.ID)
				if err != nil || u.MustChange || u.TokenVersion != version+1 || good && r.User.TokenVersion != u.TokenVersion {
					t.Errorf("call %d, after %t: %+v, %v", at, after, u, err)
				}
			}
		}
		if !refused {
			break
		}
	}
	if broken < 12 || set == 0 {
		t.Errorf("%d redemptions broke off, %d of them after the password was set", broken, set)
	}
}

// TestDemandBreaksOff ends a login that demands another password at each call of the stores. The
// token of the next login is valid, and a token that never reached the client is not.
func TestDemandBreaksOff(t *testing.T) {
	for at := 1; ; at++ {
		refused := false
		for _, after := range []bool{false, true} {
			c, b := newBreaking(t)
			older := c.mustChange(t)
			b.calls, b.at, b.after = 0, at, after
			r, err := c.Login(t.Context(), right)
			if !errors.Is(err, login.ErrPasswordChangeRequired) {
				refused = true
				if !errors.Is(err, auth.ErrUnavailable) || r.Change.Reveal() != "" {
					t.Errorf("call %d, after %t: %+v, %v", at, after, r, err)
				}
			}
			b.at = 0
			newer := c.logInToChange(t, right)
			for _, token := range []auth.Secret{older, r.Change} {
				if _, err := c.RedeemChange(t.Context(), token, third); !errors.Is(err, login.ErrNoToken) {
					t.Errorf("call %d, after %t: an older token: %v", at, after, err)
				}
			}
			if _, err := c.RedeemChange(t.Context(), newer, next); err != nil {
				t.Errorf("call %d, after %t: the newest token: %v", at, after, err)
			}
		}
		if !refused {
			return
		}
	}
}
