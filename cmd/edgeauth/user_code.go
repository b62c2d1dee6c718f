package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userInvite struct {
	storeFlag
	Email string `arg:"" help:"The e-mail address that may sign up."`
}

// Run stores an invitation. The secret alone opens no account: the code of the sign-up still goes
// to the address.
func (c *userInvite) Run(ctx context.Context, t terminal) error {
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	now := time.Now()
	secret, err := flow.Invite(ctx, stores.Flows, c.Email, now)
	if err != nil {
		return explained(err, printable(c.Email))
	}
	until := now.Add(flow.InviteLifetime).UTC().Truncate(time.Second)
	return t.print(map[string]any{"email": c.Email, "invite": secret.Reveal(), "until": until}, func(w io.Writer) {
		fmt.Fprintf(w, "%s may sign up once, until %s, with this invitation:\n%s\n", printable(c.Email), until.Format(time.DateTime), secret.Reveal())
	})
}

type userReset struct {
	whoArgument
	auditFlag
}

func (c *userReset) Run(ctx context.Context, t terminal) error {
	return c.recorded(t.err, func(log *audit.Log) error {
		return c.change(ctx, t, "password removed, sessions ended", func(d *user.Directory, u user.User) (user.User, error) {
			if u.Email == "" {
				return u, errors.New("the user has no e-mail address, so no code can reach the user; set a password with \"user passwd\"")
			}
			of := u.ID
			u, err := d.RemovePassword(ctx, of)
			recordPassword(ctx, log, of, err)
			return u, err
		})
	})
}

type userCode struct {
	whoArgument
	configFlag
	Purpose string        `default:"reset" enum:"login,reset" help:"What the code is for: reset, which sets a new password, or login (${default})."`
	Client  auth.ClientID `default:"default" placeholder:"ID" help:"The client that takes the code (${default})."`
}

// Run creates a flow for a user and prints what the user would get: the auth_session of POST
// /auth/code, and the code of the mail. It needs the login ring of the store, which seals the
// auth_session.
func (c *userCode) Run(ctx context.Context, t terminal) error {
	rules, err := c.readConfig(ctx, c.storeFlag)
	if err != nil {
		return err
	}
	if err := rules.has(c.Client); err != nil {
		return err
	}
	key, err := keysFlag{c.homeFlag, c.Store}.sealing(ctx, t)
	if err != nil {
		return err
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	u, err := directoryOf(stores).Find(ctx, c.Who)
	if err != nil {
		return c.explain(err)
	}
	purpose, err := flow.ParsePurpose(c.Purpose)
	if err != nil {
		return err
	}
	if u.Disabled {
		return fmt.Errorf("%s is disabled; enable the user first", named(u))
	}
	b, err := flow.Hand(ctx, stores.Flows, key, purpose, c.Client, u, time.Now())
	if err != nil {
		return err
	}
	view := map[string]any{
		"sub": u.ID, "purpose": c.Purpose, "auth_session": b.Session.Reveal(), "code": b.Message.Code.Reveal(), "expires_in": int(b.ExpiresIn.Seconds()),
	}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "%s of %s, for %d minutes and one use; each holder of both can log in\nauth_session\t%s\ncode\t%s\n",
			c.Purpose, named(u), int(b.ExpiresIn.Minutes()), b.Session.Reveal(), b.Message.Code.Reveal())
	})
}
