package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Sessions checks that a session.Store behaves as package session defines it. open returns the
// store, which may hold other sessions. cases is the number of generated cases; all boundary cases
// always run.
func Sessions(t *testing.T, cases int, open func(testing.TB) session.Store) {
	store := open(t)
	t.Run("EqualsTheRules", func(t *testing.T) { EqualsTheRules(t, store, cases, 1) })
	t.Run("CreateGetList", func(t *testing.T) { createGetList(t, store) })
	t.Run("MadeUpIDsCreateNothing", func(t *testing.T) { madeUp(t, store) })
	t.Run("ParallelRefreshes", func(t *testing.T) { parallelRefreshes(t, store) })
	t.Run("RevokeAgainstRefresh", func(t *testing.T) { revokeAgainstRefresh(t, store) })
	t.Run("ParallelLogins", func(t *testing.T) { parallelLogins(t, store) })
	t.Run("DeleteAll", func(t *testing.T) { deleteAllSessions(t, store) })
	t.Run("DeleteAllAgainstRefresh", func(t *testing.T) { deleteAllAgainstRefresh(t, store) })
}

// EqualsTheRules compares the store with the rules on an item in memory, for n generated cases.
func EqualsTheRules(t *testing.T, store session.Store, n int, seed uint64) {
	all := Cases(n, seed, func(i int) auth.SubjectID { return subjectOf(t, i) })
	for _, err := range Compare(t.Context(), store, all) {
		t.Error(err)
	}
	seen := map[session.Outcome]int{}
	for _, c := range all {
		seen[c.rules().Decide(c.Presented, c.Item).Outcome]++
	}
	for _, o := range []session.Outcome{session.OutcomeRotated, session.OutcomeRecovered, session.OutcomeDuplicate, session.OutcomeSame, session.OutcomeExtended,
		session.OutcomeFork, session.OutcomeReuse, session.OutcomeMissing, session.OutcomeRevoked, session.OutcomeIdle, session.OutcomeAbsolute, session.OutcomeForeignClient, session.OutcomeOtherDelivery,
		session.OutcomeBehind, session.OutcomeNotBefore, session.OutcomeReauth} {
		if seen[o] == 0 {
			t.Errorf("no case of %q was among %d", o, len(all))
		}
	}
}

// Compare runs the cases in the store and in memory, each a refresh and then an update of any form.
// It returns every difference: in the item before, in whether the update was written, and in the
// item afterwards.
func Compare(ctx context.Context, store session.Store, cases []Case) []error {
	errs := make([]error, len(cases))
	parallel(len(cases), 64, func(i int) {
		if err := equalsTheRules(ctx, store, cases[i]); err != nil {
			errs[i] = fmt.Errorf("case %d (%s): %w", i, cases[i].Name, err)
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func equalsTheRules(ctx context.Context, store session.Store, c Case) error {
	rules, key := c.rules(), c.Presented.Token.Key()
	var model *session.Session
	if c.Item != nil {
		item := *c.Item
		model = &item
		if err := store.Create(ctx, item); err != nil {
			return err
		}
	}
	update := func(what string, u session.Update) error {
		var wantBefore *session.Session
		if model != nil {
			item := *model
			wantBefore = &item
		}
		wantDone := u.Do(model)
		before, done, err := store.Update(ctx, key, u)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if done != wantDone {
			return fmt.Errorf("%s: written %t, the rules say %t", what, done, wantDone)
		}
		if d := difference(wantBefore, before); d != "" {
			return fmt.Errorf("%s: before: %s", what, d)
		}
		return nil
	}
	// The update finds what the refresh has left.
	if err := update("refresh", rules.Rotate(c.Presented)); err != nil {
		return err
	}
	if err := update("update", c.Then); err != nil {
		return err
	}
	after, err := store.Get(ctx, key)
	switch {
	case model == nil && !errors.Is(err, auth.ErrNotFound):
		return fmt.Errorf("a missing session is found: %v, %v", after, err)
	case model == nil:
		return nil
	case err != nil:
		return err
	}
	if d := difference(*model, after); d != "" {
		return fmt.Errorf("afterwards: %s", d)
	}
	return nil
}

func createGetList(t *testing.T, store session.Store) {
	ctx, of := t.Context(), subjectOf(t, 0)
	made := map[session.ID]session.Session{}
	for i := range 25 {
		s := *plain(auth.Balanced).Item
		s.Key = session.Key{Subject: of, ID: session.ID{byte(i * 7), byte(i + 1)}}
		if i%5 == 0 {
			s.Revocation = &session.Revocation{At: Epoch, Reason: session.RevocationTheft}
		}
		made[s.ID] = s
		if err := store.Create(ctx, s); err != nil {
			t.Fatal(err)
		}
		// A retry of the test's own write after a lost reply succeeds and changes nothing.
		again := s
		again.Generation++
		if err := store.Create(ctx, again); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(ctx, s.Key); err != nil || difference(s, got) != "" {
			t.Fatalf("Get: %v %s", err, difference(s, got))
		}
	}
	// A subject that begins with the name of another subject is a different subject.
	other := *plain(auth.Balanced).Item
	other.Key = session.Key{Subject: of + "0", ID: session.ID{9}}
	if err := store.Create(ctx, other); err != nil {
		t.Fatal(err)
	}
	var after session.ID
	for seen := map[session.ID]bool{}; ; {
		page, err := store.List(ctx, of, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page {
			if seen[s.ID] {
				t.Errorf("%v listed twice", s.ID)
			}
			if d := difference(made[s.ID], s); d != "" {
				t.Errorf("listed: %s", d)
			}
			after, seen[s.ID] = s.ID, true
		}
		if len(page) < 7 {
			if len(seen) != len(made) {
				t.Errorf("%d listed of %d", len(seen), len(made))
			}
			return
		}
	}
}

func madeUp(t *testing.T, store session.Store) {
	for i, c := range Cases(0, 2, func(i int) auth.SubjectID { return subjectOf(t, i%10) })[:100] {
		c.Item = nil
		for _, u := range []session.Update{session.DefaultRules().Rotate(c.Presented), c.Then,
			session.Revoke(Epoch, session.RevocationLogout), {Set: session.Change{Label: new(string)}}} {
			if before, done, err := store.Update(t.Context(), c.Presented.Token.Key(), u); before != nil || done || err != nil {
				t.Fatalf("an update of a missing session: %v, %v, %v", before, done, err)
			}
		}
		if found, err := store.List(t.Context(), subjectOf(t, i%10), session.ID{}, 10); err != nil || len(found) != 0 {
			t.Fatalf("created %v, %v", found, err)
		}
	}
}

// parallelRefreshes presents one token a hundred times at once. Exactly one request rotates, and
// every answer can continue the session.
func parallelRefreshes(t *testing.T, store session.Store) {
	const n = 100
	c := &clock{now: Epoch}
	m := newManager(t, store, c)
	opened := open(t, m, subjectOf(t, 0), auth.Balanced)
	granted := make([]session.Granted, n)
	parallel(n, n, func(i int) {
		var err error
		if granted[i], err = m.Refresh(t.Context(), session.Request{RefreshToken: opened.RefreshToken}); err != nil {
			t.Errorf("refresh %d: %v", i, err)
		}
	})
	if t.Failed() {
		return
	}
	rotations, texts := 0, map[string]bool{}
	for _, g := range granted {
		if g.Outcome == session.OutcomeRotated {
			rotations++
		}
		texts[g.RefreshToken.Reveal()] = true
	}
	if rotations != 1 || len(texts) != n {
		t.Errorf("%d rotations and %d different answers", rotations, len(texts))
	}
	if s, err := store.Get(t.Context(), opened.Session.Key); err != nil || s.Generation != 1 {
		t.Errorf("generation %d, %v", s.Generation, err)
	}
	// Each answer can continue the session. The code below checks that only one of them does.
	c.Advance(10 * time.Minute)
	rules := session.DefaultRules()
	for i, g := range granted {
		token, err := m.codec.Parse(t.Context(), g.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		item, err := store.Get(t.Context(), opened.Session.Key)
		if err != nil {
			t.Fatal(err)
		}
		p := session.Presented{Token: token, Now: c.Now(), Invocation: session.Invocation{1}}
		if o := rules.Decide(p, &item).Outcome; o != session.OutcomeRotated {
			t.Errorf("answer %d would be %s", i, o)
		}
	}
	for i, want := range []session.Outcome{session.OutcomeRotated, session.OutcomeFork} {
		g, err := m.Refresh(t.Context(), session.Request{RefreshToken: granted[i].RefreshToken})
		if got := outcomeOf(g, err); got != want {
			t.Errorf("holder %d: %s, want %s (%v)", i, got, want, err)
		}
	}
	if s, err := store.Get(t.Context(), opened.Session.Key); err != nil || s.Revocation == nil || s.Revocation.Reason != session.RevocationTheft {
		t.Errorf("two holders went different ways, and the session is %+v, %v", s, err)
	}
}

// revokeAgainstRefresh ends a session before, after and at the same time as refreshes. Afterwards
// no token of the session works.
func revokeAgainstRefresh(t *testing.T, store session.Store) {
	parallel(60, 20, func(i int) {
		ctx, c := t.Context(), &clock{now: Epoch}
		m := newManager(t, store, c)
		opened := open(t, m, subjectOf(t, i), auth.Profile(1+i%3))
		tokens := make([]auth.Secret, 4)
		order := i / 3 % 3 // 0: revoke first, 1: last, 2: at the same time
		revoke := func() {
			if _, err := m.Revoke(ctx, opened.Session.Key, session.RevocationLogout); err != nil {
				t.Error(err)
			}
		}
		refresh := func(j int) {
			tokens[j] = opened.RefreshToken
			if g, err := m.Refresh(ctx, session.Request{RefreshToken: opened.RefreshToken}); err == nil {
				tokens[j] = g.RefreshToken
			} else if !errors.Is(err, session.ErrEnded) {
				t.Error(err)
			}
		}
		switch order {
		case 0:
			revoke()
			parallel(len(tokens), len(tokens), refresh)
		case 1:
			parallel(len(tokens), len(tokens), refresh)
			revoke()
		default:
			parallel(len(tokens), len(tokens), func(j int) {
				if j == 2 {
					revoke()
				} else {
					refresh(j)
				}
			})
		}
		for _, d := range []time.Duration{0, time.Minute, time.Hour} {
			c.Advance(d)
			for _, token := range append(tokens, opened.RefreshToken) {
				if token == (auth.Secret{}) {
					continue
				}
				if g, err := m.Refresh(ctx, session.Request{RefreshToken: token}); !errors.Is(err, session.ErrEnded) {
					t.Errorf("order %d: a token works %v after the revocation: %s, %v", order, d, g.Outcome, err)
				}
			}
		}
	})
}

func outcomeOf(g session.Granted, err error) session.Outcome {
	var refusal *session.Refusal
	if errors.As(err, &refusal) {
		return refusal.Outcome
	}
	return g.Outcome
}
