package endpoint_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
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
	for _, row := range []struct {
		name   string
		proven endpoint.Proven
		proof  error
		want   string // a part of the answer
		line   string
	}{
		{"proven", endpoint.Proven{Subject: u.Subject(), Client: client, AuthTime: noon, Account: "acc"}, nil,
			`200 {"access_token":"`, "authn_login_success"},
		{"denied", endpoint.Proven{}, &login.Denial{Code: "email_taken", Description: "d"},
			`403 {"error":"email_taken","error_description":"d"}`, "authn_login_fail email_taken denied"},
		{"refused", endpoint.Proven{}, &login.Refusal{Reason: login.ReasonDisabled, Subject: subject},
			`401 {"error":"invalid_credentials"}`, "authn_login_fail invalid_credentials disabled"},
		{"a store that failed", endpoint.Proven{}, fmt.Errorf("read: %w", auth.ErrUnavailable),
			`503 Retry-After: 1 {"error":"temporarily_unavailable"}`, "authn_login_fail temporarily_unavailable"},
		{"a mistake of the program", endpoint.Proven{}, errors.New("hunter2"),
			`500 {"error":"server_error"}`, "authn_login_fail server_error"},
	} {
		proven, proof = row.proven, row.proof
		got := h.send(t, loginJSON+`{}`)
		if !strings.HasPrefix(got.text, row.want) || got.line != row.line || strings.Contains(got.body, "hunter2") {
			t.Errorf("%s: %s, logged %q; want %s, logged %q", row.name, got.text, got.line, row.want, row.line)
		}
	}
}
