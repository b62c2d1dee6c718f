package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// TestOpens checks a custom login: the answer of POST /auth/login, and an audit line after success
// and after an error.
func TestOpens(t *testing.T) {
	h := newHarness(t)
	var proven endpoint.Proven
	var proof error
	h.handlers["/auth/login"] = h.Responder().Opens(h.Sessions(), func(*http.Request) (endpoint.Proven, error) { return proven, proof })
	u, err := h.users.Get(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	client := h.Clients()[auth.DefaultClient]
	disabled := u.Subject()
	disabled.Disabled = true
	for _, row := range []struct {
		name   string
		proven endpoint.Proven
		proof  error
		want   string // a part of the answer
		line   string
		fault  string // a part of the fault in the audit line
	}{
		{"proven", endpoint.Proven{Subject: u.Subject(), Client: client, AuthTime: noon, Account: "acc"}, nil,
			`200 {"access_token":"`, "authn_login_success", ""},
		{"denied", endpoint.Proven{}, &login.Denial{Code: "email_taken", Description: "d"},
			`403 {"error":"email_taken","error_description":"d"}`, "authn_login_fail email_taken denied", ""},
		{"refused", endpoint.Proven{}, &login.Refusal{Reason: login.ReasonDisabled, Subject: subject},
			`401 {"error":"invalid_credentials"}`, "authn_login_fail invalid_credentials disabled", ""},
		{"a store that failed", endpoint.Proven{}, fmt.Errorf("read: %w", auth.ErrUnavailable),
			`503 Retry-After: 1 {"error":"temporarily_unavailable"}`, "authn_login_fail temporarily_unavailable", "read: "},
		{"a mistake of the program", endpoint.Proven{}, errors.New("hunter2"),
			`500 {"error":"server_error"}`, "authn_login_fail server_error", "hunter2"},
		{"too many attempts", endpoint.Proven{}, &login.Refusal{Reason: login.ReasonThrottled, RetryAfter: 3 * time.Second},
			`429 Retry-After: 3 {"error":"too_many_requests"}`, "authn_login_fail too_many_requests throttled", ""},
		{"no such user", endpoint.Proven{}, fmt.Errorf("read: %w", auth.ErrNotFound),
			`401 {"error":"invalid_credentials"}`, "authn_login_fail invalid_credentials unknown", ""},
		{"a disabled user", endpoint.Proven{Subject: disabled, Client: client, AuthTime: noon}, nil,
			`401 {"error":"invalid_credentials"}`, "authn_login_fail invalid_credentials disabled", ""},
		{"an unknown client", endpoint.Proven{Subject: u.Subject(), Client: auth.Client{ID: "web"}, AuthTime: noon}, nil,
			`500 {"error":"server_error"}`, "authn_login_fail server_error", `client "web" is not configured`},
		{"no client", endpoint.Proven{Subject: u.Subject(), AuthTime: noon}, nil,
			`500 {"error":"server_error"}`, "authn_login_fail server_error", `client "" is not configured`},
		{"no time", endpoint.Proven{Subject: u.Subject(), Client: client}, nil,
			`500 {"error":"server_error"}`, "authn_login_fail server_error", "AuthTime is zero"},
	} {
		proven, proof = row.proven, row.proof
		got := h.send(t, loginJSON+`{}`)
		if !strings.HasPrefix(got.text, row.want) || got.line != row.line || strings.Contains(got.body, "hunter2") {
			t.Errorf("%s: %s, logged %q; want %s, logged %q", row.name, got.text, got.line, row.want, row.line)
		}
		var line struct{ Fault, Sid string }
		if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(line.Fault, row.fault) || (line.Fault == "") != (row.fault == "") {
			t.Errorf("%s: the fault is %q, want %q", row.name, line.Fault, row.fault)
		}
		if (line.Sid == "") == (got.status == http.StatusOK) {
			t.Errorf("%s: the audit line has the sid %q", row.name, line.Sid)
		}
	}
	if list, err := h.sessions.List(t.Context(), subject, session.ID{}, 10); err != nil || len(list) != 1 {
		t.Errorf("%d sessions were written, %v; want that of the one success", len(list), err)
	}
}

// TestDeniedLoginIsNamed: the audit line of a login that a step denied names the account and, once
// the password was verified, the user.
func TestDeniedLoginIsNamed(t *testing.T) {
	denial := &login.Denial{Code: "second_factor_required"}
	steps := login.Steps{After: func(context.Context, login.Credentials, login.Result) ([]string, error) { return nil, denial }}
	h := newHarness(t, func(s *service.Settings) { s.Steps = steps })
	var line struct {
		Reason, Account string
		Sub             auth.SubjectID
	}
	named := func(what string, account bool) {
		t.Helper()
		line.Account, line.Sub = "", ""
		got := h.send(t, loginJSON+credentials)
		if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if got.status != http.StatusForbidden || line.Reason != "denied" || line.Sub != subject || (line.Account != "") != account {
			t.Errorf("%s: %s, logged as %s", what, got.text, h.log.String())
		}
	}
	named("a second factor", true)
	custom := &login.Denial{Code: "second_factor_required", Subject: subject}
	h.handlers["/auth/login"] = h.Responder().Opens(h.Sessions(), func(*http.Request) (endpoint.Proven, error) { return endpoint.Proven{}, custom })
	named("a custom login", false)
}
