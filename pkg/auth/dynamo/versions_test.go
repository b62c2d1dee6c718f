package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestVersionsConformanceCatchesMutants changes the transaction of a raise by one fault at a time.
// The conformance suite must notice each fault.
func TestVersionsConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	replace := func(member, from, to string) func(*transaction) {
		return func(x *transaction) {
			for _, item := range x.TransactItems {
				w := item["Update"]
				if expression, _ := w[member].(string); strings.Contains(expression, from) {
					w[member] = strings.Replace(expression, from, to, 1)
					if strings.Contains(to, "#unused") {
						w["ExpressionAttributeNames"].(map[string]any)["#unused"] = "unused"
					}
				}
			}
		}
	}
	for name, edit := range map[string]func(*transaction){
		"the session is not written": func(x *transaction) { x.TransactItems = x.TransactItems[:1] },
		"any token version":          replace("ConditionExpression", "#token_version = :1", "(#token_version = :1 OR #token_version <> :1)"),
		"a higher token version":     replace("ConditionExpression", "#token_version = :1", "#token_version >= :1"),
		"an unknown user is made":    replace("ConditionExpression", "#v = :0 AND #token_version = :1", "(attribute_not_exists(#v) OR #v = :0 AND #token_version = :1)"),
		"a tombstone is written":     replace("ConditionExpression", " AND attribute_not_exists(#rev)", ""),
		"live at the idle end":       replace("ConditionExpression", "#idle_exp > ", "#idle_exp <> "),
		"the version is not written": replace("UpdateExpression", "#token_version = ", "#unused = "),
		"the revision stays":         replace("UpdateExpression", "#revision = ", "#unused = "),
		"the time is not written":    replace("UpdateExpression", "#updated = ", "#unused = "),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mutate := &transactionMutator{edit: func(x *transaction) {
				// Creations of users and changes of sessions stay as they are.
				if w := x.TransactItems[0]["Update"]; w != nil && strings.Contains(text(w["Key"]), `"u#`) {
					edit(x)
				}
			}}
			stores := storesIn(newDB(t, e, mutate).Unhurried())
			differences := firstOf(10, func(seed uint64) []error { return storetest.CompareVersions(t.Context(), stores, 40, seed) })
			if mutate.changed.Load() == 0 {
				t.Fatal("the mutation changed no request")
			}
			if len(differences) == 0 {
				t.Errorf("%d transactions were changed, and no difference was noticed", mutate.changed.Load())
			}
		})
	}
}

// TestFaultsOfARaise injects faults into the transaction that ends the other sessions. If one reply
// is lost, the retry recognises the write. If the outcome is unknown, the caller learns of every
// end.
func TestFaultsOfARaise(t *testing.T) {
	e := engine.DynamoDBLocal(t)
	all := map[string]fault.Fault{"transaction conflict": fault.TransactConflict}
	for name, f := range faults {
		if f.retried {
			all[name] = f.fault
		}
	}
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			m := newManager(t, newDB(t, e, wire), func() time.Time { return storetest.Epoch })
			own, other := m.login(t, aClient), m.login(t, aClient)
			wire.Fail("TransactWriteItems", 1, f)
			if done, err := m.EndOthers(t.Context(), m.subject, own.Session); !done || err != nil {
				t.Fatalf("once: %t, %v", done, err)
			}
			s, of, err := m.Check(t.Context(), own.Session.Key)
			if err != nil || of.TokenVersion != m.subject.TokenVersion+1 || s.TokenVersion != of.TokenVersion {
				t.Errorf("the kept session: version %d of %d, %v", s.TokenVersion, of.TokenVersion, err)
			}
			if _, _, err := m.Check(t.Context(), other.Session.Key); !errors.Is(err, session.ErrEnded) {
				t.Errorf("the other session: %v", err)
			}
			wire.Fail("TransactWriteItems", always, f)
			if done, err := m.EndAll(t.Context(), of, &s); done || !errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("always: %t, %v", done, err)
			}
		})
	}
}

// If a refresh meets the transaction of its own session, the engine refuses the refresh and writes
// nothing. The refresh is tried again.
func TestRefreshMeetsATransaction(t *testing.T) {
	wire := &fault.Transport{}
	m := newManager(t, newDB(t, engine.DynamoDBLocal(t), wire), func() time.Time { return storetest.Epoch })
	g := m.login(t, aClient)
	conflict := fault.Answer(http.StatusBadRequest, "TransactionConflictException", "")
	wire.Fail("UpdateItem", 2, conflict)
	next, err := m.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
	if err != nil || next.Outcome != session.OutcomeRotated {
		t.Errorf("twice: %s, %v", next.Outcome, err)
	}
	wire.Fail("UpdateItem", always, conflict)
	if _, err := m.Refresh(t.Context(), session.Request{RefreshToken: next.RefreshToken}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("always: %v", err)
	}
}

// TestCallsOfEnds counts the calls of each verb of the list of sessions. They do not depend on how
// many sessions the user has.
func TestCallsOfEnds(t *testing.T) {
	e := engine.DynamoDBLocal(t)
	for _, sessions := range []int{1, 40} {
		wire := &fault.Transport{}
		m := newManager(t, newDB(t, e, wire), func() time.Time { return storetest.Epoch })
		g := m.login(t, aClient)
		for range sessions - 1 {
			m.login(t, aClient)
		}
		count := func(what string, want map[string]int, do func() error) {
			t.Helper()
			wire.Calls()
			if err := do(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if got := wire.Calls(); !maps.Equal(got, want) {
				t.Errorf("%d sessions, %s: %v, want %v", sessions, what, got, want)
			}
		}
		var own session.Session
		var of auth.Subject
		check := func() (err error) { own, of, err = m.Check(t.Context(), g.Session.Key); return err }
		count("a check", map[string]int{"GetItem": 2}, check)
		count("a list", map[string]int{"Query": 1}, func() error {
			p, err := m.List(t.Context(), of, session.ID{}, session.ID{}, 100)
			if err == nil && len(p.Sessions) != sessions {
				err = fmt.Errorf("%d sessions are listed", len(p.Sessions))
			}
			return err
		})
		count("a label", map[string]int{"UpdateItem": 1}, func() error { return m.Rename(t.Context(), of, own.ID, "mine") })
		confirmed := func(done bool, err error) error {
			if err == nil && !done {
				err = errors.New("it was refused")
			}
			return err
		}
		one := map[string]int{"TransactWriteItems": 1}
		count("the end of the others", one, func() error { return confirmed(m.EndOthers(t.Context(), of, own)) })
		count("a check afterwards", map[string]int{"GetItem": 2}, check)
		count("the end of all", one, func() error { return confirmed(m.EndAll(t.Context(), of, nil)) })
		count("the end of one", map[string]int{"GetItem": 1, "TransactWriteItems": 1}, func() error {
			_, err := m.Revoke(t.Context(), g.Session.Key, session.RevocationUser)
			return err
		})
	}
}
