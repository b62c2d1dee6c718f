package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// lister counts the lists of a store, calls then after each list, and can fail.
type lister struct {
	session.Store
	lists   int
	between func()
	fail    error
}

func (l *lister) List(ctx context.Context, of auth.SubjectID, after session.ID, limit int) ([]session.Session, error) {
	l.lists++
	if l.fail != nil {
		return nil, l.fail
	}
	found, err := l.Store.List(ctx, of, after, limit)
	if l.between != nil {
		l.between()
	}
	return found, err
}

// limited is a test manager whose client "web" has a limit of sessions.
type limited struct {
	*testManager
	lists *lister
	limit int
}

func newLimited(t *testing.T, limit int) *limited {
	h := newTestManager(t)
	l := &lister{Store: h.store}
	h.Config().Store = l
	return &limited{h, l, limit}
}

// open opens a session of a client, a minute after the previous session.
func (h *limited) open(t *testing.T, client auth.ClientID) session.Granted {
	t.Helper()
	h.now = h.now.Add(time.Minute)
	o := h.opening(auth.Balanced)
	if o.Client.ID = client; client == "web" {
		o.Client.MaxSessions = h.limit
	}
	g, err := h.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ended returns the sessions that g has evicted.
func ended(g session.Granted) (ids []session.ID) {
	for _, e := range g.Evicted {
		ids = append(ids, e.Session.ID)
	}
	return ids
}

// revoked returns why a session was revoked, or "".
func (h *limited) revoked(t *testing.T, g session.Granted) session.RevocationReason {
	t.Helper()
	s, err := h.store.Get(t.Context(), g.Session.Key)
	if err != nil {
		t.Fatal(err)
	}
	if s.Revocation == nil {
		return ""
	}
	return s.Revocation.Reason
}

// isEvicted checks that a login has evicted exactly these sessions, in this order.
func (h *limited) isEvicted(t *testing.T, by session.Granted, want ...session.Granted) {
	t.Helper()
	var ids []session.ID
	for _, g := range want {
		ids = append(ids, g.Session.ID)
		if reason := h.revoked(t, g); reason != session.RevocationEvicted {
			t.Errorf("the session is revoked for %q, want evicted", reason)
		}
	}
	if got := ended(by); !slices.Equal(got, ids) || by.EvictErr != nil {
		t.Errorf("evicted %v, %v; want %v", got, by.EvictErr, ids)
	}
	if reason := h.revoked(t, by); reason != "" {
		t.Errorf("the session that was just opened is revoked for %q", reason)
	}
}

func TestEvictionTakesTheLongestIdle(t *testing.T) {
	h := newLimited(t, 2)
	other := h.open(t, "mobile")
	first, second := h.open(t, "web"), h.open(t, "web")
	h.now = h.now.Add(time.Hour)
	if outcome, _ := h.refresh(t, first.RefreshToken); outcome != session.OutcomeRotated {
		t.Fatal(outcome)
	}
	h.isEvicted(t, h.open(t, "web"), second)
	if outcome, _ := h.refresh(t, second.RefreshToken); outcome != session.OutcomeRevoked {
		t.Errorf("a refresh of the evicted session: %s", outcome)
	}
	if outcome, _ := h.refresh(t, other.RefreshToken); !outcome.Grants() {
		t.Errorf("a session of another client: %s", outcome)
	}
	// A lower limit ends several sessions, the longest idle first.
	third, fourth := h.open(t, "mobile"), h.open(t, "mobile")
	o := h.opening(auth.Balanced)
	o.Client.ID, o.Client.MaxSessions = "mobile", 1
	h.now = h.now.Add(time.Minute)
	o.AuthTime = h.now
	g, err := h.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.isEvicted(t, g, other, third, fourth)
}

func TestNoLimitReadsNothing(t *testing.T) {
	h := newLimited(t, 0)
	for range 5 {
		if g := h.open(t, "web"); len(g.Evicted) > 0 || g.EvictErr != nil {
			t.Errorf("evicted %v, %v", g.Evicted, g.EvictErr)
		}
	}
	if n := h.store.updates.Load(); h.lists.lists > 0 || n > 0 {
		t.Errorf("%d lists and %d updates, want none", h.lists.lists, n)
	}
}

// TestEvictionCountsOpenSessions: sessions that are over do not use up the limit, and are not ended
// again.
func TestEvictionCountsOpenSessions(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, h *limited, g session.Granted)
	}{
		{"revoked", func(t *testing.T, h *limited, g session.Granted) {
			if _, err := h.Logout(t.Context(), g.RefreshToken, nil); err != nil {
				t.Fatal(err)
			}
		}},
		{"idle", func(_ *testing.T, h *limited, _ session.Granted) { h.now = h.now.Add(15 * 24 * time.Hour) }},
		{"of an older token version", func(_ *testing.T, h *limited, _ session.Granted) { h.users.subject.TokenVersion++ }},
		{"of before a restore", func(_ *testing.T, h *limited, _ session.Granted) {
			h.Config().Rules.SessionsNotBefore = h.now.Add(time.Second)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newLimited(t, 1)
			over := h.open(t, "web")
			row.end(t, h, over)
			before := h.store.updates.Load()
			open := h.open(t, "web")
			if n := h.store.updates.Load() - before; n != 0 || len(open.Evicted) > 0 || h.revoked(t, over) == session.RevocationEvicted {
				t.Errorf("%d updates, evicted %v; want none", n, open.Evicted)
			}
			h.isEvicted(t, h.open(t, "web"), open)
		})
	}
}

// TestALoginThatWasEndedEvictsNothing: the user ended all sessions after this login had read the
// user. The new session is dead, and must not end the open sessions.
func TestALoginThatWasEndedEvictsNothing(t *testing.T) {
	h := newLimited(t, 1)
	h.users.subject.TokenVersion++
	open := h.open(t, "web")
	h.users.subject.TokenVersion--
	late := h.open(t, "web")
	if len(late.Evicted) > 0 || h.revoked(t, open) != "" {
		t.Errorf("a login of an older token version has evicted %v", late.Evicted)
	}
}

// TestStepUpEvictsNothing: a step-up replaces a session. The replaced session does not count during
// the handover, and ends together with its replacement.
func TestStepUpEvictsNothing(t *testing.T) {
	h := newLimited(t, 2)
	kept, old := h.open(t, "web"), h.open(t, "web")
	h.now = h.now.Add(time.Minute)
	o := h.opening(auth.Balanced)
	o.Client.ID, o.Client.MaxSessions = "web", h.limit
	h.lists.lists = 0
	next, err := h.StepUp(t.Context(), old.Session.ID, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(next.Evicted) > 0 || h.lists.lists > 0 || h.revoked(t, kept) != "" || h.revoked(t, old) != "" {
		t.Errorf("a step-up has evicted %v with %d lists", next.Evicted, h.lists.lists)
	}
	h.isEvicted(t, h.open(t, "web"), kept)
	last := h.open(t, "web")
	h.isEvicted(t, last, next)
	if got := last.Evicted[0].Replaced; !slices.Equal(got, []session.Key{old.Session.Key}) || h.revoked(t, old) != session.RevocationStepUp {
		t.Errorf("the replaced session is %v, revoked for %q", got, h.revoked(t, old))
	}
}

// TestEvictionWithAClockBehind: the login is not evicted although its clock is behind, and does not
// evict sessions of later use. One session more than the limit stays until the next login.
func TestEvictionWithAClockBehind(t *testing.T) {
	h := newLimited(t, 1)
	ahead := h.open(t, "web")
	h.now = h.now.Add(-10 * time.Second)
	before := h.now
	h.now = h.now.Add(-time.Minute)
	behind := h.open(t, "web")
	if !behind.Session.LastSeen.Equal(before) {
		t.Fatal(behind.Session.LastSeen)
	}
	h.isEvicted(t, behind)
	h.now = h.now.Add(-time.Minute)
	again := h.open(t, "web") // of the same millisecond: the ID decides, and a login never evicts its own session
	if h.revoked(t, again) != "" || h.revoked(t, ahead) != "" {
		t.Error("a login evicted itself, or a session of later use")
	}
	h.now = h.now.Add(20 * time.Second)
	last := h.open(t, "web")
	if len(last.Evicted) == 0 || ended(last)[len(last.Evicted)-1] != ahead.Session.ID || h.revoked(t, last) != "" {
		t.Errorf("the next login has evicted %v", ended(last))
	}
	if page, err := h.List(t.Context(), h.users.subject, session.ID{}, session.ID{}, 10); err != nil || len(page.Sessions) != 1 {
		t.Errorf("%d sessions are left, %v; want 1", len(page.Sessions), err)
	}
}

// TestASessionInUseIsNotEvicted: a session that is refreshed after the login listed it is not
// evicted.
func TestASessionInUseIsNotEvicted(t *testing.T) {
	h := newLimited(t, 1)
	used := h.open(t, "web")
	h.lists.between = func() {
		h.lists.between = nil
		h.now = h.now.Add(time.Hour)
		if outcome, _ := h.refresh(t, used.RefreshToken); outcome != session.OutcomeRotated {
			t.Error(outcome)
		}
	}
	h.isEvicted(t, h.open(t, "web"))
	if reason := h.revoked(t, used); reason != "" {
		t.Errorf("the session that was used is revoked for %q", reason)
	}
}

// TestAClientThatHangsUpKeepsNoMore: the context ends when the session is written.
func TestAClientThatHangsUpKeepsNoMore(t *testing.T) {
	h := newLimited(t, 1)
	first := h.open(t, "web")
	ctx, hangUp := context.WithCancel(t.Context())
	h.Config().Store = created{h.lists, hangUp}
	h.now = h.now.Add(time.Minute)
	o := h.opening(auth.Balanced)
	o.Client.ID, o.Client.MaxSessions = "web", h.limit
	g, err := h.Open(ctx, o)
	if err != nil || ctx.Err() == nil {
		t.Fatal(err)
	}
	h.isEvicted(t, g, first)
}

// created calls then after a session is written.
type created struct {
	session.Store
	then func()
}

func (c created) Create(ctx context.Context, s session.Session) error {
	defer c.then()
	return c.Store.Create(ctx, s)
}

// TestAnEvictionThatFails does not fail the login. The error names the session that may be left,
// and the next login ends it.
func TestAnEvictionThatFails(t *testing.T) {
	h := newLimited(t, 1)
	first := h.open(t, "web")
	failed := func(what string, outcome session.Outcome, key session.Key) session.Granted {
		g := h.open(t, "web")
		var refusal *session.Refusal
		if !errors.As(g.EvictErr, &refusal) || !errors.Is(g.EvictErr, auth.ErrUnavailable) || refusal.Outcome != outcome ||
			refusal.Session != key || refusal.Client != "web" || len(g.Evicted) > 0 {
			t.Errorf("%s: evicted %v, %+v", what, g.Evicted, refusal)
		}
		if outcome, _ := h.refresh(t, g.RefreshToken); !outcome.Grants() {
			t.Errorf("%s: the new session: %s", what, outcome)
		}
		return g
	}
	h.lists.fail = auth.ErrUnavailable
	second := failed("no list", session.OutcomeFailed, session.Key{Subject: first.Session.Subject})
	h.lists.fail = nil
	h.store.fail = func(int32) error {
		h.store.fail = nil
		return session.ErrThrottled
	}
	third := failed("no end", session.OutcomeThrottled, first.Session.Key)
	h.isEvicted(t, h.open(t, "web"), first, second, third)
}

// TestEvictionIsBounded: a user has more sessions than one query reads. Each login ends a part of
// them.
func TestEvictionIsBounded(t *testing.T) {
	h := newLimited(t, 1)
	const many = 2500
	first := h.open(t, "mobile").Session
	create := make(chan session.Session)
	done := make(chan error)
	for range 50 {
		go func() {
			var errs []error
			for s := range create {
				errs = append(errs, h.store.Create(t.Context(), s))
			}
			done <- errors.Join(errs...)
		}()
	}
	for i := range many {
		s := first
		s.Client, s.ID = "web", session.ID{byte(i >> 8), byte(i), 1}
		create <- s
	}
	close(create)
	for range 50 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		h.lists.lists = 0
		before := h.store.updates.Load()
		g := h.open(t, "web")
		if n := h.store.updates.Load() - before; h.lists.lists != 2 || n > 100 || g.EvictErr == nil && len(g.Evicted) != 100 || len(g.Evicted) == 0 {
			t.Errorf("%d lists, %d updates, %d evicted, %v", h.lists.lists, n, len(g.Evicted), g.EvictErr)
		}
		if h.revoked(t, g) != "" {
			t.Error("the new session was evicted")
		}
	}
}

func TestOpenRefusesANegativeLimit(t *testing.T) {
	h := newTestManager(t)
	o := h.opening(auth.Balanced)
	o.Client.MaxSessions = -1
	if _, err := h.Open(t.Context(), o); err == nil {
		t.Error("a negative limit is accepted")
	}
}

// TestEvictionSparesAReplacedSessionInUse: the answer of a step-up was lost, and the client
// continues with the replaced session. Only the replacement, which no client uses, is evicted.
func TestEvictionSparesAReplacedSessionInUse(t *testing.T) {
	h := newLimited(t, 2)
	old := h.open(t, "web")
	o := h.opening(auth.Balanced)
	o.Client.ID = "web"
	lost, err := h.StepUp(t.Context(), old.Session.ID, o)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(handover + time.Minute)
	if outcome, _ := h.refresh(t, old.RefreshToken); outcome != session.OutcomeRotated {
		t.Fatal(outcome)
	}
	h.isEvicted(t, h.open(t, "web"), lost)
	if reason := h.revoked(t, old); reason != "" {
		t.Errorf("the session in use is revoked for %q", reason)
	}
}
