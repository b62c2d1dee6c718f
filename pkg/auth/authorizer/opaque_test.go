package authorizer_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// opaqueAuthorizer returns an authorizer that takes the session cookie, and a login that has it.
func (c *checked) opaqueAuthorizer(t *testing.T, change func(*authorizer.Config)) (*authorizer.Authorizer, session.Granted) {
	t.Helper()
	a := c.authorizer(t, func(config *authorizer.Config) {
		config.TokenSources = []string{"header:Authorization", "cookie:__Host-Http-access", "cookie:__Host-Http-session"}
		config.Origins = []string{"https://app.example.com"}
		config.Sessions = service.SessionChecker{Issuer: issuer, Checker: session.Checker{
			Store: &c.sessions, Subjects: &user.Directory{Store: &c.users}, Now: c.Clock.Now,
		}}
		change(config)
	})
	g, err := c.Service.Sessions().Open(t.Context(), session.Opening{
		Subject: c.account.Subject(), Client: c.Service.Clients()[auth.DefaultClient], AuthTime: c.Clock.Now(), AMR: []string{"pwd"},
		Delivery: auth.DeliverySession,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, g
}

// cookieEvent is an HTTP API event of a request with this method, these headers and this cookie.
func cookieEvent(method, headers, cookie string) []byte {
	e := event(`{` + headers + `}`)
	e = strings.Replace(e, `"authentication":null`, `"http":{"method":"`+method+`","path":"/me"}`, 1)
	return []byte(strings.Replace(e, `"headers":`, `"cookies":["`+cookie+`"],"headers":`, 1))
}

// TestOpaqueSession: a backend gets the claims that an access token would have, with an exp until
// which it may rely on the check, and the rules of routes apply.
func TestOpaqueSession(t *testing.T) {
	c := newChecked(t)
	a, g := c.opaqueAuthorizer(t, func(config *authorizer.Config) { config.ContextClaims = []string{"amr", "iss", "email"} })
	cookie := "__Host-Http-session=" + g.SessionToken.Reveal()
	answer, err := a.Invoke(t.Context(), cookieEvent("GET", "", cookie))
	if err != nil || c.reason() != "ok" || c.reads() != [2]int{1, 1} {
		t.Fatalf("%s, %v", answer, err)
	}
	for _, want := range []string{
		`"isAuthorized":true`, `"sub":"` + string(c.account.ID) + `"`, `"sid":"` + g.Session.ID.String() + `"`, `"roles":"admin"`, `"client_id":"default"`,
		`"amr":"pwd"`, `"iss":"` + issuer + `"`, `"email":"ada@example.com"`, `"tv":"`, `"auth_time":"`,
	} {
		if !bytes.Contains(answer, []byte(want)) {
			t.Errorf("the context has no %s: %s", want, answer)
		}
	}
	exp := c.Clock.Now().Add(15 * time.Minute).Unix()
	if want := `"exp":"` + decimal(exp) + `"`; !bytes.Contains(answer, []byte(want)) {
		t.Errorf("want %s: %s", want, answer)
	}
	c.sessions.down = true
	if answer, err := a.Invoke(t.Context(), cookieEvent("GET", "", cookie)); err == nil || answer != nil || c.reason() != "sessions_unavailable" {
		t.Errorf("a store that does not answer: %s, %v", answer, err)
	}
	c.sessions.down = false
	if _, err := c.Service.Sessions().LogoutOpaque(t.Context(), g.SessionToken, nil); err != nil {
		t.Fatal(err)
	}
	if answer, err := a.Invoke(t.Context(), cookieEvent("GET", "", cookie)); err != nil || string(answer) != simpleNo || c.reason() != "revoked" {
		t.Errorf("after the logout: %s, %v", answer, err)
	}

	rules, g := c.opaqueAuthorizer(t, func(config *authorizer.Config) {
		config.Rules = []authorizer.Rule{{Route: "GET /*", Roles: []string{"nobody"}}}
	})
	if answer, err := rules.Invoke(t.Context(), cookieEvent("GET", "", "__Host-Http-session="+g.SessionToken.Reveal())); err != nil || string(answer) != simpleNo || c.reason() != "missing_role" {
		t.Errorf("a role that the user lacks: %s, %v", answer, err)
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// TestOpaqueSessionPlaces: the token is accepted only in its cookie, from the API's own pages,
// without any other token, and only if sessions are checked. An invalid text costs no read.
func TestOpaqueSessionPlaces(t *testing.T) {
	c := newChecked(t)
	a, g := c.opaqueAuthorizer(t, plainly)
	access, _ := c.Login("ada@example.com")
	own := g.SessionToken.Reveal()
	stateless := newAuthorizer(t, c.Verifier, func(config *authorizer.Config) {
		config.Now, config.Log, config.TokenSources = c.Clock.Now, &c.log, []string{"header:Authorization", "cookie:__Host-Http-session"}
	})
	for name, row := range map[string]struct {
		by                      *authorizer.Authorizer
		method, headers, cookie string
		want                    string
		reads                   [2]int
	}{
		"in its cookie":                {a, "GET", "", "__Host-Http-session=" + own, "ok", [2]int{1, 1}},
		"as a bearer token":            {a, "GET", `"authorization":"Bearer ` + own + `"`, "x=y", "session_token", [2]int{}},
		"in the access cookie":         {a, "GET", "", "__Host-Http-access=" + own, "session_token", [2]int{}},
		"an access token in it":        {a, "GET", "", "__Host-Http-session=" + access, "forged", [2]int{}},
		"junk":                         {a, "GET", "", "__Host-Http-session=ess_AAAA", "forged", [2]int{}},
		"oversize":                     {a, "GET", "", "__Host-Http-session=ess_" + strings.Repeat("A", 9000), "forged", [2]int{}},
		"a bearer token beside it":     {a, "GET", `"authorization":"Bearer ` + access + `"`, "__Host-Http-session=" + own, "several_tokens", [2]int{}},
		"two of them":                  {a, "GET", "", "__Host-Http-session=" + own + `","__Host-Http-session=ess_AAAA`, "several_tokens", [2]int{}},
		"a write of our page":          {a, "POST", `"sec-fetch-site":"same-origin"`, "__Host-Http-session=" + own, "ok", [2]int{1, 1}},
		"a write of a listed page":     {a, "POST", `"origin":"https://app.example.com","sec-fetch-site":"cross-site"`, "__Host-Http-session=" + own, "ok", [2]int{1, 1}},
		"a write of another site":      {a, "POST", `"origin":"https://evil.example","sec-fetch-site":"cross-site"`, "__Host-Http-session=" + own, "cross_site", [2]int{}},
		"a write of the same site":     {a, "POST", `"origin":"https://x.example.com","sec-fetch-site":"same-site"`, "__Host-Http-session=" + own, "cross_site", [2]int{}},
		"stateless, in its cookie":     {stateless, "GET", "", "__Host-Http-session=" + own, "session_token", [2]int{}},
		"stateless, as a bearer token": {stateless, "GET", `"authorization":"Bearer ` + own + `"`, "x=y", "session_token", [2]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := row.by.Invoke(t.Context(), cookieEvent(row.method, row.headers, row.cookie))
			if got := c.reason(); got != row.want || err != nil {
				t.Errorf("%q, want %q: %s, %v", got, row.want, answer, err)
			}
			if got := c.reads(); got != row.reads {
				t.Errorf("%v reads, want %v", got, row.reads)
			}
		})
	}
}
