package service

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Stores are the stores of one place.
type Stores struct {
	Users    user.Store
	Sessions session.Store
	Attempts throttle.Counters
	// Connect opens the first connection ahead of the first request, where there is one to open; nil does nothing.
	Connect func(ctx context.Context)
}

// OpenStores returns the stores that c names. Tables are not looked at.
func OpenStores(c config.Stores) (Stores, error) {
	if c.BoltPath == "" {
		db := openTables(c.DynamoDB)
		return Stores{
			Users: dynamo.Users{DB: db}, Sessions: dynamo.Sessions{DB: db}, Attempts: dynamo.Counters{DB: db}, Connect: db.Connect,
		}, nil
	}
	return OpenBolt(c.BoltPath)
}

// OpenBolt returns the stores in the file at path, which is made where it is missing.
func OpenBolt(path string) (Stores, error) {
	db, err := bolt.Open(path)
	if err != nil {
		return Stores{}, err
	}
	return Stores{Users: bolt.Users{DB: db}, Sessions: bolt.Sessions{DB: db}, Attempts: bolt.Counters{DB: db}}, nil
}

// CreateTables makes the tables that are missing in a local engine. A file needs none.
func CreateTables(ctx context.Context, c config.Stores) error {
	switch {
	case c.BoltPath != "":
		return nil
	case c.DynamoDB.Endpoint == "":
		return errors.New("on AWS the template makes the tables; for a local engine, " + config.DynamoDBEndpoint + " holds its URL")
	}
	return openTables(c.DynamoDB).CreateTables(ctx)
}

func openTables(c config.DynamoDB) *dynamo.DB {
	return dynamo.New(dynamo.Config{
		Region: c.Region, Endpoint: c.Endpoint,
		Credentials: dynamo.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccess, SessionToken: c.SessionSecret},
		Tables:      dynamo.Tables{Users: c.Users, Sessions: c.Sessions, Attempts: c.Attempts},
	})
}
