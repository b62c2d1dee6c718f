package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userCommand struct {
	Add     userAdd     `cmd:"" help:"Add a user; the password comes from standard input or is asked for."`
	List    userList    `cmd:"" help:"List users."`
	Find    userFind    `cmd:"" help:"Show one user."`
	Passwd  userPasswd  `cmd:"" help:"Set a password, from standard input or asked for; all sessions end."`
	Email   userEmail   `cmd:"" help:"Change the e-mail address."`
	Roles   userRoles   `cmd:"" help:"Replace the roles, from the next refresh on."`
	Claims  userClaims  `cmd:"" help:"Replace the user's own claims with a JSON object from standard input."`
	Disable userDisable `cmd:"" help:"Refuse logins, and end all sessions at their next refresh."`
	Enable  userEnable  `cmd:"" help:"Allow logins again."`
	Delete  userDelete  `cmd:"" help:"Erase a user and all their sessions."`
	Import  userImport  `cmd:"" help:"Import users with their password hashes."`
	Export  userExport  `cmd:"" help:"Write all users with their password hashes, as JSON lines that import takes."`
}

// userView is a user as commands show it.
type userView struct {
	Subject  auth.SubjectID `json:"sub"`
	Email    string         `json:"email"`
	Roles    []string       `json:"roles"`
	Claims   map[string]any `json:"claims,omitempty"`
	Disabled bool           `json:"disabled"`
	// MustChange lets the user do nothing but set a new password.
	MustChange bool      `json:"must_change,omitempty"`
	Created    time.Time `json:"created"`
}

func (v userView) state() string {
	switch {
	case v.Disabled:
		return "disabled"
	case v.MustChange:
		return "must change password"
	}
	return "active"
}

func viewOf(u user.User) userView {
	roles := u.Roles
	if roles == nil {
		roles = []string{}
	}
	return userView{u.ID, u.Email, roles, u.Claims, u.Disabled, u.MustChange, u.CreatedAt}
}

// directoryOf returns the directory of the users in stores.
func directoryOf(stores service.Stores) *user.Directory {
	hasher := &password.Hasher{}
	return &user.Directory{
		Store: stores.Users, Hasher: hasher, Sessions: stores.Sessions, Importable: password.Importable, Wrap: hasher.Wrap,
	}
}

// explained says more than a directory, which does not know what was asked for.
func explained(err error, email string) error {
	switch {
	case errors.Is(err, user.ErrExists):
		return fmt.Errorf("%s has an account already", email)
	case errors.Is(err, password.ErrTooShort):
		return fmt.Errorf("%w: it must have at least %d characters", err, password.MinCharacters)
	}
	return err
}

type userAdd struct {
	storeFlag
	Email string   `arg:"" help:"E-mail address."`
	Roles []string `help:"Roles, separated by commas." placeholder:"ROLE,..."`
}

func (c *userAdd) Run(ctx context.Context, t terminal) error {
	// What needs no password is said before one is asked for.
	if _, err := user.NormalizeEmail(c.Email); err != nil {
		return err
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	secret, err := t.secret("Password", true)
	if err != nil {
		return err
	}
	u, err := directoryOf(stores).Add(ctx, c.Email, secret, c.Roles)
	if err != nil {
		return explained(err, c.Email)
	}
	return t.print(viewOf(u), func(w io.Writer) { fmt.Fprintf(w, "added %s, subject %s\n", u.Email, u.ID) })
}

type userList struct {
	storeFlag
	After auth.SubjectID `help:"Begin behind this subject." placeholder:"SUBJECT"`
	Limit int            `default:"100" help:"At most so many users (${default})."`
}

func (c *userList) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 {
		return fmt.Errorf("%w: --limit takes a number from 1", errUsage)
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	users, err := stores.Users.List(ctx, c.After, c.Limit)
	if err != nil {
		return err
	}
	views := make([]userView, 0, len(users))
	for _, u := range users {
		views = append(views, viewOf(u))
	}
	return t.print(views, func(w io.Writer) {
		fmt.Fprintln(w, "SUBJECT\tE-MAIL\tROLES\tSTATE\tCREATED")
		for _, v := range views {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", v.Subject, printable(v.Email), strings.Join(v.Roles, ","), v.state(), v.Created.Format(time.DateTime))
		}
		if len(views) == c.Limit {
			fmt.Fprintf(w, "more with --after %s\n", views[len(views)-1].Subject)
		}
	})
}

// printable keeps what others wrote from driving the terminal.
func printable(text string) string {
	if quoted := fmt.Sprintf("%+q", text); quoted != `"`+text+`"` {
		return fmt.Sprintf("%q", text)
	}
	return text
}
