package deployment_test

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/deployment"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// good returns values with which every function starts, changed by the pairs.
func good(t *testing.T, pairs ...string) map[string]string {
	t.Helper()
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		config.Issuer: "https://auth.example.com", config.Audience: "https://auth.example.com", config.JWKS: string(jwks), config.KeyVersion: "1",
		config.AccessTokenLifetime: "15m", config.Profile: "balanced", config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h",
	}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return values
}

// TestCheck: each wrong value is reported once, with its place.
func TestCheck(t *testing.T) {
	lines := func(text ...string) string { return strings.Join(text, "\n") }
	for _, row := range []struct {
		name     string
		variable string
		value    string
		line     int
		want     string // a prefix; empty if there is no problem
	}{
		{"nothing", config.Config, "", 0, ""},
		{"a document", config.Config, `{"clients":{"web":{"profile":"strict"}},"routes":[{"route":"GET /"}]}`, 0, ""},
		{"issuer", config.Issuer, "https://auth.example.com?", 0, `EDGEAUTH_ISSUER "https://auth.example.com?" has a query or a fragment: it should hold`},
		{"audience", config.Audience, "a a", 0, `EDGEAUTH_AUDIENCE "a a" repeats an audience: it should hold`},
		{"idle timeout", config.IdleTimeout, "20m", 0, `EDGEAUTH_IDLE_TIMEOUT "20m" is out of bounds: it should hold a duration from 25m0s to 8760h0m0s`},
		{"absolute timeout", config.AbsoluteTimeout, "9000h", 0, `EDGEAUTH_ABSOLUTE_TIMEOUT "9000h" is out of bounds`},
		{"restore", config.RestoredUntil, "2026-02-30T00:00:00Z", 0, `EDGEAUTH_RESTORED_UNTIL "2026-02-30T00:00:00Z" is not a time`},
		{"sessions of before", config.SessionsNotBefore, "2026-02-30T00:00:00Z", 0, `EDGEAUTH_SESSIONS_NOT_BEFORE "2026-02-30T00:00:00Z" is not a time`},
		{"a session of the future", config.SessionsNotBefore, "2999-01-01T00:00:00Z", 0, `EDGEAUTH_SESSIONS_NOT_BEFORE "2999-01-01T00:00:00Z" is in the future`},
		{"check", config.SessionCheck, "list", 0, `EDGEAUTH_SESSION_CHECK "list" is not a check of sessions`},
		{"refusal", config.Deny, "403", 0, `EDGEAUTH_DENY "403" is not a way to refuse`},
		{"not set", config.Profile, "lax", 0, `EDGEAUTH_PROFILE "lax" is not a profile`},
		{"syntax", config.Config, lines(`{`, ` "clients": {},`, ` "routes": [,]`, `}`), 3, `EDGEAUTH_CONFIG cannot be read (not valid JSON (at byte `},
		{"not an object", config.Config, `[]`, 1, `EDGEAUTH_CONFIG cannot be read (expected a JSON object (at byte 0))`},
		{"an unknown member", config.Config, lines(`{`, ` "clients": {},`, ` "route": []`, `}`), 3, `EDGEAUTH_CONFIG: route: []: unknown member`},
		{"a client", config.Config, lines(`{"clients": {`, ` "app": {"profile": "fixed"},`, ` "web": {`, `  "idle_timeout":`, `   "24m59s"}}}`), 5,
			`EDGEAUTH_CONFIG: clients: "web": "idle_timeout": "24m59s": 24m59s is out of range`},
		{"a client, by its timeouts together", config.Config, lines(`{"clients":`, ` {"web":`, `  {"access_token_lifetime": "1h", "idle_timeout": "61m"}}}`), 3,
			`EDGEAUTH_CONFIG: clients: "web": "idle_timeout": "61m": 1h1m0s is out of range`},
		{"a client, by a timeout of all", config.Config, lines(`{"clients":`, ` {"web":`, `  {"access_token_lifetime": "1h"}}}`), 3,
			`EDGEAUTH_CONFIG: clients: "web": "idle_timeout": 30m0s is out of range`},
		{"a name with escapes", config.Config, lines(`{"clients": {`, ` "a b": {}}}`), 2, `EDGEAUTH_CONFIG: clients: "a b": {}: a client id must have`},
		{"a limit", config.Config, lines(`{`, `"throttle": {"account": {"free": 0}}}`), 2, `EDGEAUTH_CONFIG: throttle: "account": "free": 0: want a whole number`},
		{"a cost", config.Config, lines(``, `{"passwords": {"memory_kib": 19456}}`), 2, `EDGEAUTH_CONFIG: passwords: {"memory_kib": 19456}: memory_kib and passes must be set together`},
		{"a rule", config.Config, lines(`{"routes": [`, ` {"route": "GET /"},`, ` {"route": "FETCH /"}]}`), 3,
			`EDGEAUTH_CONFIG: routes: number 2: {"route": "FETCH /"}: route "FETCH /": a route is`},
		{"a member of a rule", config.Config, lines(`{"routes": [`, ` {"route": "GET /"},`, ` {"route": "GET /a", "scopes": []}]}`), 3,
			`EDGEAUTH_CONFIG: routes: number 2: "scopes": []: the list is empty`},
		{"an origin", config.Config, lines(`{"origins": ["https://a.example",`, `"https://b.example/"]}`), 2, `EDGEAUTH_CONFIG: origins: number 2: "https://b.example/": `},
		{"a source", config.Config, `{"token_sources":["body:a"]}`, 1, `EDGEAUTH_CONFIG: token_sources: number 1: "body:a": invalid token source`},
		{"a claim", config.Config, `{"context_claims":["claims"]}`, 1, `EDGEAUTH_CONFIG: context_claims: number 1: "claims": context claim "claims": the name is reserved`},
		{"an issuer", config.Config, lines(`{`, `"issuers": [{}]}`), 2, `EDGEAUTH_CONFIG: issuers: [{}]: `},
	} {
		t.Run(row.name, func(t *testing.T) {
			values := good(t, config.IdleTimeout, "30m", row.variable, row.value)
			inFile := maps.Clone(values)
			if row.variable == config.Config && row.value != "" {
				path := filepath.Join(t.TempDir(), "config.json")
				if err := os.WriteFile(path, []byte(row.value), 0o600); err != nil {
					t.Fatal(err)
				}
				inFile[config.Config] = "file:" + path
			}
			problems := deployment.Check(values)
			if row.want == "" {
				if len(problems) > 0 {
					t.Errorf("%v", problems)
				}
				return
			}
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), row.want) || problems[0].Line != row.line {
				t.Errorf("got  %+v\nwant %s, on line %d", problems, row.want, row.line)
			}
			if got := deployment.Check(inFile); !slices.Equal(got, problems) {
				t.Errorf("in a file: %+v\nin the variable: %+v", got, problems)
			}
		})
	}
}

// TestCheckReportsAll: one check reports the problems of all functions.
func TestCheckReportsAll(t *testing.T) {
	problems := deployment.Check(good(t, config.Issuer, "auth.example.com", config.IdleTimeout, "1", config.Deny, "x", config.RestoredUntil, "x"))
	var got []string
	for _, p := range problems {
		got = append(got, p.Variable)
	}
	slices.Sort(got)
	if want := []string{config.Deny, config.IdleTimeout, config.Issuer, config.RestoredUntil}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestCheckBothRestores: a deployment must not both keep and end the sessions of a backup.
func TestCheckBothRestores(t *testing.T) {
	problems := deployment.Check(good(t, config.RestoredUntil, "2026-01-02T15:04:05Z", config.SessionsNotBefore, "2026-01-02T15:04:05Z"))
	want := `EDGEAUTH_RESTORED_UNTIL "2026-01-02T15:04:05Z" and EDGEAUTH_SESSIONS_NOT_BEFORE are both set: it should hold`
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
		t.Errorf("%v, want %s", problems, want)
	}
}

// TestCheckOnOneLine: a value is shortened, and a line break in it does not break the message.
func TestCheckOnOneLine(t *testing.T) {
	problems := deployment.Check(good(t, config.Config, "{\"clients\": {\n\"web\": {\"scope\": \""+strings.Repeat("x", 500)+"\"}}}"))
	if len(problems) != 1 || len(problems[0].Value) > 90 || strings.Contains(problems[0].String(), "\n") {
		t.Errorf("%+v", problems)
	}
}

func TestSize(t *testing.T) {
	values := good(t)
	for name := range values {
		delete(values, name)
	}
	stamp := `{"EDGEAUTH_STAMP":"` + deployment.Stamp + `"}`
	if f, n := deployment.Size(values); n != len(stamp) {
		t.Errorf("%s, %d bytes, want %d", f, n, len(stamp))
	}
	// A quotation mark takes two bytes. Exactly the functions' variables count.
	values[config.Config], values[config.JWKS], values["OTHER"] = `{"a":1}`, "jwks", strings.Repeat("x", 99)
	want := `{"EDGEAUTH_CONFIG":"{\"a\":1}","EDGEAUTH_JWKS":"jwks","EDGEAUTH_STAMP":"` + deployment.Stamp + `"}`
	if f, n := deployment.Size(values); f != "authorizer" || n != len(want) {
		t.Errorf("%s, %d bytes, want authorizer and %d", f, n, len(want))
	}
	values[config.SigningRing] = "secretsmanager:arn"
	values[config.JWKS] = ""
	if f, _ := deployment.Size(values); f != "account" && f != "login" && f != "refresh" {
		t.Errorf("%s", f)
	}
}

// TestCheckOpaque: a client of opaque sessions is refused if the session authorizer reads the list
// of revocations, which cannot check them. A client that may use every delivery is accepted.
func TestCheckOpaque(t *testing.T) {
	const document = "{\"clients\": {\"app\": {},\n \"office\": {\"delivery\": [\"cookies\", \"session\"]}}}"
	for check, want := range map[string]string{
		config.CheckSession: "",
		config.CheckRevocations: `EDGEAUTH_CONFIG: clients: "office": "delivery": ["cookies", "session"]: EDGEAUTH_SESSION_CHECK is revocations, ` +
			`which refuses every session cookie (want a delivery without session, or EDGEAUTH_SESSION_CHECK session)`,
	} {
		var got string
		for _, p := range deployment.Check(good(t, config.Config, document, config.SessionCheck, check)) {
			got += p.String()
			if p.Line != 2 {
				t.Errorf("line %d", p.Line)
			}
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", check, got, want)
		}
	}
}
