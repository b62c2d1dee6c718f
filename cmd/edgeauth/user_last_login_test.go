package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// TestLastLogin: a user's newest session shows the last login, even if the session has ended.
func TestLastLogin(t *testing.T) {
	home, stores := newSessions(t)
	newest := time.Now().Add(-20 * time.Minute).UTC().Truncate(time.Millisecond)
	ended := func(s *session.Session) {
		s.AuthTime = newest
		s.Revocation = &session.Revocation{At: newest, Reason: session.RevocationLogout}
	}
	var changes []func(*session.Session)
	for range sessionPage + 5 { // more than one page
		changes = append(changes, asOpened)
	}
	opened(t, stores, "a", 5*time.Hour, append(changes, ended)...)
	say := func(args ...string) string { return edgeauth(t, "", append(args, "--data", home)...).out }

	var one userView
	if err := json.Unmarshal([]byte(say("user", "find", "a", "--json")), &one); err != nil || !one.LastLogin.Equal(newest) {
		t.Errorf("find: %v, %v, want %v", one.LastLogin, err, newest)
	}
	var all []userView
	err := json.Unmarshal([]byte(say("user", "list", "--last-login", "--json")), &all)
	if err != nil || len(all) != 2 || !all[0].LastLogin.Equal(newest) || !all[1].LastLogin.IsZero() {
		t.Errorf("list: %+v, %v", all, err)
	}
	lines(t, say("user", "list", "--last-login"), "SUBJECT +E-MAIL +ROLES +STATE +CREATED +LAST LOGIN",
		"a .* "+newest.Format(time.DateTime), "b .* -")
	lines(t, say("user", "list"), "SUBJECT +E-MAIL +ROLES +STATE +CREATED", "a .*", "b .*")
}
