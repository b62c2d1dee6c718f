package endpoint_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var device = regexp.MustCompile(`edt_[\w-]+`)

// keyed is a harness whose rings change with each deployment.
type keyed struct {
	*harness
	signing, refresh, login keyrings.Ring
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	k := &keyed{harness: newHarness(t)}
	load := func(from keyring.Source, kind keyrings.Kind) keyrings.Ring {
		r, err := keyrings.Load(t.Context(), from, kind)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	k.signing = load(k.settings.SigningRing, keyrings.SigningRing)
	k.refresh = load(k.settings.RefreshKeys, keyrings.RefreshRing)
	k.login = load(k.settings.LoginRing, keyrings.LoginRing)
	return k
}

// deploy changes the rings and replaces the functions.
func (k *keyed) deploy(t *testing.T, m keyrings.Move) {
	t.Helper()
	k.clock.Advance(time.Minute)
	m.Algorithm, m.Immediately = token.EdDSA, true
	for r, source := range map[*keyrings.Ring]*keyring.Source{
		&k.signing: &k.settings.SigningRing, &k.refresh: &k.settings.RefreshKeys, &k.login: &k.settings.LoginRing,
	} {
		moved, err := r.Move(m, k.clock.Now(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text, err := moved.Text()
		if err != nil {
			t.Fatal(err)
		}
		*r, *source = moved, keyrings.Inline(text)
	}
	k.settings.KeyVersion = m.Version
	k.restart(t)
	k.clock.Advance(time.Minute)
}

// TestDroppedRefreshKey checks the answers to the clients of a session after the key of its refresh
// token was dropped.
func TestDroppedRefreshKey(t *testing.T) {
	for name, now := range map[string]keyrings.Version{
		"its version has another key, for a rollback": 2,
		"its version has no key":                      3,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeyed(t)
			access, doomed := k.harness.login(t)
			_, left := k.harness.login(t)
			k.deploy(t, keyrings.Move{Version: 2})
			_, spared := k.harness.login(t)
			k.deploy(t, keyrings.Move{Version: now})
			k.deploy(t, keyrings.Move{Version: now, DropRefresh: keyrings.Drop{IDs: []string{k.refresh.Keys[1].ID()}}})
			if _, replaced := k.refresh.Keys[1]; replaced != (now == 2) {
				t.Fatalf("version 1 has another key: %t", replaced)
			}
			for _, row := range []struct{ name, request, want, line string }{
				{"refresh", formOf(doomed, ""), ended, "session_renew_fail key_dropped"},
				{"refresh, in JSON", refreshJSON + `{"refresh_token":"` + doomed + `"}`, ended, "session_renew_fail key_dropped"},
				{"refresh of another client", formOf(doomed, "&client_id=web"), ended, "session_renew_fail key_dropped"},
				{"refresh with a scope", formOf(doomed, "&scope=admin"), ended, "session_renew_fail key_dropped"},
				{"logout", logoutForm + "token=" + left, done, "authn_token_revoke_fail key_dropped"},
				{"logout, in JSON", logoutJSON + `{"refresh_token":"` + left + `"}`, done, "authn_token_revoke_fail key_dropped"},
				{"no token of the service", formOf("ert_AAAA", ""), ended, "session_renew_fail forged"},
			} {
				if got := k.send(t, row.request); got.text != row.want || got.line != row.line {
					t.Errorf("%s: %s, logged as %s; want %s, %s", row.name, got.text, got.line, row.want, row.line)
				}
			}
			if got := k.send(t, formOf(spared, "")); got.line != "session_renewed rotated" {
				t.Errorf("a session under another key: %s", got.line)
			}
			if now == 3 {
				return // the next deployment withdrew the signing key of the access token
			}
			// The access token stays valid until it expires, so it still shows the session.
			got := k.send(t, withBearer(access, changeBody(secret, nextSecret)))
			if got.status != http.StatusOK {
				t.Fatalf("the access token: %s", got.text)
			}
			_, next := got.tokens(t)
			k.clock.Advance(time.Hour)
			if got := k.send(t, formOf(next, "")); got.line != "session_renewed rotated" {
				t.Errorf("the session of the new password: %s", got.line)
			}
		})
	}
}

// TestDroppedLoginKeys checks logins after the login keys were dropped: known devices are unknown,
// and counters restart. No answer is a fault.
func TestDroppedLoginKeys(t *testing.T) {
	for name, drop := range map[string]func(k *keyed) keyrings.Drop{
		"all keys":           func(*keyed) keyrings.Drop { return keyrings.Drop{All: true} },
		"the key that seals": func(k *keyed) keyrings.Drop { return keyrings.Drop{IDs: []string{k.login.Keys[1].ID()}} },
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeyed(t)
			var strangers int
			attack := func() {
				t.Helper()
				for range login.DefaultLimits().Account.Free {
					if got := k.send(t, loginJSON+`{"email":"`+email+`","password":"a guess"}`); got.status == http.StatusUnauthorized {
						strangers++
					}
				}
			}
			with := func(token string) string {
				return loginJSON + strings.TrimSuffix(credentials, "}") + `,"device_token":"` + token + `"}`
			}
			access, refresh := k.harness.login(t)
			known := device.FindString(k.send(t, loginJSON+credentials).body)
			attack()
			for _, row := range []struct {
				request string
				status  int
			}{{loginJSON + credentials, 429}, {with(known), 200}} {
				if got := k.send(t, row.request); got.status != row.status {
					t.Fatalf("before the drop: %s", got.text)
				}
			}

			k.deploy(t, keyrings.Move{Version: 2, DropLogin: drop(k)})
			if c := k.claims(t, access); c.Subject != subject {
				t.Errorf("the access token of before: %+v", c)
			}
			fresh := k.send(t, loginJSON+credentials)
			if fresh.status != http.StatusOK {
				t.Errorf("counters did not begin anew: %s", fresh.text)
			}
			got := k.send(t, with(known))
			if again := device.FindString(got.body); got.status != http.StatusOK || again == "" || again == known {
				t.Errorf("the known device of before: %s", got.text)
			}
			strangers = 0
			attack()
			if strangers == 0 {
				t.Error("no guess was taken: counters did not begin anew")
			}
			if got := k.send(t, with(known)); got.status != http.StatusTooManyRequests || got.body != `{"error":"too_many_requests"}` {
				t.Errorf("the known device of before, under attack: %s", got.text)
			}
			if got := k.send(t, with(device.FindString(fresh.body))); got.status != http.StatusOK {
				t.Errorf("a device of after, under attack: %s", got.text)
			}
			cookie := k.send(t, loginFrom(ownPage+"Cookie: __Host-Http-device="+known+"\n", cookieBody))
			if cookie.status != http.StatusTooManyRequests || strings.Contains(cookie.text, "Set-Cookie") {
				t.Errorf("the cookie of before, under attack: %s", cookie.text)
			}
			k.clock.Advance(time.Hour)
			cookie = k.send(t, loginFrom(ownPage+"Cookie: __Host-Http-device="+known+"\n", cookieBody))
			if set := setDevice.FindStringSubmatch(cookie.text); set == nil || set[1] == known {
				t.Errorf("the cookie of before, after the attack: %s", cookie.text)
			}
			if got := k.send(t, formOf(refresh, "")); got.line != "session_renewed rotated" {
				t.Errorf("a session of before: %s", got.line)
			}
		})
	}
}

// TestDroppedOldLoginKey: after an old key was dropped, a known device under it is unknown. No
// version has a new key for it.
func TestDroppedOldLoginKey(t *testing.T) {
	k := newKeyed(t)
	known := device.FindString(k.send(t, loginJSON+credentials).body)
	k.deploy(t, keyrings.Move{Version: 2})
	k.deploy(t, keyrings.Move{Version: 3})
	request := loginJSON + strings.TrimSuffix(credentials, "}") + `,"device_token":"` + known + `"}`
	if got := k.send(t, request); got.status != http.StatusOK || device.MatchString(got.body) {
		t.Errorf("before the drop: %s", got.text)
	}
	k.deploy(t, keyrings.Move{Version: 3, DropLogin: keyrings.Drop{IDs: []string{k.login.Keys[1].ID()}}})
	if got := k.send(t, request); got.status != http.StatusOK || !device.MatchString(got.body) {
		t.Errorf("after the drop: %s", got.text)
	}
}

// TestUndecidedKey checks the answer to a token under a key that an instance does not know while
// the instance cannot read the ring again. The token may be valid, so nothing is decided.
func TestUndecidedKey(t *testing.T) {
	k := newKeyed(t)
	ring := &faultyRing{Source: k.settings.RefreshKeys} // the ring from before the deployment
	k.deploy(t, keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{All: true}})
	_, token := k.harness.login(t)
	old := k.settings
	old.RefreshKeys, old.KeyVersion = ring, 1
	var err error
	if k.Service, err = service.New(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	k.replace(t, "/auth/refresh")(k.Handler("refresh"))
	k.replace(t, "/auth/logout")(k.Handler("sessions"))
	ring.fail = errors.New("down")
	if got := k.send(t, formOf(token, "")); got.text != notNow || got.line != "session_renew_fail error" {
		t.Errorf("refresh: %s, logged as %s", got.text, got.line)
	}
	if got := k.send(t, logoutForm+"token="+token); got.text != notNow || got.line != "authn_token_revoke_fail error" {
		t.Errorf("logout: %s, logged as %s", got.text, got.line)
	}
	ring.fail, ring.Source = nil, k.settings.RefreshKeys
	k.clock.Advance(time.Second)
	if got := k.send(t, formOf(token, "")); got.line != "session_renewed rotated" {
		t.Errorf("once the ring can be read: %s, logged as %s", got.text, got.line)
	}
}
