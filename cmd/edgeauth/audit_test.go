package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// audited returns the audit lines in a text in a short form, and the other lines.
func audited(t *testing.T, text string) (lines []string, others string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "{") {
			others += line
			continue
		}
		var e struct{ Level, Event, Outcome, Reason, Sub, Sid, Client_id string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		short := strings.Fields(fmt.Sprintln(e.Level, e.Event, e.Outcome, e.Reason, e.Sub, e.Sid, e.Client_id))
		lines = append(lines, strings.Join(short, " "))
	}
	return lines, others
}

// TestEndsAreRecorded ends sessions in every way that a command can. Each has one audit line, on
// standard error and in a file alike, and a command that ends no session writes no line.
func TestEndsAreRecorded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, flags := range [][]string{nil, {"--audit-log", file}} {
		home, stores := newSessions(t)
		ids := opened(t, stores, "a", 0, asOpened, asOpened)
		for _, row := range []struct {
			in, args string
			status   int
			want     string // the line; empty for no line
		}{
			{"", "session end a " + ids[0], 0, "INFO authn_token_revoked ended admin a " + ids[0] + " web"},
			{"", "session end ada@example.com " + ids[0], 0, "WARN authn_token_revoke_fail revoked admin a " + ids[0] + " web"},
			{"", "session end b " + ids[1], 1, "WARN authn_token_revoke_fail missing b " + ids[1]},
			{"", "session end eve " + ids[1], 1, ""},
			{"", "user logout ada@example.com", 0, "INFO authn_token_revoked ended admin a"},
			{"", "session end-all a", 0, "INFO authn_token_revoked ended admin a"},
			{"", "session end-all eve", 1, ""},
			{"", "session end-all --all-users", 2, ""},
			{"battery staple", "user passwd a", 0, "INFO authn_password_change admin a"},
			{"weak", "user passwd a", 1, ""},
			{"", "user disable a", 0, "INFO authn_token_revoked ended subject_disabled a"},
			{"", "user disable a", 0, ""},
			{"", "user disable eve", 1, ""},
			{"", "user delete a --yes", 0, "INFO authn_token_revoked ended subject_missing a"},
			{"", "user delete a --yes", 1, ""},
			{"", "user delete b", 2, ""},
		} {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			r := edgeauth(t, row.in, slices.Concat(strings.Fields(row.args), flags, []string{"--data", home})...)
			text, others := r.err, ""
			if flags != nil {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				text, others = string(raw), r.err
			}
			lines, more := audited(t, text)
			if others += more; r.status != row.status || strings.Join(lines, ", ") != row.want || (others == "") != (row.status == 0) {
				t.Errorf("%s: exit %d, %q, want %q; %s", row.args, r.status, lines, row.want, others)
			}
		}
	}
}

// TestNothingIsOffTheRecord: a command whose audit log cannot be opened ends no session.
func TestNothingIsOffTheRecord(t *testing.T) {
	home, stores := newSessions(t)
	ids := opened(t, stores, "a", 0, asOpened)
	nowhere := filepath.Join(home, "nowhere", "audit.jsonl")
	for _, args := range []string{"session end a " + ids[0], "user logout a", "session end-all --all-users --yes", "user passwd a", "user disable a", "user delete a --yes"} {
		r := edgeauth(t, "battery staple", slices.Concat(strings.Fields(args), []string{"--audit-log", nowhere, "--data", home})...)
		if r.status != exitFailed || !strings.Contains(r.err, nowhere) {
			t.Errorf("%s: exit %d, %s", args, r.status, r.err)
		}
	}
	if got := states(t, done(t, "", "session", "list", "a", "--json", "--data", home)); len(got) != 1 {
		t.Errorf("open sessions: %q", got)
	}
}

// TestUnconfirmedEnds: a write that the store did not confirm may have taken effect, so it has a
// line. An error that changed nothing has no line.
func TestUnconfirmedEnds(t *testing.T) {
	key := session.Key{Subject: "a", ID: session.ID{1}}
	throttled := fmt.Errorf("updating: %w", session.ErrThrottled)
	for _, row := range []struct {
		name string
		do   func(*audit.Log)
		want string
	}{
		{"one", func(l *audit.Log) { record(t.Context(), l, key, session.Ended{}, auth.ErrUnavailable) }, "WARN authn_token_revoke_fail error admin a " + key.ID.String()},
		{"one, throttled", func(l *audit.Log) { record(t.Context(), l, key, session.Ended{}, throttled) }, "WARN authn_token_revoke_fail throttled admin a " + key.ID.String()},
		{"all", func(l *audit.Log) { recordAll(t.Context(), l, "a", byDelete, auth.ErrUnavailable) }, "WARN authn_token_revoke_fail error subject_missing a"},
		{"all, throttled", func(l *audit.Log) { recordAll(t.Context(), l, "a", byDisable, throttled) }, "WARN authn_token_revoke_fail throttled subject_disabled a"},
		{"a password", func(l *audit.Log) { recordPassword(t.Context(), l, "a", throttled) }, "WARN authn_password_change_fail temporarily_unavailable admin a"},
		{"of no user", func(l *audit.Log) { recordAll(t.Context(), l, "a", byDelete, auth.ErrNotFound) }, ""},
		{"no password", func(l *audit.Log) { recordPassword(t.Context(), l, "a", errors.New("too short")) }, ""},
	} {
		var text strings.Builder
		row.do(audit.New(&text, nil))
		if lines, _ := audited(t, text.String()); strings.Join(lines, ", ") != row.want {
			t.Errorf("%s: %q, want %q", row.name, lines, row.want)
		}
	}
}
