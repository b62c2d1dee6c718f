package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// faulty counts the updates of a real store and fails the chosen ones.
type faulty struct {
	session.Store
	updates atomic.Int32
	fail    func(n int32) error // the write does not take effect
	lose    func(n int32) error // the write takes effect, its reply is lost
}

func (f *faulty) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	n := f.updates.Add(1)
	if f.fail != nil {
		if err := f.fail(n); err != nil {
			return nil, false, err
		}
	}
	before, done, err := f.Store.Update(ctx, key, u)
	if f.lose != nil {
		if err := f.lose(n); err != nil {
			return nil, false, err
		}
	}
	return before, done, err
}

// directory returns one user, or an error, to every refresh.
type directory struct {
	subject auth.Subject
	err     error
	reads   atomic.Int32
	read    func()
}

func (d *directory) Subject(context.Context, auth.SubjectID) (auth.Subject, error) {
	d.reads.Add(1)
	if d.read != nil {
		d.read()
	}
	return d.subject, d.err
}

// testManager is a Manager on a bbolt store whose faults, users and clock a test controls.
type testManager struct {
	*session.Manager
	store *faulty
	users *directory
	now   time.Time
}

func newTestManager(t *testing.T) *testManager {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &testManager{
		store: &faulty{Store: db.Sessions()},
		users: &directory{subject: auth.Subject{ID: aUUID, TokenVersion: 2, Roles: []string{"admin"}}},
		now:   epoch,
	}
	h.Manager, err = session.NewManager(session.Config{
		Store: h.store, Subjects: h.users, Keys: codec.Keys, Rules: session.DefaultRules(),
		Now: func() time.Time { return h.now }, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *testManager) login(t *testing.T, profile auth.Profile) session.Granted {
	t.Helper()
	g, err := h.Open(t.Context(), session.Opening{
		Subject: h.users.subject, AuthTime: h.now, UserAgent: "curl", Address: "192.0.2.7",
		Client: auth.Client{ID: auth.DefaultClient, Profile: profile, IdleTimeout: 14 * 24 * time.Hour,
			AbsoluteTimeout: 90 * 24 * time.Hour, Scope: []string{"read"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// refresh returns the outcome of the result or of the error, and checks that the error wraps
// exactly one of ErrEnded and auth.ErrUnavailable.
func (h *testManager) refresh(t *testing.T, text auth.Secret) (session.Outcome, session.Granted) {
	t.Helper()
	g, err := h.Refresh(t.Context(), session.Request{RefreshToken: text})
	if err == nil {
		return g.Outcome, g
	}
	var refusal *session.Refusal
	if !errors.As(err, &refusal) || errors.Is(err, session.ErrEnded) == errors.Is(err, auth.ErrUnavailable) {
		t.Fatalf("the error is no *Refusal, or does not wrap exactly one of ErrEnded and ErrUnavailable: %v", err)
	}
	return refusal.Outcome, g
}

func want(t *testing.T, what string, got, want session.Outcome) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %s, want %s", what, got, want)
	}
}

func TestLifeOfASession(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	if s := g.Session; s.TokenVersion != 2 || s.Scope[0] != "read" || s.UserAgent != "curl" || !s.AbsoluteEnd.Equal(epoch.Add(90*24*time.Hour)) {
		t.Errorf("opened %+v", s)
	}
	outcome, next := h.refresh(t, g.RefreshToken)
	want(t, "the first refresh", outcome, session.OutcomeRotated)
	if next.Subject.Roles[0] != "admin" || next.Session.ID != g.Session.ID || next.Session.Generation != 1 {
		t.Errorf("granted %+v", next)
	}
	outcome, again := h.refresh(t, next.RefreshToken)
	want(t, "at once again", outcome, session.OutcomeSame)
	if again.RefreshToken.Reveal() != "" {
		t.Error("the same token was sent again: arriving late, it would replace its sibling")
	}
	outcome, duplicate := h.refresh(t, g.RefreshToken)
	want(t, "a duplicate", outcome, session.OutcomeDuplicate)
	if duplicate.RefreshToken.Equal(next.RefreshToken) {
		t.Error("the duplicate got its sibling's branch")
	}
	h.now = h.now.Add(15 * time.Minute)
	outcome, _ = h.refresh(t, duplicate.RefreshToken)
	want(t, "the duplicate goes on", outcome, session.OutcomeRotated)
	outcome, _ = h.refresh(t, next.RefreshToken)
	want(t, "its sibling too", outcome, session.OutcomeFork)
	outcome, _ = h.refresh(t, duplicate.RefreshToken)
	want(t, "after the theft", outcome, session.OutcomeRevoked)
}

func TestStoreCallsOfARefresh(t *testing.T) {
	h := newTestManager(t)
	calls := func(f func()) (updates, reads int32) {
		h.store.updates.Store(0)
		h.users.reads.Store(0)
		f()
		return h.store.updates.Load(), h.users.reads.Load()
	}
	g, stolen := h.login(t, auth.Balanced), h.login(t, auth.Balanced)
	_, second := h.refresh(t, stolen.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, _ = h.refresh(t, second.RefreshToken)
	var next session.Granted
	for _, row := range []struct {
		name           string
		f              func() session.Outcome
		want           session.Outcome
		updates, reads int32
	}{
		{"rotated", func() (o session.Outcome) { o, next = h.refresh(t, g.RefreshToken); return o }, session.OutcomeRotated, 1, 1},
		{"same", func() session.Outcome { o, _ := h.refresh(t, next.RefreshToken); return o }, session.OutcomeSame, 1, 1},
		{"duplicate", func() session.Outcome { o, _ := h.refresh(t, g.RefreshToken); return o }, session.OutcomeDuplicate, 1, 1},
		{"recovered", func() session.Outcome { h.now = h.now.Add(time.Minute); o, _ := h.refresh(t, g.RefreshToken); return o }, session.OutcomeRecovered, 1, 1},
		{"theft", func() session.Outcome { o, _ := h.refresh(t, stolen.RefreshToken); return o }, session.OutcomeReuse, 2, 1},
		{"forged", func() session.Outcome { o, _ := h.refresh(t, auth.NewSecret("ert_junk")); return o }, session.OutcomeForged, 0, 0},
	} {
		var got session.Outcome
		updates, reads := calls(func() { got = row.f() })
		want(t, row.name, got, row.want)
		if updates != row.updates || reads != row.reads {
			t.Errorf("%s: %d updates and %d reads of the user, want %d and %d", row.name, updates, reads, row.updates, row.reads)
		}
	}
}

// The write and the read wait for each other, so this test passes only if they run in parallel.
func TestWriteAndReadAreParallel(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	writing, reading := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) bool {
		close(mine)
		select {
		case <-other:
			return true
		case <-time.After(10 * time.Second):
			return false
		}
	}
	h.store.fail = func(int32) error {
		if !meet(writing, reading) {
			return errors.New("the user was not read meanwhile")
		}
		return nil
	}
	h.users.read = func() { meet(reading, writing) }
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "refresh", outcome, session.OutcomeRotated)
}

func TestStrictReadsTheUserFirst(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Strict)
	h.users.err = auth.ErrUnavailable
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "the user cannot be read", outcome, session.OutcomeFailed)
	if n := h.store.updates.Load(); n != 0 {
		t.Errorf("%d writes before the user was read", n)
	}
	h.users.err = nil
	outcome, next := h.refresh(t, g.RefreshToken)
	want(t, "the next try", outcome, session.OutcomeRotated)
	outcome, _ = h.refresh(t, g.RefreshToken)
	want(t, "a second use", outcome, session.OutcomeReuse)
	outcome, _ = h.refresh(t, next.RefreshToken)
	want(t, "its child", outcome, session.OutcomeRevoked)
}

func TestScope(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Strict)
	_, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Scope: []string{"read", "write"}})
	if !errors.Is(err, session.ErrScope) || errors.Is(err, session.ErrEnded) || errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("a wider scope: %v", err)
	}
	if n := h.store.updates.Load(); n != 0 {
		t.Errorf("%d writes for a request that is refused", n)
	}
	if _, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Scope: []string{"read"}}); err != nil {
		t.Errorf("the scope granted: %v", err)
	}
}

func TestAWideScopeHidesNoTheft(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	_, next := h.refresh(t, g.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, next = h.refresh(t, next.RefreshToken)
	wide := func(text auth.Secret) error {
		_, err := h.Refresh(t.Context(), session.Request{RefreshToken: text, Scope: []string{"everything"}})
		return err
	}
	if err := wide(g.RefreshToken); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a copy: %v", err)
	}
	if err := wide(next.RefreshToken); !errors.Is(err, session.ErrEnded) {
		t.Errorf("after the theft: %v", err)
	}
}

// A thief who presents a stolen token and disconnects at once must not keep the session.
func TestHangingUpStopsNoRevocation(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	_, next := h.refresh(t, g.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, next = h.refresh(t, next.RefreshToken)
	ctx, hangUp := context.WithCancel(t.Context())
	h.store.lose = func(int32) error { hangUp(); return nil }
	_, _ = h.Refresh(ctx, session.Request{RefreshToken: g.RefreshToken})
	h.store.lose = nil
	outcome, _ := h.refresh(t, next.RefreshToken)
	want(t, "the owner's", outcome, session.OutcomeRevoked)
}

// TestOpenRefuses: an opening whose session could not be refreshed or could get no access token is
// refused before anything is written.
func TestOpenRefuses(t *testing.T) {
	h := newTestManager(t)
	for want, change := range map[string]func(*session.Opening){
		`the profile of client "c" is 0`: func(o *session.Opening) { o.Client.Profile = 0 },
		`the profile of client "c" is 4`: func(o *session.Opening) { o.Client.Profile = 4 },
		`absolute timeout 0s`:            func(o *session.Opening) { o.Client.AbsoluteTimeout = 0 },
		`AuthTime is zero`:               func(o *session.Opening) { o.AuthTime = time.Time{} },
	} {
		client := auth.Client{ID: "c", Profile: auth.Balanced, IdleTimeout: time.Hour, AbsoluteTimeout: time.Hour}
		o := session.Opening{Subject: h.users.subject, Client: client, AuthTime: h.now}
		if _, err := h.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		change(&o)
		if _, err := h.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A client that refreshes within the minimum interval writes nothing. Its session must not idle
// out.
func TestIdleTimeoutHasALowerBound(t *testing.T) {
	h := newTestManager(t)
	least := session.DefaultRules().MinimumIdleTimeout()
	client := auth.Client{ID: "c", Profile: auth.Balanced, IdleTimeout: least - 1, AbsoluteTimeout: 90 * 24 * time.Hour}
	opening := session.Opening{Subject: h.users.subject, Client: client, AuthTime: h.now}
	if _, err := h.Open(t.Context(), opening); err == nil {
		t.Error("a session with too short an idle timeout was opened")
	}
	opening.Client.IdleTimeout = least
	g, err := h.Open(t.Context(), opening)
	if err != nil {
		t.Fatal(err)
	}
	token := g.RefreshToken
	for range 100 {
		h.now = h.now.Add(50 * time.Second)
		outcome, next := h.refresh(t, token)
		if !outcome.Grants() {
			t.Fatalf("an active client was logged out: %s", outcome)
		}
		if next.RefreshToken.Reveal() != "" {
			token = next.RefreshToken
		}
	}
}

// A panic of the user store must end one request, not the process: it must reach the caller's
// goroutine.
func TestAPanicOfTheUsersReachesTheCaller(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	h.users.read = func() { panic("boom") }
	defer func() {
		if recover() != "boom" {
			t.Error("no panic arrived")
		}
	}()
	_, _ = h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
}

func TestFixedNeverRotates(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Fixed)
	for range 5 {
		h.now = h.now.Add(13 * 24 * time.Hour)
		outcome, next := h.refresh(t, g.RefreshToken)
		want(t, "refresh", outcome, session.OutcomeExtended)
		if !next.RefreshToken.Equal(g.RefreshToken) {
			t.Error("the token changed")
		}
	}
	h.now = h.now.Add(14 * 24 * time.Hour)
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "left alone for the idle timeout", outcome, session.OutcomeIdle)
}

func TestStateOfTheUser(t *testing.T) {
	for name, row := range map[string]struct {
		subject auth.Subject
		err     error
		want    session.Outcome
	}{
		"read failed":      {err: errors.New("boom"), want: session.OutcomeFailed},
		"deleted":          {err: auth.ErrNotFound, want: session.OutcomeSubjectMissing},
		"disabled":         {subject: auth.Subject{ID: aUUID, TokenVersion: 2, Disabled: true}, want: session.OutcomeSubjectDisabled},
		"changed password": {subject: auth.Subject{ID: aUUID, TokenVersion: 3}, want: session.OutcomeSubjectSuperseded},
		"older version":    {subject: auth.Subject{ID: aUUID, TokenVersion: 1}, want: session.OutcomeRotated},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestManager(t)
			g := h.login(t, auth.Balanced)
			healthy := h.users.subject
			h.users.subject, h.users.err = row.subject, row.err
			outcome, _ := h.refresh(t, g.RefreshToken)
			want(t, "refresh", outcome, row.want)
			// After a failed read, the next try is a duplicate.
			h.users.subject, h.users.err = healthy, nil
			if row.want == session.OutcomeFailed {
				outcome, _ = h.refresh(t, g.RefreshToken)
				want(t, "the next try", outcome, session.OutcomeDuplicate)
			}
		})
	}
}

func TestTheftIsReportedIfTheUserCannotBeRead(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	_, next := h.refresh(t, g.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, next = h.refresh(t, next.RefreshToken)
	h.users.err = auth.ErrUnavailable
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "an old token", outcome, session.OutcomeReuse)
	h.users.err = nil
	outcome, _ = h.refresh(t, next.RefreshToken)
	want(t, "the owner's", outcome, session.OutcomeRevoked)
}

func TestFailuresDecideNothing(t *testing.T) {
	boom := errors.New("boom")
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	h.store.fail = func(int32) error { return boom }
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "the write failed", outcome, session.OutcomeFailed)

	h.store.fail, h.store.lose = nil, func(int32) error { return boom }
	outcome, _ = h.refresh(t, g.RefreshToken)
	want(t, "its reply was lost", outcome, session.OutcomeFailed)
	h.store.lose = nil
	outcome, next := h.refresh(t, g.RefreshToken)
	want(t, "the next try", outcome, session.OutcomeDuplicate)
	if next.RefreshToken.Equal(g.RefreshToken) {
		t.Error("a rotation without a new token")
	}
}

// A revocation that was not confirmed must not be reported: the client would drop its token and the
// thief's session would continue.
func TestUnconfirmedRevocationIsNotReported(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	_, next := h.refresh(t, g.RefreshToken)
	h.now = h.now.Add(time.Hour)
	_, next = h.refresh(t, next.RefreshToken)
	revocation := h.store.updates.Load() + 2
	h.store.fail = func(n int32) error {
		if n == revocation {
			return errors.New("boom")
		}
		return nil
	}
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "an old token", outcome, session.OutcomeFailed)
	outcome, _ = h.refresh(t, g.RefreshToken)
	want(t, "the next try", outcome, session.OutcomeReuse)
	outcome, _ = h.refresh(t, next.RefreshToken)
	want(t, "the owner's", outcome, session.OutcomeRevoked)
}

func TestAStoreThatBreaksTheRulesFails(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	h.Config().Store = liar{h.store}
	outcome, _ := h.refresh(t, g.RefreshToken)
	want(t, "a store that says it did not write", outcome, session.OutcomeFailed)
}

type liar struct{ session.Store }

func (l liar) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	before, done, err := l.Store.Update(ctx, key, u)
	return before, !done, err
}

func TestNewManagerNamesWhatIsMissing(t *testing.T) {
	h := newTestManager(t)
	for name, change := range map[string]func(*session.Config){
		"Store":    func(c *session.Config) { c.Store = nil },
		"Subjects": func(c *session.Config) { c.Subjects = nil },
		"Keys":     func(c *session.Config) { c.Keys = nil },
		"Rules":    func(c *session.Config) { c.Rules.GracePeriod = 0 },
	} {
		c := *h.Config()
		change(&c)
		if _, err := session.NewManager(c); err == nil || !strings.Contains(err.Error(), "Config."+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestNewManagerDefaults(t *testing.T) {
	h := newTestManager(t)
	sessions, err := session.NewManager(session.Config{Store: h.store, Subjects: h.users, Keys: keys{}})
	if err != nil {
		t.Fatal(err)
	}
	if c := sessions.Config(); c.Rules != session.DefaultRules() || c.Now == nil || c.Rand != rand.Reader {
		t.Errorf("%+v", c)
	}
}
