package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/config"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// storeFlag is which store a command works on.
type storeFlag struct {
	homeFlag
	Store string `placeholder:"STORE" help:"The store, as bolt:PATH or dynamodb; the one in the data directory where not given. dynamodb reads AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, credentials and EDGEAUTH_USERS_TABLE and its like from the environment."`
}

// localTables are the tables' names where the environment gives none.
var localTables = map[string]string{
	config.UsersTable:    "edgeauth-users",
	config.SessionsTable: "edgeauth-sessions",
	config.AttemptsTable: "edgeauth-attempts",
}

// settings returns where the store is.
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
		return stores, fmt.Errorf("%w: %s", errUsage, strings.ReplaceAll(err.Error(), config.Store, "--store"))
	}
	return stores, nil
}

// open returns the stores, which must be there already.
func (f storeFlag) open() (service.Stores, error) {
	settings, err := f.settings()
	if err != nil {
		return service.Stores{}, err
	}
	if f.Store == "" {
		if err := f.Data.Exists(); err != nil {
			return service.Stores{}, err
		}
	}
	return service.OpenStores(settings)
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
	if err := service.CreateTables(ctx, settings); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "tables %s, %s and %s are there\n", settings.DynamoDB.Users, settings.DynamoDB.Sessions, settings.DynamoDB.Attempts)
	return nil
}
