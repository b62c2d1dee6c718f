package authorizer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// revocations are the real revocations of an authority. They count the reads, and can fail.
type revocations struct {
	session.Revocations
	reads atomic.Int32
	down  atomic.Bool
}

func (r *revocations) Since(ctx context.Context, since, now time.Time) ([]session.RevocationEntry, error) {
	r.reads.Add(1)
	if r.down.Load() {
		return nil, session.ErrThrottled
	}
	return r.Revocations.Since(ctx, since, now)
}

// listed returns an authorizer with a loaded list of revocations.
func (c *checked) listed(t *testing.T, change func(*authorizer.Config)) (*authorizer.Authorizer, *revocations) {
	t.Helper()
	r := &revocations{Revocations: c.revocations}
	list, err := session.NewRevocationList(session.RevocationListConfig{Revocations: r, Lifetime: token.MaxLifetime, Now: c.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.reads.Store(0)
	return c.authorizer(t, func(config *authorizer.Config) {
		config.Sessions = list
		change(config)
	}), r
}

// TestRevocationsAtEveryPlace sends a token to every kind of gateway: while its session is open,
// after the logout, and when the list is too old. $t stands for the token.
func TestRevocationsAtEveryPlace(t *testing.T) {
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
		"AppSync, for a moment": {plainly, `{"authorizationToken":"$t","requestContext":{"apiId":"a","requestId":"r1"}}`, `,"ttlOverride":5}`, uncached},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecked(t)
			a, store := c.listed(t, row.of)
			access, refresh := c.Login("ada@example.com")
			event := []byte(strings.ReplaceAll(row.event, "$t", access))

			answer, err := a.Invoke(t.Context(), event)
			if err != nil || !strings.Contains(string(answer), row.yes) || c.reason() != "ok" {
				t.Errorf("a live session: %s, %v", answer, err)
			}
			c.logout(t, refresh)
			c.Clock.Advance(5 * time.Second)
			answer, err = a.Invoke(t.Context(), event)
			got := string(answer)
			if err != nil {
				got += "!" + err.Error()
			}
			if reason := c.reason(); got != row.over || reason != "revoked" {
				t.Errorf("after the logout: %s %s, want %s", reason, got, row.over)
			}
			store.down.Store(true)
			c.Clock.Advance(29 * time.Second)
			if _, _ = a.Invoke(t.Context(), event); c.reason() != "revoked" {
				t.Error("a list of 29 seconds does not decide")
			}
			c.Clock.Advance(time.Second)
			answer, err = a.Invoke(t.Context(), event)
			if err == nil || "!"+err.Error() == unauthorized || answer != nil || c.reason() != "sessions_unavailable" {
				t.Errorf("a list of 30 seconds: %s, %v; want an error, and not that of a 401", answer, err)
			}
			if c.sessions.reads+c.users.reads > 0 {
				t.Errorf("%d sessions and %d users are read", c.sessions.reads, c.users.reads)
			}
		})
	}
}

// refresh sends a refresh token and returns the next token, or "".
func (c *checked) refresh(t *testing.T, text string) string {
	t.Helper()
	r := httptest.NewRequest("POST", c.Issuer+"/auth/refresh", strings.NewReader(`{"refresh_token":"`+text+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.Handler.ServeHTTP(w, r)
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil {
		t.Fatal(err)
	}
	return tokens.Refresh
}

// TestRevocationsEveryEnd: after every kind of end, the access token is refused 5 seconds later,
// and the token of another user is not.
func TestRevocationsEveryEnd(t *testing.T) {
	for _, row := range []struct {
		name, reason string
		do           func(t *testing.T, c *checked, refresh string)
	}{
		{"logout", "revoked", func(t *testing.T, c *checked, refresh string) { c.logout(t, refresh) }},
		{"theft", "revoked", func(t *testing.T, c *checked, refresh string) {
			// The thief has copied the refresh token and the access token. First the owner
			// refreshes, and then the thief.
			next := c.refresh(t, refresh)
			c.Clock.Advance(5 * time.Minute)
			if next = c.refresh(t, next); next == "" {
				t.Fatal("the owner cannot refresh")
			}
			if got := c.refresh(t, refresh); got != "" {
				t.Fatal("the theft is not noticed")
			}
		}},
		{"disabled", "subject_superseded", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.Disable(t.Context(), c.account.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"password", "subject_superseded", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.SetPassword(t.Context(), c.account.ID, auth.NewSecret("another horse battery staple"), false); err != nil {
				t.Fatal(err)
			}
		}},
		{"deleted", "subject_superseded", func(t *testing.T, c *checked, _ string) {
			if _, err := c.Users.Delete(t.Context(), c.account.ID); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		c := newChecked(t)
		c.AddUser("bob@example.com")
		a, _ := c.listed(t, plainly)
		ask := func(access string) string {
			c.log.Reset()
			if _, err := a.Invoke(t.Context(), []byte(strings.ReplaceAll(event(`{"authorization":"Bearer $t"}`), "$t", access))); err != nil {
				return err.Error()
			}
			return c.reason()
		}
		access, refresh := c.Login("ada@example.com")
		bob, _ := c.Login("bob@example.com")
		row.do(t, c, refresh)
		c.Clock.Advance(5 * time.Second)
		if got := ask(access); got != row.reason {
			t.Errorf("%s: %s, want %s", row.name, got, row.reason)
		}
		if got := ask(bob); got != "ok" {
			t.Errorf("%s: the token of another user: %s", row.name, got)
		}
	}
}

// TestRevocationsAppSync: AppSync never caches an answer beyond the end of its token.
func TestRevocationsAppSync(t *testing.T) {
	c := newChecked(t)
	a, _ := c.listed(t, plainly)
	access, _ := c.Login("ada@example.com")
	claims, err := c.Verifier.Verify(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	c.Clock.Set(claims.Expires.Add(-3 * time.Second))
	answer, err := a.Invoke(t.Context(), []byte(`{"authorizationToken":"`+access+`","requestContext":{"apiId":"a","requestId":"r1"}}`))
	if err != nil || !strings.HasSuffix(string(answer), `,"ttlOverride":3}`) {
		t.Errorf("%s, %v", answer, err)
	}
}

// TestRevocationsCost: reads do not grow with the requests, neither with valid tokens nor with
// invalid ones.
func TestRevocationsCost(t *testing.T) {
	c := newChecked(t)
	a, store := c.listed(t, plainly)
	access, _ := c.Login("ada@example.com")
	tokens := []string{access, ""}
	for _, bad := range c.BadTokens(c.account.ID) {
		tokens = append(tokens, bad.Text)
	}
	const seconds = 60
	for range seconds {
		c.Clock.Advance(time.Second)
		for _, token := range tokens {
			if _, err := a.Invoke(t.Context(), []byte(strings.ReplaceAll(event(`{"authorization":"Bearer $t"}`), "$t", token))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := store.reads.Load(); n != seconds/5 {
		t.Errorf("%d reads in %d seconds, want %d", n, seconds, seconds/5)
	}
}

// TestRevocationsOfOtherIssuers: a token of another issuer passes, even if its sub and sid equal
// those of an ended session, and even if the list is too old.
func TestRevocationsOfOtherIssuers(t *testing.T) {
	c := newChecked(t)
	foreign := someone
	foreign.Foreign = true
	a, store := c.listed(t, func(config *authorizer.Config) { config.Verifier = foreign })
	id, err := session.ParseID(foreign.SessionID)
	if err != nil {
		id = session.ID{}
	}
	for _, e := range []session.RevocationEntry{
		session.EndOfSession(session.Key{Subject: foreign.Subject, ID: id}, c.Clock.Now()),
		session.EndOfUser(foreign.Subject, 1<<40, c.Clock.Now()), session.EndOfAll(c.Clock.Now()),
	} {
		if err := store.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, later := range []time.Duration{5 * time.Second, time.Minute} {
		c.Clock.Advance(later)
		store.down.Store(later > 5*time.Second)
		answer, err := a.Invoke(t.Context(), []byte(event(`{"authorization":"Bearer x"}`)))
		if err != nil || !strings.HasPrefix(string(answer), `{"isAuthorized":true`) || c.reason() != "ok" {
			t.Errorf("%s, %v", answer, err)
		}
	}
}

// begun records whether the read of revocations had begun when a signature was verified.
type begun struct {
	holder
	store *revocations
	reads chan int32
}

func (b begun) VerifyBytes(ctx context.Context, text []byte) (token.Claims, error) {
	for b.store.reads.Load() == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	b.reads <- b.store.reads.Load()
	return b.holder.VerifyBytes(ctx, text)
}

// TestRevocationsBesideTheSignature: the read runs while the signature is checked.
func TestRevocationsBesideTheSignature(t *testing.T) {
	c := newChecked(t)
	v := begun{holder: someone, store: new(revocations), reads: make(chan int32, 1)}
	a, store := c.listed(t, func(config *authorizer.Config) { config.Verifier = &v })
	v.store = store
	c.Clock.Advance(5 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := a.Invoke(ctx, []byte(event(`{"authorization":"Bearer x"}`))); err != nil || <-v.reads != 1 {
		t.Errorf("no read has begun when the signature is checked: %v", err)
	}
}

func TestRevocationsMiddleware(t *testing.T) {
	c := newChecked(t)
	a, store := c.listed(t, plainly)
	api := a.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
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
	c.Clock.Advance(time.Minute)
	store.down.Store(true)
	ask("a store that does not answer", 503, "")
	store.down.Store(false)
	c.logout(t, refresh)
	c.Clock.Advance(5 * time.Second)
	ask("an ended session", 401, `Bearer error="invalid_token"`)
}
