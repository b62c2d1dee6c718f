package authorizer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestChallengeOfStaleLogin checks where a gateway can report that the login is too old: in the
// context of a policy, which the gateway response of a REST API can repeat. A simple answer has no
// field for it.
func TestChallengeOfStaleLogin(t *testing.T) {
	authority := newAuthority(t)
	token := tokenAt(authority, now) // of a login an hour ago
	const challenge = `,"refusal":"insufficient_user_authentication","max_age":"1800"}}`
	rules := func(c *authorizer.Config) {
		c.Rules = []authorizer.Rule{
			{Route: "GET /me", MaxAuthAge: 30*time.Minute + 500*time.Millisecond}, {Route: "GET /admin", Roles: []string{"root"}}, {Route: "GET /open"},
		}
	}
	iam := func(c *authorizer.Config) { rules(c); c.HTTPResponse = config.ResponseIAM }
	rest := func(path string) string {
		return `{"type":"TOKEN","methodArn":"` + strings.ReplaceAll(methodARN, "GET/me", "GET"+path) + `","authorizationToken":"Bearer ` + token + `"}`
	}
	for name, row := range map[string]struct {
		of     func(*authorizer.Config)
		event  string
		stale  bool
		effect string
	}{
		"REST":                     {rules, rest("/me"), true, `"Deny"`},
		"REST, a role":             {rules, rest("/admin"), false, `"Deny"`},
		"REST, an open route":      {rules, rest("/open"), false, `"Allow"`},
		"HTTP, policy":             {iam, event(`{"authorization":"Bearer ` + token + `"}`), true, `"Deny"`},
		"HTTP, a simple answer is": {rules, event(`{"authorization":"Bearer ` + token + `"}`), false, `{"isAuthorized":false}`},
	} {
		answer, err := newAuthorizer(t, authority.Verifier, row.of).Invoke(t.Context(), []byte(row.event))
		if err != nil || strings.HasSuffix(string(answer), challenge) != row.stale || strings.Contains(string(answer), "refusal") != row.stale ||
			!strings.Contains(string(answer), row.effect) {
			t.Errorf("%s: %s, %v", name, answer, err)
		}
	}
}
