package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	text, ok := v[name]
	return text, ok
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestValues reads one environment with each reader and compares the value, or the whole text of
// the error.
func TestValues(t *testing.T) {
	keys, long := file(t, `{"keys":[]}`), file(t, strings.Repeat("x", config.MaxFileBytes+1))
	object := file(t, `{"routes":[]}`)

	issuer := func(e *config.Environment) any { return e.Issuer() }
	audience := func(e *config.Environment) any { return e.Audience() }
	jwks := func(e *config.Environment) any { return string(e.JWKS()) }
	ring := func(e *config.Environment) any { return e.SigningRing().Reveal() }
	version := func(e *config.Environment) any { return e.KeyVersion() }
	duration := func(e *config.Environment) any {
		return e.Duration(config.IdleTimeout, time.Minute, 24*time.Hour)
	}
	profile := func(e *config.Environment) any { return e.Profile() }
	response := func(e *config.Environment) any { return e.HTTPResponse() }
	deny := func(e *config.Environment) any { return e.Deny() }
	check := func(e *config.Environment) any { return e.SessionCheck() }
	restored := func(e *config.Environment) any { return e.RestoredUntil().UTC().Format(time.RFC3339) }
	start := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	notBefore := func(e *config.Environment) any { return e.SessionsNotBefore(start).UTC().Format(time.RFC3339Nano) }
	store := func(e *config.Environment) any { return e.Store() }
	document := func(e *config.Environment) any { return fmt.Sprintf("%s", e.Document("clients", "routes")) }

	const (
		wantIssuer   = "it should hold the exact issuer, an https URL without query or fragment (http for loopback hosts only)"
		wantKeys     = "it should hold the public JWKS as text, or EDGEAUTH_JWKS_FILE the path of its file, and not both"
		wantVersion  = "it should hold the version of the keys that signs, a whole number from 1 to 65534"
		wantDuration = "it should hold a duration from 1m0s to 24h0m0s, as in 1m0s"
		wantDocument = "it should hold a JSON object with any of clients, routes, or file:<path> of one"
	)
	for _, row := range []struct {
		name  string
		read  func(*config.Environment) any
		given variables
		want  any
		err   string
	}{
		{"issuer", issuer, variables{config.Issuer: "https://a.example/x"}, "https://a.example/x", ""},
		{"its slash stays", issuer, variables{config.Issuer: "https://a.example/"}, "https://a.example/", ""},
		{"loopback", issuer, variables{config.Issuer: "http://127.0.0.1:8080"}, "http://127.0.0.1:8080", ""},
		{"loopback 6", issuer, variables{config.Issuer: "http://[::1]:8080"}, "http://[::1]:8080", ""},
		{"localhost", issuer, variables{config.Issuer: "http://localhost"}, "http://localhost", ""},
		{"no issuer", issuer, nil, "", "EDGEAUTH_ISSUER is not set: " + wantIssuer},
		{"empty issuer", issuer, variables{config.Issuer: ""}, "", "EDGEAUTH_ISSUER is not set: " + wantIssuer},
		{"plain http", issuer, variables{config.Issuer: "http://a.example"}, "", "EDGEAUTH_ISSUER is not an https URL: " + wantIssuer},
		{"a loopback-like name", issuer, variables{config.Issuer: "http://127.0.0.1.a.example"}, "", "EDGEAUTH_ISSUER is not an https URL: " + wantIssuer},
		{"capitals", issuer, variables{config.Issuer: "HTTPS://a.example"}, "", "EDGEAUTH_ISSUER is not an https URL: " + wantIssuer},
		{"query", issuer, variables{config.Issuer: "https://a.example?"}, "", "EDGEAUTH_ISSUER has a query or a fragment: " + wantIssuer},
		{"fragment", issuer, variables{config.Issuer: "https://a.example#"}, "", "EDGEAUTH_ISSUER has a query or a fragment: " + wantIssuer},
		{"user", issuer, variables{config.Issuer: "https://u:p@a.example"}, "", "EDGEAUTH_ISSUER has a user name: " + wantIssuer},
		{"no host", issuer, variables{config.Issuer: "https://:443"}, "", "EDGEAUTH_ISSUER is not a URL with a host: " + wantIssuer},
		{"no URL", issuer, variables{config.Issuer: "https://[::1"}, "", "EDGEAUTH_ISSUER is not a URL with a host: " + wantIssuer},
		{"space", issuer, variables{config.Issuer: "https://a.example "}, "", "EDGEAUTH_ISSUER has an invalid character: " + wantIssuer},

		{"one audience", audience, variables{config.Audience: "a"}, []string{"a"}, ""},
		{"two", audience, variables{config.Audience: "a  b"}, []string{"a", "b"}, ""},
		{"none", audience, nil, []string(nil), "EDGEAUTH_AUDIENCE is not set: it should hold one audience, or several separated by spaces"},
		{"blank", audience, variables{config.Audience: " "}, []string(nil), "EDGEAUTH_AUDIENCE is blank: it should hold one audience, or several separated by spaces"},
		{"twice", audience, variables{config.Audience: "a b a"}, []string(nil), "EDGEAUTH_AUDIENCE repeats an audience: it should hold one audience, or several separated by spaces"},

		{"keys as text", jwks, variables{config.JWKS: `{"keys":[]}`}, `{"keys":[]}`, ""},
		{"keys in a file", jwks, variables{config.JWKS: "", config.JWKSFile: keys}, `{"keys":[]}`, ""},
		{"both", jwks, variables{config.JWKS: "{}", config.JWKSFile: keys}, "", "EDGEAUTH_JWKS and EDGEAUTH_JWKS_FILE are both set: " + wantKeys},
		{"neither", jwks, nil, "", "EDGEAUTH_JWKS is not set: " + wantKeys},
		{"no file", jwks, variables{config.JWKSFile: keys + "x"}, "", "EDGEAUTH_JWKS_FILE names a file that cannot be read (no such file or directory): it should hold the path of a file with the public JWKS"},
		{"a folder", jwks, variables{config.JWKSFile: filepath.Dir(keys)}, "", "EDGEAUTH_JWKS_FILE names a file that cannot be read (is a directory): it should hold the path of a file with the public JWKS"},
		{"a long file", jwks, variables{config.JWKSFile: long}, "", "EDGEAUTH_JWKS_FILE names a file of more than 262144 bytes: it should hold the path of a file with the public JWKS"},

		{"ring", ring, variables{config.SigningRing: "file:ring.json"}, "file:ring.json", ""},
		{"no ring", ring, nil, "", "EDGEAUTH_SIGNING_RING is not set: it should hold secretsmanager:<arn>, file:<path>, or the JSON itself"},

		{"version", version, variables{config.KeyVersion: "65534"}, uint16(65534), ""},
		{"version 0", version, variables{config.KeyVersion: "0"}, uint16(0), "EDGEAUTH_KEY_VERSION is not a valid version: " + wantVersion},
		{"no room for the next", version, variables{config.KeyVersion: "65535"}, uint16(0), "EDGEAUTH_KEY_VERSION is not a valid version: " + wantVersion},
		{"signed", version, variables{config.KeyVersion: "+1"}, uint16(0), "EDGEAUTH_KEY_VERSION is not a valid version: " + wantVersion},

		{"duration", duration, variables{config.IdleTimeout: "24h"}, 24 * time.Hour, ""},
		{"too long", duration, variables{config.IdleTimeout: "24h1ns"}, time.Duration(0), "EDGEAUTH_IDLE_TIMEOUT is out of bounds: " + wantDuration},
		{"too short", duration, variables{config.IdleTimeout: "59s"}, time.Duration(0), "EDGEAUTH_IDLE_TIMEOUT is out of bounds: " + wantDuration},
		{"no unit", duration, variables{config.IdleTimeout: "900"}, time.Duration(0), "EDGEAUTH_IDLE_TIMEOUT is not a duration: " + wantDuration},
		{"no duration", duration, nil, time.Duration(0), "EDGEAUTH_IDLE_TIMEOUT is not set: " + wantDuration},

		{"profile", profile, variables{config.Profile: "strict"}, auth.Strict, ""},
		{"default profile", profile, nil, auth.Balanced, ""},
		{"no such profile", profile, variables{config.Profile: "Strict"}, auth.Profile(0), "EDGEAUTH_PROFILE is not a profile: it should hold balanced, strict or fixed"},

		{"iam", response, variables{config.HTTPResponse: "iam"}, "iam", ""},
		{"default response", response, nil, "simple", ""},
		{"no such response", response, variables{config.HTTPResponse: "IAM"}, "", "EDGEAUTH_HTTP_RESPONSE is not a response format: it should hold simple or iam"},

		{"check", check, variables{config.SessionCheck: "revocations"}, "revocations", ""},
		{"default check", check, nil, "session", ""},
		{"no such check", check, variables{config.SessionCheck: "Revocations"}, "", "EDGEAUTH_SESSION_CHECK is not a check of sessions: it should hold session or revocations"},

		{"deny", deny, variables{config.Deny: "deny"}, "deny", ""},
		{"default refusal", deny, nil, "unauthorized", ""},
		{"no such refusal", deny, variables{config.Deny: "401"}, "", "EDGEAUTH_DENY is not a way to refuse: it should hold unauthorized or deny"},

		{"restored", restored, variables{config.RestoredUntil: "2026-01-02T15:04:05+01:00"}, "2026-01-02T14:04:05Z", ""},
		{"not restored", restored, nil, "0001-01-01T00:00:00Z", ""},
		{"both restores", restored, variables{config.RestoredUntil: "2026-01-02T15:04:05Z", config.SessionsNotBefore: "x"}, "0001-01-01T00:00:00Z",
			"EDGEAUTH_RESTORED_UNTIL and EDGEAUTH_SESSIONS_NOT_BEFORE are both set: it should hold a time only if the sessions of a backup stay open, and EDGEAUTH_SESSIONS_NOT_BEFORE only if they end"},
		{"not before", notBefore, variables{config.SessionsNotBefore: "2026-01-02T15:04:05.25+01:00"}, "2026-01-02T14:04:05.25Z", ""},
		{"not before none", notBefore, variables{config.SessionsNotBefore: ""}, "0001-01-01T00:00:00Z", ""},
		{"not before no instant", notBefore, variables{config.SessionsNotBefore: "2026-01-02"}, "0001-01-01T00:00:00Z",
			"EDGEAUTH_SESSIONS_NOT_BEFORE is not a time: it should hold a time such as 2026-01-02T15:04:05Z (RFC 3339)"},
		{"not before, by a clock that is ahead", notBefore, variables{config.SessionsNotBefore: "2026-01-02T15:05:00Z"}, "2026-01-02T15:05:00Z", ""},
		{"not before, in the future", notBefore, variables{config.SessionsNotBefore: "2026-01-02T15:05:01Z"}, "0001-01-01T00:00:00Z",
			"EDGEAUTH_SESSIONS_NOT_BEFORE is in the future: it should hold a time that has passed, such as 2026-01-02T15:04:05Z (RFC 3339)"},
		{"no instant", restored, variables{config.RestoredUntil: "tomorrow"}, "0001-01-01T00:00:00Z", "EDGEAUTH_RESTORED_UNTIL is not a time: it should hold a time such as 2026-01-02T15:04:05Z (RFC 3339)"},

		{"bolt", store, variables{config.Store: "bolt:a/b.db"}, config.Stores{BoltPath: "a/b.db"}, ""},
		{"bolt without a file", store, variables{config.Store: "bolt:"}, config.Stores{}, "EDGEAUTH_STORE has no path: it should hold dynamodb or bolt:<path>"},
		{
			"dynamodb", store,
			variables{
				config.Store: "dynamodb", config.UsersTable: "u", config.SessionsTable: "s", config.AttemptsTable: "a",
				config.DynamoDBEndpoint: "http://localhost:8000", config.Region: "r", config.AccessKeyID: "k", config.SecretAccessKey: "x",
			},
			config.Stores{DynamoDB: config.DynamoDB{
				Users: "u", Sessions: "s", Attempts: "a", Endpoint: "http://localhost:8000", AWS: config.AWS{Region: "r", AccessKeyID: "k"},
			}}, "",
		},
		{
			"no tables", store,
			variables{config.Store: "dynamodb", config.SessionsTable: "s", config.Region: "r", config.AccessKeyID: "k", config.SecretAccessKey: "x"},
			config.Stores{DynamoDB: config.DynamoDB{Sessions: "s", AWS: config.AWS{Region: "r", AccessKeyID: "k"}}},
			"EDGEAUTH_USERS_TABLE is not set: it should hold the name of the table of users\n" +
				"EDGEAUTH_ATTEMPTS_TABLE is not set: it should hold the name of the table of failed logins",
		},
		{"no such store", store, variables{config.Store: "redis"}, config.Stores{}, "EDGEAUTH_STORE is not a store: it should hold dynamodb or bolt:<path>"},

		{"no document", document, nil, "map[]", ""},
		{"a document", document, variables{config.Config: `{"clients":[1]}`}, "map[clients:[1]]", ""},
		{"in a file", document, variables{config.Config: "file:" + object}, "map[routes:[]]", ""},
		{"no such file", document, variables{config.Config: "file:" + object + "x"}, "map[]", "EDGEAUTH_CONFIG names a file that cannot be read (no such file or directory): " + wantDocument},
		{"unknown names", document, variables{config.Config: `{"route":[],"Clients":[]}`}, "map[]", "EDGEAUTH_CONFIG has an unknown member \"Clients\": " + wantDocument + "\nEDGEAUTH_CONFIG has an unknown member \"route\": " + wantDocument},
		{"a name twice", document, variables{config.Config: `{"routes":1,"routes":2}`}, "map[]", "*: " + wantDocument},
		{"trailing", document, variables{config.Config: `{} {}`}, "map[]", "*: " + wantDocument},
		{"null", document, variables{config.Config: `null`}, "map[]", "*: " + wantDocument},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := config.New(row.given.lookup)
			if got := row.read(e); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", row.want) {
				t.Errorf("got %#v, want %#v", got, row.want)
			}
			got := ""
			if err := e.Err(); err != nil {
				got = err.Error()
			}
			if tail, ok := strings.CutPrefix(row.err, "*"); ok {
				if !strings.HasPrefix(got, "EDGEAUTH_CONFIG cannot be read (") || !strings.HasSuffix(got, tail) {
					t.Errorf("error %q", got)
				}
			} else if got != row.err {
				t.Errorf("error %q\n want %q", got, row.err)
			}
		})
	}
}

// TestErrorsShowNoValue: a value in the wrong variable, perhaps a secret, does not reach a log.
func TestErrorsShowNoValue(t *testing.T) {
	e := config.New(func(string) (string, bool) { return "hunter2", true })
	e.Issuer()
	e.JWKS()
	e.KeyVersion()
	e.Duration(config.AccessTokenLifetime, 0, time.Hour)
	e.Profile()
	e.HTTPResponse()
	e.Deny()
	e.SessionCheck()
	e.RestoredUntil()
	e.SessionsNotBefore(time.Now())
	e.Store()
	e.Document()
	config := config.New(variables{"EDGEAUTH_JWKS_FILE": "/hunter2"}.lookup)
	config.JWKS()
	err := errors.Join(e.Err(), config.Err())
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 13 || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestVariableError(t *testing.T) {
	e := config.New(variables{}.lookup)
	e.RefreshKeys()
	var v *config.VariableError
	if err := e.Err(); !errors.As(err, &v) || v.Name != config.RefreshKeys {
		t.Error(err)
	}
	const place = "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:login-AbCdEf"
	if got := config.New(variables{config.LoginRing: place}.lookup).LoginRing(); got.Reveal() != place {
		t.Error("EDGEAUTH_LOGIN_RING is not read")
	}
}

// Missing credentials are reported once, even if several parts need them.
func TestSecretsManager(t *testing.T) {
	whole := variables{
		config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "hunter2", config.SessionToken: "hunter3",
		config.SecretsManagerEndpoint: "http://127.0.0.1:1",
	}
	e := config.New(whole.lookup)
	got := e.SecretsManagerOf(auth.NewSecret("file:x"), auth.NewSecret("secretsmanager:arn"))
	if err := e.Err(); err != nil || got.Endpoint != "http://127.0.0.1:1" || got.Region != "eu-central-1" || got.AccessKeyID != "id" ||
		got.SecretAccess.Reveal() != "hunter2" || got.SessionSecret.Reveal() != "hunter3" {
		t.Errorf("%+v, %v", got, err)
	}
	e = config.New(variables{config.Store: "dynamodb", config.UsersTable: "u", config.SessionsTable: "s", config.AttemptsTable: "a"}.lookup)
	e.Store()
	e.SecretsManager()
	want := "AWS_REGION is not set: it should hold the AWS Region of tables and secrets, as in eu-central-1\n" +
		"AWS_ACCESS_KEY_ID is not set: it should hold an AWS access key id; any text does for a local engine\n" +
		"AWS_SECRET_ACCESS_KEY is not set: it should hold the access key's secret; any text does for a local engine"
	if err := e.Err(); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	e = config.New(variables{}.lookup)
	if e.SecretsManagerOf(auth.NewSecret("file:x"), auth.NewSecret("{}")); e.Err() != nil {
		t.Errorf("nothing is there, and yet %v", e.Err())
	}
}
