package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// storeFlag selects the store that a command works on.
type storeFlag struct {
	homeFlag
	Store string `placeholder:"STORE" help:"The store: bolt:PATH, dynamodb or, for users and sessions, stack:NAME (default: the store in the data directory). dynamodb reads AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, AWS credentials, EDGEAUTH_USERS_TABLE, EDGEAUTH_SESSIONS_TABLE and EDGEAUTH_ATTEMPTS_TABLE from the environment. stack:NAME is a deployed stack, in the Region and with the credentials that the aws command uses."`
}

// localTables are the default table names.
var localTables = map[string]string{
	config.UsersTable:    "edgeauth-users",
	config.SessionsTable: "edgeauth-sessions",
	config.AttemptsTable: "edgeauth-attempts",
}

// settings returns the settings of a local store, which is every store except stack:NAME.
func (f storeFlag) settings() (config.Stores, error) {
	if f.Store == "" {
		return config.Stores{BoltPath: f.Data.StorePath()}, nil
	}
	e := config.New(func(name string) (string, bool) {
		if name == config.Store {
			return f.Store, true
		}
		if text := os.Getenv(name); text != "" {
			return text, true
		}
		text, ok := localTables[name]
		return text, ok
	})
	stores := e.Store()
	if err := e.Err(); err != nil {
		var wrong *config.VariableError
		if errors.As(err, &wrong) && wrong.Name == config.Store {
			wrong.Name = fmt.Sprintf("--store %q", f.Store)
			wrong.Want += `, or stack:<name> for "user", "session", "keys show", "keys jwks" and "doctor"`
		}
		return stores, fmt.Errorf("%w: %w", errUsage, err)
	}
	return stores, nil
}

// open returns the stores, which must exist.
func (f storeFlag) open(ctx context.Context, t terminal) (backend.Stores, error) {
	if name, ok := stackIn(f.Store); ok {
		s, err := deployed(ctx, t, name)
		if err != nil {
			return backend.Stores{}, err
		}
		return backend.OpenStores(s.Stores())
	}
	return f.openLocal()
}

// openSessions returns the stores and the rules by which their sessions end: those of the deployed
// stack, or of the environment.
func (f storeFlag) openSessions(ctx context.Context, t terminal) (backend.Stores, session.Rules, error) {
	rules := session.DefaultRules()
	if name, ok := stackIn(f.Store); ok {
		s, err := deployed(ctx, t, name)
		if err != nil {
			return backend.Stores{}, rules, err
		}
		rules.SessionsNotBefore = s.SessionsNotBefore
		stores, err := backend.OpenStores(s.Stores())
		return stores, rules, err
	}
	e := config.Process()
	rules.SessionsNotBefore = e.SessionsNotBefore(time.Now())
	if err := e.Err(); err != nil {
		return backend.Stores{}, rules, err
	}
	stores, err := f.openLocal()
	return stores, rules, err
}

// openLocal returns the stores of a local store, which is every store except stack:NAME.
func (f storeFlag) openLocal() (backend.Stores, error) {
	settings, err := f.settings()
	if err != nil {
		return backend.Stores{}, err
	}
	if f.Store == "" {
		if err := f.Data.Exists(); err != nil {
			return backend.Stores{}, err
		}
	}
	if path := settings.BoltPath; path != "" && f.Store != "" {
		if _, err := os.Stat(path); err != nil { // opening a store creates it
			return backend.Stores{}, fmt.Errorf("--store %q: there is no store in this file (want the path of an existing store)", f.Store)
		}
	}
	return backend.OpenStores(settings)
}

// stackIn returns the stack name in a value of --store.
func stackIn(store string) (name string, ok bool) { return strings.CutPrefix(store, "stack:") }

// deployed describes a deployed stack. If a deployment is in progress or failed, it prints a
// warning, because the functions may still run with other settings.
func deployed(ctx context.Context, t terminal, name string) (stack.Stack, error) {
	s, err := describeStack(ctx, name)
	if err == nil && !s.Settled() {
		fmt.Fprintf(t.err, "edgeauth: warning: the stack %s is %s; its functions may run with other settings than shown\n",
			s.Name, s.Status)
	}
	return s, err
}

func describeStack(ctx context.Context, name string) (stack.Stack, error) {
	if !stack.IsName(name) {
		return stack.Stack{}, fmt.Errorf("%w: --store stack:%s: invalid stack name (want a name or an ARN)",
			errUsage, printable(name))
	}
	return stack.Describe(ctx, name)
}

type tablesCommand struct {
	Create tablesCreate `cmd:"" help:"Create missing tables in a local DynamoDB engine."`
}

type tablesCreate struct{ storeFlag }

func (c *tablesCreate) Run(ctx context.Context, t terminal) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if settings.BoltPath != "" {
		return fmt.Errorf("%w: a bolt store has no tables (want --store dynamodb)", errUsage)
	}
	if err := backend.CreateTables(ctx, settings); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "tables %s, %s and %s exist\n", settings.DynamoDB.Users, settings.DynamoDB.Sessions, settings.DynamoDB.Attempts)
	return nil
}
