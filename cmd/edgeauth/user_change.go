package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// whoArgument names the user that a command acts on.
type whoArgument struct {
	storeFlag
	Who string `arg:"" help:"Subject or e-mail address."`
}

func (c whoArgument) find(ctx context.Context, t terminal) (*user.Directory, user.User, error) {
	stores, err := c.open(ctx, t)
	if err != nil {
		return nil, user.User{}, err
	}
	directory := directoryOf(stores)
	u, err := directory.Find(ctx, c.Who)
	return directory, u, err
}

// explain names the user that a command did not find.
func (c whoArgument) explain(err error) error {
	if errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("there is no user %s", printable(c.Who))
	}
	return err
}

// change finds the user, calls f to change them, and prints the result.
func (c whoArgument) change(ctx context.Context, t terminal, done string, f func(*user.Directory, user.User) (user.User, error)) error {
	directory, u, err := c.find(ctx, t)
	if err != nil {
		return c.explain(err)
	}
	if u, err = f(directory, u); err != nil {
		return c.explain(err)
	}
	return t.print(viewOf(u), func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", done, named(u)) })
}

// named returns the name of a user in text output.
func named(u user.User) string {
	if u.Email == "" {
		return fmt.Sprintf("subject %s", printable(string(u.ID)))
	}
	return fmt.Sprintf("%s, subject %s", printable(u.Email), printable(string(u.ID)))
}

type userFind struct{ whoArgument }

func (c *userFind) Run(ctx context.Context, t terminal) error {
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	u, err := directoryOf(stores).Find(ctx, c.Who)
	if err != nil {
		return c.explain(err)
	}
	v := viewOf(u)
	if v.LastLogin, err = lastLogin(ctx, stores, u.ID); err != nil {
		return err
	}
	return t.print(v, func(w io.Writer) {
		claims := ""
		if len(v.Claims) > 0 {
			raw, _ := json.Marshal(v.Claims)
			claims = string(raw)
		}
		verified := ""
		if v.Verified {
			verified = " (verified)"
		}
		fmt.Fprintf(w, "subject\t%s\ne-mail\t%s%s\n", printable(string(v.Subject)), printable(v.Email), verified)
		for _, p := range v.Pointers {
			fmt.Fprintf(w, "pointer\t%s\n", printable(p.Key()))
		}
		fmt.Fprintf(w, "roles\t%s\nclaims\t%s\nstate\t%s\ncreated\t%s\nlast login\t%s\n",
			printable(strings.Join(v.Roles, ",")), printable(claims), v.state(), v.Created.Format(time.DateTime), v.lastLogin())
	})
}

type userPasswd struct {
	whoArgument
	auditFlag
	configFlag
	MustChange bool `help:"Require a new password: a login then only gets a change_token for POST /auth/password."`
}

func (c *userPasswd) Run(ctx context.Context, t terminal) error {
	return c.recorded(t.err, func(log *audit.Log) error {
		return c.change(ctx, t, "password set, sessions ended", func(d *user.Directory, u user.User) (user.User, error) {
			rules, err := c.readConfig(ctx, c.storeFlag)
			if err != nil {
				return u, err
			}
			d.Policy = rules.policy
			secret, err := t.secret("New password", true)
			if err != nil {
				return u, err
			}
			if err := recordOwnForm(ctx, d); err != nil {
				return u, err
			}
			of := u.ID
			u, err = d.SetPassword(ctx, of, secret, c.MustChange)
			recordPassword(ctx, log, of, err)
			return u, rules.explain(explained(err, ""))
		})
	})
}

type userEmail struct {
	whoArgument
	New string `arg:"" help:"The new e-mail address."`
}

func (c *userEmail) Run(ctx context.Context, t terminal) error {
	return c.change(ctx, t, "e-mail changed", func(d *user.Directory, u user.User) (user.User, error) {
		u, err := d.ChangeEmail(ctx, u.ID, c.New)
		return u, explained(err, printable(c.New))
	})
}

type userRoles struct {
	whoArgument
	Role []string `arg:"" optional:"" help:"The roles. Without any, all roles are removed."`
	Yes  bool     `short:"y" help:"Do not ask before all roles are removed. Required for that if standard input is not a terminal."`
}

func (c *userRoles) Run(ctx context.Context, t terminal) error {
	var roles []string
	if len(c.Role) > 0 { // commas also separate roles, as in add
		roles = strings.Split(strings.Join(c.Role, ","), ",")
	}
	return c.change(ctx, t, "roles set", func(d *user.Directory, u user.User) (user.User, error) {
		if len(roles) == 0 && len(u.Roles) > 0 && !c.Yes {
			if err := t.confirm(fmt.Sprintf("Remove all roles of %s (%s)?", named(u), printable(strings.Join(u.Roles, ",")))); err != nil {
				return u, err
			}
		}
		return d.SetRoles(ctx, u.ID, roles)
	})
}

type userClaims struct{ whoArgument }

func (c *userClaims) Run(ctx context.Context, t terminal) error {
	return c.change(ctx, t, "claims set", func(d *user.Directory, u user.User) (user.User, error) {
		if isTerminal(t.in) {
			fmt.Fprintln(t.err, "Claims as a JSON object, then Ctrl-D:")
		}
		raw, err := io.ReadAll(io.LimitReader(t.in, maxSecretBytes))
		if err != nil {
			return u, err
		}
		var claims map[string]any
		if json.Unmarshal(raw, &claims) != nil || claims == nil {
			return u, errors.New(`expected one JSON object of claims, for example {"tenant":"t1"}; {} removes all claims`)
		}
		return d.SetClaims(ctx, u.ID, claims)
	})
}

type userDisable struct {
	whoArgument
	auditFlag
}

func (c *userDisable) Run(ctx context.Context, t terminal) error {
	return c.recorded(t.err, func(log *audit.Log) error {
		return c.change(ctx, t, "disabled", func(d *user.Directory, u user.User) (user.User, error) {
			disabled, err := d.Disable(ctx, u.ID)
			if err != nil || disabled.TokenVersion != u.TokenVersion { // otherwise the user was disabled before
				recordAll(ctx, log, u.ID, byDisable, err)
			}
			return disabled, err
		})
	})
}

type userEnable struct{ whoArgument }

func (c *userEnable) Run(ctx context.Context, t terminal) error {
	return c.change(ctx, t, "enabled", func(d *user.Directory, u user.User) (user.User, error) { return d.Enable(ctx, u.ID) })
}

type userDelete struct {
	whoArgument
	auditFlag
	Yes bool `short:"y" help:"Do not ask. Required if standard input is not a terminal."`
}

func (c *userDelete) Run(ctx context.Context, t terminal) error {
	return c.recorded(t.err, func(log *audit.Log) error { return c.delete(ctx, t, log) })
}

func (c *userDelete) delete(ctx context.Context, t terminal, log *audit.Log) error {
	directory, u, err := c.find(ctx, t)
	found := err == nil
	if errors.Is(err, auth.ErrNotFound) && auth.SubjectID(c.Who).Validate() == nil {
		// An earlier deletion may have left sessions.
		u, err = user.User{ID: auth.SubjectID(c.Who)}, nil
	}
	if err != nil {
		return err
	}
	if !c.Yes && found {
		if err := t.confirm(fmt.Sprintf("Erase %s, permanently?", named(u))); err != nil {
			return err
		}
	}
	sessions, err := directory.Delete(ctx, u.ID)
	recordAll(ctx, log, u.ID, byDelete, err)
	if err != nil {
		return c.explain(err)
	}
	view := map[string]any{"sub": u.ID, "email": u.Email, "sessions": sessions}
	return t.print(view, func(w io.Writer) { fmt.Fprintf(w, "erased: subject %s and %d sessions\n", u.ID, sessions) })
}
