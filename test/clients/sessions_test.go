package clients_test

import (
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// errand is the input of a client: it refreshes some times, revokes, and tries once more.
type errand struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	RefreshToken string `json:"refresh_token"`
	Refreshes    int    `json:"refreshes"`
	Algorithm    string `json:"algorithm,omitempty"` // the kind of discovery, in oauth4webapi's words
}

// sessionClients are the lines of the table of clients that refresh.
var sessionClients = []string{
	"| golang.org/x/oauth2 (Go) | " + goModule("golang.org/x/oauth2") + " | refresh |",
	"| oauth4webapi (npm) | " + npm("oauth4webapi") + " | discovery, refresh, revocation |",
	"| openid-client (npm) | " + npm("openid-client") + " | discovery, refresh, revocation |",
	"| Authlib on requests (Python) | " + pip("authlib") + " | refresh, revocation |",
}

func TestSessionsPage(t *testing.T) {
	for _, line := range sessionClients {
		onPage(t, line+"\n")
	}
}

// TestSessions runs a whole session with each OAuth client. Every other refresh rotates; the
// answers in between carry no refresh token. Then the client revokes the session, and its token is
// refused for good.
func TestSessions(t *testing.T) {
	for _, row := range []struct {
		name      string
		runner    runner
		script    string
		discovery string
	}{
		{"oauth4webapi, oauth2", node, "node/oauth4webapi.mjs", "oauth2"},
		{"oauth4webapi, oidc", node, "node/oauth4webapi.mjs", "oidc"},
		{"openid-client, oauth2", node, "node/openid-client.mjs", "oauth2"},
		{"openid-client, oidc", node, "node/openid-client.mjs", "oidc"},
		{"authlib", python, "python/authlib_session.py", ""},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(row.name+", "+scheme, func(t *testing.T) {
				t.Parallel()
				h := newServer(t, scheme, token.ES256)
				h.clock.step = 100 * time.Second // two of them are more than the minimum rotation interval
				held := h.login(t)
				h.log.outcomes(t)
				var got struct {
					Access  []string
					Refused string
				}
				sent := errand{h.URL, string(auth.DefaultClient), held.Refresh, 4, row.discovery}
				row.runner.run(t, row.script, h.authority(t), sent, &got)
				want := []string{"rotated", "same", "rotated", "same", "logged_out", "revoked"}
				if outcomes := h.log.outcomes(t); !slices.Equal(outcomes, want) {
					t.Errorf("outcomes %q, want %q", outcomes, want)
				}
				if got.Refused != "invalid_grant" || len(got.Access) != 4 {
					t.Errorf("%d access tokens, and after revocation %q", len(got.Access), got.Refused)
				}
				for _, access := range got.Access {
					h.verify(t, access)
				}
			})
		}
	}
}
