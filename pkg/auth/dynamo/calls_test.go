package dynamo_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestStoreCalls counts the calls for each outcome.
func TestStoreCalls(t *testing.T) {
	type calls = map[string]int
	wire := &fault.Transport{}
	now := storetest.Epoch
	m := newManager(t, newDB(t, engine.DynamoDBLocal(t), wire), func() time.Time { return now })
	secret := auth.NewSecret(authtest.Password)
	who, err := login.New(login.Config{Users: m.users, Hasher: m.hasher, Counters: throttle.Unlimited})
	if err != nil {
		t.Fatal(err)
	}
	refresh := func(text auth.Secret) func() (session.Outcome, session.Granted) {
		return func() (session.Outcome, session.Granted) {
			g, err := m.Refresh(t.Context(), session.Request{RefreshToken: text})
			var refusal *session.Refusal
			if errors.As(err, &refusal) {
				return refusal.Outcome, g
			}
			return g.Outcome, g
		}
	}
	count := func(what string, want calls, outcome session.Outcome, f func() (session.Outcome, session.Granted)) session.Granted {
		t.Helper()
		wire.Calls()
		got, g := f()
		if calls := wire.Calls(); got != outcome || !maps.Equal(calls, want) {
			t.Errorf("%s: %s with %v, want %s with %v", what, got, calls, outcome, want)
		}
		return g
	}
	one := calls{"UpdateItem": 1, "GetItem": 1}
	// A function reads the record of the forms of hashes while it initializes. Otherwise the first
	// login reads it, in parallel with the pointer.
	count("prepare", calls{"GetItem": 1}, "", func() (session.Outcome, session.Granted) {
		who.Prepare(t.Context())
		return "", session.Granted{}
	})
	// A limit of sessions costs one query at a login, and one read and one transaction for each
	// session that it ends.
	limited := aClient
	limited.MaxSessions = 1
	for _, row := range []struct {
		what string
		want calls
	}{
		{"login, limited", calls{"PutItem": 1, "Query": 1}},
		{"login, limit reached", calls{"PutItem": 1, "Query": 1, "GetItem": 1, "TransactWriteItems": 1}},
	} {
		count(row.what, row.want, "", func() (session.Outcome, session.Granted) { return "", m.login(t, limited) })
		now = now.Add(time.Second)
	}
	first := count("login", calls{"GetItem": 2, "PutItem": 1}, "", func() (session.Outcome, session.Granted) {
		u, err := who.Login(t.Context(), login.Credentials{Email: email, Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		m.subject = u.Subject()
		return "", m.login(t, aClient)
	})
	count("login, unknown", calls{"GetItem": 2}, "", func() (session.Outcome, session.Granted) {
		_, err := who.Login(t.Context(), login.Credentials{Email: "nobody@example.com", Password: secret})
		if !errors.Is(err, login.ErrInvalidCredentials) {
			t.Errorf("an unknown user: %v", err)
		}
		return "", session.Granted{}
	})
	// An address with an international domain may have several pointers: one transaction reads
	// them.
	const letters, ascii = "ada@d\u00f6m\u00e4in.example", "ada@xn--dmin-moa0i.example"
	hash, err := m.hasher.Hash(secret)
	if err != nil {
		t.Fatal(err)
	}
	ada := user.User{ID: "ada", Email: letters, Password: hash, Revision: 1}
	if err := m.users.Create(t.Context(), ada, rand.Text()); err != nil {
		t.Fatal(err)
	}
	international := func(want calls) {
		for _, email := range []string{letters, ascii, "nobody@d\u00f6m\u00e4in.example"} {
			count("login, "+email, want, "", func() (session.Outcome, session.Granted) {
				_, err := who.Login(t.Context(), login.Credentials{Email: email, Password: secret})
				if known := email != "nobody@d\u00f6m\u00e4in.example"; known && err != nil || !known && !errors.Is(err, login.ErrInvalidCredentials) {
					t.Errorf("%s: %v", email, err)
				}
				return "", session.Granted{}
			})
		}
	}
	international(calls{"TransactGetItems": 1, "GetItem": 1})
	if err := m.users.SetMark(t.Context(), user.MarkEmailPointers); err != nil {
		t.Fatal(err)
	}
	if _, err := m.users.ByEmail(t.Context(), ascii); err != nil {
		t.Error(err)
	}
	international(calls{"GetItem": 2})
	second := count("rotated", one, session.OutcomeRotated, refresh(first.RefreshToken))
	count("same", one, session.OutcomeSame, refresh(second.RefreshToken))
	count("duplicate", one, session.OutcomeDuplicate, refresh(first.RefreshToken))
	now = now.Add(time.Minute)
	count("recovered", one, session.OutcomeRecovered, refresh(first.RefreshToken))
	now = now.Add(3 * time.Minute)
	count("rotated", one, session.OutcomeRotated, refresh(second.RefreshToken))
	count("theft", calls{"UpdateItem": 1, "GetItem": 2, "TransactWriteItems": 1}, session.OutcomeReuse, refresh(first.RefreshToken))
	count("revoked", one, session.OutcomeRevoked, refresh(second.RefreshToken))
	count("forged", nil, session.OutcomeForged, refresh(auth.NewSecret("ert_"+first.RefreshToken.Reveal()[5:])))
}
