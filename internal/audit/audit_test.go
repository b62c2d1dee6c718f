package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/edgeauth/edgeauth/internal/audit"
)

func TestWrite(t *testing.T) {
	for _, row := range []struct {
		name  string
		event audit.Event
		want  map[string]string
	}{
		{
			"every field",
			audit.Event{
				Name: audit.SessionRenewed, Outcome: "rotated", Reason: "ok", Claim: "aud", RequestID: "r1",
				SubjectID: "u1", SessionID: "s1", ClientID: "web", MailClass: "signup",
			},
			map[string]string{
				"level": "INFO", "event": "session_renewed", "outcome": "rotated", "reason": "ok", "claim": "aud",
				"request_id": "r1", "sub": "u1", "sid": "s1", "client_id": "web", "mail_class": "signup",
			},
		},
		{
			"empty fields are left out", audit.Event{Name: audit.AuthzFail, Outcome: "unauthenticated"},
			map[string]string{"level": "WARN", "event": "authz_fail", "outcome": "unauthenticated"},
		},
		{
			"theft is an error", audit.Event{Name: audit.TokenReuse},
			map[string]string{"level": "ERROR", "event": "authn_token_reuse"},
		},
		{
			"a fault is an error", audit.Event{Name: audit.AuthzFail, Fault: errors.New("no keys")},
			map[string]string{"level": "ERROR", "event": "authz_fail", "fault": "no keys"},
		},
		{
			"a line feed makes no second line", audit.Event{Name: audit.AuthzFail, RequestID: "a\n{\"event\":\"x\"}"},
			map[string]string{"level": "WARN", "event": "authz_fail", "request_id": "a\n{\"event\":\"x\"}"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			audit.New(&out, nil).Write(context.Background(), row.event)
			if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != 1 {
				t.Fatalf("%d lines: %s", lines, &out)
			}
			var got map[string]string
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got["time"] == "" {
				t.Error("the line has no time")
			}
			delete(got, "time")
			if !maps.Equal(got, row.want) {
				t.Errorf("got  %v\nwant %v", got, row.want)
			}
		})
	}
}

func TestNilLogIsSilent(t *testing.T) {
	var l *audit.Log
	l.Write(context.Background(), audit.Event{Name: audit.LoginSuccess})
}
