package flow_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

var (
	noon = time.Date(2040, 3, 1, 12, 0, 0, 0, time.UTC)
	home = netip.MustParseAddr("192.0.2.7")
)

const (
	ada    = "Ada@Example.com"
	eve    = "eve@example.com" // has no account
	client = auth.ClientID("web")
)

// sealing are two login keys, of which the first seals.
type sealing struct{}

func (s sealing) SealingKey(ctx context.Context) (auth.LoginKey, error) { return s.LoginKey(ctx, 1) }

func (sealing) LoginKey(_ context.Context, id uint16) (auth.LoginKey, error) {
	if id != 1 && id != 2 {
		return auth.LoginKey{}, auth.ErrNotFound
	}
	return auth.LoginKey{ID: id, Secret: auth.NewSecret(strings.Repeat(string(rune('j'+id)), auth.KeyBytes))}, nil
}

// quick hashes nothing. A hash is the password with a prefix.
type quick struct{}

func (quick) Hash(p auth.Secret) (auth.Secret, error) {
	return auth.NewSecret("hash of " + p.Reveal()), nil
}

func (quick) Verify(stored, given auth.Secret) (password.Result, error) {
	text, ok := strings.CutPrefix(stored.Reveal(), "hash of ")
	if !ok {
		return password.Result{}, password.ErrMalformed
	}
	return password.Result{Match: text == given.Reveal()}, nil
}

func (quick) Waste(auth.Secret) {}

// wire counts the calls of all stores. It can fail a call and all later calls, as if the function
// had died. If after is set, the first failed call takes effect.
type wire struct {
	mu            sync.Mutex
	reads, writes int
	trace         []string
	at            int // number of the first failed call; 0 means no call fails
	after         bool
}

func (w *wire) do(what string, write bool, call func() error) error {
	w.mu.Lock()
	if write {
		w.writes++
	} else {
		w.reads++
	}
	w.trace = append(w.trace, what)
	n := w.reads + w.writes
	w.mu.Unlock()
	if w.at == 0 || n < w.at {
		return call()
	}
	if w.after && n == w.at {
		if err := call(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: lost", auth.ErrUnavailable)
}

// spent returns the calls since the last call of spent.
func (w *wire) spent() (reads, writes int, trace string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	reads, writes, trace = w.reads, w.writes, strings.Join(w.trace, " ")
	w.reads, w.writes, w.trace, w.at = 0, 0, nil, 0
	return reads, writes, trace
}

type wiredUsers struct {
	user.Store
	*wire
}

func (s wiredUsers) Get(ctx context.Context, id auth.SubjectID) (u user.User, err error) {
	err = s.do("user", false, func() (err error) { u, err = s.Store.Get(ctx, id); return err })
	return u, err
}

func (s wiredUsers) ByEmail(ctx context.Context, email string) (id auth.SubjectID, err error) {
	err = s.do("pointer", false, func() (err error) { id, err = s.Store.ByEmail(ctx, email); return err })
	return id, err
}

func (s wiredUsers) Update(ctx context.Context, u user.User) error {
	return s.do("update", true, func() error { return s.Store.Update(ctx, u) })
}

func (s wiredUsers) Create(ctx context.Context, u user.User, request string) error {
	return s.do("account", true, func() error { return s.Store.Create(ctx, u, request) })
}

type wiredCounters struct {
	throttle.Counters
	*wire
}

func (s wiredCounters) Update(ctx context.Context, key string, u throttle.Update) (before throttle.Counter, done bool, err error) {
	err = s.do("count", true, func() (err error) { before, done, err = s.Counters.Update(ctx, key, u); return err })
	return before, done, err
}

type wiredFlows struct {
	flow.Store
	*wire
}

func (s wiredFlows) Create(ctx context.Context, key flow.Key, f flow.Flow) error {
	return s.do("flow", true, func() error { return s.Store.Create(ctx, key, f) })
}

func (s wiredFlows) Update(ctx context.Context, key flow.Key, u flow.Update) (before *flow.Flow, done bool, err error) {
	err = s.do("try", true, func() (err error) { before, done, err = s.Store.Update(ctx, key, u); return err })
	return before, done, err
}

// world is a Manager on real stores in a file, with the user ada.
type world struct {
	*flow.Manager
	*wire
	gate  *login.Authenticator
	users *user.Directory
	ada   user.User
	now   time.Time
}

func newWorld(t testing.TB, change ...func(*login.Config, *flow.Config)) *world {
	t.Helper()
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldIn(t, db, change...)
}

// newDump returns a world and the file that holds all of its tables. Its networks have no limit.
func newDump(t testing.TB) (w *world, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return newWorldIn(t, db, func(_ *login.Config, c *flow.Config) {
		c.Limits = flow.DefaultLimits()
		c.Limits.Network = nil
	}), file
}

func newWorldIn(t testing.TB, db *bolt.DB, change ...func(*login.Config, *flow.Config)) *world {
	t.Helper()
	w := &world{wire: &wire{}, now: noon}
	clock := func() time.Time { return w.now }
	w.users = &user.Directory{Store: wiredUsers{db.Users(), w.wire}, Hasher: quick{}, Now: clock}
	gate := login.Config{
		Users: w.users.Store, Hasher: quick{}, Counters: throttle.Unlimited, Keys: sealing{}, Passwords: w.users, Now: clock,
	}
	config := flow.Config{
		Store: wiredFlows{db.Flows(), w.wire}, Users: w.users, Counters: wiredCounters{db.Counters(), w.wire}, Keys: sealing{}, Now: clock,
		SignUp: flow.SignUp{Admit: flow.AdmitAll},
	}
	for _, f := range change {
		f(&gate, &config)
	}
	var err error
	if w.gate, err = login.New(gate); err != nil {
		t.Fatal(err)
	}
	config.Gate = w.gate
	if w.Manager, err = flow.New(config); err != nil {
		t.Fatal(err)
	}
	if w.ada, err = w.users.Add(t.Context(), ada, auth.NewSecret("correct horse"), nil); err != nil {
		t.Fatal(err)
	}
	w.spent()
	return w
}

func request(p flow.Purpose, email string) flow.Request {
	return flow.Request{Purpose: p, Client: client, Email: email, Address: home}
}

// begin begins a flow.
func (w *world) begin(t testing.TB, p flow.Purpose, email string) flow.Begun {
	t.Helper()
	b, err := w.Begin(t.Context(), request(p, email))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer is the right answer to a flow.
func answer(b flow.Begun, p flow.Purpose) flow.Answer {
	a := flow.Answer{Session: b.Session, Code: b.Message.Code, Client: client, Address: home}
	if p != flow.PurposeLogin {
		a.NewPassword = auth.NewSecret("battery staple")
	}
	return a
}

// wrong returns the answer with another code of the same form.
func wrong(a flow.Answer) flow.Answer {
	code := []byte(a.Code.Reveal())
	if len(code) == 0 {
		code = []byte("12345678")
	}
	code[7] = '0' + (code[7]-'0'+1)%10
	a.Code = auth.NewSecret(string(code))
	return a
}

// stored returns the user with an address, from the store.
func (w *world) stored(t testing.TB, email string) user.User {
	t.Helper()
	u, err := w.users.Find(t.Context(), email)
	if err != nil {
		t.Fatalf("%s: %v", email, err)
	}
	return u
}

// reason returns the reason of a refusal, ok, or the text of another error.
func reason(err error) string {
	var refusal *flow.Refusal
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return string(refusal.Reason)
	}
	return err.Error()
}
