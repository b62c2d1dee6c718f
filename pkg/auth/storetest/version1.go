package storetest

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// version1 is what the fixtures hold: the items of schema version 1 as the code wrote them before users had pointers
// besides the e-mail.
var version1 = struct {
	users    []user.User
	sessions []session.Session
	counters map[string]throttle.Counter
}{
	users: []user.User{
		{
			ID: "fixture-ada", Email: "Ada.Lovelace@Example.com", Password: auth.NewSecret("$stored$hash"),
			Roles: []string{"admin", "editor"}, Claims: map[string]any{"tenant": "t1", "seats": 3.0, "tags": []any{"a", true, nil}},
			MustChange: true, TokenVersion: 7, Revision: 3, CreatedAt: Epoch, UpdatedAt: Epoch.Add(time.Hour),
		},
		{ID: "fixture-bare", Email: "bare@example.com", CreatedAt: Epoch, UpdatedAt: Epoch},
		{
			ID: "{\"v\":1,\"sub\":\"fixture\"}", Email: "J\u030Corg@Example.com", Password: auth.NewSecret("$stored$other"), Disabled: true,
			TokenVersion: 1, Revision: 1, CreatedAt: Epoch.Add(-time.Hour), UpdatedAt: Epoch,
		},
	},
	sessions: []session.Session{
		{
			Key: session.Key{Subject: "fixture-ada", ID: session.ID{1}}, Kind: session.RefreshKind, Profile: auth.Balanced, Client: "app",
			Scope: []string{"read", "write"}, TokenVersion: 7, Generation: 5, Parent: branchB, RotatedAt: Epoch.Add(-time.Hour),
			Invocation: session.Invocation{7}, IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout - time.Hour),
			AbsoluteEnd: Epoch.Add(absoluteTimeout / 2), CreatedAt: Epoch.Add(-absoluteTimeout / 2), LastSeen: Epoch.Add(-time.Hour),
			AuthTime: Epoch.Add(-absoluteTimeout / 2), UserAgent: "a browser", Address: "192.0.2.1", Label: "a label",
		},
		{
			Key: session.Key{Subject: "fixture-ada", ID: session.ID{2}}, Kind: session.RefreshKind, Profile: auth.Strict, Client: "app",
			IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout), AbsoluteEnd: Epoch.Add(absoluteTimeout), CreatedAt: Epoch,
			LastSeen: Epoch, AuthTime: Epoch, Revocation: &session.Revocation{At: Epoch.Add(time.Minute), Reason: session.ReasonTheft},
		},
	},
	counters: map[string]throttle.Counter{
		"fixture counter": {N: 2, Last: Epoch.Add(time.Minute), Expires: Epoch.Add(time.Hour)},
	},
}
