package dynamo_test

import (
	"maps"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestRevocationListCalls counts the queries of a busy instance around a full hour.
// docs/authorizer.md has the sum of a day: 4 queries every 5 seconds, and 8 while the list reads
// two hours. That begins up to a minute before a full hour and, with the overlap, ends 65 seconds
// after it.
func TestRevocationListCalls(t *testing.T) {
	wire := &fault.Transport{}
	db := newDB(t, engine.DynamoDBLocal(t), wire)
	hour := storetest.Epoch.Truncate(time.Hour).Add(time.Hour)
	now := hour.Add(-2 * time.Minute)
	l, err := session.NewRevocationList(session.RevocationListConfig{
		Revocations: db.Revocations(), Lifetime: time.Hour, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	// The first call of an engine that has just started takes long.
	if _, err := db.Sessions().List(t.Context(), "ada", session.ID{}, 1); err != nil {
		t.Fatal(err)
	}
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	wire.Calls()
	for now = now.Add(5 * time.Second); now.Before(hour.Add(2 * time.Minute)); now = now.Add(5 * time.Second) {
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const shards, reads, twice = 4, 47, 12 + 13
	if got, want := wire.Calls(), map[string]int{"Query": shards * (reads + twice)}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
