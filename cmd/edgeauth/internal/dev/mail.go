package dev

import (
	"context"
	"fmt"
	"io"

	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// console returns a queue that shows each message on the terminal, so that codes can be tried without a
// mailbox. It shows nothing if no mail would leave.
func console(out io.Writer) *mail.Local {
	return mail.NewLocal(func(_ context.Context, m mail.Message) {
		switch {
		case m.Kind == mail.KindNone:
		case m.Code.Reveal() == "":
			fmt.Fprintf(out, "mail %s to %s (%s)\n", m.Kind, m.To, m.Reference)
		default:
			fmt.Fprintf(out, "mail %s to %s (%s): the code is %s\n", m.Kind, m.To, m.Reference, m.Code.Reveal())
		}
	})
}
