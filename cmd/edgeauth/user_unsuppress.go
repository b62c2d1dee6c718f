package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

type userUnsuppress struct {
	storeFlag
	Email string `arg:"" help:"The e-mail address that mails are sent to."`
}

// Run ends the suppression of an address. The store has a keyed hash of the address, made with the
// login ring, so the command needs the ring of the store.
func (c *userUnsuppress) Run(ctx context.Context, t terminal) error {
	key, err := keysFlag{c.homeFlag, c.Store}.sealing(ctx, t)
	if errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("%w, and until then no address is suppressed", err)
	}
	if err != nil {
		return err
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	was, err := (&mail.Suppressions{Counters: stores.Counters, Keys: key}).Lift(ctx, c.Email)
	if err != nil {
		return explained(err, printable(c.Email))
	}
	return t.print(map[string]any{"email": c.Email, "was_suppressed": was}, func(w io.Writer) {
		said := "was not suppressed"
		if was {
			said = "mails are sent again"
		}
		fmt.Fprintf(w, "%s: %s\n", printable(c.Email), said)
		if _, deployed := stackIn(c.Store); deployed {
			fmt.Fprintf(w, "If the stack sends through Amazon SES, SES has a list of the account too. To remove the address there:\n    aws sesv2 delete-suppressed-destination --email-address %s\n", quoted(c.Email))
		}
	})
}

// quoted returns a text as one word of a shell. An address of a stranger may hold $ and `.
func quoted(text string) string { return "'" + strings.ReplaceAll(printable(text), "'", `'\''`) + "'" }
