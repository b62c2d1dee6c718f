package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// household is a testManager whose user is in a store, so that its token version can rise.
type household struct {
	*testManager
	directory user.Directory
}

func newHousehold(t *testing.T) household {
	t.Helper()
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	h := household{newTestManager(t), user.Directory{Store: db.Users()}}
	if err := db.Users().Create(t.Context(), user.User{ID: aUUID, Email: "ada@example.com", TokenVersion: 2, Revision: 1}, aUUID); err != nil {
		t.Fatal(err)
	}
	h.store.Store = db.Sessions()
	c := h.Config()
	c.Subjects, c.Versions = &h.directory, db.Versions()
	return h
}

// listed returns the sessions that a request of the session own lists.
func (h household) listed(t *testing.T, own session.ID) []session.ID {
	t.Helper()
	of, err := h.directory.Subject(t.Context(), aUUID)
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.List(t.Context(), of, own, session.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var ids []session.ID
	for _, s := range page.Sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestEndOthersKeepsOne(t *testing.T) {
	h := newHousehold(t)
	own, other := h.login(t, auth.Balanced), h.login(t, auth.Strict)
	s, of, err := h.Check(t.Context(), own.Session.Key)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := h.EndOthers(t.Context(), of, s); !done || err != nil {
		t.Fatal(done, err)
	}
	if got := h.listed(t, session.ID{}); !slices.Equal(got, []session.ID{own.Session.ID}) {
		t.Errorf("listed %v, want %v", got, own.Session.ID)
	}
	outcome, next := h.refresh(t, own.RefreshToken)
	want(t, "the kept session", outcome, session.OutcomeRotated)
	if next.Session.TokenVersion != 3 || next.Subject.TokenVersion != 3 {
		t.Errorf("versions %d and %d, want 3", next.Session.TokenVersion, next.Subject.TokenVersion)
	}
	outcome, _ = h.refresh(t, other.RefreshToken)
	want(t, "the other session", outcome, session.OutcomeSubjectSuperseded)

	// A state that was read before the end ends nothing any more.
	late := h.login(t, auth.Balanced)
	for name, end := range map[string]func() (bool, error){
		"the others":        func() (bool, error) { return h.EndOthers(t.Context(), of, s) },
		"all":               func() (bool, error) { return h.EndAll(t.Context(), of, &s) },
		"all, for operator": func() (bool, error) { return h.EndAll(t.Context(), of, nil) },
	} {
		if done, err := end(); done || err != nil {
			t.Errorf("%s again: %t, %v", name, done, err)
		}
	}
	// The login read the user before the end, and wrote its session afterwards.
	outcome, _ = h.refresh(t, late.RefreshToken)
	want(t, "a login that was too late", outcome, session.OutcomeSubjectSuperseded)
}

func TestEndAllEndsEachSession(t *testing.T) {
	for _, operator := range []bool{false, true} {
		h := newHousehold(t)
		own, other := h.login(t, auth.Balanced), h.login(t, auth.Balanced)
		s, of, err := h.Check(t.Context(), own.Session.Key)
		if err != nil {
			t.Fatal(err)
		}
		asking := &s
		if operator {
			asking = nil
		}
		if done, err := h.EndAll(t.Context(), of, asking); !done || err != nil {
			t.Fatal(done, err)
		}
		if got := h.listed(t, session.ID{}); len(got) != 0 {
			t.Errorf("listed %v", got)
		}
		ended := session.OutcomeRevoked
		if operator {
			ended = session.OutcomeSubjectSuperseded
		}
		outcome, _ := h.refresh(t, own.RefreshToken)
		want(t, "the session that asked", outcome, ended)
		outcome, _ = h.refresh(t, other.RefreshToken)
		want(t, "another session", outcome, session.OutcomeSubjectSuperseded)
	}
}

// An access token of an ended session ends nothing, even if the session ends between the check and
// the transaction.
func TestAnEndedSessionEndsNothing(t *testing.T) {
	h := newHousehold(t)
	own, other := h.login(t, auth.Balanced), h.login(t, auth.Balanced)
	s, of, err := h.Check(t.Context(), own.Session.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Revoke(t.Context(), own.Session.Key, session.RevocationUser); err != nil {
		t.Fatal(err)
	}
	if done, err := h.EndOthers(t.Context(), of, s); done || err != nil {
		t.Errorf("the others: %t, %v", done, err)
	}
	if done, err := h.EndAll(t.Context(), of, &s); done || err != nil {
		t.Errorf("all: %t, %v", done, err)
	}
	outcome, _ := h.refresh(t, other.RefreshToken)
	want(t, "the other session", outcome, session.OutcomeRotated)
}

// Even if the users table is older than the sessions, because it was restored, no session outlives
// the end of all sessions.
func TestEndsAboveTheVersionOfTheSession(t *testing.T) {
	h := newHousehold(t)
	h.users.subject.TokenVersion = 9
	own := h.login(t, auth.Balanced)
	s, of, err := h.Check(t.Context(), own.Session.Key)
	if err != nil || of.TokenVersion != 2 || s.TokenVersion != 9 {
		t.Fatalf("%d, %d, %v", of.TokenVersion, s.TokenVersion, err)
	}
	for _, end := range []func() (bool, error){
		func() (bool, error) { return h.EndOthers(t.Context(), of, s) },
		func() (bool, error) { return h.EndAll(t.Context(), of, &s) },
	} {
		if done, err := end(); !done || err != nil {
			t.Fatal(done, err)
		}
		if of, err = h.directory.Subject(t.Context(), aUUID); err != nil || of.TokenVersion <= s.TokenVersion {
			t.Errorf("the user's version is %d, %v", of.TokenVersion, err)
		}
		if s, err = h.store.Get(t.Context(), s.Key); err != nil {
			t.Fatal(err)
		}
	}
}

// between is a store that calls a function after it has read or written a session.
type between struct {
	session.Store
	then func()
}

func (b *between) once() {
	if then := b.then; then != nil {
		b.then = nil
		then()
	}
}

func (b *between) Get(ctx context.Context, key session.Key) (session.Session, error) {
	s, err := b.Store.Get(ctx, key)
	b.once()
	return s, err
}

func (b *between) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	before, done, err := b.Store.Update(ctx, key, u)
	b.once()
	return before, done, err
}

// The other sessions end after a request has read the kept session and before it reads the user.
// The kept session must continue.
func TestEndOthersBetweenTwoReads(t *testing.T) {
	for _, name := range []string{"a check", "a refresh"} {
		for _, ended := range []bool{false, true} {
			h := newHousehold(t)
			own := h.login(t, auth.Balanced)
			s, of, err := h.Check(t.Context(), own.Session.Key)
			if err != nil {
				t.Fatal(err)
			}
			written := make(chan struct{})
			h.Config().Store = &between{h.store, func() {
				if done, err := h.EndOthers(t.Context(), of, s); !done || err != nil {
					t.Error(done, err)
				}
				if ended {
					if _, err := h.Revoke(t.Context(), own.Session.Key, session.RevocationUser); err != nil {
						t.Error(err)
					}
				}
				close(written)
			}}
			h.users.read = func() { <-written }
			h.Config().Subjects = &afterwards{h.users, &h.directory}
			var version uint64
			if name == "a check" {
				s, _, err = h.Check(t.Context(), own.Session.Key)
				version = s.TokenVersion
			} else {
				var g session.Granted
				g, err = h.Refresh(t.Context(), session.Request{RefreshToken: own.RefreshToken})
				version = g.Session.TokenVersion
			}
			switch {
			case ended && !errors.Is(err, session.ErrEnded):
				t.Errorf("%s of a session that has ended: %v", name, err)
			case !ended && (err != nil || version != 3):
				t.Errorf("%s: version %d, %v", name, version, err)
			}
		}
	}
}

// afterwards reads the user after read has returned.
type afterwards struct {
	*directory
	real *user.Directory
}

func (a *afterwards) Subject(ctx context.Context, id auth.SubjectID) (auth.Subject, error) {
	a.read()
	return a.real.Subject(ctx, id)
}

func TestListHidesWhatHasEnded(t *testing.T) {
	h := newHousehold(t)
	h.users.subject.TokenVersion = 1
	h.login(t, auth.Balanced) // of an older token version
	h.users.subject.TokenVersion = 2
	open := h.login(t, auth.Fixed).Session.ID
	revoked := h.login(t, auth.Balanced)
	if _, err := h.Revoke(t.Context(), revoked.Session.Key, session.RevocationAdmin); err != nil {
		t.Fatal(err)
	}
	if got := h.listed(t, session.ID{}); !slices.Equal(got, []session.ID{open}) {
		t.Errorf("listed %v, want %v", got, open)
	}
	if page, err := h.List(t.Context(), auth.Subject{ID: aUUID, TokenVersion: 2, Disabled: true}, session.ID{}, session.ID{}, 100); err != nil || len(page.Sessions) != 0 {
		t.Errorf("a disabled user: %+v, %v", page, err)
	}
	h.now = h.now.Add(15 * 24 * time.Hour)
	if got := h.listed(t, session.ID{}); len(got) != 0 {
		t.Errorf("idle for too long: %v", got)
	}
}

// A session that a step-up has replaced continues for a while, but its user does not know it. It is
// not listed, and it ends together with its replacement.
func TestReplacedSessions(t *testing.T) {
	h := newHousehold(t)
	old := h.login(t, auth.Balanced)
	client := auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}
	g, err := h.StepUp(t.Context(), old.Session.ID, session.Opening{Subject: h.users.subject, AuthTime: h.now, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.listed(t, session.ID{}); !slices.Equal(got, []session.ID{g.Session.ID}) {
		t.Errorf("listed %v, want %v", got, g.Session.ID)
	}
	for n := int32(1); n <= 2; n++ { // the second write fails, and the caller tries again
		h.store.updates.Store(0)
		h.store.fail = func(i int32) error {
			if i == 2 && n == 1 {
				return auth.ErrUnavailable
			}
			return nil
		}
		if _, err := h.Revoke(t.Context(), g.Session.Key, session.RevocationUser); (err != nil) != (n == 1) {
			t.Errorf("try %d: %v", n, err)
		}
	}
	for _, one := range []session.Granted{old, g} {
		outcome, _ := h.refresh(t, one.RefreshToken)
		want(t, "a refresh afterwards", outcome, session.OutcomeRevoked)
	}
}

// A logout also ends the replaced session: its refresh token would work for weeks.
func TestLogoutEndsReplacedSessions(t *testing.T) {
	h := newHousehold(t)
	first := h.login(t, auth.Balanced)
	client := auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}
	stepUp := func(of session.Granted) session.Granted {
		g, err := h.StepUp(t.Context(), of.Session.ID, session.Opening{Subject: h.users.subject, AuthTime: h.now, Client: client})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	second := stepUp(first)
	third := stepUp(second)
	e, err := h.Logout(t.Context(), third.RefreshToken, nil)
	if err != nil || e.Outcome != session.OutcomeLoggedOut || !slices.Equal(e.Replaced, []session.Key{first.Session.Key, second.Session.Key}) {
		t.Errorf("%+v, %v", e, err)
	}
	for _, one := range []session.Granted{first, second, third} {
		outcome, _ := h.refresh(t, one.RefreshToken)
		want(t, "a refresh afterwards", outcome, session.OutcomeRevoked)
	}
	writes := h.store.updates.Load()
	if e, err := h.Logout(t.Context(), third.RefreshToken, nil); err != nil || e.Outcome != session.OutcomeRevoked || len(e.Replaced) > 0 {
		t.Errorf("again: %+v, %v", e, err)
	}
	if n := h.store.updates.Load() - writes; n != 1 {
		t.Errorf("the repetition did %d writes", n)
	}
}

// A replaced session that is refreshed after the handover is in use by a thief, or by a client
// whose step-up got no answer. Its user must see it.
func TestListShowsAReplacedSessionInUse(t *testing.T) {
	for _, profile := range profiles {
		h := newHousehold(t)
		old := h.login(t, profile)
		h.now = h.now.Add(time.Hour)
		g := h.stepUp(t, old.Session.ID, profile)
		all := []session.ID{g.Session.ID, old.Session.ID}
		for _, at := range []struct {
			after time.Duration
			own   session.ID
			want  []session.ID
		}{
			{time.Minute, g.Session.ID, []session.ID{g.Session.ID}},
			{0, old.Session.ID, all},
			{handover - time.Minute, g.Session.ID, all},
		} {
			h.now = h.now.Add(at.after)
			if outcome, _ := h.refresh(t, old.RefreshToken); !outcome.Grants() {
				t.Fatal(outcome)
			}
			got := h.listed(t, at.own)
			slices.SortFunc(got, func(a, b session.ID) int { return strings.Compare(a.String(), b.String()) })
			slices.SortFunc(at.want, func(a, b session.ID) int { return strings.Compare(a.String(), b.String()) })
			if !slices.Equal(got, at.want) {
				t.Errorf("%s, %s after the step-up: listed %v, want %v", profile, h.now.Sub(g.Session.CreatedAt), got, at.want)
			}
		}
	}
}

func TestListPages(t *testing.T) {
	h := newHousehold(t)
	want := map[session.ID]bool{}
	for range 7 {
		want[h.login(t, auth.Balanced).Session.ID] = true
	}
	of := auth.Subject{ID: aUUID, TokenVersion: 2}
	var sizes []int
	for after := (session.ID{}); ; {
		page, err := h.List(t.Context(), of, session.ID{}, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Sessions {
			delete(want, s.ID)
		}
		sizes = append(sizes, len(page.Sessions))
		if after = page.Next; after == (session.ID{}) {
			break
		}
	}
	if fmt.Sprint(sizes) != "[3 3 1]" || len(want) != 0 {
		t.Errorf("pages of %v, and %d sessions were not listed", sizes, len(want))
	}
	if page, err := h.List(t.Context(), auth.Subject{ID: aUUID, TokenVersion: 3}, session.ID{}, session.ID{}, 3); err != nil || len(page.Sessions) != 0 || page.Next == (session.ID{}) {
		t.Errorf("a hidden page: %+v, %v", page, err)
	}
}

func TestRename(t *testing.T) {
	h := newHousehold(t)
	of, g := auth.Subject{ID: aUUID, TokenVersion: 2}, h.login(t, auth.Balanced)
	for _, label := range []string{"work laptop", strings.Repeat("é", 64), "👩‍💻 日本語", "\u200fמחשב", ""} {
		if err := h.Rename(t.Context(), of, g.Session.ID, label); err != nil {
			t.Errorf("%q: %v", label, err)
		}
		if s, err := h.store.Get(t.Context(), g.Session.Key); err != nil || s.Label != label {
			t.Errorf("stored %q, %v", s.Label, err)
		}
	}
	for _, label := range []string{"a\nb", "a\x00", "\u0085", "\u2028", "\u2029", "\xff", "\u202egpj.exe", "\u202aa", "a\u2066b", strings.Repeat("é", 65), strings.Repeat("日", 67)} {
		if err := h.Rename(t.Context(), of, g.Session.ID, label); !errors.Is(err, session.ErrLabel) {
			t.Errorf("%q: %v", label, err)
		}
	}
	if err := h.Rename(t.Context(), auth.Subject{ID: "another", TokenVersion: 2}, g.Session.ID, "mine"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the session of another user: %v", err)
	}
	if err := h.Rename(t.Context(), auth.Subject{ID: aUUID, TokenVersion: 3}, g.Session.ID, "x"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a session of an older version: %v", err)
	}
	h.now = h.now.Add(15 * 24 * time.Hour)
	if err := h.Rename(t.Context(), of, g.Session.ID, "x"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a session that is over: %v", err)
	}
}

func TestEndsNeedVersions(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	if done, err := h.EndAll(t.Context(), h.users.subject, &g.Session); done || err == nil || !strings.Contains(err.Error(), "Config.Versions") {
		t.Errorf("%t, %v", done, err)
	}
}
