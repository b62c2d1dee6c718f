package token_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// noJitter is a source of zeros, which leave the lifetime unchanged.
type noJitter struct{}

func (noJitter) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestIssueAndVerify(t *testing.T) {
	g := grant()
	g.Scope, g.AMR = []string{"api", "files:read"}, []string{"pwd"}
	g.TokenVersion, g.Subject.TokenVersion = 8, 7
	g.Subject.Roles = []string{"admin", "reader"}
	g.Subject.Claims = map[string]any{"tenant": map[string]any{"id": 7}, "plan": "<&>"}
	for _, alg := range algorithms {
		for _, audiences := range [][]string{{audience}, {audience, "second"}} {
			i := issuerOf(t, alg, func(c *token.IssuerConfig) { c.Audience = audiences; c.Rand = noJitter{} })
			access, err := i.Issue(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			got, err := verifierAt(t, instant).Verify(t.Context(), access.Text.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			want := token.Claims{
				Issuer: issuer, Subject: subject, Audience: audiences, Expires: access.Expires, IssuedAt: instant,
				AuthTime: g.AuthTime, ID: strings.Repeat("A", 22), ClientID: "default", SessionID: g.SessionID,
				Scope: g.Scope, Roles: g.Subject.Roles, AMR: g.AMR, TokenVersion: auth.NewTokenVersion(8),
				Own: map[string]json.RawMessage{
					"tenant": json.RawMessage(`{"id":7}`), "plan": json.RawMessage(`"<&>"`),
				},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s\ngot  %+v\nwant %+v", alg, got, want)
			}
			if access.ExpiresIn != 15*time.Minute || !access.Expires.Equal(instant.Add(15*time.Minute)) {
				t.Errorf("%s: it is good for %v, until %v", alg, access.ExpiresIn, access.Expires)
			}
		}
	}
}

func TestIssueWritesThisText(t *testing.T) {
	i := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) { c.Rand = noJitter{} })
	access, err := i.Issue(t.Context(), grant())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(access.Text.Reveal(), ".")
	if got := decode(t, parts[0]); got != goodHeader(token.EdDSA) {
		t.Errorf("header %s", got)
	}
	want := `{"iss":"https://auth.example.com","sub":"1b671a64-40d5-491e-99b0-da01ff1f3341",` +
		`"aud":"https://api.example.com","exp":1700000900,"iat":1700000000,"jti":"AAAAAAAAAAAAAAAAAAAAAA",` +
		`"client_id":"default","sid":"0123456789abcdefghijkl","auth_time":1699996400,"scope":"api","tv":0}`
	if got := decode(t, parts[1]); got != want {
		t.Errorf("payload %s\nwant    %s", got, want)
	}
}

func TestLifetimes(t *testing.T) {
	half := instant.Add(500 * time.Millisecond)
	for _, row := range []struct {
		name     string
		rand     io.Reader
		now, end time.Time
		want     time.Duration
	}{
		{"no jitter", noJitter{}, instant, instant.Add(time.Hour), 900 * time.Second},
		{"a broken second", noJitter{}, half, instant.Add(time.Hour), 899 * time.Second},
		{"the session's end", noJitter{}, instant, instant.Add(90 * time.Second), 90 * time.Second},
		{"the session's end within a second", noJitter{}, instant, instant.Add(90*time.Second + 999), 90 * time.Second},
		{"a second is left", noJitter{}, instant, instant.Add(time.Second), time.Second},
		{"less than a second is left", noJitter{}, half, instant.Add(time.Second), 0},
		{"the session is over", noJitter{}, instant, instant.Add(-time.Second), 0},
		{"no end", noJitter{}, instant, time.Time{}, 0},
	} {
		g := grant()
		g.NotAfter = row.end
		i := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) {
			c.Rand, c.Now = row.rand, func() time.Time { return row.now }
		})
		access, err := i.Issue(t.Context(), g)
		if access.ExpiresIn != row.want || errors.Is(err, token.ErrSessionOver) != (row.want == 0) {
			t.Errorf("%s: %v, %v", row.name, access.ExpiresIn, err)
		}
	}
}

func TestJitterIsFivePercentDown(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 300 {
		access := issue(t, token.EdDSA, grant())
		least, most = min(least, access.ExpiresIn), max(most, access.ExpiresIn)
	}
	if least < 855*time.Second || most > 900*time.Second || most-least < 20*time.Second {
		t.Errorf("lifetimes lie between %v and %v", least, most)
	}
}

func TestIssueRefuses(t *testing.T) {
	own := func(name string, value any) func(*token.Grant) {
		return func(g *token.Grant) { g.Subject.Claims = map[string]any{name: value} }
	}
	for _, row := range []struct {
		name   string
		change func(*token.Grant)
		want   string // in the error's text
	}{
		{"no subject", func(g *token.Grant) { g.Subject.ID = "" }, "sub"},
		{"a subject with a control", func(g *token.Grant) { g.Subject.ID = "a\n" }, "sub"},
		{"a disabled subject", func(g *token.Grant) { g.Subject.Disabled = true }, "disabled"},
		{"no client", func(g *token.Grant) { g.Client = "" }, "client_id"},
		{"no session", func(g *token.Grant) { g.SessionID = "" }, "sid"},
		{"a token version that JSON rounds", func(g *token.Grant) { g.TokenVersion = 1 << 53 }, "tv"},
		{"no time of authentication", func(g *token.Grant) { g.AuthTime = time.Time{} }, "AuthTime"},
		{"a scope with a space", func(g *token.Grant) { g.Scope = []string{"a ", "b"} }, "scope"},
		{"an empty scope", func(g *token.Grant) { g.Scope = []string{"a", ""} }, "scope"},
		{"a role with a space", func(g *token.Grant) { g.Subject.Roles = []string{"reader admin"} }, "roles"},
		{"an empty amr", func(g *token.Grant) { g.AMR = []string{""} }, "amr"},
		{"a registered own claim", own("sub", "admin"), `"sub"`},
		{"a registered own claim that is not issued", own("nbf", 1), `"nbf"`},
		{"a token version as own claim", own("tv", 9), `"tv"`},
		{"a registered own claim in another case", own("Roles", "admin"), `"Roles"`},
		{"a registered own claim by folding", own("ſcope", "admin"), `"ſcope"`},
		{"an own claim without JSON", own("f", func() {}), "private claims"},
		{"an own claim too deep", own("f", json.RawMessage(strings.Repeat("[", 8)+strings.Repeat("]", 8))), "nested"},
		{"an own claim of two readings", own("f", json.RawMessage(`{"a":1,"a":2}`)), "duplicate"},
		{"own claims too long", own("f", strings.Repeat("x", 8000)), "bytes long"},
	} {
		g := grant()
		row.change(&g)
		access, err := issuerOf(t, token.EdDSA, nil).Issue(t.Context(), g)
		if err == nil || !strings.Contains(err.Error(), row.want) || access.Text.Reveal() != "" {
			t.Errorf("%s: %v", row.name, err)
		}
		if token.ReasonOf(err) != "" {
			t.Errorf("%s: %v has the Reason of a refused token", row.name, err)
		}
	}
}

type brokenKeys struct{ error }

func (b brokenKeys) SigningKey(context.Context) (token.SigningKey, error) {
	return token.SigningKey{}, b.error
}

func TestIssueWithoutKeyOrRandomness(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*token.IssuerConfig)
		want   error
	}{
		{"keys unavailable", func(c *token.IssuerConfig) { c.Keys = brokenKeys{auth.ErrUnavailable} }, auth.ErrUnavailable},
		{"an empty key", func(c *token.IssuerConfig) { c.Keys = brokenKeys{} }, nil},
		{"no randomness", func(c *token.IssuerConfig) { c.Rand = &bytes.Buffer{} }, io.EOF},
		{"a little randomness", func(c *token.IssuerConfig) { c.Rand = strings.NewReader("just this") }, io.ErrUnexpectedEOF},
	} {
		_, err := issuerOf(t, token.EdDSA, row.change).Issue(t.Context(), grant())
		if err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for alg, bound := range map[token.Algorithm]int{token.RS256: 800, token.ES256: 550, token.EdDSA: 550} {
		i := issuerOf(t, alg, func(c *token.IssuerConfig) { c.Audience = []string{"api"} })
		access, err := i.Issue(t.Context(), grant())
		if err != nil {
			t.Fatal(err)
		}
		if size := len(access.Text.Reveal()); size >= bound {
			t.Errorf("%s: %d bytes", alg, size)
		}
	}
}

func TestNewIssuerNamesWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		change func(*token.IssuerConfig)
		want   string
	}{
		{func(c *token.IssuerConfig) { c.Issuer = "auth" }, "Issuer must"},
		{func(c *token.IssuerConfig) { c.Audience = nil }, "Audience must"},
		{func(c *token.IssuerConfig) { c.Keys = nil }, "Keys must"},
		{func(c *token.IssuerConfig) { c.Lifetime = 0 }, "Lifetime must"},
		{func(c *token.IssuerConfig) { c.Lifetime = 59 * time.Second }, "Lifetime must"},
		{func(c *token.IssuerConfig) { c.Lifetime = 3601 * time.Second }, "Lifetime must"},
	} {
		c := token.IssuerConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: signer(signingKeys()[token.EdDSA]),
			Lifetime: token.MaxLifetime, Now: clock, Rand: rand.Reader,
		}
		if _, err := token.NewIssuer(c); err != nil {
			t.Fatal(err)
		}
		row.change(&c)
		if _, err := token.NewIssuer(c); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("want %q: %v", row.want, err)
		}
	}
}

// A client with EmailClaims gets the address from the store. A private claim never replaces it.
func TestEmailClaims(t *testing.T) {
	for name, row := range map[string]struct {
		on       bool
		email    string
		verified bool
		own      map[string]any
		want     map[string]string // of the private claims
	}{
		"off":                        {false, "ada@example.com", true, map[string]any{"a": 1}, map[string]string{"a": "1"}},
		"off, own claims":            {false, "ada@example.com", true, map[string]any{"email": "x@y"}, map[string]string{"email": `"x@y"`}},
		"on":                         {true, "Ada@dömäin.example", false, nil, map[string]string{"email": `"Ada@dömäin.example"`, "email_verified": "false"}},
		"on, verified":               {true, "a@b", true, map[string]any{"a": 1}, map[string]string{"a": "1", "email": `"a@b"`, "email_verified": "true"}},
		"on, own claims":             {true, "a@b", false, map[string]any{"email": "x@y", "email_verified": true}, map[string]string{"email": `"a@b"`, "email_verified": "false"}},
		"on, own claims, other case": {true, "a@b", false, map[string]any{"Email": "x@y", "EMAIL_VERIFIED": true}, map[string]string{"email": `"a@b"`, "email_verified": "false"}},
		"on, no address":             {true, "", true, map[string]any{"email": "x@y", "email_verified": true, "a": 1}, map[string]string{"a": "1"}},
	} {
		i := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) {
			c.Clients = map[auth.ClientID]auth.Client{auth.DefaultClient: {ID: auth.DefaultClient, EmailClaims: row.on}}
		})
		g := grant()
		g.Subject.Email, g.Subject.EmailVerified, g.Subject.Claims = row.email, row.verified, row.own
		access, err := i.Issue(t.Context(), g)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		claims, err := verifierAt(t, instant).Verify(t.Context(), access.Text.Reveal())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]string{}
		for claim, raw := range claims.Own {
			got[claim] = string(raw)
		}
		if !maps.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

// TestEmailClaimsSize measures what the claims of an address of 24 bytes add to a token.
func TestEmailClaimsSize(t *testing.T) {
	size := func(on bool) int {
		i := issuerOf(t, token.RS256, func(c *token.IssuerConfig) {
			c.Clients = map[auth.ClientID]auth.Client{auth.DefaultClient: {ID: auth.DefaultClient, EmailClaims: on}}
		})
		g := grant()
		g.Subject.Email = "ada.lovelace@example.com"
		access, err := i.Issue(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		return len(access.Text.Reveal())
	}
	off, on := size(false), size(true)
	t.Logf("%d bytes without the claims, %d with them", off, on)
	if on-off < 60 || on-off > 90 {
		t.Errorf("the claims add %d bytes; docs/clients.md says otherwise", on-off)
	}
}
