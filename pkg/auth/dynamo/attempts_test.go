package dynamo_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestAttemptsConformanceCatchesMutants renders counts with one fault at a time. The conformance
// suite must notice each fault.
func TestAttemptsConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	for _, m := range []struct{ name, from, to string }{
		{"a missing counter is refused", "attribute_not_exists(#pk) OR ", ""},
		{"any match is all", " OR (", " AND ("},
		{"one too many", "#n < ", "#n <= "},
		{"one more than the least", "#n >= ", "#n > "},
		{"a moment too early", "#last <= ", "#last < "},
		{"any time before", "#last <= ", "#last >= "},
		{"another take since", "#last = :3)", "#last >= :3)"},
		{"the time is not written", "SET #v = :5, #last = ", "SET #v = :5, #unused = "},
		{"the end is not written", " #expires_at = ", " #unused = "},
		{"the mark is not written", ", #mark = ", ", #unused = "},
		{"the source's count is not written", ", #f :", ", #unused :"},
		{"a source that took slots waits as another", "NOT #f >= ", "NOT #f < "},
		{"one more of the source", "NOT #f >= ", "NOT #f > "},
		{"all of the source's waits at once", " OR (#last", " AND (#last"},
		{"a source takes what is kept for others", "#n < :2 AND NOT #f >= ", "#n < :2 AND NOT #f > "},
		{"the count is not written", "ADD #n ", "ADD #unused "},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutate := &mutator{from: m.from, to: m.to}
			differences := storetest.CompareCounts(t.Context(), newDB(t, e, mutate).Unhurried().Counters(), 12, 3)
			if mutate.changed.Load() == 0 {
				t.Fatal("the mutation changed no request")
			}
			if len(differences) == 0 {
				t.Errorf("%d requests were rendered wrongly, and nobody noticed", mutate.changed.Load())
			}
		})
	}
}

// TestLongestLimit sends the condition for the limit with the most waits that Validate accepts.
// DynamoDB refuses a condition of more than 300 operators.
func TestLongestLimit(t *testing.T) {
	counters := newDB(t, engine.DynamoDBLocal(t), nil).Counters()
	limit := throttle.Limit{Free: 5, Delay: time.Minute, MaxDelay: 8192 * time.Minute, Window: 7 * 24 * time.Hour}
	if err := limit.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, done, err := counters.Update(t.Context(), t.Name(), limit.Take(storetest.Epoch, storetest.Epoch.Add(time.Hour), "a source")); !done || err != nil {
		t.Errorf("written %t, %v", done, err)
	}
	limit.MaxDelay++
	if limit.Validate() == nil {
		t.Errorf("%+v is taken", limit)
	}
}

// recorder keeps the bodies of UpdateItem requests.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.Header.Get("X-Amz-Target"), ".UpdateItem") {
		raw, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		q = q.Clone(q.Context())
		q.Body = io.NopCloser(bytes.NewReader(raw))
		r.mu.Lock()
		r.sent = append(r.sent, string(raw))
		r.mu.Unlock()
	}
	return r.next.RoundTrip(q)
}

// TestAttemptsCalls counts the calls for each outcome of a throttled login, and checks what the
// calls reveal to the table.
func TestAttemptsCalls(t *testing.T) {
	type calls = map[string]int
	wire := &fault.Transport{}
	seen := &recorder{next: wire}
	now := storetest.Epoch
	clock := func() time.Time { return now }
	db := newDB(t, engine.DynamoDBLocal(t), seen)
	m := newManager(t, db, clock)
	secret := auth.NewSecret(authtest.Password)
	log := func(what string, c login.Credentials, wantErr error, want calls) {
		t.Helper()
		wire.Calls()
		c.Address = netip.MustParseAddr("192.0.2.7")
		_, err := m.authenticator.Login(t.Context(), c)
		if got := wire.Calls(); !errors.Is(err, wantErr) || !maps.Equal(got, want) {
			t.Errorf("%s: %v with %v, want %v with %v", what, err, got, wantErr, want)
		}
	}
	device := func(u user.User) auth.Secret {
		t.Helper()
		token, err := m.authenticator.Device(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := login.Credentials{Email: email, Password: secret}
	wrong := login.Credentials{Email: email, Password: auth.NewSecret("wrong")}
	log("good", good, nil, calls{"UpdateItem": 2, "GetItem": 2})
	log("good again, both give back", good, nil, calls{"UpdateItem": 4, "GetItem": 2})
	own := wrong
	own.Device = device(user.User{ID: subjectID, TokenVersion: 1})
	log("wrong with a device", own, login.ErrInvalidCredentials, calls{"UpdateItem": 1, "GetItem": 2})
	own.Password = secret
	log("good with a device", own, nil, calls{"UpdateItem": 2, "GetItem": 2})
	foreign := wrong
	foreign.Device = device(user.User{ID: "another", TokenVersion: 1})
	log("another's device", foreign, login.ErrInvalidCredentials, calls{"UpdateItem": 3, "GetItem": 2})
	for range 4 {
		log("wrong", wrong, login.ErrInvalidCredentials, calls{"UpdateItem": 2, "GetItem": 2})
	}
	// The read of the user is cancelled, before or after it is sent. The network's slot is
	// released.
	wire.Calls()
	at := netip.MustParseAddr("192.0.2.7")
	_, err := m.authenticator.Login(t.Context(), login.Credentials{Email: email, Password: wrong.Password, Address: at})
	if got := wire.Calls(); !errors.Is(err, login.ErrThrottled) || got["UpdateItem"] != 3 || got["GetItem"] > 2 {
		t.Errorf("throttled by its account: %v with %v", err, got)
	}
	counted := 0
	for _, body := range seen.sent {
		if !strings.Contains(body, "-attempts") {
			continue
		}
		counted++
		if strings.Contains(body, email) || strings.Contains(body, "192.0.2.7") || strings.Contains(body, string(subjectID)) {
			t.Errorf("the table is told who it is: %s", body)
		}
		if strings.Contains(body, "SET") && !strings.Contains(body, `"#expires_at":"expires_at"`) {
			t.Errorf("a counter without an end: %s", body)
		}
	}
	if counted == 0 {
		t.Error("nothing was seen")
	}
}

// TestOnceSpent reads whether an id is spent by an update whose condition never holds.
func TestOnceSpent(t *testing.T) {
	once := throttle.Once{Counters: newDB(t, engine.Dynoxide(t), nil).Counters()}
	now := time.Now()
	for _, want := range []bool{false, true, true} {
		spent, err := once.Spent(t.Context(), "test", "id", now)
		if err != nil || spent != want {
			t.Errorf("%t, %v, want %t", spent, err, want)
		}
		if _, err := once.Spend(t.Context(), "test", "id", now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if spent, err := once.Spent(t.Context(), "test", "id", now.Add(time.Hour)); err != nil || spent {
		t.Errorf("after its time: %t, %v", spent, err)
	}
}
