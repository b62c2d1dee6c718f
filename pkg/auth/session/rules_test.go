package session_test

import (
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

var (
	epoch   = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	mine    = session.Branch{1}
	sibling = session.Branch{2}
	fresh   = session.Branch{3}
	nonce   = session.Invocation{4}
)

// item returns a balanced session in generation 5, which the branch sibling began an hour ago.
func item(change func(*session.Session)) *session.Session {
	s := &session.Session{
		Key: session.Key{Subject: "s"}, Kind: session.RefreshKind, Profile: auth.Balanced, Client: "app", Generation: 5, Parent: sibling, RotatedAt: epoch.Add(-time.Hour),
		IdleTimeout: 14 * 24 * time.Hour, IdleEnd: epoch.Add(time.Hour), AbsoluteEnd: epoch.Add(24 * time.Hour),
	}
	if change != nil {
		change(s)
	}
	return s
}

// presented returns a refresh with branch mine of generation 5, issued an hour ago.
func presented(change func(*session.Presented)) session.Presented {
	p := session.Presented{
		Token: session.Token{Profile: auth.Balanced, Subject: "s", Generation: 5, Branch: mine, IssuedAt: epoch.Add(-time.Hour)},
		Now:   epoch, Invocation: nonce, Fresh: fresh,
	}
	if change != nil {
		change(&p)
	}
	return p
}

// TestOutcomeTable covers every row of the decision table, and each boundary to the millisecond.
func TestOutcomeTable(t *testing.T) {
	const ms = time.Millisecond
	type S = *session.Session
	type P = *session.Presented
	another := auth.ClientID("another")
	same := auth.ClientID("app")
	token := func(generation uint64, branch session.Branch) func(P) {
		return func(p P) { p.Token.Generation, p.Token.Branch = generation, branch }
	}
	strict := func(p P) { p.Token.Profile = auth.Strict }
	fixed := func(p P) { p.Token.Profile = auth.Fixed }
	of := func(profile auth.Profile, s S) S { s.Profile = profile; return s }
	rotated := func(ago time.Duration) func(S) { return func(s S) { s.RotatedAt = epoch.Add(-ago) } }
	child := func(ago time.Duration) func(S) {
		return func(s S) { s.Generation, s.Parent, s.RotatedAt = 6, mine, epoch.Add(-ago) }
	}
	issued := func(ago time.Duration) func(P) { return func(p P) { p.Token.IssuedAt = epoch.Add(-ago) } }
	for _, row := range []struct {
		name  string
		item  *session.Session
		p     session.Presented
		want  session.Outcome
		wrote bool
	}{
		{"first refresh after login", item(func(s S) { s.RotatedAt = time.Time{} }), presented(nil), session.OutcomeRotated, true},
		{"an interval after the last", item(rotated(150 * time.Second)), presented(issued(150 * time.Second)), session.OutcomeRotated, true},
		{"within the interval", item(rotated(150*time.Second - ms)), presented(issued(149 * time.Second)), session.OutcomeSame, false},
		{"parent used L after the issue", item(rotated(160 * time.Second)), presented(issued(400 * time.Second)), session.OutcomeRotated, true},
		{"parent used later than that", item(rotated(160*time.Second - ms)), presented(issued(400 * time.Second)), session.OutcomeReuse, false},
		{"the same within the interval", item(rotated(0)), presented(issued(241 * time.Second)), session.OutcomeReuse, false},
		{"at the bound within the interval", item(rotated(0)), presented(issued(240 * time.Second)), session.OutcomeSame, false},

		{"duplicate at once", item(child(0)), presented(nil), session.OutcomeDuplicate, false},
		{"duplicate within the grace period", item(child(30*time.Second - ms)), presented(nil), session.OutcomeDuplicate, false},
		{"duplicate after it", item(child(30 * time.Second)), presented(nil), session.OutcomeRecovered, true},
		{"duplicate much later", item(child(24 * time.Hour)), presented(nil), session.OutcomeRecovered, true},
		{"own retry of a rotation", item(func(s S) { child(0)(s); s.Invocation = nonce }), presented(nil), session.OutcomeRotated, false},
		{"own retry in strict", of(auth.Strict, item(func(s S) { child(0)(s); s.Invocation = nonce })), presented(strict), session.OutcomeRotated, false},
		{"a zero invocation is no retry", item(func(s S) { s.Generation = 7 }), presented(func(p P) { p.Invocation = session.Invocation{} }), session.OutcomeReuse, false},

		{"a sibling has gone on", item(func(s S) { s.Generation = 6 }), presented(nil), session.OutcomeFork, false},
		{"its successor was used", item(func(s S) { s.Generation = 7 }), presented(nil), session.OutcomeReuse, false},
		{"its successor was used, same parent", item(func(s S) { s.Generation, s.Parent = 7, mine }), presented(nil), session.OutcomeReuse, false},
		{"long ago", item(func(s S) { s.Generation = 70 }), presented(nil), session.OutcomeReuse, false},
		{"newer than the table", item(nil), presented(token(6, mine)), session.OutcomeBehind, false},

		{"missing", nil, presented(nil), session.OutcomeMissing, false},
		{"idle", item(func(s S) { s.IdleEnd = epoch }), presented(nil), session.OutcomeIdle, false},
		{"just not idle", item(func(s S) { s.IdleEnd = epoch.Add(ms) }), presented(nil), session.OutcomeRotated, true},
		{"absolute end", item(func(s S) { s.AbsoluteEnd = epoch }), presented(nil), session.OutcomeAbsolute, false},
		{"just before the absolute end", item(func(s S) { s.AbsoluteEnd = epoch.Add(ms) }), presented(nil), session.OutcomeRotated, true},
		{"revoked", item(func(s S) { s.Revocation = &session.Revocation{At: epoch, Reason: session.RevocationLogout} }), presented(nil), session.OutcomeRevoked, false},
		{"revoked and a copy", item(func(s S) {
			s.Generation, s.Revocation = 9, &session.Revocation{At: epoch, Reason: session.RevocationTheft}
		}), presented(nil), session.OutcomeRevoked, false},
		{"another client", item(nil), presented(func(p P) { p.Client = &another }), session.OutcomeForeignClient, false},
		{"another client's copy revokes nothing", item(func(s S) { s.Generation = 9 }), presented(func(p P) { p.Client = &another }), session.OutcomeForeignClient, false},
		{"its own client", item(nil), presented(func(p P) { p.Client = &same }), session.OutcomeRotated, true},

		{"strict rotates within the interval", of(auth.Strict, item(rotated(ms))), presented(strict), session.OutcomeRotated, true},
		{"strict forgives no duplicate", of(auth.Strict, item(child(0))), presented(strict), session.OutcomeReuse, false},
		{"strict, restored table", of(auth.Strict, item(nil)), presented(func(p P) { strict(p); token(6, mine)(p) }), session.OutcomeBehind, false},
		{"strict, idle", of(auth.Strict, item(func(s S) { s.IdleEnd = epoch })), presented(strict), session.OutcomeIdle, false},

		{"fixed slides", of(auth.Fixed, item(rotated(ms))), presented(fixed), session.OutcomeExtended, true},
		{"fixed, idle", of(auth.Fixed, item(func(s S) { s.IdleEnd = epoch })), presented(fixed), session.OutcomeIdle, false},
		{"fixed, another client", of(auth.Fixed, item(nil)), presented(func(p P) { fixed(p); p.Client = &another }), session.OutcomeForeignClient, false},

		{"a fixed token of a balanced session", item(nil), presented(fixed), session.OutcomeReuse, false},
		{"a fixed token of a strict session", of(auth.Strict, item(nil)), presented(fixed), session.OutcomeReuse, false},
		{"a balanced token of a strict session", of(auth.Strict, item(rotated(0))), presented(nil), session.OutcomeReuse, false},
		{"a strict token of a balanced session", item(nil), presented(strict), session.OutcomeReuse, false},
		{"a balanced token of a fixed session", of(auth.Fixed, item(nil)), presented(nil), session.OutcomeReuse, false},
		{"another profile, newer than the table", item(nil), presented(func(p P) { fixed(p); token(6, mine)(p) }), session.OutcomeReuse, false},
		{"another profile, idle", item(func(s S) { s.IdleEnd = epoch }), presented(fixed), session.OutcomeIdle, false},
		{"another profile and client", item(nil), presented(func(p P) { fixed(p); p.Client = &another }), session.OutcomeForeignClient, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			rules := session.DefaultRules()
			d := rules.Decide(row.p, row.item)
			if d.Outcome != row.want || d.Wrote != row.wrote {
				t.Fatalf("%s, written %t; want %s, %t", d.Outcome, d.Wrote, row.want, row.wrote)
			}
			if (d.Revoke != nil) != row.want.Theft() {
				t.Errorf("revokes: %t", d.Revoke != nil)
			}
			checkAnswer(t, row.p, d)
			if row.item == nil {
				return
			}
			before := *row.item
			rules.Refresh(row.p, row.item)
			checkItem(t, before, *row.item, row.p, d)
		})
	}
}

// checkAnswer checks the next token against the outcome.
func checkAnswer(t *testing.T, p session.Presented, d session.Decision) {
	t.Helper()
	next := session.Token{}
	switch d.Outcome {
	case session.OutcomeSame, session.OutcomeExtended:
		next = p.Token
	case session.OutcomeRotated, session.OutcomeRecovered, session.OutcomeDuplicate, session.OutcomeRestored:
		next = p.Token
		next.Generation, next.Branch, next.IssuedAt = p.Token.Generation+1, p.Fresh, p.Now
	}
	if d.Next != next {
		t.Errorf("next %+v, want %+v", d.Next, next)
	}
}

// checkItem checks the item after the refresh against the outcome.
func checkItem(t *testing.T, before, after session.Session, p session.Presented, d session.Decision) {
	t.Helper()
	want := before
	if d.Wrote {
		want.LastSeen, want.IdleEnd = p.Now, p.Now.Add(want.IdleTimeout)
		if d.Outcome != session.OutcomeExtended {
			want.Generation, want.Parent = p.Token.Generation+1, p.Token.Branch
			want.RotatedAt, want.Invocation = p.Now, p.Invocation
		}
	}
	if d.Outcome.Theft() {
		if after.Revocation == nil || *after.Revocation != (session.Revocation{At: p.Now, Reason: session.RevocationTheft}) {
			t.Errorf("revocation %+v", after.Revocation)
		}
		want.Revocation = after.Revocation
	}
	if !equal(want, after) {
		t.Errorf("item\n got %+v\nwant %+v", after, want)
	}
}

func TestRestoredWindow(t *testing.T) {
	rules := session.DefaultRules()
	rules.RestoredUntil = epoch.Add(time.Second)
	p := presented(func(p *session.Presented) { p.Token.Generation = 9 })
	s := item(nil)
	if d := rules.Refresh(p, s); d.Outcome != session.OutcomeRestored || s.Generation != 10 || s.Parent != mine {
		t.Errorf("in the window: %s, item %+v", d.Outcome, s)
	}
	// Within the window, a token that the table knows to be used is still a theft.
	s = item(func(s *session.Session) { s.Generation = 7 })
	if d := rules.Refresh(presented(nil), s); d.Outcome != session.OutcomeReuse || s.Revocation == nil {
		t.Errorf("a copy in the window: %s", d.Outcome)
	}
	// A token of another profile does not catch up either.
	s = item(func(s *session.Session) { s.Profile = auth.Strict })
	if d := rules.Refresh(p, s); d.Outcome != session.OutcomeReuse || s.Generation != 5 || s.Revocation == nil {
		t.Errorf("another profile in the window: %s, item %+v", d.Outcome, s)
	}
	p.Now = epoch.Add(time.Second)
	s = item(nil)
	if d := rules.Refresh(p, s); d.Outcome != session.OutcomeBehind || s.Generation != 5 || s.Revocation != nil {
		t.Errorf("after the window: %s, item %+v", d.Outcome, s)
	}
}

// TestSessionsNotBefore: a session that was created before the instant is over for every token and
// every profile, and nothing is written. A theft is not reported separately, because the session is
// over for every holder.
func TestSessionsNotBefore(t *testing.T) {
	const ms = time.Millisecond
	born := epoch.Add(-48 * time.Hour)
	for _, row := range []struct {
		name      string
		notBefore time.Time
		item      func(*session.Session)
		p         func(*session.Presented)
		want      session.Outcome
	}{
		{"none declared", time.Time{}, nil, nil, session.OutcomeRotated},
		{"created at the instant", born, nil, nil, session.OutcomeRotated},
		{"created within its millisecond", born.Add(ms - 1), nil, nil, session.OutcomeRotated},
		{"created before it", born.Add(ms), nil, nil, session.OutcomeNotBefore},
		{"in another zone", born.Add(ms).In(time.FixedZone("", 3600)), nil, nil, session.OutcomeNotBefore},
		{"first refresh", born.Add(ms), func(s *session.Session) { s.RotatedAt = time.Time{} }, nil, session.OutcomeNotBefore},
		{"strict", born.Add(ms), func(s *session.Session) { s.Profile = auth.Strict }, func(p *session.Presented) { p.Token.Profile = auth.Strict }, session.OutcomeNotBefore},
		{"fixed", born.Add(ms), func(s *session.Session) { s.Profile = auth.Fixed }, func(p *session.Presented) { p.Token.Profile = auth.Fixed }, session.OutcomeNotBefore},
		{"a copy", born.Add(ms), func(s *session.Session) { s.Generation = 9 }, nil, session.OutcomeNotBefore},
		{"newer than the table", born.Add(ms), nil, func(p *session.Presented) { p.Token.Generation = 9 }, session.OutcomeNotBefore},
		{"idle as well", born.Add(ms), func(s *session.Session) { s.IdleEnd = epoch }, nil, session.OutcomeNotBefore},
		{"revoked as well", born.Add(ms), func(s *session.Session) { s.Revocation = &session.Revocation{At: epoch} }, nil, session.OutcomeRevoked},
	} {
		rules := session.DefaultRules()
		rules.SessionsNotBefore = row.notBefore
		s := item(row.item)
		s.CreatedAt = born
		before := *s
		d := rules.Refresh(presented(row.p), s)
		if d.Outcome != row.want || d.Outcome.Terminal() == d.Outcome.Grants() || d.Wrote != (row.want == session.OutcomeRotated) {
			t.Errorf("%s: %s, written %t", row.name, d.Outcome, d.Wrote)
		}
		if !d.Wrote && !equal(before, *s) {
			t.Errorf("%s: the item is %+v", row.name, s)
		}
	}
}

func TestUpdateTouchesNoTombstoneAndNoMissingItem(t *testing.T) {
	dead := item(func(s *session.Session) {
		s.Revocation = &session.Revocation{At: epoch, Reason: session.RevocationLogout}
	})
	before := *dead
	label := "x"
	for _, u := range []session.Update{
		session.Revoke(epoch.Add(time.Hour), session.RevocationAdmin),
		{Set: session.Change{Label: &label}},
		session.DefaultRules().Rotate(presented(nil)),
	} {
		if u.Do(nil) || u.Do(dead) || !equal(before, *dead) {
			t.Errorf("%+v was done", u)
		}
	}
}

func TestGrantsTerminalTheft(t *testing.T) {
	for _, o := range []session.Outcome{session.OutcomeRotated, session.OutcomeRecovered, session.OutcomeDuplicate, session.OutcomeSame, session.OutcomeExtended,
		session.OutcomeRestored} {
		if !o.Grants() || o.Terminal() || o.Theft() {
			t.Errorf("%s: grants %t, terminal %t, theft %t", o, o.Grants(), o.Terminal(), o.Theft())
		}
	}
	for _, o := range []session.Outcome{session.OutcomeFork, session.OutcomeReuse} {
		if o.Grants() || !o.Terminal() || !o.Theft() {
			t.Errorf("%s: grants %t, terminal %t, theft %t", o, o.Grants(), o.Terminal(), o.Theft())
		}
	}
	for _, o := range []session.Outcome{session.OutcomeForeignClient, session.OutcomeUnknownClient, session.OutcomeWiderScope, session.OutcomeBehind, session.OutcomeThrottled, session.OutcomeFailed} {
		if o.Grants() || o.Terminal() || o.Theft() {
			t.Errorf("%s: grants %t, terminal %t, theft %t", o, o.Grants(), o.Terminal(), o.Theft())
		}
	}
	// An outcome that Grants and Terminal do not list must be refused permanently, not granted.
	if o := session.Outcome("new"); o.Grants() || !o.Terminal() {
		t.Error("an unknown outcome grants")
	}
}
