package service

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// secretRing is the secret of a refresh-token ring. Deployments move it while instances of
// functions run.
type secretRing struct {
	keyrings.Source
	mu    sync.Mutex
	ring  keyrings.Ring
	err   error // of loads
	loads int
}

func (s *secretRing) Load(context.Context) (auth.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	if s.err != nil {
		return auth.Secret{}, s.err
	}
	return s.ring.Text()
}

// changeover is a deployment in progress: instances of several versions share the stores.
type changeover struct {
	secretRing
	t    *testing.T
	now  time.Time
	at   session.Config
	user user.User
}

func newChangeover(t *testing.T) *changeover {
	t.Helper()
	c := &changeover{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	clock := func() time.Time { return c.now }
	stores, err := OpenBolt(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	users := &user.Directory{Store: stores.Users, Hasher: password.Hasher{}, Now: clock}
	if c.user, err = users.Add(t.Context(), ada, auth.NewSecret(secret), nil); err != nil {
		t.Fatal(err)
	}
	c.at = session.Config{Store: stores.Sessions, Subjects: users, Rules: session.DefaultRules(), Now: clock, Rand: rand.Reader}
	c.ring = keyrings.Ring{Kind: keyrings.RefreshRing}
	c.deploy(keyrings.Move{Version: 1})
	return c
}

// deploy moves the ring, an hour after the previous deployment. Running instances do not notice it.
func (c *changeover) deploy(m keyrings.Move) {
	c.t.Helper()
	c.now = c.now.Add(time.Hour)
	var err error
	if c.ring, err = c.ring.Move(m, c.now, rand.Reader); err != nil {
		c.t.Fatal(err)
	}
	c.now = c.now.Add(time.Second)
}

// start returns the sessions of a new instance of a version.
func (c *changeover) start(v uint16) *session.Manager {
	c.t.Helper()
	keys, err := keyring.LoadRefresh(c.t.Context(), &c.secretRing, v, c.at.Now)
	if err != nil {
		c.t.Fatal(err)
	}
	config := c.at
	config.Keys = keys
	m, err := session.NewManager(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.now = c.now.Add(time.Second)
	return m
}

func (c *changeover) login(at *session.Manager) auth.Secret {
	c.t.Helper()
	g, err := at.Open(c.t.Context(), session.Opening{
		Subject: c.user.Subject(), AuthTime: c.now,
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: defaultIdleTimeout, AbsoluteTimeout: defaultAbsoluteTimeout},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.now = c.now.Add(time.Second)
	return g.RefreshToken
}

// TestSessionsLiveThroughDrop checks that the sessions that a drop spares continue during a
// deployment. A drop may give a version another key, so one key id means different keys to old and
// new instances. Each instance refreshes tokens that the other instance sealed, and a logout at
// either instance ends the session.
func TestSessionsLiveThroughDrop(t *testing.T) {
	dropAll := keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{All: true}}
	for name, deploy := range map[string]func(c *changeover) (before, after *session.Manager){
		"all keys": func(c *changeover) (*session.Manager, *session.Manager) {
			before := c.start(1)
			c.deploy(dropAll)
			return before, c.start(2)
		},
		// The alias still names the old version, and a new instance of it reads the new ring.
		"all keys, a late instance of the version before": func(c *changeover) (*session.Manager, *session.Manager) {
			before := c.start(1)
			c.deploy(dropAll)
			return before, c.start(1)
		},
		"all keys, rolled back": func(c *changeover) (*session.Manager, *session.Manager) {
			before := c.start(1)
			c.deploy(dropAll)
			c.deploy(keyrings.Move{Version: 1})
			return before, c.start(1)
		},
		// Both instances have one key for version 2, but the old instance seals under the dropped
		// key.
		"the key that seals": func(c *changeover) (*session.Manager, *session.Manager) {
			before := c.start(1)
			c.deploy(keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{IDs: []string{c.ring.Keys[1].ID()}}})
			return before, c.start(2)
		},
		"the key that seals, rolled back": func(c *changeover) (*session.Manager, *session.Manager) {
			before := c.start(1)
			c.deploy(keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{IDs: []string{c.ring.Keys[1].ID()}}})
			c.deploy(keyrings.Move{Version: 1})
			return before, c.start(1)
		},
		"all keys, twice": func(c *changeover) (*session.Manager, *session.Manager) {
			c.deploy(dropAll)
			before := c.start(2)
			c.deploy(keyrings.Move{Version: 3, DropRefresh: keyrings.Drop{All: true}})
			return before, c.start(3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChangeover(t)
			before, after := deploy(c)
			token := c.login(after)
			for i, at := range []*session.Manager{before, after, before, before, after, after, before} {
				c.now = c.now.Add(time.Hour)
				var got session.Outcome
				if got, token = outcome(t, at, token); got != session.OutcomeRotated {
					t.Fatalf("refresh %d: %s", i, got)
				}
			}
			for _, at := range []*session.Manager{before, after} {
				ended, err := at.Logout(t.Context(), c.login(after), nil)
				if err != nil || ended.Outcome != session.OutcomeLoggedOut {
					t.Errorf("logout: %s, %v", ended.Outcome, err)
				}
			}
		})
	}
}

// TestForgedTokensLoadLittle checks how often forged tokens make an instance load the ring: never
// for a token that claims to be older than the ring, and otherwise at most once a second.
func TestForgedTokensLoadLittle(t *testing.T) {
	c := newChangeover(t)
	c.ring.Serial = 5
	at := c.start(1)
	token := c.login(at)
	key := refreshThief{1, strings.Repeat("x", auth.KeyBytes)}
	forge := func(id uint16, issued time.Time) auth.Secret {
		t.Helper()
		key.id = id
		text, err := session.Codec{Keys: key}.Seal(t.Context(), session.Token{
			Profile: auth.Balanced, Subject: c.user.ID, Secret: auth.NewSecret(strings.Repeat("s", 16)), IssuedAt: issued,
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	expect := func(loads int, issued time.Time, want session.Outcome) {
		t.Helper()
		c.loads = 0
		for _, id := range []uint16{0, 1, 2, 3, 65535} {
			for range 3 {
				if got, _ := outcome(t, at, forge(id, issued)); got != want {
					t.Errorf("key %d: %s, want %s", id, got, want)
				}
			}
		}
		if c.loads != loads {
			t.Errorf("%d loads, want %d", c.loads, loads)
		}
	}
	begin := c.now
	c.now = c.now.Add(time.Hour)
	expect(0, begin.Add(-2*time.Minute), session.OutcomeForged)
	expect(1, c.now, session.OutcomeForged)
	c.now = c.now.Add(999 * time.Millisecond)
	expect(0, c.now, session.OutcomeForged)
	c.now = c.now.Add(time.Millisecond)
	expect(1, c.now, session.OutcomeForged)

	// A source that does not answer decides nothing about such a token, and the keys in use stay.
	c.now, c.err = c.now.Add(time.Hour), errors.New("down")
	expect(1, c.now, session.OutcomeFailed)
	expect(0, c.now, session.OutcomeFailed)
	expect(0, begin, session.OutcomeForged)
	if got, _ := outcome(t, at, token); got != session.OutcomeRotated {
		t.Errorf("a good token while the source is down: %s", got)
	}
	c.err = nil
	c.now = c.now.Add(time.Second)
	expect(1, c.now, session.OutcomeForged)

	// An older state of the ring does not decide either.
	c.now = c.now.Add(time.Hour)
	c.ring.Serial = 4
	expect(1, c.now, session.OutcomeFailed)
}
