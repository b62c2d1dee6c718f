package dynamo_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

var faults = map[string]struct {
	fault   fault.Fault
	retried bool            // the SDK retries by itself
	outcome session.Outcome // the outcome after recovery
}{
	"throttled":       {fault.Throttled, true, session.OutcomeThrottled},
	"over throughput": {fault.OverThroughput, true, session.OutcomeThrottled},
	"internal error":  {fault.InternalError, true, session.OutcomeFailed},
	"unavailable":     {fault.Unavailable, true, session.OutcomeFailed},
	"access denied":   {fault.AccessDenied, false, session.OutcomeFailed},
	"reset before":    {fault.ResetBefore, true, session.OutcomeFailed},
	"reset after":     {fault.ResetAfter, true, session.OutcomeFailed},
	"time-out before": {fault.ExpiredBefore, true, session.OutcomeFailed},
	"time-out after":  {fault.ExpiredAfter, true, session.OutcomeFailed},
	"garbled after":   {fault.Garbled, false, session.OutcomeFailed},
}

const always = 1 << 20

// TestFaultsOfARefresh injects faults into the write and the read of a refresh, once and
// permanently.
func TestFaultsOfARefresh(t *testing.T) {
	e := engine.DynamoDBLocal(t)
	for name, f := range faults {
		for _, operation := range []string{"UpdateItem", "GetItem"} {
			t.Run(name+" of "+operation, func(t *testing.T) {
				t.Parallel()
				wire := &fault.Transport{}
				m := newManager(t, newDB(t, e, wire), func() time.Time { return storetest.Epoch })
				refresh := func(g session.Granted) (session.Granted, error) {
					return m.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
				}
				g := m.login(t, aClient)

				// One reply is lost. The SDK's retry recognises its own write, and the client
				// notices nothing.
				wire.Fail(operation, 1, f.fault)
				next, err := refresh(g)
				if f.retried && (err != nil || next.Outcome != session.OutcomeRotated || next.Session.Generation != 1) {
					t.Errorf("once: %s, generation %d, %v", next.Outcome, next.Session.Generation, err)
				}

				// No request gets through. The refresh is undecided, and the token stays valid.
				again := m.login(t, aClient)
				wire.Fail(operation, always, f.fault)
				var refusal *session.Refusal
				if _, err = refresh(again); !errors.As(err, &refusal) || !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, session.ErrEnded) {
					t.Fatalf("always: %v", err)
				}
				if refusal.Outcome != f.outcome {
					t.Errorf("always: %s, want %s", refusal.Outcome, f.outcome)
				}
				wire.Fail("", 0, nil)
				next, err = refresh(again)
				if err != nil || next.Session.Generation != 1 {
					t.Errorf("the next try: %s, generation %d, %v", next.Outcome, next.Session.Generation, err)
				}
			})
		}
	}
}

// TestTimeLimits waits for a reply that never comes, with the real time limits. First one attempt
// ends and is repeated, then the whole call ends.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	wire := &fault.Transport{}
	m := newManager(t, newDB(t, engine.DynamoDBLocal(t), wire), func() time.Time { return storetest.Epoch })
	g := m.login(t, aClient)
	wire.Fail("UpdateItem", 1, fault.TimeoutAfter)
	next, err := m.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
	if err != nil || next.Outcome != session.OutcomeRotated {
		t.Errorf("once: %s, %v", next.Outcome, err)
	}
	wire.Calls()
	wire.Fail("UpdateItem", always, fault.TimeoutBefore)
	if _, err := m.Refresh(t.Context(), session.Request{RefreshToken: next.RefreshToken}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("always: %v", err)
	}
	if n := wire.Calls()["UpdateItem"]; n < 2 {
		t.Errorf("%d attempts, want more than one", n)
	}
}

// TestFaultsOfCreations injects faults into the write of a login and of a new user.
func TestFaultsOfCreations(t *testing.T) {
	e := engine.DynamoDBLocal(t)
	creations := map[string]fault.Fault{"transaction conflict": fault.TransactConflict}
	for name, f := range faults {
		if f.retried {
			creations[name] = f.fault
		}
	}
	for name, f := range creations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			m := newManager(t, newDB(t, e, wire), func() time.Time { return storetest.Epoch })
			wire.Fail("PutItem", 1, f)
			if g, err := m.Open(t.Context(), session.Opening{Subject: m.subject, Client: aClient, AuthTime: m.now()}); name != "transaction conflict" &&
				(err != nil || g.RefreshToken.Reveal() == "") {
				t.Errorf("a session: %v", err)
			}
			u := user.User{ID: "another", Email: "another@example.com", Revision: 1}
			wire.Fail("TransactWriteItems", 1, f)
			if err := m.users.Create(t.Context(), u, rand.Text()); err != nil {
				t.Errorf("a user: %v", err)
			}
			u.ID, u.Email = "third", "third@example.com"
			wire.Fail("TransactWriteItems", always, f)
			if err := m.users.Create(t.Context(), u, rand.Text()); !errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("a user, always: %v", err)
			}
		})
	}
}

// After a lost reply, a retried update of a user is not a conflict with another process.
func TestOwnUpdateOfAUserIsNoConflict(t *testing.T) {
	wire := &fault.Transport{}
	users := newDB(t, engine.DynamoDBLocal(t), wire).Users()
	u := user.User{ID: "s", Email: "s@example.com", Revision: 1}
	if err := users.Create(t.Context(), u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	u.MustChange = true
	wire.Fail("UpdateItem", 1, fault.ResetAfter)
	if err := users.Update(t.Context(), u); err != nil {
		t.Errorf("after a lost reply: %v", err)
	}
	u.Revision, u.TokenVersion = 2, 7
	wire.Fail("TransactWriteItems", 1, fault.ResetAfter)
	if err := users.Update(t.Context(), u); err != nil {
		t.Errorf("a higher token version, after a lost reply: %v", err)
	}
	if got, err := users.Get(t.Context(), "s"); err != nil || got.Revision != 3 || got.TokenVersion != 7 || !got.MustChange {
		t.Errorf("%+v, %v", got, err)
	}
	if err := users.Update(t.Context(), u); !errors.Is(err, user.ErrConflict) {
		t.Errorf("a late writer: %v", err)
	}
}

// TestOwnEndOfASession: after a lost reply, the SDK's retry finds the tombstone of its own first
// attempt. The session must not count as ended before.
func TestOwnEndOfASession(t *testing.T) {
	wire := &fault.Transport{}
	m := newManager(t, newDB(t, engine.DynamoDBLocal(t), wire), func() time.Time { return storetest.Epoch })
	for name, end := range map[session.Outcome]func(session.Granted) (session.Ended, error){
		session.OutcomeLoggedOut: func(g session.Granted) (session.Ended, error) { return m.Logout(t.Context(), g.RefreshToken, nil) },
		session.OutcomeEnded: func(g session.Granted) (session.Ended, error) {
			return m.Revoke(t.Context(), g.Session.Key, session.RevocationAdmin)
		},
	} {
		g := m.login(t, aClient)
		wire.Fail("TransactWriteItems", 1, fault.ResetAfter)
		if e, err := end(g); err != nil || e.Outcome != name {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if e, err := end(g); err != nil || e.Outcome != session.OutcomeRevoked {
			t.Errorf("%s, again: %+v, %v", name, e, err)
		}
	}
}
