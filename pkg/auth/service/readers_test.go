package service

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
)

// TestReaders holds that each function reads the variables of config.Readers and no others. On
// tables the names of all variables are asked for, and the start is not needed.
func TestReaders(t *testing.T) {
	onTables := good(t).with(variables{
		config.Store: "dynamodb", config.UsersTable: "users", config.SessionsTable: "sessions", config.AttemptsTable: "attempts",
		config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "key",
	})
	for function, begin := range map[string]func(*config.Environment) error{
		"login":    func(e *config.Environment) error { _, err := start(e, Options{}, common, opening); return err },
		"account":  func(e *config.Environment) error { _, err := start(e, Options{}, common, opening); return err },
		"refresh":  func(e *config.Environment) error { _, err := start(e, Options{}, common, restoring); return err },
		"sessions": func(e *config.Environment) error { _, err := startSessions(e); return err },
	} {
		read := map[string]bool{}
		err := begin(config.New(func(name string) (string, bool) {
			if strings.HasPrefix(name, "EDGEAUTH_") {
				read[name] = true
			}
			return onTables.lookup(name)
		}))
		if err != nil {
			t.Errorf("%s: %v", function, err)
		}
		got, want := slices.Sorted(maps.Keys(read)), slices.Sorted(slices.Values(config.Readers()[function]))
		if !slices.Equal(got, want) {
			t.Errorf("%s reads %v, want %v", function, got, want)
		}
	}
}
