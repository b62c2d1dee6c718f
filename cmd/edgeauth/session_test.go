package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// opened writes the sessions of a user whose last use was so long ago, one for each change.
func opened(t *testing.T, stores backend.Stores, of auth.SubjectID, ago time.Duration, changes ...func(*session.Session)) (ids []string) {
	t.Helper()
	u, err := stores.Users.Get(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	for i, change := range changes {
		used := time.Now().Add(-ago).UTC().Truncate(time.Millisecond)
		s := session.Session{
			Key:  session.Key{Subject: of, ID: session.IDOf(auth.NewSecret(fmt.Sprint(t.Name(), of, ago, i)))},
			Kind: session.RefreshKind, Profile: auth.Balanced, Client: "web", TokenVersion: u.TokenVersion,
			IdleTimeout: 24 * time.Hour, IdleEnd: used.Add(24 * time.Hour), AbsoluteEnd: used.Add(60 * 24 * time.Hour),
			CreatedAt: used.Add(-time.Hour), LastSeen: used, AuthTime: used.Add(-time.Hour),
			UserAgent: "a browser\x1b[2J", Address: "192.0.2.7",
		}
		change(&s)
		if err := stores.Sessions.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID.String())
	}
	return ids
}

func asOpened(*session.Session) {}

// newSessions returns a data directory with the users a (Ada), b (Bob) and c, who cannot be read,
// and its stores.
func newSessions(t *testing.T) (home string, stores backend.Stores) {
	t.Helper()
	home = newHome(t)
	const users = `{"subject":"a","email":"ada@example.com"}
{"subject":"b","email":"bob@example.com"}
{"subject":"c","email":"cyd@example.com"}
`
	done(t, users, "user", "import", "-", "--data", home)
	damageUser(t, dev.Home(home).StorePath(), "c")
	stores, err := backend.OpenStores(config.Stores{BoltPath: filepath.Join(home, "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	return home, stores
}

// states returns the state of each session in a list in JSON.
func states(t *testing.T, text string) (all []string) {
	t.Helper()
	var views []sessionView
	if err := json.Unmarshal([]byte(text), &views); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, v := range views {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", v.ID, v.Subject, v.State, v.Reason)))
	}
	return all
}

func TestSessionList(t *testing.T) {
	home, stores := newSessions(t)
	ids := opened(t, stores, "a", time.Minute,
		asOpened,
		func(s *session.Session) {
			s.Revocation = &session.Revocation{At: s.LastSeen, Reason: session.RevocationTheft}
		},
		func(s *session.Session) { s.IdleEnd = s.LastSeen.Add(time.Second) },
		func(s *session.Session) { s.AbsoluteEnd = s.LastSeen.Add(time.Second) },
	)
	old := opened(t, stores, "a", 3*time.Hour, asOpened)
	bobs := opened(t, stores, "b", 2*time.Hour, asOpened)
	list := func(args ...string) string {
		return done(t, "", append([]string{"session", "list", "--data", home}, args...)...)
	}

	lines(t, list("Ada@example.com"), "SID .*",
		ids[0]+" +ada@example.com +web +"+when+" +"+when+" +"+when+` +open +192.0.2.7 +a browser\\x1b\[2J`,
		old[0]+" +ada@example.com .* open .*")
	open, theft, idle, absolute := ids[0]+" a open", ids[1]+" a revoked theft", ids[2]+" a idle", ids[3]+" a absolute"
	oldOpen, bob := old[0]+" a open", bobs[0]+" b open"
	for _, row := range []struct {
		name string
		args []string
		want []string
	}{
		{"of one user", []string{"a"}, []string{open, oldOpen}},
		{"with ended ones", []string{"a", "--ended"}, []string{open, theft, idle, absolute, oldOpen}},
		{"since a duration", []string{"a", "--active-since", "2h"}, []string{open, theft, idle, absolute}},
		{"since an instant", []string{"b", "--active-since", time.Now().Add(-time.Hour).Format(time.RFC3339)}, nil},
	} {
		got := states(t, list(append(row.args, "--json")...))
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}

	// A list of all users selects by the last use, and names the user who cannot be read.
	r := edgeauth(t, "", "session", "list", "--active-since", "150m", "--json", "--data", home)
	got := states(t, r.out)
	if len(got) != 5 || got[4] != bob || slices.Contains(got, oldOpen) {
		t.Errorf("all users: %q", got)
	}
	lines(t, r.err, "subject c: temporarily unavailable: .*", "edgeauth: users that cannot be read: 1")
	if r.status != exitFailed {
		t.Errorf("exit %d, want %d", r.status, exitFailed)
	}

	// A new password ends all sessions, and so does SessionsNotBefore.
	done(t, "battery staple", "user", "passwd", "b", "--data", home)
	t.Setenv(config.SessionsNotBefore, time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339))
	if got, want := states(t, list("a", "--json")), []string{open}; !slices.Equal(got, want) {
		t.Errorf("with %s: %q, want %q", config.SessionsNotBefore, got, want)
	}
	t.Setenv(config.SessionsNotBefore, "")
	if got, want := states(t, list("b", "--ended", "--json")), []string{bobs[0] + " b subject_superseded"}; !slices.Equal(got, want) {
		t.Errorf("after a new password: %q, want %q", got, want)
	}
	if got := list("b", "--json"); got != "[]\n" {
		t.Errorf("after a new password: %s", got)
	}
}

// TestSessionEnd ends one session and leaves the other sessions open. A session that it has
// replaced in a step-up ends with it, and has a line of its own.
func TestSessionEnd(t *testing.T) {
	home, stores := newSessions(t)
	old := opened(t, stores, "a", time.Minute, asOpened, func(s *session.Session) {
		s.Revocation = &session.Revocation{At: s.LastSeen, Reason: session.RevocationStepUp}
	})
	replacing := func(id string) func(*session.Session) {
		return func(s *session.Session) { s.Replaces, _ = session.ParseID(id) }
	}
	ids := opened(t, stores, "a", 0, asOpened, replacing(old[0]), replacing(old[1]))
	end := func(id string) []string {
		t.Helper()
		r := edgeauth(t, "", "session", "end", "a", id, "--data", home)
		got, others := audited(t, r.err)
		if r.status != exitDone || others != "" || r.out != "ended: session "+id+" of ada@example.com, subject a\n" {
			t.Errorf("exit %d, %s%s", r.status, r.out, others)
		}
		return got
	}
	line := func(reason, id string) string {
		return "INFO authn_token_revoked ended " + reason + " a " + id + " web"
	}
	for id, want := range map[string][]string{
		ids[1]: {line("admin", ids[1]), line("step_up", old[0])},
		ids[2]: {line("admin", ids[2])},
	} {
		if got := end(id); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := states(t, done(t, "", "session", "list", "a", "--json", "--data", home)); !slices.Equal(got, []string{ids[0] + " a open"}) {
		t.Errorf("open: %q", got)
	}
	r := edgeauth(t, "", "session", "end", "a", ids[1], "--data", home)
	if lines(t, r.out, "the session "+ids[1]+` of ada@example.com, subject a had already ended \(admin\)`); r.status != exitDone {
		t.Errorf("again: exit %d", r.status)
	}
}

// TestSessionEndAll ends the sessions of every user but the one who cannot be read, who is named. A
// repeat is harmless.
func TestSessionEndAll(t *testing.T) {
	home, stores := newSessions(t)
	opened(t, stores, "a", 0, asOpened, asOpened)
	opened(t, stores, "b", 0, asOpened)
	version := func(id auth.SubjectID) uint64 {
		t.Helper()
		u, err := stores.Users.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return u.TokenVersion
	}
	// A restored table of users may have an older version. Ada's is 2 in it, and the table of
	// sessions has sessions of a later version.
	u, err := stores.Users.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	opened(t, stores, "a", time.Second, asOpened)
	u.TokenVersion = 2
	if err := stores.Users.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before, begun := version("a"), time.Now()
		r := edgeauth(t, "", "session", "end-all", "--all-users", "--yes", "--json", "--data", home)
		got, others := audited(t, r.err)
		slices.Sort(got)
		if want := []string{"INFO authn_token_revoked ended admin a", "INFO authn_token_revoked ended admin b"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		lines(t, others, "subject c: temporarily unavailable: .*", "edgeauth: users that cannot be read: 1")
		since := begun.Truncate(time.Millisecond)
		if found, err := stores.Revocations.Since(t.Context(), since, time.Now()); err != nil || len(found) != 3 ||
			!slices.ContainsFunc(found, func(e session.RevocationEntry) bool { return !e.IssuedBy.Before(since) }) {
			t.Errorf("the entries of both users and of all tokens: %+v, %v", found, err)
		}
		if r.status != exitFailed || r.out != "{\n  \"users\": 2,\n  \"unreadable\": 1\n}\n" {
			t.Errorf("exit %d, %s", r.status, r.out)
		}
		if after := version("a"); after <= before {
			t.Errorf("the version was %d and is %d", before, after)
		}
	}
	for _, who := range []string{"a", "b"} {
		if got := done(t, "", "session", "list", who, "--json", "--data", home); got != "[]\n" {
			t.Errorf("open sessions of %s: %s", who, got)
		}
	}
	if got, want := states(t, done(t, "", "session", "list", "a", "--ended", "--json", "--data", home)), 3; len(got) != want || !strings.HasSuffix(got[0], " subject_superseded") {
		t.Errorf("%q", got)
	}
}

func TestSessionUsage(t *testing.T) {
	home, _ := newSessions(t)
	const hint = `Try "edgeauth --help".`
	for _, row := range []struct {
		args   string
		status int
		want   []string
	}{
		{"end a x", 2, []string{"edgeauth: x: invalid session id .*", hint}},
		{"end-all", 2, []string{"edgeauth: name a user, or pass --all-users", hint}},
		{"end-all a --all-users", 2, []string{"edgeauth: name a user, or pass --all-users", hint}},
		{"end-all a --after b", 2, []string{"edgeauth: --after is only for --all-users", hint}},
		{"end-all --all-users", 2, []string{"edgeauth: standard input is not a terminal; pass --yes to confirm", hint}},
		{"end-all --all-users --yes --workers 257", 2, []string{`edgeauth: --workers 257 is out of range \(want 1 to 256\)`, hint}},
		{"list", 2, []string{"edgeauth: name a user, or list all users with --active-since", hint}},
		{"list eve@example.com", 1, []string{"edgeauth: there is no user eve@example.com"}},
		{"list a --active-since yesterday", 2, []string{"edgeauth: --active-since yesterday: want a duration such as 24h, or an instant such as 2026-01-02T15:04:05Z", hint}},
		{"list a --active-since=-1h", 2, []string{"edgeauth: --active-since -1h: want a duration .*", hint}},
		{"list --active-since 1h --workers 0", 2, []string{`edgeauth: --workers 0 is out of range \(want 1 to 256\)`, hint}},
	} {
		r := edgeauth(t, "", append(append([]string{"session"}, strings.Fields(row.args)...), "--data", home)...)
		if r.status != row.status || r.out != "" {
			t.Errorf("%s: exit %d, printed %q", row.args, r.status, r.out)
		}
		lines(t, r.err, row.want...)
	}
}
