package dynamo_test

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
)

// newDB creates new tables on an engine.
func newDB(t testing.TB, e *engine.Engine, transport http.RoundTripper) *dynamo.DB {
	t.Helper()
	name := "test-" + rand.Text()
	db := dynamo.New(dynamo.Config{
		Region: engine.Region, Endpoint: e.Endpoint, Transport: transport,
		Credentials: dynamo.Credentials{AccessKeyID: engine.AccessKeyID, SecretAccessKey: auth.NewSecret(engine.SecretAccessKey)},
		Tables:      dynamo.Tables{Users: name + "-users", Sessions: name + "-sessions", Attempts: name + "-attempts"},
	})
	// CreateTables runs twice: existing tables are no error.
	for range 2 {
		if err := db.CreateTables(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

var engines = map[string]func(testing.TB) *engine.Engine{
	"DynamoDBLocal": engine.DynamoDBLocal,
	"dynoxide":      engine.Dynoxide,
}

func TestSessions(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Sessions(t, *sessionCases, func(testing.TB) session.Store { return db.Sessions() })
		})
	}
}

func TestUsers(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Users(t, func(testing.TB) user.Store { return db.Users() })
		})
	}
}

func TestVersions(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Versions(t, *sessionCases/4, func(testing.TB) storetest.Stores { return storesIn(db) })
		})
	}
}

func TestEnds(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Ends(t, *endsRefreshes, func(testing.TB) storetest.Stores { return storesIn(db) })
		})
	}
}

func TestRevocations(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t)
			storetest.Revocations(t, 5, func(t testing.TB) storetest.Stores { return storesIn(newDB(t, e, nil).Unhurried()) })
		})
	}
}

func TestAttempts(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Counters(t, func(testing.TB) throttle.Counters { return db.Counters() })
		})
	}
}

func TestFlows(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Flows(t, func(testing.TB) flow.Store { return db.Flows() })
		})
	}
}

// TestTTLDeletes checks that an expired session disappears from the table and a live session stays.
// Only this test lets an engine delete by itself. The other tests compare the expiry.
func TestTTLDeletes(t *testing.T) {
	db := newDB(t, engine.DynamoDBLocal(t), nil)
	store := db.Sessions()
	if err := db.EnableTTL(t.Context()); err != nil {
		t.Fatal(err)
	}
	put := func(id byte, lastSeen time.Time) session.Key {
		const idle = time.Hour
		s := session.Session{
			Key: session.Key{Subject: "s", ID: session.ID{id}}, Kind: session.RefreshKind, Client: "app", Profile: auth.Balanced, IdleTimeout: idle,
			LastSeen: lastSeen, IdleEnd: lastSeen.Add(idle), AbsoluteEnd: lastSeen.Add(100 * idle), CreatedAt: lastSeen,
		}
		if err := store.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		return s.Key
	}
	now := time.Now().Truncate(time.Millisecond)
	// The slack keeps an ended session for a day, so that a late token is distinguished from an
	// unknown token.
	ended, late, live := put(1, now.Add(-48*time.Hour)), put(2, now.Add(-2*time.Hour)), put(3, now)
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := store.Get(t.Context(), ended); errors.Is(err, auth.ErrNotFound) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the ended session is still there after a minute")
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, key := range []session.Key{late, live} {
		if _, err := store.Get(t.Context(), key); err != nil {
			t.Errorf("%v: %v", key.ID, err)
		}
	}
}

// maxTrace bounds what the trace adds to the item of a session; docs/sessions.md names it.
const maxTrace = 170

// TestItemSize checks that refreshes do not make a session's item grow, and that the item stays
// below a kilobyte.
func TestItemSize(t *testing.T) {
	t.Parallel()
	measure := &sizer{next: http.DefaultTransport}
	db := newDB(t, engine.DynamoDBLocal(t), measure)
	clock := storetest.Epoch
	m := newManager(t, db, func() time.Time { return clock })
	g := m.login(t, longestClient)
	store := db.Sessions()
	// size returns the size of a session's item, as DynamoDB counts it.
	size := func(key session.Key, generation uint64) int64 {
		t.Helper()
		if s, err := store.Get(t.Context(), key); err != nil || s.Generation != generation {
			t.Fatalf("generation %d, %v; want %d", s.Generation, err, generation)
		}
		return measure.last.Load()
	}
	const refreshes = 300
	var before int64
	for i := range refreshes {
		clock = clock.Add(10 * time.Minute)
		next, err := m.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
		if err != nil {
			t.Fatalf("refresh %d: %v", i, err)
		}
		if g = next; i == 99 { // the generation has three digits from now on
			before = size(g.Session.Key, 100)
		}
	}
	if after := size(g.Session.Key, refreshes); after != before || before == 0 {
		t.Errorf("the item has %d bytes after 100 refreshes and %d after %d", before, after, refreshes)
	}
	longest := g.Session
	longest.ID[0]++
	longest.Generation = math.MaxUint64
	longest.Trace = session.Trace{}
	if err := store.Create(t.Context(), longest); err != nil {
		t.Fatal(err)
	}
	without := size(longest.Key, longest.Generation)
	longest.ID[0]++
	longest.Trace.Network, longest.Trace.Place = math.MaxUint16, session.PlaceOf(90, 179)
	for k := session.NetworkFact; k <= session.CountryFact; k++ {
		slots := longest.Trace.Slots(k)
		for i := range slots {
			slots[i] = math.MaxUint16
		}
	}
	if err := store.Create(t.Context(), longest); err != nil {
		t.Fatal(err)
	}
	n := size(longest.Key, longest.Generation)
	t.Logf("the longest item has %d bytes, %d of them for the trace", n, n-without)
	if n >= 1024 || n-without > maxTrace {
		t.Errorf("the longest item has %d bytes, %d of them for the trace (want less than 1024, and at most %d)", n, n-without, maxTrace)
	}
}

// The first call uses the connection that Connect opened.
func TestConnect(t *testing.T) {
	var opened, asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method == http.MethodGet {
			http.Error(w, "healthy", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}") // a missing item
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	db := dynamo.New(dynamo.Config{
		Region: "eu-central-1", Endpoint: server.URL,
		Credentials: dynamo.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("secret")},
		Tables:      dynamo.Tables{Users: "users"},
	})
	db.Connect(t.Context())
	if _, err := db.Users().Get(t.Context(), "ada"); !errors.Is(err, auth.ErrNotFound) {
		t.Error(err)
	}
	if asked.Load() != 2 || opened.Load() != 1 {
		t.Errorf("%d requests on %d connections", asked.Load(), opened.Load())
	}

	server.Close()
	db.Connect(t.Context()) // the server is closed: Connect ignores the error
}
