package login_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// cost counts what a request does: reads and writes of users, writes of counters, and hashes.
type cost struct{ reads, writes, counters, hashes int }

// meter counts the calls of the stores and of the hasher.
type meter struct {
	mu sync.Mutex
	cost
}

func (m *meter) add(c cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads, m.writes = m.reads+c.reads, m.writes+c.writes
	m.counters, m.hashes = m.counters+c.counters, m.hashes+c.hashes
}

// spent returns what was counted since the last call.
func (m *meter) spent() (c cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, m.cost = m.cost, cost{}
	return c
}

type meteredUsers struct {
	user.Store
	*meter
}

func (m meteredUsers) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	m.add(cost{reads: 1})
	return m.Store.Get(ctx, id)
}

func (m meteredUsers) ByEmail(ctx context.Context, email string) (auth.SubjectID, error) {
	m.add(cost{reads: 1})
	return m.Store.ByEmail(ctx, email)
}

func (m meteredUsers) Update(ctx context.Context, u user.User) error {
	m.add(cost{writes: 1})
	return m.Store.Update(ctx, u)
}

type meteredCounters struct {
	throttle.Counters
	*meter
}

func (m meteredCounters) Update(ctx context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	m.add(cost{counters: 1})
	return m.Counters.Update(ctx, key, u)
}

type meteredHasher struct {
	login.Hasher
	*meter
}

func (m meteredHasher) Hash(p auth.Secret) (auth.Secret, error) {
	m.add(cost{hashes: 1})
	return m.Hasher.Hash(p)
}

func (m meteredHasher) Verify(stored, p auth.Secret) (password.Result, error) {
	m.add(cost{hashes: 1})
	return m.Hasher.Verify(stored, p)
}

func (m meteredHasher) Waste(p auth.Secret) {
	m.add(cost{hashes: 1})
	m.Hasher.Waste(p)
}

// TestRedeemChangeCosts checks what a redemption costs. An invalid token costs at most one read of
// the user, so a stranger causes neither a hash nor a write. A valid token costs a slot of its own
// counter. The counter is written again if the attempt decided nothing or ended earlier failures.
func TestRedeemChangeCosts(t *testing.T) {
	for on, open := range stores {
		t.Run(on, func(t *testing.T) {
			m := &meter{}
			users, counters := open(t)
			counted, err := login.NewThrottle(meteredCounters{counters, m}, sealing{}, login.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			c := newChangingOn(t, meteredUsers{users, m}, func(config *login.Config) {
				config.Count(counted)
				config.Hasher = meteredHasher{config.Hasher, m}
			})
			older := c.mustChange(t)
			token := c.logInToChange(t, right)
			expect := func(what string, token auth.Secret, next string, wantErr error, want cost) {
				t.Helper()
				m.spent()
				if _, err := c.RedeemChange(t.Context(), token, auth.NewSecret(next)); !errors.Is(err, wantErr) {
					t.Errorf("%s: %v, want %v", what, err, wantErr)
				}
				if got := m.spent(); got != want {
					t.Errorf("%s costs %+v, want %+v", what, got, want)
				}
			}
			const good = "battery staple"
			expect("junk", auth.NewSecret("ect_x"), good, login.ErrNoToken, cost{})
			expect("a token of an unknown user", forgeChange(t, "unknown", make([]byte, 32)), good, login.ErrNoToken, cost{reads: 1})
			expect("a wrong secret", forgeChange(t, c.ada.ID, make([]byte, 32)), good, login.ErrNoToken, cost{reads: 1})
			expect("a superseded token", older, good, login.ErrNoToken, cost{reads: 1})
			expect("a short password", token, "short", password.ErrTooShort, cost{reads: 1, counters: 2})
			expect("the same password", token, "correct horse", login.ErrSamePassword, cost{reads: 1, counters: 1, hashes: 1})
			expect("the right token", token, good, nil, cost{reads: 2, writes: 1, counters: 2, hashes: 2})
			expect("the right token again", token, good, nil, cost{reads: 1, counters: 1, hashes: 1})
			expect("the token again, another password", token, "a third horse", login.ErrNoToken, cost{reads: 1, counters: 1, hashes: 1})
			for i := 0; ; i++ {
				m.spent()
				_, err := c.RedeemChange(t.Context(), token, auth.NewSecret(fmt.Sprint("a guess ", i)))
				got := m.spent()
				if errors.Is(err, login.ErrThrottled) {
					if got != (cost{reads: 1, counters: 1}) {
						t.Errorf("a refusal by the counter costs %+v", got)
					}
					break
				}
				if !errors.Is(err, login.ErrNoToken) || i > login.DefaultLimits().Device.Free {
					t.Fatalf("guess %d: %v", i, err)
				}
			}
		})
	}
}
