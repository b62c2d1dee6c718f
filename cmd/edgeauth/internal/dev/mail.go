package dev

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// mails returns a queue that stores each message in a file below the data directory, and names it on the
// terminal, so that codes can be tried without a mailbox. It stores nothing if no mail would leave.
func (h Home) mails(out io.Writer) (*mail.Local, error) {
	folder := h.path("mail")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return mail.NewLocal(func(_ context.Context, m mail.Message) {
		if m.Kind == mail.KindNone {
			return
		}
		name := filepath.Join(folder, time.Now().UTC().Format("20060102T150405.000000000Z")+".eml")
		text := fmt.Sprintf("To: %s\nSubject: %s, reference %s\n\n    %s\n", m.To, m.Kind, m.Reference, m.Code.Reveal())
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			_, _ = fmt.Fprintf(out, "mail: %v\n", err)
			return
		}
		_, _ = fmt.Fprintf(out, "mail: %s\n", name)
	}), nil
}
