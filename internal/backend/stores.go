// Package backend opens the stores and the secrets that a configuration names. It is the only
// package that knows all kinds of stores and secrets.
package backend

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Stores are the stores of one database. They convert to service.Stores.
type Stores struct {
	Users    user.Store
	Sessions session.Store
	Counters throttle.Counters
	Versions session.Versions
	Flows    flow.Store
	// Revocations is the list of the ends of sessions.
	Revocations session.Revocations
	// Connect opens the first connection ahead of the first request. It is nil if there is no
	// connection to open.
	Connect func(ctx context.Context)
}

// OpenStores returns the stores that c names. It creates a file that is missing. It does not check
// that the tables exist.
func OpenStores(c config.Stores) (Stores, error) {
	if c.BoltPath == "" {
		db := tables(c.DynamoDB)
		return Stores{
			Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows(),
			Connect: db.Connect,
		}, nil
	}
	db, err := bolt.Open(c.BoltPath)
	if err != nil {
		return Stores{}, err
	}
	return Stores{Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows()}, nil
}

// CreateTables creates the tables that are missing in a local engine. A file needs no tables.
func CreateTables(ctx context.Context, c config.Stores) error {
	switch {
	case c.BoltPath != "":
		return nil
	case c.DynamoDB.Endpoint == "":
		return errors.New("on AWS the template creates the tables; for a local engine, " + config.DynamoDBEndpoint + " holds its URL")
	}
	return tables(c.DynamoDB).CreateTables(ctx)
}

func tables(c config.DynamoDB) *dynamo.DB {
	at := awsclient.Of(c.AWS, c.Endpoint)
	return dynamo.New(dynamo.Config{
		Region: at.Region, Endpoint: at.Endpoint, Credentials: dynamo.Credentials(at.Credentials),
		Tables: dynamo.Tables{Users: c.Users, Sessions: c.Sessions, Attempts: c.Attempts},
	})
}

// TableState has the settings of a table.
type TableState = dynamo.TableState

// InspectTables reads the settings of the tables that c names: users, sessions and attempts.
func InspectTables(ctx context.Context, c config.Stores) ([]TableState, error) {
	return tables(c.DynamoDB).Inspect(ctx)
}
