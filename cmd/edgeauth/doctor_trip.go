package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// farOff is a difference of clocks at which freshly issued tokens are refused.
const farOff = 30 * time.Second

const jwksPath = "/.well-known/jwks.json"

// published checks the public keys at the address of the stack, and the clock of this machine against
// the answer.
func (x *examination) published(ctx context.Context, s stack.Stack, signing keyrings.Ring) {
	sent := x.now()
	a, err := x.send(ctx, http.MethodGet, s.JWKS, nil, "")
	if err != nil || a.status != http.StatusOK {
		x.add("public-keys", wrong, "GET "+s.JWKS+": "+a.told(err), a.cure("read the log of the discovery function (docs/operations.md, Logs)"))
		return
	}
	if kid := signing.Keys[s.KeyVersion].ID(); len(signing.Keys) > 0 {
		x.holds(strings.Contains(string(a.body), `"`+kid+`"`), "public-keys", "the signing key is not among the public keys: authorizers refuse every new token",
			"deploy a changed value, which gives every alias a new version: sam deploy --stack-name "+s.Name+" --parameter-overrides NAME=VALUE")
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		x.add("clock", skipped, "the answer has no date", "")
		return
	}
	// The Date header has whole seconds, and was set between the request and the answer.
	off := max(sent.Sub(date.Add(time.Second)), date.Sub(x.now()))
	x.holds(off < farOff, "clock", fmt.Sprintf("the clock of this machine and that of AWS differ by %v; instants that commands write are wrong by that", off.Round(time.Second)),
		"set the clock, for example with timedatectl set-ntp true")
}

// answered is an answer of the API.
type answered struct {
	status int
	header http.Header
	body   []byte
	said   struct {
		Error    string `json:"error"`
		Access   string `json:"access_token"`
		Refresh  string `json:"refresh_token"`
		Terminal bool   `json:"terminal"`
	}
}

// told returns the problem of an answer.
func (a answered) told(err error) string {
	var transport *url.Error
	switch {
	case errors.As(err, &transport):
		return transport.Err.Error() // the caller names the method and the address
	case err != nil:
		return err.Error()
	case a.said.Error != "":
		return fmt.Sprintf("%d %s", a.status, printable(a.said.Error))
	}
	return fmt.Sprint(a.status)
}

// cure returns the cure of a wrong answer. If there was no answer, no log has a line about the request:
// the fault is between this machine and the API.
func (a answered) cure(ofAnswer string) string {
	if a.status == 0 {
		return "check the path from this machine to the address: its network, HTTPS_PROXY, and with DomainName the DNS record (docs/operations.md, With a domain of your own)"
	}
	return ofAnswer
}

func (x *examination) send(ctx context.Context, method, address string, body any, access string) (a answered, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	got, err := x.http.Do(r)
	if err != nil {
		return a, err
	}
	defer func() { _ = got.Body.Close() }()
	const most = 1 << 20
	a.status, a.header = got.StatusCode, got.Header
	if a.body, err = io.ReadAll(io.LimitReader(got.Body, most)); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.body, &a.said) // an answer of the gateway has another form
	return a, nil
}

// roundTrip uses the API of the stack like a user. It adds its own user, and always deletes the
// user afterwards.
func (x *examination) roundTrip(ctx context.Context, s stack.Stack) {
	stores, err := backend.OpenStores(s.Stores())
	if err != nil {
		x.add("round-trip", wrong, err.Error(), "")
		return
	}
	directory := directoryOf(stores)
	email, password := "doctor-"+strings.ToLower(rand.Text())+"@edgeauth.invalid", rand.Text()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		who, err := directory.Find(ctx, email)
		if err == nil {
			_, err = directory.Delete(ctx, who.ID)
		}
		if err != nil && !errors.Is(err, auth.ErrNotFound) {
			x.add("round-trip-clean-up", wrong, "the temporary user "+email+" is left: "+stack.Explain(err).Error(), "edgeauth user delete "+email+" --store stack:"+s.Name)
		}
	}()
	if err = recordOwnForm(ctx, directory); err == nil {
		_, err = directory.Add(ctx, email, auth.NewSecret(password), nil)
	}
	if err != nil { // the user may have been added nevertheless
		x.add("round-trip", wrong, "add a temporary user: "+stack.Explain(err).Error(), "use credentials that may write to the tables, or --no-user (docs/operations.md, Doctor)")
		return
	}
	if problem, cure, stopped := x.trip(ctx, strings.TrimSuffix(s.JWKS, jwksPath), email, password); problem != "" {
		x.add("round-trip", stopped, problem, cure)
		return
	}
	x.fine("round-trip")
}

// trip logs in, lists the sessions, refreshes and logs out. It returns the problem, or "".
func (x *examination) trip(ctx context.Context, api, email, password string) (problem, cure string, s state) {
	logs := "read the audit lines of this minute (docs/operations.md, Logs), and look up the outcome in docs/audit.md"
	step := func(what, method, path string, body any, access string, status int) (answered, error) {
		a, err := x.send(ctx, method, api+path, body, access)
		if err != nil || a.status != status {
			return a, fmt.Errorf("%s: %s %s: %s (want %d)", what, method, path, a.told(err), status)
		}
		return a, nil
	}
	a, err := step("log in", http.MethodPost, "/auth/login", map[string]any{"email": email, "password": password, "delivery": "body"}, "", http.StatusOK)
	switch {
	case err != nil && a.status == http.StatusForbidden:
		return err.Error() + ": a step of this deployment refused the temporary user", "--no-user", warned
	case err != nil && a.status == http.StatusBadRequest:
		return err.Error() + ": the client default may not deliver in the body", "--no-user", warned
	case err != nil:
		return err.Error(), a.cure(logs), wrong
	}
	if a.said.Access == "" || a.said.Refresh == "" {
		return "log in: the answer has no tokens", logs, wrong
	}
	if a, err := step("list the sessions", http.MethodGet, "/auth/sessions", nil, a.said.Access, http.StatusOK); err != nil {
		return err.Error(), a.cure(logs), wrong
	}
	first := a.said.Refresh
	if a, err = step("refresh", http.MethodPost, "/auth/refresh", map[string]any{"refresh_token": first}, "", http.StatusOK); err != nil {
		return err.Error(), a.cure(logs), wrong
	}
	last := a.said.Refresh
	if last == "" {
		return "refresh: the answer has no refresh token", logs, wrong
	}
	if a, err := step("log out", http.MethodPost, "/auth/logout", map[string]any{"refresh_token": last}, "", http.StatusOK); err != nil {
		return err.Error(), a.cure(logs), wrong
	}
	a, err = step("refresh after the logout", http.MethodPost, "/auth/refresh", map[string]any{"refresh_token": last}, "", http.StatusBadRequest)
	if err == nil && !a.said.Terminal {
		err = errors.New("refresh after the logout: the refusal is not final")
	}
	if err != nil {
		return err.Error(), a.cure(logs), wrong
	}
	return "", "", fine
}
