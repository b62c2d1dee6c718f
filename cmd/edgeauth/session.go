package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type sessionCommand struct {
	End    sessionEnd    `cmd:"" help:"End one session of a user."`
	EndAll sessionEndAll `cmd:"" name:"end-all" help:"End all sessions of a user, or of all users."`
	List   sessionList   `cmd:"" help:"List the open sessions of a user, or the sessions of all users since an instant."`
}

// sessionView is a session as commands print it.
type sessionView struct {
	ID        string                   `json:"sid"`
	Subject   auth.SubjectID           `json:"sub"`
	Email     string                   `json:"email,omitempty"`
	Client    auth.ClientID            `json:"client_id"`
	Created   time.Time                `json:"created"`
	LastSeen  time.Time                `json:"last_seen"`
	Ends      time.Time                `json:"ends"`
	Address   string                   `json:"address,omitempty"`
	UserAgent string                   `json:"user_agent,omitempty"`
	Label     string                   `json:"label,omitempty"`
	State     session.Outcome          `json:"state"`
	Reason    session.RevocationReason `json:"reason,omitempty"`
}

// stateOpen is the state of a session that a refresh could continue. The other states are the
// outcomes of such a refresh.
const stateOpen session.Outcome = "open"

// ends returns when the session ends unless it is used before.
func ends(s session.Session) time.Time {
	if s.AbsoluteEnd.Before(s.IdleEnd) {
		return s.AbsoluteEnd
	}
	return s.IdleEnd
}

// lister lists sessions with their states.
type lister struct {
	stores backend.Stores
	rules  session.Rules
	now    time.Time
}

// sessionPage is how many sessions are read at a time.
const sessionPage = 100

// sessionsOf returns all sessions of a user that the store still has, open or not.
func sessionsOf(ctx context.Context, store session.Store, id auth.SubjectID) (all []session.Session, err error) {
	for after := (session.ID{}); ; {
		page, err := store.List(ctx, id, after, sessionPage)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < sessionPage {
			return all, nil
		}
		after = page[len(page)-1].ID
	}
}

// of returns the sessions of a user with their states.
func (l lister) of(ctx context.Context, u user.User) ([]sessionView, error) {
	all, err := sessionsOf(ctx, l.stores.Sessions, u.ID)
	if err != nil {
		return nil, err
	}
	var views []sessionView
	for _, s := range all {
		v := sessionView{
			ID: s.ID.String(), Subject: u.ID, Email: u.Email, Client: s.Client, Created: s.CreatedAt, LastSeen: s.LastSeen, Ends: ends(s),
			Address: s.Address, UserAgent: s.UserAgent, Label: s.Label, State: cmp.Or(l.rules.Over(s, u.Subject(), l.now), stateOpen),
		}
		if s.Revocation != nil {
			v.Reason = s.Revocation.Reason
		}
		views = append(views, v)
	}
	return views, nil
}

type sessionList struct {
	storeFlag
	Who         string `arg:"" optional:"" help:"Subject or e-mail address. Without it, --active-since lists the sessions of all users."`
	ActiveSince string `placeholder:"WHEN" help:"List all sessions, including ended sessions, that were used since: a duration such as 24h, or an instant such as 2026-01-02T15:04:05Z."`
	Ended       bool   `help:"Also list ended sessions, which the store keeps for some time."`
	Workers     int    `default:"16" help:"For all users: how many users to read in parallel (${default})."`
}

func (c *sessionList) Run(ctx context.Context, t terminal) error {
	now := time.Now()
	since, err := sinceOf(c.ActiveSince, now)
	switch {
	case err != nil:
		return fmt.Errorf("%w: --active-since %s: %w", errUsage, printable(c.ActiveSince), err)
	case c.Who == "" && c.ActiveSince == "":
		return fmt.Errorf("%w: name a user, or list all users with --active-since", errUsage)
	}
	stores, rules, err := c.openSessions(ctx, t)
	if err != nil {
		return err
	}
	var (
		l      = lister{stores, rules, now}
		views  []sessionView
		unread []user.Unreadable
	)
	if c.Who != "" {
		views, err = c.ofOne(ctx, l)
	} else {
		views, unread, err = c.ofAll(ctx, t, l)
	}
	if err != nil {
		return err
	}
	views = slices.DeleteFunc(views, func(v sessionView) bool {
		return v.LastSeen.Before(since) || v.State != stateOpen && c.ActiveSince == "" && !c.Ended
	})
	slices.SortFunc(views, func(a, b sessionView) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
	})
	if views == nil {
		views = []sessionView{}
	}
	if err := t.print(views, func(w io.Writer) { printSessions(w, views) }); err != nil {
		return err
	}
	return unreadable(t, unread)
}

func (c *sessionList) ofOne(ctx context.Context, l lister) ([]sessionView, error) {
	who := whoArgument{c.storeFlag, c.Who}
	u, err := directoryOf(l.stores).Find(ctx, c.Who)
	if err != nil {
		return nil, who.explain(err)
	}
	return l.of(ctx, u)
}

// ofAll lists the sessions of all users, with one query for each user.
func (c *sessionList) ofAll(ctx context.Context, t terminal, l lister) (views []sessionView, unread []user.Unreadable, err error) {
	var one sync.Mutex
	w := walk{terminal: t, users: l.stores.Users, workers: c.Workers, do: func(ctx context.Context, u user.User) error {
		found, err := l.of(ctx, u)
		one.Lock()
		defer one.Unlock()
		views = append(views, found...)
		return err
	}}
	err = w.run(ctx)
	return views, w.unreadable, err
}

func printSessions(w io.Writer, views []sessionView) {
	fmt.Fprintln(w, "SID\tUSER\tCLIENT\tCREATED\tLAST SEEN\tENDS\tSTATE\tADDRESS\tUSER AGENT")
	for _, v := range views {
		state := string(v.State)
		if v.Reason != "" {
			state += " (" + string(v.Reason) + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, printable(cmp.Or(v.Email, string(v.Subject))), printable(string(v.Client)),
			v.Created.Format(time.DateTime), v.LastSeen.Format(time.DateTime), v.Ends.Format(time.DateTime), printable(state),
			printable(v.Address), printable(v.UserAgent))
	}
}

// sinceOf reads an instant of RFC 3339, or a duration before now. The empty text is the zero time.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("want a duration such as 24h, or an instant such as 2026-01-02T15:04:05Z")
	}
	return t, nil
}
