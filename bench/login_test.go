//go:build unix

package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// BenchmarkLogin measures a login from the request to the answer. It is compared with the password
// hash alone, which every login must compute. If the refusals took different times, an attacker
// could learn which accounts exist, so each pair of refusals is compared with a rank test.
func BenchmarkLogin(b *testing.B) {
	b.Run("bolt", func(b *testing.B) { measureLogins(b, boltStores(b), 1) })
	// Every write is a request to another process, so the times vary more. A quarter of the rounds
	// is enough.
	b.Run("dynamodb-local", func(b *testing.B) { measureLogins(b, dynamoDBLocalStores(b), 4) })
}

// measureLogins runs one round in every iterations.
func measureLogins(b *testing.B, stores service.Stores, every int) {
	d := newDoor(b, stores)
	salt := make([]byte, 16)
	hash := contestant{"hash", func() error {
		argon2.IDKey([]byte(right), salt, 2, 19456, 1, 32)
		return nil
	}}
	logins := []contestant{
		{"good", d.asks("active", right, http.StatusOK)},
		{"wrong", d.asks("forgot", "wrong horse", http.StatusUnauthorized)},
		{"unknown", d.asks("absent", right, http.StatusUnauthorized)},
		{"disabled", d.asks("frozen", right, http.StatusUnauthorized)},
	}
	t := shuffled(b, every, append(logins, hash))
	b.ReportMetric(0, "ns/op") // the sum over all contestants is meaningless
	least := median(t["hash"].took)
	b.ReportMetric(float64(least)/1e6, "hash-ms")
	for _, c := range logins {
		b.ReportMetric(ratio(median(t[c.name].took), least), c.name+"-×hash")
	}
	b.ReportMetric(100*ratio(t["hash"].cpu, t["good"].cpu), "hash-%CPU-of-good")
	b.ReportMetric(100*ratio(t["hash"].cpu, t["wrong"].cpu), "hash-%CPU-of-wrong")
	for _, pair := range [][2]string{
		{"wrong", "unknown"}, {"wrong", "disabled"}, {"unknown", "disabled"},
		{"good", "wrong"}, // differ by at least one write, which the test must find
	} {
		area, p := rankTest(t[pair[0]].took, t[pair[1]].took)
		b.ReportMetric(area, pair[0]+"/"+pair[1]+"-AUC")
		b.ReportMetric(p, pair[0]+"/"+pair[1]+"-p")
	}
}

// turns are the durations of a contestant's turns, and the processor time of all its turns
// together, including garbage collection.
type turns struct {
	took []time.Duration
	cpu  time.Duration
}

// shuffled lets all contestants take turns, in a new random order in each round. In a fixed order,
// each contestant would always follow the same contestant, and a rank test would find the effect of
// this order.
func shuffled(b *testing.B, every int, all []contestant) map[string]*turns {
	b.Helper()
	t := map[string]*turns{}
	turn := func(c contestant, forget bool) {
		began, used := time.Now(), processorTime(b)
		if err := c.run(); err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
		took, cpu := time.Since(began), processorTime(b)-used
		if forget {
			t[c.name] = &turns{}
			return
		}
		t[c.name].took = append(t[c.name].took, took)
		t[c.name].cpu += cpu
	}
	for _, c := range all {
		turn(c, true) // warms caches and connections
	}
	for i := 0; b.Loop(); i++ {
		if i%every != 0 {
			continue
		}
		for _, who := range mathrand.Perm(len(all)) {
			turn(all[who], false)
		}
	}
	return t
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// door is the login endpoint, with accounts in its stores.
type door struct {
	http.Handler
	asked atomic.Int32
}

const (
	right = "correct horse"
	// Logins cycle through this many accounts of each kind. In the first rounds, up to this number,
	// each login finds its counters at zero, as most real logins do.
	accounts = 512
)

// newDoor creates the endpoint of the login.
func newDoor(b *testing.B, stores service.Stores) *door {
	b.Helper()
	h, err := newService(b, stores).Handler("login")
	if err != nil {
		b.Fatal(err)
	}
	return &door{Handler: h}
}

// newService creates the service and its accounts in stores. Accounts of the kind frozen are disabled.
func newService(b *testing.B, stores service.Stores) *service.Service {
	b.Helper()
	signing, err := keyrings.NewSigningRing(token.RS256, time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	refresh, err := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	logins, err := keyrings.NewLoginRing(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	// The counters work as usual, but with limits that a benchmark does not reach.
	generous := throttle.Limit{Free: 1000, Delay: time.Second, MaxDelay: time.Second, Window: time.Minute}
	s, err := service.New(b.Context(), service.Settings{
		Issuer: issuer, Audience: []string{audience}, Stores: stores,
		SigningRing: inline(b, signing), RefreshKeys: inline(b, refresh), LoginRing: inline(b, logins), KeyVersion: 1,
		Log:      io.Discard,
		Throttle: login.Limits{Account: generous, Device: generous, Network: &generous},
		Client:   auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
		SignUp:   &flow.SignUp{Admit: flow.AdmitAll},
	})
	if err != nil {
		b.Fatal(err)
	}
	hash, err := password.Hasher{}.Hash(auth.NewSecret(right))
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	kinds := []string{"active", "forgot", "frozen"}
	for from := 0; from < accounts*len(kinds); from += atOnce {
		err := parallel(func(i int) error {
			i += from
			kind := kinds[i%len(kinds)]
			u := user.User{
				ID: auth.SubjectID(uuid.NewString()), Email: address(kind, i/len(kinds)), Password: hash,
				Disabled: kind == "frozen", Roles: []string{"editor"}, Revision: 1, CreatedAt: now, UpdatedAt: now,
			}
			return stores.Users.Create(b.Context(), u, string(u.ID))
		})()
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func inline(b *testing.B, ring keyrings.Ring) keyrings.Source {
	b.Helper()
	text, err := ring.Text()
	if err != nil {
		b.Fatal(err)
	}
	return keyrings.Inline(text)
}

// address returns the i-th address of a kind. All addresses have the same length.
func address(kind string, i int) string { return fmt.Sprintf("%s-%03d@example.com", kind, i%accounts) }

// errBusy says that a login waited too long for its hash.
var errBusy = errors.New("busy")

// asks returns a function that logs in to the accounts of one kind in turn, each time from another
// address. It returns an error if the status is not want.
func (d *door) asks(kind, password string, want int) func() error {
	var next atomic.Int64
	return func() error {
		body, err := json.Marshal(map[string]string{"email": address(kind, int(next.Add(1))), "password": password})
		if err != nil {
			return err
		}
		r := httptest.NewRequest(http.MethodPost, "/auth/login", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		from := d.asked.Add(1)
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:443", byte(from>>16), byte(from>>8), byte(from))
		w := httptest.NewRecorder()
		switch d.ServeHTTP(w, r); w.Code {
		case want:
			return nil
		case http.StatusServiceUnavailable:
			return errBusy
		}
		return fmt.Errorf("%d %s", w.Code, w.Body)
	}
}

func boltStores(b *testing.B) service.Stores {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return service.Stores{Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows()}
}

func dynamoDBLocalStores(b *testing.B) service.Stores {
	b.Helper()
	db, _, _ := dynamoDBLocal(b)
	return service.Stores{
		Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(),
	}
}
