package endpoint_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const backoffice = "https://backoffice.example.com"

// webClients configures the client web in addition to the default client.
func webClients(s *service.Settings) {
	s.Clients = []auth.Client{{ID: "web", Profile: auth.Balanced, Scope: []string{"orders"}, IdleTimeout: time.Hour, AbsoluteTimeout: 8 * time.Hour,
		AccessTokenLifetime: 5 * time.Minute, Audience: []string{backoffice, "second"}}}
}

// claimsFor verifies a token for one audience, and returns the reason if it is refused.
func (h *harness) claimsFor(t *testing.T, audience, access string) (token.Claims, token.Reason) {
	t.Helper()
	keys, err := h.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys, Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), access)
	return c, token.ReasonOf(err)
}

// TestClientsValues: the session of a client, and each of its access tokens, has the values of the
// client.
func TestClientsValues(t *testing.T) {
	h := newHarness(t, webClients)
	got := h.send(t, loginJSON+`{"client_id":"web",`+credentials[1:])
	_, refresh := got.tokens(t)
	refreshed := h.send(t, formOf(refresh, ""))
	named := h.send(t, formOf(refresh, "&client_id=web"))
	for name, answer := range map[string]answer{"login": got, "refresh": refreshed, "refresh by name": named} {
		access, _ := answer.tokens(t)
		c, reason := h.claimsFor(t, backoffice, access)
		lives := c.Expires.Sub(c.IssuedAt)
		if reason != "" || c.ClientID != "web" || !slices.Equal(c.Audience, []string{backoffice, "second"}) || !slices.Equal(c.Scope, []string{"orders"}) ||
			lives > 5*time.Minute || lives < 5*time.Minute*95/100-time.Second {
			t.Errorf("%s: %+v, %s, lives %v", name, c, reason, lives)
		}
		if _, reason := h.claimsFor(t, "https://api.example.com", access); reason != token.ReasonWrongAudience {
			t.Errorf("%s: the token is for others too: %q", name, reason)
		}
		if !strings.Contains(answer.text, `"refresh_expires_in":3600,"session_expires_in":28800,"store_within":45,"scope":"orders"`) ||
			!strings.Contains(answer.text, `"expires_in":`+strconv.FormatInt(int64(lives/time.Second), 10)+",") {
			t.Errorf("%s: %s", name, answer.text)
		}
	}
	if got := h.send(t, formOf(refresh, "&client_id=default")); got.text != notThis {
		t.Errorf("the default client with another's token: %s", got.text)
	}
	h.clock.Advance(time.Hour)
	if got := h.send(t, formOf(refresh, "")); got.line != "session_expired idle" {
		t.Errorf("after its idle timeout: %s, %s", got.text, got.line)
	}

	// A login without client_id belongs to the default client, with and without other clients.
	access, refresh := h.login(t)
	h.claims(t, access)
	if got := h.send(t, formOf(refresh, "&client_id=web")); got.text != notThis {
		t.Errorf("another client with the default one's token: %s", got.text)
	}
	access, _ = h.send(t, formOf(refresh, "")).tokens(t)
	if c := h.claims(t, access); c.ClientID != auth.DefaultClient || !slices.Equal(c.Audience, []string{"https://api.example.com"}) ||
		!slices.Equal(c.Scope, []string{"read", "write"}) || c.Expires.Sub(c.IssuedAt) < 14*time.Minute {
		t.Errorf("%+v", c)
	}
}

// TestClientWithAnotherAudienceChangesItsPassword: account accepts access tokens for every
// audience.
func TestClientWithAnotherAudienceChangesItsPassword(t *testing.T) {
	h := newHarness(t, webClients)
	access, _ := h.send(t, loginJSON+`{"client_id":"web",`+credentials[1:]).tokens(t)
	got := h.send(t, withBearer(access, `{"current_password":"`+secret+`","new_password":"another correct horse"}`))
	access, _ = got.tokens(t)
	if c, reason := h.claimsFor(t, backoffice, access); reason != "" || c.ClientID != "web" {
		t.Errorf("%+v, %s", c, reason)
	}
}

// TestUnknownClient: a service refuses sessions of a client that it does not know.
func TestUnknownClient(t *testing.T) {
	for id, want := range map[auth.ClientID]string{"web": "session_renewed rotated", auth.DefaultClient: "session_renewed rotated",
		"app": "session_renew_fail unknown_client", "Web": "session_renew_fail unknown_client", "": "session_renew_fail unknown_client"} {
		h := newHarness(t, webClients)
		client := h.Clients()["web"]
		client.ID = id
		opener := h.manager(t, endpoint.Clients{id: client}) // of another service, which knows the client
		g, err := opener.Open(t.Context(), session.Opening{Subject: auth.Subject{ID: subject}, Client: client, AuthTime: noon})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.send(t, formOf(g.RefreshToken.Reveal(), "")); got.line != want {
			t.Errorf("%q: %s, logged as %s", id, got.text, got.line)
		}
	}
}

// TestClientIsGone: the sessions of a removed client get no tokens, can be logged out, and continue
// when the client is back.
func TestClientIsGone(t *testing.T) {
	const gone = `400 {"error":"invalid_client","error_description":"the session's client is not configured","terminal":false}`
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		t.Run(profile.String(), func(t *testing.T) {
			h := newHarness(t, webClients, func(s *service.Settings) { s.Clients[0].Profile = profile })
			logIn := loginJSON + `{"client_id":"web",` + credentials[1:]
			_, refresh := h.send(t, logIn).tokens(t)
			_, second := h.send(t, logIn).tokens(t)
			web := h.settings.Clients
			h.settings.Clients = nil
			h.restart(t)
			for _, more := range []string{"", "", "&client_id=web", "&scope=orders"} {
				if got := h.send(t, formOf(refresh, more)); got.text != gone || got.line != "session_renew_fail unknown_client" {
					t.Errorf("refresh%s: %s, logged as %s", more, got.text, got.line)
				}
				h.clock.Advance(interval)
			}
			if got := h.send(t, formOf(refresh, "&client_id=default")); got.text != notThis {
				t.Errorf("as the default client: %s", got.text)
			}
			if got := h.send(t, logIn); got.text != invalid("client_id is unknown") {
				t.Errorf("login: %s", got.text)
			}
			if got := h.send(t, logoutForm+"client_id=web&token="+second); got.text != done || got.line != "authn_token_revoked logged_out" {
				t.Errorf("logout: %s, logged as %s", got.text, got.line)
			}

			h.settings.Clients = web
			h.restart(t)
			if got := h.send(t, formOf(refresh, "")); got.status != 200 {
				t.Errorf("once it is back: %s, logged as %s", got.text, got.line)
			}
		})
	}
}
