package session_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// logout returns the outcome of the result or of the error.
func (h *testManager) logout(t *testing.T, text auth.Secret, client *auth.ClientID) session.Outcome {
	t.Helper()
	e, err := h.Logout(t.Context(), text, client)
	var refusal *session.Refusal
	switch {
	case err == nil:
		return e.Outcome
	case !errors.As(err, &refusal) || errors.Is(err, session.ErrEnded):
		t.Fatalf("the error is no *Refusal, or wraps ErrEnded: %v", err)
	}
	return refusal.Outcome
}

func TestLogout(t *testing.T) {
	web, own := auth.ClientID("web"), auth.DefaultClient
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		for _, row := range []struct {
			name   string
			before func(*testManager, session.Granted)
			client *auth.ClientID
			want   session.Outcome
			after  session.Outcome // of the next refresh
		}{
			{"at once", nil, nil, session.OutcomeLoggedOut, session.OutcomeRevoked},
			{"its client, named", nil, &own, session.OutcomeLoggedOut, session.OutcomeRevoked},
			{"another client", nil, &web, session.OutcomeForeignClient, ""},
			{"idle", func(h *testManager, _ session.Granted) { h.now = h.now.Add(15 * 24 * time.Hour) }, nil, session.OutcomeLoggedOut, session.OutcomeRevoked},
			{"twice", func(h *testManager, g session.Granted) { h.logout(t, g.RefreshToken, nil) }, nil, session.OutcomeRevoked, session.OutcomeRevoked},
			{"another client, afterwards", func(h *testManager, g session.Granted) { h.logout(t, g.RefreshToken, nil) }, &web, session.OutcomeRevoked, session.OutcomeRevoked},
			{"of a disabled user", func(h *testManager, _ session.Granted) { h.users.subject.Disabled = true }, nil, session.OutcomeLoggedOut, session.OutcomeRevoked},
			{"of a client that is gone", func(h *testManager, _ session.Granted) { h.Config().Clients = configured{} }, nil, session.OutcomeLoggedOut, session.OutcomeRevoked},
			{"no such session", func(h *testManager, _ session.Granted) { h.Config().Store = empty{h.store} }, nil, session.OutcomeMissing, session.OutcomeMissing},
		} {
			t.Run(profile.String()+"/"+row.name, func(t *testing.T) {
				h := newTestManager(t)
				g := h.login(t, profile)
				if row.before != nil {
					row.before(h, g)
				}
				want(t, "logout", h.logout(t, g.RefreshToken, row.client), row.want)
				outcome, _ := h.refresh(t, g.RefreshToken)
				if row.after == "" && !outcome.Grants() || row.after != "" && outcome != row.after {
					t.Errorf("the next refresh: %s", outcome)
				}
			})
		}
	}
}

// empty is a store that has lost its sessions.
type empty struct{ session.Store }

func (empty) Get(context.Context, session.Key) (session.Session, error) {
	return session.Session{}, auth.ErrNotFound
}

func (empty) Update(context.Context, session.Key, session.Update) (*session.Session, bool, error) {
	return nil, false, nil
}

// TestAnOldTokenLogsOut: a client that missed rotations can end its session, and the tokens of a
// copy end with the session.
func TestAnOldTokenLogsOut(t *testing.T) {
	h := newTestManager(t)
	first := h.login(t, auth.Balanced)
	last := first
	for range 3 {
		h.now = h.now.Add(time.Hour)
		var outcome session.Outcome
		outcome, last = h.refresh(t, last.RefreshToken)
		want(t, "refresh", outcome, session.OutcomeRotated)
	}
	want(t, "logout", h.logout(t, first.RefreshToken, nil), session.OutcomeLoggedOut)
	outcome, _ := h.refresh(t, last.RefreshToken)
	want(t, "the newest token", outcome, session.OutcomeRevoked)
	list, err := h.store.List(t.Context(), aUUID, session.ID{}, 2)
	if err != nil || len(list) != 1 || list[0].Revocation == nil || list[0].Revocation.Reason != session.RevocationLogout || !list[0].Revocation.At.Equal(h.now) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestLogoutOfForgedTokens(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	text := g.RefreshToken.Reveal()
	for _, forged := range []string{"", "ert_", "ert_AAAA", text[:len(text)-1], text + "A", "x" + text} {
		want(t, forged, h.logout(t, auth.NewSecret(forged), nil), session.OutcomeForged)
	}
	if n := h.store.updates.Load(); n != 0 {
		t.Errorf("%d writes for forged tokens", n)
	}
}

// TestUnconfirmedLogoutIsNoSuccess: a logout must not report success if its write was not
// confirmed.
func TestUnconfirmedLogoutIsNoSuccess(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	h.store.fail = func(int32) error { return session.ErrThrottled }
	want(t, "throttled", h.logout(t, g.RefreshToken, nil), session.OutcomeThrottled)
	h.store.fail = func(int32) error { return errors.New("boom") }
	want(t, "another failure", h.logout(t, g.RefreshToken, nil), session.OutcomeFailed)
	h.store.fail, h.store.lose = nil, func(int32) error { return auth.ErrUnavailable }
	want(t, "the reply was lost", h.logout(t, g.RefreshToken, nil), session.OutcomeFailed)
	h.store.lose = nil
	want(t, "the next try", h.logout(t, g.RefreshToken, nil), session.OutcomeRevoked)

	g = h.login(t, auth.Balanced)
	h.Config().Store = liar{h.store}
	want(t, "a store that breaks the rules", h.logout(t, g.RefreshToken, nil), session.OutcomeFailed)

	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	h.Config().Store = h.store
	g = h.login(t, auth.Balanced)
	if e, err := h.Logout(ctx, g.RefreshToken, nil); err != nil || e.Outcome != session.OutcomeLoggedOut || e.Client != auth.DefaultClient {
		t.Errorf("by a client that hung up: %+v, %v", e, err)
	}
}

// TestRevoke: every result of Revoke tells the caller whether to log an end, and why the session
// ended.
func TestRevoke(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	key := g.Session.Key
	check := func(what string, got session.Ended, err error, outcome session.Outcome, reason session.RevocationReason, client auth.ClientID) {
		t.Helper()
		if want := (session.Ended{Outcome: outcome, Reason: reason, Session: key, Client: client}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
		}
	}
	e, err := h.Revoke(t.Context(), key, session.RevocationAdmin)
	check("at once", e, err, session.OutcomeEnded, session.RevocationAdmin, auth.DefaultClient)
	e, err = h.Revoke(t.Context(), key, session.RevocationTheft)
	check("again", e, err, session.OutcomeRevoked, session.RevocationAdmin, auth.DefaultClient)
	e, err = h.Logout(t.Context(), g.RefreshToken, nil)
	check("a logout", e, err, session.OutcomeRevoked, session.RevocationAdmin, auth.DefaultClient)
	key.ID[0]++
	e, err = h.Revoke(t.Context(), key, session.RevocationAdmin)
	check("no such session", e, err, session.OutcomeMissing, "", "")

	// The next request of an ended session is refused for the reason of its end.
	var refusal *session.Refusal
	_, err = h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
	if !errors.As(err, &refusal) || refusal.Revoked != session.RevocationAdmin || refusal.Client != auth.DefaultClient {
		t.Errorf("a refresh: %+v", refusal)
	}
	_, _, err = h.Check(t.Context(), g.Session.Key)
	if !errors.As(err, &refusal) || refusal.Revoked != session.RevocationAdmin || refusal.Client != auth.DefaultClient {
		t.Errorf("a check: %+v", refusal)
	}
}

// TestUnconfirmedRevoke: if the reply is lost, the next call says that the session has ended, and
// with which reason.
func TestUnconfirmedRevoke(t *testing.T) {
	h := newTestManager(t)
	g := h.login(t, auth.Balanced)
	h.store.lose = func(int32) error { return auth.ErrUnavailable }
	_, err := h.Revoke(t.Context(), g.Session.Key, session.RevocationAdmin)
	var refusal *session.Refusal
	if !errors.Is(err, auth.ErrUnavailable) || !errors.As(err, &refusal) || refusal.Session != g.Session.Key {
		t.Errorf("the reply was lost: %v", err)
	}
	h.store.lose = nil
	e, err := h.Revoke(t.Context(), g.Session.Key, session.RevocationAdmin)
	if err != nil || e.Outcome != session.OutcomeRevoked || e.Reason != session.RevocationAdmin {
		t.Errorf("the next call: %+v, %v", e, err)
	}
}

// twice repeats each update, as a store's client does if the reply to the first attempt is lost.
type twice struct{ session.Store }

func (s twice) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	if _, _, err := s.Store.Update(ctx, key, u); err != nil {
		return nil, false, err
	}
	return s.Store.Update(ctx, key, u)
}

// TestARepeatedEndIsThisEnd: a retry within the store finds the tombstone of its first attempt. It
// must not report that the session had ended before, because then the end would be on record
// nowhere.
func TestARepeatedEndIsThisEnd(t *testing.T) {
	h := newTestManager(t)
	a, b := h.login(t, auth.Balanced), h.login(t, auth.Balanced)
	h.Config().Store = twice{h.store}
	want(t, "logout", h.logout(t, a.RefreshToken, nil), session.OutcomeLoggedOut)
	if e, err := h.Revoke(t.Context(), b.Session.Key, session.RevocationAdmin); err != nil || e.Outcome != session.OutcomeEnded {
		t.Errorf("%+v, %v", e, err)
	}
	want(t, "another logout", h.logout(t, b.RefreshToken, nil), session.OutcomeRevoked)
	// Older code wrote no mark. A tombstone without a mark is the trace of another call.
	c := h.login(t, auth.Balanced)
	if _, _, err := h.store.Update(t.Context(), c.Session.Key, session.Revoke(h.now, session.RevocationLogout)); err != nil {
		t.Fatal(err)
	}
	want(t, "after a logout without a mark", h.logout(t, c.RefreshToken, nil), session.OutcomeRevoked)
}

// TestRepetitionsOfAnEnd: a client may send one dead token as often as it likes. Its logouts must
// not fill the list of revocations, which every authorizer loads.
func TestRepetitionsOfAnEnd(t *testing.T) {
	db, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	h := newTestManager(t)
	h.Config().Store, h.Config().Revocations = db.Sessions(), db.Revocations()
	g, begin := h.login(t, auth.Balanced), h.now
	want(t, "logout", h.logout(t, g.RefreshToken, nil), session.OutcomeLoggedOut)
	for range 100 {
		h.now = h.now.Add(300 * time.Millisecond)
		want(t, "another logout", h.logout(t, g.RefreshToken, nil), session.OutcomeRevoked)
	}
	// A list that was read right before a repetition must still find it.
	found, err := db.Revocations().Since(t.Context(), h.now.Add(-15*time.Second), h.now)
	if err != nil || len(found) == 0 {
		t.Errorf("the last repetition: %d entries, %v", len(found), err)
	}
	found, err = db.Revocations().Since(t.Context(), begin.Add(-time.Minute), h.now)
	if err != nil || len(found) > 5 {
		t.Errorf("101 logouts in 30 seconds made %d entries, %v (want one, and one for each 10 seconds)", len(found), err)
	}
}
