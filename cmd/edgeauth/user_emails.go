package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userEmails struct {
	storeFlag
	DryRun bool `help:"List what would move and the conflicts, and write nothing."`
}

// emailsView is what the command prints as JSON.
type emailsView struct {
	Moved int `json:"moved"`
	// Left are the users whose pointer cannot move.
	Left   []leftView `json:"left"`
	Done   bool       `json:"done"`
	DryRun bool       `json:"dry_run"`
}

type leftView struct {
	Subject auth.SubjectID `json:"sub"`
	Email   string         `json:"email"`
	// Holder is the other user, if two users have one address.
	Holder auth.SubjectID `json:"holder,omitempty"`
	Reason string         `json:"reason"`
}

func (c *userEmails) Run(ctx context.Context, t terminal) error {
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	view := emailsView{Left: []leftView{}, DryRun: c.DryRun}
	var seen, none atomic.Int64
	show := &progress{t: t, read: &none}
	stop := show.start(seen.Load)
	view.Done, err = directoryOf(stores).MoveEmailPointers(ctx, c.DryRun, func(m user.EmailMove) {
		if m.Err == nil {
			view.Moved++
			return
		}
		view.Left = append(view.Left, leftView{m.Subject, m.Email, m.Holder, reasonOf(m)})
		show.line("subject %s, %s: %s", printable(string(m.Subject)), printable(m.Email), reasonOf(m))
	}, func(users int) { seen.Store(int64(users)) })
	stop()
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; run the same command again to continue")
	case err != nil:
		return fmt.Errorf("the command stopped; run it again to continue: %w", stack.Explain(err))
	}
	err = t.print(view, func(w io.Writer) {
		switch {
		case view.DryRun && !view.Done:
			fmt.Fprintf(w, "%d to move, %d that cannot move\n", view.Moved, len(view.Left))
		case view.Done:
			fmt.Fprintf(w, "%d moved; every e-mail address has its new key\n", view.Moved)
		default:
			fmt.Fprintf(w, "%d moved, %d that cannot move\n", view.Moved, len(view.Left))
		}
	})
	if err == nil && len(view.Left) > 0 {
		return fmt.Errorf("%d e-mail addresses keep their old key; for each, run \"edgeauth user email SUBJECT NEW\" or \"edgeauth user delete SUBJECT\", then run this command again",
			len(view.Left))
	}
	return err
}

// reasonOf returns the reason why the pointer of an address cannot move.
func reasonOf(m user.EmailMove) string {
	if errors.Is(m.Err, user.ErrExists) {
		return fmt.Sprintf("the user with subject %s has the same address", printable(string(m.Holder)))
	}
	return m.Err.Error()
}
