package main

import (
	"context"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// lastLogin returns when a user last proved the password or another credential: the newest
// auth_time of the stored sessions, including ended sessions. It returns the zero time if no
// session is stored. No login writes to the user, so a session is the only trace of a login, and
// the store deletes it some time after its end.
func lastLogin(ctx context.Context, stores backend.Stores, id auth.SubjectID) (last time.Time, err error) {
	all, err := sessionsOf(ctx, stores.Sessions, id)
	for _, s := range all {
		if s.AuthTime.After(last) {
			last = s.AuthTime
		}
	}
	return last, err
}

// lastLoginReaders is how many users are looked up at a time.
const lastLoginReaders = 16

// lastLogins returns the last login of each user.
func lastLogins(ctx context.Context, stores backend.Stores, users []user.User) ([]time.Time, error) {
	all, errs := make([]time.Time, len(users)), make([]error, len(users))
	slots := make(chan struct{}, lastLoginReaders)
	var reading sync.WaitGroup
	for i, u := range users {
		slots <- struct{}{}
		reading.Go(func() {
			defer func() { <-slots }()
			all[i], errs[i] = lastLogin(ctx, stores, u.ID)
		})
	}
	reading.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
