package login_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// A device becomes known once, again when its token has passed half of its lifetime, and again
// after a password change.
func TestNewDevice(t *testing.T) {
	now := noon
	a := newRecorder(t, ada(asIs)).with(t, func(c *login.Config) { c.Now = func() time.Time { return now } })
	device := func(id auth.SubjectID, version uint64) auth.Secret {
		token, err := a.Device(t.Context(), user.User{ID: id, TokenVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good, older, foreign := device("s1", 7), device("s1", 6), device("s2", 7)
	for _, row := range []struct {
		name  string
		token auth.Secret
		after time.Duration
		want  bool
	}{
		{"none", auth.Secret{}, 0, true}, {"junk", auth.NewSecret("x"), 0, true}, {"good", good, 0, false},
		{"good", good, 90*24*time.Hour - time.Second, false}, {"halfway", good, 90 * 24 * time.Hour, true},
		{"over", good, 180 * 24 * time.Hour, true}, {"of an older password", older, 0, true}, {"another's", foreign, 0, true},
	} {
		now = noon.Add(row.after)
		if r, err := a.Login(t.Context(), withDevice(right, row.token)); err != nil || r.NewDevice != row.want {
			t.Errorf("%s: %t, %v", row.name, r.NewDevice, err)
		}
	}
	without := newRecorder(t, ada(asIs)).with(t, func(c *login.Config) { c.Keys = nil })
	r, err := without.Login(t.Context(), withDevice(right, good))
	if err != nil || r.NewDevice || r.Reference != "" {
		t.Errorf("without keys: %+v, %v", r, err)
	}
	if _, err := without.Device(t.Context(), r.User); err == nil {
		t.Error("a device token without keys")
	}
}

// The audit log uses the same pseudonym for an e-mail after every outcome, and the pseudonym
// reveals nothing.
func TestReference(t *testing.T) {
	want, err := login.Reference(t.Context(), sealing{}, "Ada@example.com")
	if err != nil || len(want) != 11 || strings.Contains(want, "ada") {
		t.Fatalf("%q, %v", want, err)
	}
	rec := newRecorder(t, ada(asIs))
	a := rec.with(t, func(c *login.Config) { c.Count(rec) })
	if r, err := a.Login(t.Context(), right); err != nil || r.Reference != want {
		t.Errorf("%q, %v", r.Reference, err)
	}
	refused := func(email string) string {
		_, err := a.Login(t.Context(), credentials(email, "wrong"))
		var refusal *login.Refusal
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		return refusal.Reference
	}
	shared := login.Throttled(time.Second)
	if a, b := refused("ada@example.com"), refused("eve@example.com"); a != want || b == want {
		t.Errorf("refused: %q, and another %q", a, b)
	}
	rec.takeErr = shared
	if got := refused("ada@example.com"); got != want || shared.Reference != "" {
		t.Errorf("throttled: %q; the counter's own %q", got, shared.Reference)
	}
}

// old is a hasher for which every hash is outdated, and a Passwords that counts upgrades.
type old struct {
	*recorder
	err      error
	rehashed []auth.SubjectID
}

func (o *old) Verify(stored, given auth.Secret) (password.Result, error) {
	r, err := o.recorder.Verify(stored, given)
	r.Outdated = true
	return r, err
}

func (o *old) CheckPassword(context.Context, auth.Secret, string) error {
	return errors.New("not requested")
}

func (o *old) UpgradeHash(_ context.Context, u user.User, stored auth.Secret) error {
	if stored.Reveal() != "hash of correct horse" {
		return errors.New("another password")
	}
	o.rehashed = append(o.rehashed, u.ID)
	return o.err
}

func (o *old) PermitChange(context.Context, auth.SubjectID, uint64, [sha256.Size]byte, time.Time) error {
	return nil
}

func (o *old) RedeemChange(context.Context, auth.SubjectID, [sha256.Size]byte, time.Time, auth.Secret) (user.User, error) {
	return user.User{}, errors.New("no other password was asked for")
}

func (o *old) RecordForms(context.Context, []string, time.Time) (user.Forms, error) {
	return user.Forms{}, errors.New("this hasher does not say its form")
}

func (o *old) ReplaceHash(context.Context, auth.SubjectID, uint64, auth.Secret) (user.User, error) {
	return user.User{}, errors.New("no other password was asked for")
}

func TestUpgrade(t *testing.T) {
	for _, row := range []struct {
		name, password string
		change         func(*user.User)
		rehashes       int
	}{
		{"good", "correct horse", asIs, 1},
		{"wrong", "wrong", asIs, 0},
		{"disabled", "correct horse", func(u *user.User) { u.Disabled = true }, 0},
		{"must change", "correct horse", func(u *user.User) { u.MustChange = true }, 0},
	} {
		o := &old{recorder: newRecorder(t, ada(row.change)), err: auth.ErrUnavailable}
		a := o.with(t, func(c *login.Config) { c.Hasher = o; c.Keep(o) })
		r, err := a.Login(t.Context(), credentials("ada@example.com", row.password))
		if len(o.rehashed) != row.rehashes || row.rehashes == 1 && (err != nil || !errors.Is(r.UpgradeErr, auth.ErrUnavailable)) {
			t.Errorf("%s: %v, %+v, %v", row.name, o.rehashed, r, err)
		}
	}
}

func TestFloor(t *testing.T) {
	for _, row := range []struct {
		name   string
		c      login.Credentials
		change func(*user.User)
		want   time.Duration
	}{
		{"good", right, asIs, 0},
		{"wrong", wrong, asIs, time.Second},
		{"unknown", credentials("eve@example.com", "x"), asIs, time.Second},
		{"disabled", right, func(u *user.User) { u.Disabled = true }, time.Second},
		{"no password", right, func(u *user.User) { u.Password = auth.Secret{} }, time.Second},
		{"must change", right, func(u *user.User) { u.MustChange = true }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newRecorder(t, ada(row.change)).with(t, func(c *login.Config) { c.Floor = time.Second })
			started := time.Now()
			_, _ = a.Login(t.Context(), row.c)
			if took := time.Since(started); took != row.want {
				t.Errorf("%s: answered after %v", row.name, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		rec := newRecorder(t)
		rec.takeErr = login.Throttled(time.Minute)
		started := time.Now()
		a := rec.with(t, func(c *login.Config) { c.Floor = time.Hour; c.Count(rec) })
		if _, err := a.Login(t.Context(), wrong); !errors.Is(err, login.ErrThrottled) || time.Since(started) != 0 {
			t.Errorf("throttled after %v: %v", time.Since(started), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		a = rec.with(t, func(c *login.Config) { c.Floor = time.Hour })
		if _, err := a.Login(ctx, wrong); !errors.Is(err, login.ErrInvalidCredentials) || time.Since(started) != time.Minute {
			t.Errorf("want a refusal after five seconds: after %v, %v", time.Since(started), err)
		}
	})
}

// slow takes a second for each hash, and records how many run in parallel.
type slow struct {
	*recorder
	running atomic.Int32
	most    int32
}

func (s *slow) Waste(auth.Secret) {
	running := s.running.Add(1)
	s.mu.Lock()
	s.most = max(s.most, running)
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.running.Add(-1)
}

func TestMaxHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{recorder: newRecorder(t)}
		a := s.with(t, func(c *login.Config) { c.Hasher, c.MaxHashes = s, 2 })
		var busy atomic.Int32
		var wg sync.WaitGroup
		for range 13 {
			wg.Go(func() {
				if _, err := a.Login(t.Context(), wrong); errors.Is(err, auth.ErrUnavailable) {
					busy.Add(1)
				}
			})
		}
		wg.Wait()
		// Two hashes a second for five seconds; the hash that starts when the wait ends may or may
		// not count.
		if n := busy.Load(); s.most != 2 || n < 1 || n > 3 {
			t.Errorf("%d at once, %d turned away", s.most, n)
		}
	})
	for _, c := range []login.Config{{MaxHashes: -1}, {Floor: -1}} {
		rec := newRecorder(t)
		c.Users, c.Hasher = rec, rec
		c.Count(rec)
		if _, err := login.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// panicking panics in the selected call.
type panicking struct {
	*recorder
	take bool
}

func (p panicking) Take(_ context.Context, a login.Attempt) (login.Slot, error) {
	if p.take {
		panic("take")
	}
	return login.Slot{Attempt: a}, nil
}

func (p panicking) ByEmail(ctx context.Context, _ string) (auth.SubjectID, error) {
	if !p.take {
		panic("pointer")
	}
	<-ctx.Done()
	return "", ctx.Err()
}

// A panic ends one request, on its own goroutine, and leaves no goroutine behind.
func TestPanicsStayWithTheirRequest(t *testing.T) {
	for want, take := range map[string]bool{"take": true, "pointer": false} {
		synctest.Test(t, func(t *testing.T) {
			p := panicking{newRecorder(t), take}
			a := p.with(t, func(c *login.Config) { c.Users = p; c.Count(p) })
			defer func() {
				if got := recover(); got != want {
					t.Errorf("recovered %v, want %q", got, want)
				}
			}()
			_, _ = a.Login(t.Context(), wrong)
		})
	}
}
