package endpoint_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	ownPage    = "Sec-Fetch-Site: same-origin\n"
	cookieBody = `{"email":"` + email + `","password":"` + secret + `","device_delivery":"cookie"}`
)

func loginFrom(headers, body string) string {
	return "POST /auth/login\nContent-Type: application/json\n" + headers + "\n" + body
}

var setDevice = regexp.MustCompile(`Set-Cookie: __Host-Http-device=(edt_[\w-]+); Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Strict `)

func TestDeviceCookie(t *testing.T) {
	h := newHarness(t)
	got := h.send(t, loginFrom(ownPage, cookieBody))
	cookie := setDevice.FindStringSubmatch(got.text)
	if cookie == nil || strings.Contains(got.body, "device_token") {
		t.Fatal(got.text)
	}
	for range login.DefaultLimits().Account.Free {
		h.send(t, loginJSON+`{"email":"`+email+`","password":"a guess"}`)
	}
	if got := h.send(t, loginJSON+credentials); got.status != 429 {
		t.Fatalf("a new device: %s", got.text)
	}
	known := h.send(t, loginFrom(ownPage+"Cookie: __Host-Http-device="+cookie[1]+"\n", cookieBody))
	if known.status != 200 || strings.Contains(known.text, "edt_") {
		t.Errorf("the owner: %s", known.text)
	}
	access, _ := known.tokens(t)
	change := h.send(t, "POST /auth/password\nContent-Type: application/json\nAuthorization: Bearer "+access+"\n"+ownPage+"Cookie: __Host-Http-device="+cookie[1]+
		"\n\n"+`{"current_password":"`+secret+`","new_password":"`+nextSecret+`","device_delivery":"cookie"}`)
	if next := setDevice.FindStringSubmatch(change.text); next == nil || next[1] == cookie[1] {
		t.Errorf("a new password: %s", change.text)
	}
}

// TestCookieCrossSite: a page of another site can neither use the device cookie nor set it.
func TestCookieCrossSite(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Origins = []string{"https://app.example.com"} })
	const refused = `403 {"error":"origin_not_allowed","error_description":"a request that sends or requests the device cookie must come from the API's own origin or a configured one"}`
	const cookie = "Cookie: __Host-Http-device=x\n"
	for _, row := range []struct {
		name, headers, body string
		ok                  bool
	}{
		{"our page, with the cookie", ownPage + cookie, credentials, true},
		{"a listed origin", "Sec-Fetch-Site: cross-site\nOrigin: https://app.example.com\n", cookieBody, true},
		{"a program, without any cookie", "", credentials, true},
		{"a stranger's page, without any cookie", "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n", credentials, true},
		{"another cookie", "Cookie: theme=dark\n", credentials, true},
		{"a program asks for one", "", cookieBody, false},
		{"a program with one", cookie, credentials, false},
		{"a stranger asks for one", "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n", cookieBody, false},
		{"a stranger with one", "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n" + cookie, credentials, false},
		{"same site only", "Sec-Fetch-Site: same-site\nOrigin: https://other.example.com\n", cookieBody, false},
		{"a sandboxed frame", "Origin: null\n", cookieBody, false},
		{"a link", "Sec-Fetch-Site: none\n", cookieBody, false},
		{"two headers", "Sec-Fetch-Site: cross-site\n" + ownPage, cookieBody, false},
		{"two origins", "Origin: https://evil.example\nOrigin: https://app.example.com\n", cookieBody, false},
		{"a second cookie of the name", cookie + cookie, credentials, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := h.send(t, loginFrom(row.headers, row.body))
			if row.ok && got.status != 200 || !row.ok && (got.text != refused || got.line != "authn_login_fail origin_not_allowed") {
				t.Errorf("%s, logged as %s", got.text, got.line)
			}
		})
	}
	if got := h.send(t, loginJSON+`{"email":"a","password":"b","device_delivery":"both"}`); got.text != invalid("device_delivery must be body or cookie") {
		t.Error(got.text)
	}
}

func TestWrongOriginsStopTheStart(t *testing.T) {
	for _, origin := range []string{"https://app.example.com/", "*", "null", "app.example.com", "http://app.example.com"} {
		t.Run(origin, func(t *testing.T) {
			_, err := endpoint.NewResponder(endpoint.ResponderConfig{Issuer: new(token.Issuer), Now: time.Now, Origins: []string{origin}})
			if err == nil || !strings.Contains(err.Error(), "origin") {
				t.Error(err)
			}
		})
	}
}
