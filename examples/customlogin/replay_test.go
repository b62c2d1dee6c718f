package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// countedSessions counts the sessions that are opened.
type countedSessions struct {
	session.Store
	opened atomic.Int32
}

func (c *countedSessions) Create(ctx context.Context, s session.Session) error {
	c.opened.Add(1)
	return c.Store.Create(ctx, s)
}

// faultyCounters is a real store whose faults a test chooses.
type faultyCounters struct {
	throttle.Counters
	fail  error // instead of calling the store
	lose  error // after a write has taken effect
	twice bool  // each write is repeated, as by a client of the store that got no reply
}

func (f *faultyCounters) Update(ctx context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	if f.fail != nil {
		return throttle.Counter{}, false, f.fail
	}
	before, done, err := f.Counters.Update(ctx, key, u)
	if err == nil && f.twice {
		before, done, err = f.Counters.Update(ctx, key, u)
	}
	if err == nil && f.lose != nil {
		return throttle.Counter{}, false, f.lose
	}
	return before, done, err
}

// want checks the answer to a login, and how many sessions were opened since the server started.
func (h *server) want(t *testing.T, what string, got answer, status int, code string, opened int32) {
	t.Helper()
	if got.status != status || got.Code != code || (got.Access != "") != (status == http.StatusOK) {
		t.Errorf("%s: %+v, want %d %s", what, got, status, code)
	}
	if n := h.sessions.opened.Load(); n != opened {
		t.Errorf("%s: %d sessions are open, want %d", what, n, opened)
	}
}

func TestAnIDTokenOpensOneSession(t *testing.T) {
	h := newServer(t)
	idToken := h.token(t, h.key, nil)
	h.want(t, "the first use", h.loginWith(t, idToken), 200, "", 1)
	h.want(t, "the second use", h.loginWith(t, idToken), 403, "id_token_used", 1)
	h.want(t, "another token", h.loginWith(t, h.token(t, h.key, map[string]any{"jti": "2"})), 200, "", 2)
}

// A hundred parallel uses of one ID token open one session.
func TestParallelUsesOfAnIDToken(t *testing.T) {
	h := newServer(t)
	body := `{"id_token":"` + h.token(t, h.key, nil) + `"}`
	var granted, used atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/auth/oidc", strings.NewReader(body))
			w := httptest.NewRecorder()
			h.login.ServeHTTP(w, r)
			switch {
			case w.Code == http.StatusOK:
				granted.Add(1)
			case strings.Contains(w.Body.String(), "id_token_used"):
				used.Add(1)
			default:
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if granted.Load() != 1 || used.Load() != 99 || h.sessions.opened.Load() != 1 {
		t.Errorf("%d answers with tokens, %d refusals, %d sessions", granted.Load(), used.Load(), h.sessions.opened.Load())
	}
}

// The unused bits of base64url's last character can be set, so many decoders accept several texts
// of one token. All these texts must count as the same token.
func TestOtherSpellingsAreTheSameToken(t *testing.T) {
	h := newServer(t)
	idToken := h.token(t, h.key, nil)
	h.want(t, "the first use", h.loginWith(t, idToken), 200, "", 1)
	spellings := 0
	segments := strings.Split(idToken, ".")
	for i, segment := range segments {
		decoded, err := base64.RawURLEncoding.DecodeString(segment)
		if err != nil {
			t.Fatal(err)
		}
		for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			other := segment[:len(segment)-1] + string(last)
			if same, err := base64.RawURLEncoding.DecodeString(other); err != nil || string(same) != string(decoded) || other == segment {
				continue
			}
			spellings++
			text := strings.Join([]string{segments[0], segments[1], segments[2]}, ".")
			text = strings.Replace(text, segments[i], other, 1)
			if got := h.loginWith(t, text); got.status == http.StatusOK {
				t.Errorf("segment %d with %c at its end opens another session", i, last)
			}
		}
	}
	if spellings == 0 {
		t.Error("the token has no other spelling")
	}
	if n := h.sessions.opened.Load(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// If the store fails, no session is opened, and the ID token can still be used.
func TestAStoreThatFailsOpensNothing(t *testing.T) {
	h := newServer(t)
	idToken := h.token(t, h.key, nil)
	h.counters.fail = auth.ErrUnavailable
	h.want(t, "the store fails", h.loginWith(t, idToken), 503, "temporarily_unavailable", 0)
	if list, err := h.Users().List(t.Context(), "", 1); err != nil || len(list.Users) != 0 {
		t.Errorf("an account was made: %+v, %v", list, err)
	}
	h.counters.fail = nil
	h.want(t, "afterwards", h.loginWith(t, idToken), 200, "", 1)
}

// If no reply arrives, the token may be spent. Then it must never open a session: the user logs in
// at the provider again.
func TestALostReplyOpensNothing(t *testing.T) {
	h := newServer(t)
	idToken := h.token(t, h.key, nil)
	h.counters.lose = auth.ErrUnavailable
	h.want(t, "the reply is lost", h.loginWith(t, idToken), 503, "temporarily_unavailable", 0)
	h.counters.lose = nil
	h.want(t, "the next use", h.loginWith(t, idToken), 403, "id_token_used", 0)
}

// A retry within the store is the same use, not a second one.
func TestARetryOfTheStoreIsTheSameUse(t *testing.T) {
	h := newServer(t)
	idToken := h.token(t, h.key, nil)
	h.counters.twice = true
	h.want(t, "with a retry", h.loginWith(t, idToken), 200, "", 1)
	h.want(t, "the second use", h.loginWith(t, idToken), 403, "id_token_used", 1)
}

// A refused token is not spent, and a spent token stays spent until verify refuses it for its age.
func TestAnOldIDToken(t *testing.T) {
	h := newServer(t)
	issued := time.Now().Truncate(time.Second)
	idToken := h.token(t, h.key, map[string]any{"iat": issued.Unix()})
	h.login.Now = func() time.Time { return issued.Add(maxAge + time.Second) }
	h.want(t, "too old", h.loginWith(t, idToken), 401, "invalid_credentials", 0)
	h.login.Now = func() time.Time { return issued.Add(maxAge) }
	h.want(t, "at the last moment", h.loginWith(t, idToken), 200, "", 1)
	for name, at := range map[string]time.Duration{"at once": maxAge, "for a clock that is behind": -leeway} {
		h.login.Now = func() time.Time { return issued.Add(at) }
		h.want(t, "again "+name, h.loginWith(t, idToken), 403, "id_token_used", 1)
	}
}

// Tokens of two providers may have the same id and the same user: each opens its own session.
func TestTwoProvidersWithTheSameTokenID(t *testing.T) {
	h := newServer(t)
	other := newProvider(t)
	claims := map[string]any{"jti": "1"}
	h.want(t, "one provider", h.loginWith(t, h.token(t, h.key, claims)), 200, "", 1)
	got := h.send(t, h.trust(t, other), "/auth/oidc", `{"id_token":"`+other.token(t, other.key, map[string]any{"jti": "1", "email": "ada@example.org"})+`"}`)
	h.want(t, "the other provider", got, 200, "", 2)
}
