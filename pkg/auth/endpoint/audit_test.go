package endpoint_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// optional are the optional members of an audit line about the client.
type optional struct {
	Network     *string `json:"network"`
	KnownDevice *bool   `json:"known_device"`
}

func (h *harness) optional(t *testing.T) (network, device string) {
	t.Helper()
	var got optional
	if err := json.Unmarshal(h.log.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	network, device = "none", "none"
	if got.Network != nil {
		network = *got.Network
	}
	if got.KnownDevice != nil {
		device = map[bool]string{true: "yes", false: "no"}[*got.KnownDevice]
	}
	return network, device
}

// TestOptionalMembersOfALogin: the full address of a client is never logged, and its beginning is
// logged only if the configuration asks for it.
func TestOptionalMembersOfALogin(t *testing.T) {
	const v4, v6 = "192.0.2.77:4711", "[2001:db8:1:2:3:4:5:6]:4711"
	from := func(h *harness, remote, body string) answer {
		r := httptest.NewRequest("POST", "/auth/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = remote
		return h.serve(t, r)
	}
	for config, row := range map[string]struct{ networks, devices []string }{
		``: {[]string{"none"}, []string{"none"}},
		`{"audit":{"network":false,"known_device":false}}`: {[]string{"none"}, []string{"none"}},
		`{"audit":{"network":true}}`:                       {[]string{"192.0.2.0/24", "2001:db8:1::/48"}, []string{"none"}},
		`{"audit":{"known_device":true}}`:                  {[]string{"none"}, []string{"yes", "no"}},
	} {
		h := newHarness(t, func(s *service.Settings) { s.Config = config })
		got := from(h, v4, credentials)
		device := `,"device_token":"` + between(t, got.body, `"device_token":"`, `"`) + `"}`
		for _, login := range []struct {
			remote, body, device string
			failed               bool
		}{
			{v4, credentials, "no", false},
			{v6, strings.TrimSuffix(credentials, "}") + device, "yes", false},
			{v6, `{"email":"` + email + `","password":"wrong"` + device, "yes", true},
			{v4, `{"email":"` + email + `","password":"wrong"}`, "no", true},
			{v4, `{"email":"nobody@example.com","password":"wrong"` + device, "no", true}, // the device of another user
			{"[::ffff:192.0.2.77]:4711", `{"email":"` + email + `","password":"wrong","device_token":"edt_x"}`, "no", true},
		} {
			got := from(h, login.remote, login.body)
			if failed := strings.HasPrefix(got.line, "authn_login_fail"); failed != login.failed {
				t.Fatalf("%s: %s", login.body, got.line)
			}
			if strings.Contains(h.log.String(), "192.0.2.77") || strings.Contains(h.log.String(), "2001:db8:1:2") {
				t.Errorf("the log has the address: %s", &h.log)
			}
			network, known := h.optional(t)
			if !slices.Contains(row.networks, network) || !slices.Contains(row.devices, known) || row.devices[0] != "none" && known != login.device {
				t.Errorf("%s: from %s: %s", config, login.remote, &h.log)
			}
			if want := map[bool]string{true: "2001:db8:1::/48", false: "192.0.2.0/24"}[login.remote == v6]; row.networks[0] != "none" && network != want {
				t.Errorf("%s: from %s: %s", config, login.remote, &h.log)
			}
		}
	}
}

// TestOptionalMembersAreOfLogins: lines of other events have no optional member, and the line of a
// login without an address has no network.
func TestOptionalMembersAreOfLogins(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Config = `{"audit":{"network":true,"known_device":true}}` })
	access, refresh := h.login(t)
	for name, request := range map[string]string{
		"a refresh": formOf(refresh, ""), "a refused refresh": formOf("ert_x", ""), "a logout": logoutForm + "token=ert_x",
		"a change": withBearer(access, changeBody("wrong", nextSecret)),
	} {
		h.send(t, request)
		if network, device := h.optional(t); network != "none" || device != "none" {
			t.Errorf("%s: %s", name, &h.log)
		}
	}
	h.changeUser(t, func(u *user.User) { u.MustChange = true })
	h.send(t, loginJSON+credentials)
	if _, device := h.optional(t); device != "no" {
		t.Errorf("a required change: %s", &h.log)
	}
	r := httptest.NewRequest("POST", "/auth/login", strings.NewReader(credentials))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "@"
	h.serve(t, r)
	if network, _ := h.optional(t); network != "none" {
		t.Errorf("without an address: %s", &h.log)
	}
	h.send(t, loginJSON+`{"email":"`+email+`"}`)
	if _, device := h.optional(t); device != "none" {
		t.Errorf("a malformed request: %s", &h.log)
	}
}

// TestConflictIsNoFault: requests that change one user at the same time are answered 503. They
// raise no alarm, because a client can send them.
func TestConflictIsNoFault(t *testing.T) {
	h := newHarness(t)
	for fail, want := range map[error]float64{user.ErrConflict: 0, auth.ErrUnavailable: 1} {
		h.users.fail = fail
		got := h.send(t, loginJSON+credentials)
		if got.status != 503 || got.line != "authn_login_fail temporarily_unavailable" || strings.Contains(h.log.String(), `"fault"`) != (want > 0) || h.metrics["store_errors"] != want || h.metrics["faults"] != 0 {
			t.Errorf("%v: %s, logged as %s", fail, got.text, &h.log)
		}
	}
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	got, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s", text, before)
	}
	return got
}
