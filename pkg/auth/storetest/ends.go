package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Ends ends the sessions of a user in every way, while refreshes and logins run. It checks that no
// refresh token of an ended session works afterwards, that no session that was opened before the
// end is still listed, and that no other session is lost. open returns stores that may hold other
// items. refreshes is the number of refreshes that race with each end.
func Ends(t *testing.T, refreshes int, open func(testing.TB) Stores) {
	s := open(t)
	for i, row := range []struct {
		name string
		end  func(ctx context.Context, r *race) error
		kept func(r *race, id session.ID) bool // of the sessions that are open at the beginning
		// afterwards reports whether a login after the end opens a session.
		afterwards bool
	}{
		{"Logout", func(ctx context.Context, r *race) error {
			_, err := r.Logout(ctx, r.holders[0].get(), nil)
			return err
		}, (*race).notOwn, true},
		{"End", func(ctx context.Context, r *race) error {
			_, err := r.Revoke(ctx, r.holders[0].key, session.RevocationUser)
			return err
		}, (*race).notOwn, true},
		{"EndOthers", func(ctx context.Context, r *race) error {
			own, of, err := r.Check(ctx, r.holders[0].key)
			if err != nil {
				return err
			}
			return confirmed(r.EndOthers(ctx, of, own))
		}, func(r *race, id session.ID) bool { return id == r.holders[0].key.ID }, true},
		{"EndAll", func(ctx context.Context, r *race) error {
			own, of, err := r.Check(ctx, r.holders[0].key)
			if err != nil {
				return err
			}
			return confirmed(r.EndAll(ctx, of, &own))
		}, (*race).none, true},
		{"Disable", func(ctx context.Context, r *race) error {
			_, err := r.directory.Disable(ctx, r.user.ID)
			return err
		}, (*race).none, false},
		{"PasswordChange", func(ctx context.Context, r *race) error {
			_, err := r.directory.SetPassword(ctx, r.user.ID, auth.NewSecret("battery staple"), false)
			return err
		}, (*race).none, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRace(t, s, i)
			r.kept = func(id session.ID) bool { return row.kept(r, id) }
			r.run(refreshes, func() error { return row.end(t.Context(), r) })
			if t.Failed() {
				return
			}
			r.judge(row.afterwards)
		})
	}
}

// confirmed returns an error if a conditional end was refused.
func confirmed(done bool, err error) error {
	if err == nil && !done {
		err = errors.New("the end was refused")
	}
	return err
}

const (
	openedBefore = 20
	raceLogins   = 50
	raceRounds   = 4
)

// race is one user with open sessions. A client with one token store holds each session.
type race struct {
	manager
	t         *testing.T
	stores    Stores
	directory *user.Directory
	user      user.User
	holders   []*holder
	kept      func(session.ID) bool // the sessions that the end leaves

	begun, ended atomic.Bool // the end was called, and has returned
	mu           sync.Mutex
	logins       []login
}

// holder is a client with one token store. It may send several requests at once.
type holder struct {
	key session.Key

	mu     sync.Mutex
	token  auth.Secret
	before []auth.Secret // every token that the client had
}

func (h *holder) get() auth.Secret {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.token
}

func (h *holder) put(token auth.Secret) {
	if token == (auth.Secret{}) {
		return // the client keeps its token
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token = token
	h.before = append(h.before, token)
}

// login is a session that was opened during the race.
type login struct {
	*holder
	early bool // the user was read before the end was called, so the end must include the session
	late  bool // the user was read after the end had returned, so the end must not include the session
}

// plainHasher stores a constant text instead of a hash.
type plainHasher struct{}

func (plainHasher) Hash(auth.Secret) (auth.Secret, error) { return auth.NewSecret("$hash$"), nil }

func newRace(t *testing.T, s Stores, i int) *race {
	t.Helper()
	c := &clock{now: Epoch}
	r := &race{t: t, stores: s, user: created(t, s.Users, i, nil), directory: &user.Directory{Store: s.Users, Hasher: plainHasher{}, Now: c.Now}}
	r.user.Disabled = false
	if err := s.Users.Update(t.Context(), r.user); err != nil {
		t.Fatal(err)
	}
	m, err := session.NewManager(session.Config{
		Store: s.Sessions, Subjects: r.directory, Versions: s.Versions, Revocations: s.Revocations, Keys: key{}, Now: c.Now, Rand: newRandom(uint64(i)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.manager = manager{m, c, session.Codec{Keys: key{}}}
	for range openedBefore {
		r.login()
	}
	for _, l := range r.logins {
		r.holders = append(r.holders, l.holder)
	}
	r.logins = nil
	return r
}

// login reads the user as a login does, and then opens a session.
func (r *race) login() {
	late := r.ended.Load()
	u, err := r.directory.Subject(r.t.Context(), r.user.ID)
	if err != nil {
		r.failed("a login", err)
		return
	}
	if early := !r.begun.Load(); !u.Disabled {
		g := r.open(u)
		h := &holder{key: g.Session.Key}
		h.put(g.RefreshToken)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.logins = append(r.logins, login{h, early, late})
	}
}

func (r *race) open(u auth.Subject) session.Granted {
	g, err := r.Open(r.t.Context(), session.Opening{Subject: u, AuthTime: r.clock.Now(), Client: auth.Client{
		ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: idleTimeout, AbsoluteTimeout: absoluteTimeout,
	}})
	if err != nil {
		r.failed("a login", err)
	}
	return g
}

// failed reports an error unless it is an outage. Concurrent transactions of an engine may refuse
// each other for longer than a call retries.
func (r *race) failed(what string, err error) {
	if !errors.Is(err, auth.ErrUnavailable) {
		r.t.Errorf("%s: %v", what, err)
	}
}

// run sends the refreshes in rounds, with ten minutes between them. The end and the logins happen
// in the third round.
func (r *race) run(refreshes int, end func() error) {
	for round := range raceRounds {
		var others []func()
		if round == 2 {
			for range raceLogins {
				others = append(others, r.login)
			}
			others = slices.Insert(others, raceLogins/2, func() {
				r.begun.Store(true)
				for try := 0; ; try++ {
					err := end()
					if err == nil {
						break
					}
					if !errors.Is(err, auth.ErrUnavailable) || try == 50 {
						r.t.Errorf("the end: %v", err)
						break
					}
				}
				r.ended.Store(true)
			})
		}
		n := refreshes / raceRounds
		parallel(n+len(others), 64, func(i int) {
			// The end and the logins run among the first half of the refreshes.
			if every := n / 2 / max(1, len(others)); len(others) > 0 && i%(every+1) == every && i/(every+1) < len(others) {
				others[i/(every+1)]()
				return
			}
			h := r.holders[i%len(r.holders)]
			g, err := r.Refresh(r.t.Context(), session.Request{RefreshToken: h.get()})
			switch {
			case err == nil:
				h.put(g.RefreshToken)
			case !errors.Is(err, session.ErrEnded):
				r.failed("a refresh", err)
			case !r.begun.Load() || r.kept(h.key.ID):
				r.t.Errorf("a refresh of a session that goes on: %v", err)
			}
		})
		r.clock.Advance(10 * time.Minute)
	}
	if !r.ended.Load() {
		r.t.Error("the end was not called")
	}
}

func (r *race) none(session.ID) bool { return false }

func (r *race) notOwn(id session.ID) bool { return id != r.holders[0].key.ID }

// judge checks that the sessions and the list are as the end promises.
func (r *race) judge(afterwards bool) {
	ctx := r.t.Context()
	of, err := r.directory.Subject(ctx, r.user.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	var listed []session.ID
	for after := (session.ID{}); ; {
		page, err := r.List(ctx, of, session.ID{}, after, 30)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, s := range page.Sessions {
			listed = append(listed, s.ID)
		}
		if after = page.Next; after == (session.ID{}) {
			break
		}
	}
	all := r.kept(session.ID{1}) // the end of one session keeps all other sessions
	early, late := 0, 0
	named := r.named()
	check := func(what string, h *holder, lives bool) {
		if named(h.key) == lives {
			r.t.Errorf("%s: an entry names the session: %v, want %v", what, lives, !lives)
		}
		if slices.Contains(listed, h.key.ID) != lives {
			r.t.Errorf("%s: listed %v, want %v", what, !lives, lives)
		}
		if lives {
			if _, err := r.Refresh(ctx, session.Request{RefreshToken: h.get()}); err != nil {
				r.t.Errorf("%s: the session is lost: %v", what, err)
			}
			return
		}
		parallel(len(h.before), 16, func(i int) {
			if g, err := r.Refresh(ctx, session.Request{RefreshToken: h.before[i]}); !errors.Is(err, session.ErrEnded) {
				r.t.Errorf("%s: a refresh token works after the end: %s, %v", what, g.Outcome, err)
			}
		})
	}
	for _, h := range r.holders {
		check("a session from before", h, r.kept(h.key.ID))
	}
	for _, l := range r.logins {
		switch {
		case l.early:
			early++
			check("a login that read the user before", l.holder, all)
		case l.late:
			late++
			check("a login after the end", l.holder, afterwards)
		default:
			check("a login meanwhile", l.holder, slices.Contains(listed, l.key.ID))
		}
	}
	r.t.Logf("%d logins, %d of them before the end and %d after it; %d sessions are listed", len(r.logins), early, late, len(listed))
}

// named returns a function that reports whether an entry names a session: either the session
// itself, or its user with a token version above the session's.
func (r *race) named() func(session.Key) bool {
	r.t.Helper()
	ended, below := map[session.RevocationID]bool{}, map[session.RevocationID]uint64{}
	for _, e := range entries(r.t, r.stores, Epoch, r.clock.Now()) {
		ended[e.ID] = true
		below[e.ID] = max(below[e.ID], e.Below)
	}
	return func(key session.Key) bool {
		s, err := r.stores.Sessions.Get(r.t.Context(), key)
		if err != nil {
			r.t.Fatal(err)
		}
		return ended[session.RevocationIDOfSession(key)] || s.TokenVersion < below[session.RevocationIDOfUser(key.Subject)]
	}
}
