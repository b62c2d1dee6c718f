package service

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
)

// lookup has the form of os.LookupEnv.
type lookup = func(name string) (string, bool)

// TestReaders checks that each function reads exactly the variables of config.Readers. With tables,
// every function asks for all its variables even though the start fails.
func TestReaders(t *testing.T) {
	onTables := good(t).with(variables{
		config.Store: "dynamodb", config.UsersTable: "users", config.SessionsTable: "sessions", config.AttemptsTable: "attempts",
		config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "key",
	})
	onTables[config.JWKS] = someJWKS(t)
	onTables[config.MailSender], onTables[config.MailFrom] = "ses", "login@example.com"
	for function, begin := range map[string]func(lookup) error{
		"login":              func(l lookup) error { _, err := start(config.New(l), Options{}, common, opening); return err },
		"account":            func(l lookup) error { _, err := start(config.New(l), Options{}, common, opening, mailing); return err },
		"refresh":            func(l lookup) error { _, err := start(config.New(l), Options{}, common, restoring); return err },
		"mailer":             func(l lookup) error { _, err := startMailer(config.New(l), Options{}); return err },
		"sessions":           func(l lookup) error { _, _, err := startSessions(config.New(l)); return err },
		"session-authorizer": func(l lookup) error { _, err := startSessionAuthorizer(l, nil); return err },
	} {
		read := map[string]bool{}
		err := begin(func(name string) (string, bool) {
			if strings.HasPrefix(name, "EDGEAUTH_") {
				read[name] = true
			}
			return onTables.lookup(name)
		})
		if err != nil {
			t.Errorf("%s: %v", function, err)
		}
		got, want := slices.Sorted(maps.Keys(read)), slices.Sorted(slices.Values(config.Readers()[function]))
		if !slices.Equal(got, want) {
			t.Errorf("%s reads %v, want %v", function, got, want)
		}
	}
}
