package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
)

// storeFlag is which store a command works on.
type storeFlag struct {
	homeFlag
	Store string `placeholder:"STORE" help:"The store, as bolt:PATH, dynamodb or, for users, stack:NAME; the one in the data directory where not given. dynamodb reads AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, credentials and EDGEAUTH_USERS_TABLE and its like from the environment; stack:NAME is a deployed stack, in the Region and with the credentials that the aws command would use."`
}

// localTables are the tables' names where the environment gives none.
var localTables = map[string]string{
	config.UsersTable:    "edgeauth-users",
	config.SessionsTable: "edgeauth-sessions",
	config.AttemptsTable: "edgeauth-attempts",
}

// settings returns where the store is, for commands that run on a machine's own.
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
			wrong.Name = "--store"
			wrong.Want += `, or stack:<name> for "user", "keys show" and "keys jwks"`
		}
		return stores, fmt.Errorf("%w: %w", errUsage, err)
	}
	return stores, nil
}

// open returns the stores, which must be there already.
func (f storeFlag) open(ctx context.Context, t terminal) (backend.Stores, error) {
	if name, ok := stackIn(f.Store); ok {
		s, err := deployed(ctx, t, name)
		if err != nil {
			return backend.Stores{}, err
		}
		return backend.OpenStores(s.Stores())
	}
	settings, err := f.settings()
	if err != nil {
		return backend.Stores{}, err
	}
	if f.Store == "" {
		if err := f.Data.Exists(); err != nil {
			return backend.Stores{}, err
		}
	}
	return backend.OpenStores(settings)
}

// stackIn returns the name of the stack that a value of --store names.
func stackIn(store string) (name string, ok bool) { return strings.CutPrefix(store, "stack:") }

// deployed returns a deployed stack, and says where a deployment is on its way or went wrong: what a command shows is
// then true of some functions, perhaps, and not of others.
func deployed(ctx context.Context, t terminal, name string) (stack.Stack, error) {
	if !stack.IsName(name) {
		return stack.Stack{}, fmt.Errorf("%w: --store stack:%s names no stack: it should hold its name or ARN",
			errUsage, printable(name))
	}
	s, err := stack.Describe(ctx, name)
	if err == nil && !s.Settled() {
		fmt.Fprintf(t.err, "edgeauth: the stack %s is %s, so that its functions may differ from what it says\n",
			s.Name, s.Status)
	}
	return s, err
}

type tablesCommand struct {
	Create tablesCreate `cmd:"" help:"Make the tables that are missing in a local DynamoDB engine."`
}

type tablesCreate struct{ storeFlag }

func (c *tablesCreate) Run(ctx context.Context, t terminal) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if settings.BoltPath != "" {
		return fmt.Errorf("%w: a file needs no tables; --store dynamodb names an engine that does", errUsage)
	}
	if err := backend.CreateTables(ctx, settings); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "tables %s, %s and %s are there\n", settings.DynamoDB.Users, settings.DynamoDB.Sessions, settings.DynamoDB.Attempts)
	return nil
}
