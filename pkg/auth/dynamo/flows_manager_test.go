package dynamo_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// loginKeys is a ring with one login key.
type loginKeys struct{}

func (loginKeys) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

func (k loginKeys) LoginKey(ctx context.Context, id uint16) (auth.LoginKey, error) {
	if id != 1 {
		return auth.LoginKey{}, auth.ErrNotFound
	}
	return k.SealingKey(ctx)
}

// flowsOn returns a Manager of flows on the tables of db.
func flowsOn(t *testing.T, db *dynamo.DB) (*flow.Manager, *user.Directory) {
	t.Helper()
	clock := func() time.Time { return storetest.Epoch }
	users := &user.Directory{Store: db.Users(), Hasher: password.Hasher{}, Now: clock}
	gate, err := login.New(login.Config{
		Users: db.Users(), Hasher: password.Hasher{}, Counters: throttle.Unlimited, Keys: loginKeys{}, Passwords: users, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := flow.New(flow.Config{
		Store: db.Flows(), Users: users, Gate: gate, Counters: db.Counters(), Keys: loginKeys{}, Now: clock,
		SignUp: flow.SignUp{Admit: flow.AdmitAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, users
}

func signUp(t *testing.T, m *flow.Manager, email string) flow.Answer {
	t.Helper()
	b, err := m.Begin(t.Context(), flow.Request{
		Purpose: flow.PurposeSignup, Client: "web", Email: email, Address: netip.MustParseAddr("192.0.2.7"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return flow.Answer{Session: b.Session, Code: b.Message.Code, Client: "web", NewPassword: auth.NewSecret("battery staple")}
}

// If 200 answers with one right code arrive in parallel, one succeeds, and one account is created.
func TestParallelAnswers(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			m, users := flowsOn(t, db)
			a := signUp(t, m, email)
			var ok atomic.Int32
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					_, err := m.Verify(t.Context(), a)
					if err == nil {
						ok.Add(1)
					} else if !errors.Is(err, flow.ErrInvalidSession) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if ok.Load() != 1 {
				t.Errorf("%d succeeded", ok.Load())
			}
			if page, err := users.List(t.Context(), "", 10); err != nil || len(page.Users) != 1 {
				t.Errorf("%d accounts, %v", len(page.Users), err)
			}
		})
	}
}

// TestFlowCalls counts the calls of a flow, and loses the reply of each: the retry of the SDK finds
// its own write, so the user notices nothing and no try is lost.
func TestFlowCalls(t *testing.T) {
	type calls = map[string]int
	wire := &fault.Transport{}
	db := newDB(t, engine.DynamoDBLocal(t), wire)
	m, _ := flowsOn(t, db)
	expect := func(what string, want calls) {
		t.Helper()
		if got := wire.Calls(); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	wire.Calls()
	a := signUp(t, m, "first@example.com")
	expect("begin", calls{"UpdateItem": 3, "PutItem": 1, "GetItem": 2})
	if _, err := m.Verify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	expect("verify", calls{"UpdateItem": 3, "TransactWriteItems": 1})
	for i, operation := range []string{"PutItem", "GetItem"} {
		wire.Fail(operation, 1, fault.ResetAfter)
		signUp(t, m, string(rune('a'+i))+"@example.com")
	}
	for i, lost := range []struct {
		operation string
		n         int
	}{{"UpdateItem", 1}, {"UpdateItem", 2}, {"TransactWriteItems", 1}} {
		a := signUp(t, m, string(rune('p'+i))+"@example.com")
		wire.Fail(lost.operation, lost.n, fault.ResetAfter)
		if _, err := m.Verify(t.Context(), a); err != nil {
			t.Errorf("%d replies of %s are lost: %v", lost.n, lost.operation, err)
		}
	}
	// The write of a last try counts once, even if its reply is lost.
	a = signUp(t, m, "last@example.com")
	right := a.Code
	a.Code = auth.NewSecret("00000000")
	for range flow.Tries - 1 {
		if _, err := m.Verify(t.Context(), a); !errors.Is(err, flow.ErrInvalidCode) && !right.Equal(a.Code) {
			t.Error(err)
		}
	}
	a.Code = right
	wire.Fail("UpdateItem", 1, fault.ResetAfter)
	if _, err := m.Verify(t.Context(), a); err != nil {
		t.Errorf("the last try: %v", err)
	}
}
