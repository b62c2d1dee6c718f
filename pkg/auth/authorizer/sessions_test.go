package authorizer_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// sessions are the real sessions of an authority. They count the reads, and can fail.
type sessions struct {
	session.Store
	reads int
	down  bool
}

func (s *sessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	s.reads++
	if s.down {
		return session.Session{}, session.ErrThrottled
	}
	return s.Store.Get(ctx, key)
}

// users are the real users of the same authority.
type users struct {
	user.Store
	reads int
}

func (u *users) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	u.reads++
	return u.Store.Get(ctx, id)
}

// checked is an authority with one account, and the stores that an authorizer reads.
type checked struct {
	*authtest.Authority
	sessions sessions
	users    users
	account  user.User
	log      bytes.Buffer

	revocations session.Revocations // ended sessions and users
}

func newChecked(t *testing.T) *checked {
	t.Helper()
	c := new(checked)
	c.Authority = authtest.New(t, authtest.Config{
		Issuer: issuer, Audience: []string{audience}, Algorithm: token.EdDSA, Start: now,
		Settings: func(s *service.Settings) {
			c.sessions.Store, c.users.Store, c.revocations = s.Stores.Sessions, s.Stores.Users, s.Stores.Revocations
		},
	})
	c.account = c.AddUser("ada@example.com", "admin")
	return c
}

func (c *checked) authorizer(t *testing.T, change func(*authorizer.Config)) *authorizer.Authorizer {
	t.Helper()
	return newAuthorizer(t, c.Verifier, func(config *authorizer.Config) {
		config.Now, config.Log = c.Clock.Now, &c.log
		config.Sessions = session.Checker{Store: &c.sessions, Subjects: &user.Directory{Store: &c.users}, Now: c.Clock.Now}
		change(config)
	})
}

// logout ends the session of a refresh token, as a client does.
func (c *checked) logout(t *testing.T, refresh string) {
	t.Helper()
	if _, err := c.Service.Sessions().Logout(t.Context(), auth.NewSecret(refresh), nil); err != nil {
		t.Fatal(err)
	}
}

// reads returns how often each store was read since the last call.
func (c *checked) reads() [2]int {
	n := [2]int{c.sessions.reads, c.users.reads}
	c.sessions.reads, c.users.reads = 0, 0
	return n
}

// reason returns the reason in the last line of the log, and empties the log.
func (c *checked) reason() string {
	_, rest, _ := strings.Cut(c.log.String(), `"reason":"`)
	reason, _, _ := strings.Cut(rest, `"`)
	c.log.Reset()
	return reason
}

func plainly(*authorizer.Config) {}

// TestSessionsAtEveryPlace sends a token to every kind of gateway: while its session is open, when
// the store does not answer, and after the logout. $t stands for the token.
func TestSessionsAtEveryPlace(t *testing.T) {
	iam := func(c *authorizer.Config) { c.HTTPResponse = config.ResponseIAM }
	const headers = `"headers":{"Authorization":"Bearer $t"},"requestContext":{"requestId":"r1"}`
	for name, row := range map[string]struct {
		of               func(*authorizer.Config)
		event, yes, over string
	}{
		"REST, token":           {plainly, `{"type":"TOKEN","methodArn":"` + methodARN + `","authorizationToken":"Bearer $t"}`, `"Effect":"Allow"`, unauthorized},
		"REST, request":         {plainly, `{"type":"REQUEST","methodArn":"` + methodARN + `",` + headers + `}`, `"Effect":"Allow"`, unauthorized},
		"HTTP, payload 1.0":     {plainly, `{"type":"REQUEST","version":"1.0","methodArn":"` + methodARN + `",` + headers + `}`, `"Effect":"Allow"`, restNo},
		"HTTP, simple":          {plainly, event(`{"authorization":"Bearer $t"}`), `{"isAuthorized":true,`, simpleNo},
		"HTTP, policy":          {iam, event(`{"authorization":"Bearer $t"}`), `"Effect":"Allow"`, iamNo},
		"WebSocket":             {plainly, `{"type":"REQUEST","methodArn":"` + connectARN + `","headers":{"Sec-WebSocket-Protocol":"access_token, $t"}}`, `"Effect":"Allow"`, restNo},
		"AppSync, never cached": {plainly, `{"authorizationToken":"$t","requestContext":{"apiId":"a","requestId":"r1"}}`, `,"ttlOverride":0}`, uncached},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecked(t)
			a := c.authorizer(t, row.of)
			access, refresh := c.Login("ada@example.com")
			event := []byte(strings.ReplaceAll(row.event, "$t", access))

			answer, err := a.Invoke(t.Context(), event)
			if err != nil || !strings.Contains(string(answer), row.yes) || c.reason() != "ok" {
				t.Errorf("a live session: %s, %v", answer, err)
			}
			c.sessions.down = true
			answer, err = a.Invoke(t.Context(), event)
			if err == nil || "!"+err.Error() == unauthorized || answer != nil || c.reason() != "sessions_unavailable" {
				t.Errorf("a store that does not answer: %s, %v; want an error, and not that of a 401", answer, err)
			}
			c.sessions.down = false
			c.logout(t, refresh)
			answer, err = a.Invoke(t.Context(), event)
			got := string(answer)
			if err != nil {
				got += "!" + err.Error()
			}
			if reason := c.reason(); got != row.over || reason != "revoked" {
				t.Errorf("after the logout: %s %s, want %s", reason, got, row.over)
			}
		})
	}
}

// TestSessionsRefuse checks what ends a token, with the words of the log.
func TestSessionsRefuse(t *testing.T) {
	for _, row := range []struct {
		reason string
		do     func(t *testing.T, c *checked, refresh string)
	}{
		{"revoked", func(t *testing.T, c *checked, refresh string) { c.logout(t, refresh) }},
		{"subject_disabled", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.Disable(t.Context(), c.account.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"subject_superseded", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.SetPassword(t.Context(), c.account.ID, auth.NewSecret("another horse battery staple"), false); err != nil {
				t.Fatal(err)
			}
		}},
		{"missing", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.Delete(t.Context(), c.account.ID); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		c := newChecked(t)
		access, refresh := c.Login("ada@example.com")
		row.do(t, c, refresh)
		_, err := c.authorizer(t, plainly).Invoke(t.Context(), []byte(strings.ReplaceAll(event(`{"authorization":"Bearer $t"}`), "$t", access)))
		line := c.log.String()
		if reason := c.reason(); err != nil || reason != row.reason {
			t.Errorf("%s: %s, %v", row.reason, reason, err)
		}
		for _, member := range []string{`"level":"WARN"`, `"outcome":"unauthenticated"`, `"sub":"` + string(c.account.ID) + `"`, `"sid":"`} {
			if !strings.Contains(line, member) {
				t.Errorf("%s: the line has no %s: %s", row.reason, member, line)
			}
		}
	}
}

// TestSessionsCost counts the reads of requests: one read of each store if everything else allows
// the request, and otherwise no read. A flood of forged tokens must cost no read.
func TestSessionsCost(t *testing.T) {
	c := newChecked(t)
	a := c.authorizer(t, func(config *authorizer.Config) {
		config.Rules = []authorizer.Rule{{Route: "GET /me"}, {Route: "GET /root", Roles: []string{"root"}}}
	})
	send := func(event, token string) string {
		t.Helper()
		answer, err := a.Invoke(t.Context(), []byte(strings.ReplaceAll(event, "$t", token)))
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	me := event(`{"authorization":"Bearer $t"}`)
	access, refresh := c.Login("ada@example.com")
	c.reads()
	if got := send(me, access); !strings.HasPrefix(got, `{"isAuthorized":true`) || c.reads() != [2]int{1, 1} {
		t.Errorf("a live session: %s, want one read of each store", got)
	}
	c.logout(t, refresh)
	c.reads()
	if got := send(me, access); got != simpleNo || c.reads() != [2]int{1, 1} {
		t.Errorf("an ended session: %s, want one read of each store", got)
	}
	for _, bad := range c.BadTokens(c.account.ID) {
		if got := send(me, bad.Text); got != simpleNo || c.reads() != [2]int{} {
			t.Errorf("%s: %s, want no read", bad.Name, got)
		}
	}
	for name, event := range map[string]string{
		"no token":     event(`{}`),
		"a role":       strings.ReplaceAll(me, "GET/me", "GET/root"),
		"another path": strings.ReplaceAll(me, "GET/me", "GET/other"),
	} {
		if got := send(event, access); got != simpleNo || c.reads() != [2]int{} {
			t.Errorf("%s: %s, want no read", name, got)
		}
	}
}

// TestSessionsForbidden checks that the policy for a forbidden request allows no other route,
// because the session was not read.
func TestSessionsForbidden(t *testing.T) {
	c := newChecked(t)
	rules := func(config *authorizer.Config) {
		config.Rules = []authorizer.Rule{{Route: "GET /me"}, {Route: "GET /root", Roles: []string{"root"}}}
	}
	access, _ := c.Login("ada@example.com")
	event := `{"type":"TOKEN","methodArn":"` + strings.ReplaceAll(methodARN, "GET/me", "GET/root") + `","authorizationToken":"Bearer ` + access + `"}`
	for name, a := range map[string]*authorizer.Authorizer{
		"checked": c.authorizer(t, rules),
		"not":     c.authorizer(t, func(config *authorizer.Config) { rules(config); config.Sessions = nil }),
	} {
		answer, err := a.Invoke(t.Context(), []byte(event))
		if err != nil || strings.Contains(string(answer), `"Allow"`) != (name == "not") {
			t.Errorf("%s: %s, %v", name, answer, err)
		}
	}
}

// TestSessionsOfOtherIssuers: a token of another issuer has no session here, and costs no read.
func TestSessionsOfOtherIssuers(t *testing.T) {
	c := newChecked(t)
	a := c.authorizer(t, func(config *authorizer.Config) {
		foreign := someone
		foreign.Foreign = true
		config.Verifier = foreign
	})
	answer, err := a.Invoke(t.Context(), []byte(event(`{"authorization":"Bearer x"}`)))
	if err != nil || string(answer) != simpleNo || c.reason() != "other_issuer" || c.reads() != [2]int{} {
		t.Errorf("%s, %v", answer, err)
	}
}

func TestSessionsMiddleware(t *testing.T) {
	c := newChecked(t)
	api := c.authorizer(t, plainly).Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	access, refresh := c.Login("ada@example.com")
	ask := func(what string, status int, challenge string) {
		t.Helper()
		r := httptest.NewRequest("GET", "/me", nil)
		r.Header.Set("Authorization", "Bearer "+access)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != status || w.Header().Get("WWW-Authenticate") != challenge || (w.Header().Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: %d %v", what, w.Code, w.Header())
		}
	}
	ask("a live session", 200, "")
	c.sessions.down = true
	ask("a store that does not answer", 503, "")
	c.sessions.down = false
	c.logout(t, refresh)
	ask("an ended session", 401, `Bearer error="invalid_token"`)
	c.Clock.Advance(time.Hour)
	c.reads()
	ask("an expired token", 401, `Bearer error="invalid_token"`)
	if c.reads() != [2]int{} {
		t.Error("an expired token costs a read")
	}
}
