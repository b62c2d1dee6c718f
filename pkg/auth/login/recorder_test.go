package login_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// recorder holds the parts of an Authenticator and records their calls. Its users are in a real
// store that fails on demand, its hasher makes readable hashes, and its counters grant every slot.
type recorder struct {
	store user.Store

	takeErr, byEmailErr, getErr, settleErr, formsErr error

	mu       sync.Mutex
	calls    []string
	reads    []auth.SubjectID
	forms    int // reads of the record of forms
	attempts []login.Attempt
}

func newRecorder(t testing.TB, users ...user.User) *recorder {
	t.Helper()
	r := &recorder{store: authtest.New(t, authtest.Config{Algorithm: token.EdDSA}).Service.Users()}
	for _, u := range users {
		u.Revision = 1
		if err := r.store.Create(t.Context(), u, string(u.ID)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *recorder) record(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

func (r *recorder) count(call string) (n int) {
	for _, c := range r.calls {
		if c == call {
			n++
		}
	}
	return n
}

func (r *recorder) Take(_ context.Context, a login.Attempt) (login.Slot, error) {
	r.record("take")
	r.mu.Lock()
	r.attempts = append(r.attempts, a)
	r.mu.Unlock()
	return login.Slot{Attempt: a, State: "slot of " + kindOf(a)}, r.takeErr
}

func (r *recorder) Settle(_ context.Context, s login.Slot, e login.Ending) error {
	if s.State != "slot of "+kindOf(s.Attempt) {
		r.record("settle another slot")
	}
	r.record(map[login.Ending]string{login.Undecided: "settle undecided", login.Failed: "settle bad", login.Succeeded: "settle good"}[e])
	return r.settleErr
}

// kindOf returns on which of the three kinds of counters an attempt counts.
func kindOf(a login.Attempt) string {
	switch {
	case a.Account != "":
		return "account"
	case a.Device != (login.DeviceID{}):
		return "device"
	}
	return "network"
}

func (r *recorder) ByEmail(ctx context.Context, email string) (auth.SubjectID, error) {
	r.record("pointer")
	if r.byEmailErr != nil {
		return "", r.byEmailErr
	}
	return r.store.ByEmail(ctx, email)
}

func (r *recorder) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	r.record("user")
	r.mu.Lock()
	r.reads = append(r.reads, id)
	r.mu.Unlock()
	if r.getErr != nil {
		return user.User{}, r.getErr
	}
	return r.store.Get(ctx, id)
}

// Forms is not among the calls, because not every login makes it.
func (r *recorder) Forms(ctx context.Context) (user.Forms, error) {
	r.mu.Lock()
	r.forms++
	r.mu.Unlock()
	if r.formsErr != nil {
		return user.Forms{}, r.formsErr
	}
	return r.store.Forms(ctx)
}

// Verify accepts the password in a stored text "hash of " and the password, and counts as one hash.
func (r *recorder) Verify(stored, given auth.Secret) (password.Result, error) {
	text, ok := strings.CutPrefix(stored.Reveal(), "hash of ")
	if !ok {
		return password.Result{}, password.ErrMalformed
	}
	r.record("hash")
	return password.Result{Match: text == given.Reveal()}, nil
}

func (r *recorder) Waste(auth.Secret) { r.record("hash") }

// Hash makes a text that Verify accepts. It is not counted as a hash of a login.
func (r *recorder) Hash(p auth.Secret) (auth.Secret, error) {
	return auth.NewSecret("hash of " + p.Reveal()), nil
}

func (r *recorder) authenticator(t *testing.T) *login.Authenticator {
	t.Helper()
	a, err := login.New(login.Config{Users: r, Hasher: r, Now: func() time.Time { return noon }}.Counting(r))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (r *recorder) with(t *testing.T, change func(*login.Config)) *login.Authenticator {
	t.Helper()
	c := login.Config{Users: r, Hasher: r, Counters: throttle.Unlimited, Keys: sealing{}, Now: func() time.Time { return noon }}
	change(&c)
	a, err := login.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
