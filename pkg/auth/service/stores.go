package service

import (
	"context"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Stores holds the stores of one database.
type Stores struct {
	Users    user.Store
	Sessions session.Store
	Counters throttle.Counters
	// Versions raises the token versions of the users in Users, which ends the sessions in
	// Sessions. Only the sessions function needs it.
	Versions session.Versions
	// Flows stores the flows of codes by mail. Only the account function needs it.
	Flows flow.Store
	// Revocations is the list of the sessions and users that Users, Sessions and Versions have
	// ended.
	Revocations session.Revocations
	// Connect opens the first connection before the first request. nil does nothing.
	Connect func(ctx context.Context)
}

// OpenBolt returns the stores in the file at path. It creates a missing file.
func OpenBolt(path string) (Stores, error) {
	return openStores(config.Stores{BoltPath: path})
}

func openStores(c config.Stores) (Stores, error) {
	s, err := backend.OpenStores(c)
	return Stores(s), err
}
