package main

import (
	"context"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// lastLogin returns when a user last proved the password or another credential: the newest of the
// sessions that the store still has, ended ones too. It returns the zero time if there are none. No
// login writes to the user, so a session is the only trace of a login, and the store deletes it some
// time after its end.
func lastLogin(ctx context.Context, stores backend.Stores, id auth.SubjectID) (last time.Time, err error) {
	for after := (session.ID{}); ; {
		page, err := stores.Sessions.List(ctx, id, after, sessionPage)
		if err != nil {
			return time.Time{}, err
		}
		for _, s := range page {
			if s.AuthTime.After(last) {
				last = s.AuthTime
			}
		}
		if len(page) < sessionPage {
			return last, nil
		}
		after = page[len(page)-1].ID
	}
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
