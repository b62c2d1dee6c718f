package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
)

const asksForCookies = "POST /auth/code\nContent-Type: application/json\nSec-Fetch-Site: same-origin\n\n" +
	`{"email":"` + email + `","purpose":"login","delivery":"cookies"}`

// link returns the request of the page behind the link of the mail, from a browser with these
// cookies.
func (b begun) link(cookies string) string {
	return inHead(verifyJSON+`{"reference":"`+b.Reference+`","code":"`+b.Code.Reveal()+`","delivery":"cookies"}`,
		"Cookie: "+cookies+"\nSec-Fetch-Site: same-origin\n")
}

// pair returns the name and the value of the flow's cookie.
func (b begun) pair(t testing.TB) string {
	t.Helper()
	for _, line := range b.answer.cookies {
		c, err := http.ParseSetCookie(line)
		if err == nil && c.Value == b.Session {
			if !strings.HasPrefix(c.Name, "__Host-Http-flow-"+b.Reference) || len(c.Name) != len("__Host-Http-flow-")+8 || c.MaxAge != 600 ||
				c.Path != "/" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("the cookie %s", line)
			}
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no cookie of the flow in %q", b.answer.cookies)
	return ""
}

// TestLinkWorksInItsBrowserAlone checks that the code and the reference of a link open nothing
// without the cookie of the browser that asked, and that the cookie is removed with the flow.
func TestLinkWorksInItsBrowserAlone(t *testing.T) {
	h := newHarness(t)
	b := h.begun(t, asksForCookies)
	mine, other := b.pair(t), h.begun(t, asksForCookies).pair(t)
	if plain := h.begin(t, email, "login"); len(plain.answer.cookies) != 0 {
		t.Errorf("delivery body set %q", plain.answer.cookies)
	}
	for what, cookies := range map[string]string{"none": "x=1", "another flow's": other} {
		if got := h.send(t, b.link(cookies)); got.line != "authn_code_fail invalid_session" {
			t.Errorf("%s: %s, logged as %s", what, got.text, got.line)
		}
	}
	foreign := strings.Replace(b.link(mine), "same-origin", "cross-site", 1)
	if got := h.send(t, foreign); got.line != "authn_code_fail origin_not_allowed" {
		t.Errorf("from a foreign page: %s, logged as %s", got.text, got.line)
	}
	got := h.send(t, b.link(other+"; "+mine))
	if got.status != http.StatusOK || got.line != "authn_login_success" {
		t.Fatalf("%s, logged as %s", got.text, got.line)
	}
	name, _, _ := strings.Cut(mine, "=")
	if !contains(got.cookies, name+"=; Path=/; Max-Age=0") || !contains(got.cookies, "__Host-Http-access=ey") {
		t.Errorf("the cookies %q", got.cookies)
	}
	got = h.send(t, b.link(mine))
	if got.line != "authn_code_fail invalid_session spent" || !contains(got.cookies, name+"=; Path=/; Max-Age=0") {
		t.Errorf("again: %s with %q, logged as %s", got.text, got.cookies, got.line)
	}
}

// TestFlowCookiesAreFour checks that a browser has at most four flow cookies, and loses the oldest
// first.
func TestFlowCookiesAreFour(t *testing.T) {
	h := newHarness(t)
	var jar []string
	for range 6 {
		b := h.begun(t, inHead(asksForCookies, "Cookie: "+strings.Join(jar, "; ")+"\n"))
		mine := b.pair(t)
		if len(jar) == 4 {
			oldest, _, _ := strings.Cut(jar[0], "=")
			if !contains(b.answer.cookies, oldest+"=; Path=/; Max-Age=0") || len(b.answer.cookies) != 2 {
				t.Errorf("%q stays: %q", oldest, b.answer.cookies)
			}
			jar = jar[1:]
		} else if len(b.answer.cookies) != 1 {
			t.Errorf("with %d: %q", len(jar), b.answer.cookies)
		}
		jar = append(jar, mine)
	}
}

func contains(cookies []string, prefix string) bool {
	for _, line := range cookies {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
