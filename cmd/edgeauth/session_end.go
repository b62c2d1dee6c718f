package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// openManager opens the stores, and a manager that ends sessions. The manager has no keys, so it
// cannot open or refresh a session. These commands need no access to the secrets of a stack.
func (f storeFlag) openManager(ctx context.Context, t terminal) (backend.Stores, *session.Manager, error) {
	stores, err := f.open(ctx, t)
	if err != nil {
		return stores, nil, err
	}
	sessions, err := session.NewManager(session.Config{
		Store: stores.Sessions, Subjects: directoryOf(stores), Versions: stores.Versions, Revocations: stores.Revocations,
		Keys: noKeys{},
	})
	return stores, sessions, err
}

// noKeys implements session.Keys without any key.
type noKeys struct{ session.Keys }

type sessionEnd struct {
	whoArgument
	auditFlag
	SID string `arg:"" name:"sid" help:"The session's id, as list prints it."`
}

func (c *sessionEnd) Run(ctx context.Context, t terminal) error {
	id, err := session.ParseID(c.SID)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errUsage, printable(c.SID), err)
	}
	return c.recorded(t.err, func(log *audit.Log) error { return c.end(ctx, t, log, id) })
}

func (c *sessionEnd) end(ctx context.Context, t terminal, log *audit.Log, id session.ID) error {
	stores, sessions, err := c.openManager(ctx, t)
	if err != nil {
		return err
	}
	u, err := directoryOf(stores).Find(ctx, c.Who)
	if err != nil {
		return c.explain(err)
	}
	key := session.Key{Subject: u.ID, ID: id}
	e, err := sessions.Revoke(ctx, key, session.RevocationAdmin)
	record(ctx, log, key, e, err)
	if err != nil {
		return err
	}
	if e.Outcome == session.OutcomeMissing {
		return fmt.Errorf("%s has no session %s", named(u), id)
	}
	view := map[string]any{"sub": u.ID, "email": u.Email, "sid": id.String(), "client_id": e.Client, "outcome": e.Outcome, "reason": e.Reason}
	return t.print(view, func(w io.Writer) {
		if e.Outcome == session.OutcomeRevoked {
			fmt.Fprintf(w, "the session %s of %s had already ended (%s)\n", id, named(u), e.Reason)
			return
		}
		fmt.Fprintf(w, "ended: session %s of %s\n", id, named(u))
	})
}

type sessionEndAll struct {
	storeFlag
	auditFlag
	Who      string         `arg:"" optional:"" help:"Subject or e-mail address."`
	AllUsers bool           `help:"End the sessions of every user. Asks first."`
	Yes      bool           `short:"y" help:"With --all-users: do not ask. Required if standard input is not a terminal."`
	After    auth.SubjectID `placeholder:"SUBJECT" help:"With --all-users: continue after this user, if an earlier run stopped."`
	Workers  int            `default:"16" help:"With --all-users: how many users to write in parallel (${default})."`
}

func (c *sessionEndAll) Run(ctx context.Context, t terminal) error {
	switch {
	case c.AllUsers == (c.Who != ""):
		return fmt.Errorf("%w: name a user, or pass --all-users", errUsage)
	case !c.AllUsers && c.After != "":
		return fmt.Errorf("%w: --after is only for --all-users", errUsage)
	case !c.AllUsers:
		one := userLogout{whoArgument{c.storeFlag, c.Who}, c.auditFlag}
		return one.Run(ctx, t)
	}
	show := &progress{t: t, read: new(atomic.Int64)}
	return c.recorded(show, func(log *audit.Log) error { return c.all(ctx, t, log, show) })
}

// all ends the sessions of all users.
func (c *sessionEndAll) all(ctx context.Context, t terminal, log *audit.Log, show *progress) error {
	stores, sessions, err := c.openManager(ctx, t)
	if err != nil {
		return err
	}
	if !c.Yes {
		if err := t.confirm("End all sessions of all users? All users must then log in again."); err != nil {
			return err
		}
	}
	var gone atomic.Int64
	w := walk{terminal: t, show: show, users: stores.Users, after: c.After, workers: c.Workers, do: func(ctx context.Context, u user.User) error {
		err := endAll(ctx, sessions, stores.Users, log, u)
		if errors.Is(err, auth.ErrNotFound) { // erased since the page was read
			gone.Add(1)
			return nil
		}
		return err
	}}
	if err := w.check(); err != nil {
		return err
	}
	if err := w.patiently(ctx, func() error { return endBefore(ctx, stores.Revocations, c.After) }); err != nil {
		return err
	}
	err = w.run(ctx)
	view := struct {
		Users      int64 `json:"users"`
		Unreadable int   `json:"unreadable"`
	}{w.done.Load() - gone.Load(), len(w.unreadable)}
	printed := t.print(view, func(out io.Writer) {
		fmt.Fprintf(out, "all sessions ended of %d users\n", view.Users)
	})
	return errors.Join(err, unreadable(t, w.unreadable), printed)
}

// endBefore adds an entry to the list of revocations that refuses every access token issued until
// now, so that all tokens are refused at once and not one user after the other. The end of each
// user adds an entry too, for tokens that are issued until then. A run with --after adds no entry:
// users of the interrupted run may have logged in again.
func endBefore(ctx context.Context, list session.Revocations, after auth.SubjectID) error {
	if after != "" {
		return nil
	}
	if err := list.Write(ctx, session.EndOfAll(time.Now())); err != nil {
		return fmt.Errorf("refusing the access tokens of all users: %w; no session was ended", err)
	}
	return nil
}

// endAll ends all sessions of a user and writes the audit line. The user may have changed since u
// was read.
func endAll(ctx context.Context, sessions *session.Manager, users user.Store, log *audit.Log, u user.User) error {
	const tries = 5
	for try := 1; ; try++ {
		done, err := sessions.EndAll(ctx, u.Subject(), nil)
		if err != nil || done {
			recordAll(ctx, log, u.ID, byOperator, err)
			return err
		}
		if try == tries {
			return fmt.Errorf("ending all sessions of subject %s: other requests kept changing the user: %w", printable(string(u.ID)), auth.ErrUnavailable)
		}
		if u, err = users.Get(ctx, u.ID); err != nil {
			return err
		}
	}
}

// userLogout is "session end-all WHO" under another name, beside the other commands on a user.
type userLogout struct {
	whoArgument
	auditFlag
}

func (c *userLogout) Run(ctx context.Context, t terminal) error {
	return c.recorded(t.err, func(log *audit.Log) error {
		stores, sessions, err := c.openManager(ctx, t)
		if err != nil {
			return err
		}
		u, err := directoryOf(stores).Find(ctx, c.Who)
		if err == nil {
			err = endAll(ctx, sessions, stores.Users, log, u)
		}
		if err != nil {
			return c.explain(err)
		}
		return t.print(map[string]any{"sub": u.ID, "email": u.Email}, func(w io.Writer) {
			fmt.Fprintf(w, "all sessions ended: %s\n", named(u))
		})
	})
}
