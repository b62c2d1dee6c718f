package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/outbox"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// Mail says how mails are sent or stored.
type Mail struct {
	// Sender has the forms of EDGEAUTH_MAIL_SENDER; empty means a folder of the data directory, and
	// "none" means that no mail is sent.
	Sender string
	// Link is the page that mails link to: a URL, or a path of the server. Empty means the page of the server.
	Link      string
	Templates string // a folder with texts, or empty
}

// mailFrom is the address of mails that do not leave this machine.
const mailFrom = "login@localhost"

// mailLink returns the page that mails link to, or "" if the server has plain http and other
// machines reach it.
func (o Options) mailLink(s site) string {
	switch {
	case strings.HasPrefix(o.Mail.Link, "/"):
		return s.url + o.Mail.Link
	case o.Mail.Link == "" && mail.CheckLink(s.url+o.prefix()) == nil:
		return s.url + o.prefix()
	}
	return o.Mail.Link
}

// mails returns the queue of mails, and the folder that they are written to. Both are zero if no
// mail is sent.
func (o Options) mails(ctx context.Context) (*mail.Local, outbox.Folder, error) {
	sender := o.Mail.Sender
	switch sender {
	case "none":
		return nil, "", nil
	case "":
		sender = "file:" + o.Home.path("mail")
	}
	e := config.New(func(name string) (string, bool) {
		switch name {
		case config.MailSender:
			return sender, true
		case config.MailFrom:
			if from, set := os.LookupEnv(name); set {
				return from, true
			}
			return mailFrom, true
		case config.MailLink:
			return o.Mail.Link, true
		}
		return os.LookupEnv(name)
	})
	m := e.Mail()
	if err := e.Err(); err != nil {
		return nil, "", inFlags(err, o.Mail.Sender)
	}
	c := mail.Config{From: m.From, Name: m.Name, ReplyTo: m.ReplyTo, Link: m.Link}
	var err error
	if c.Sender, err = backend.OpenSender(ctx, m, config.SecretsManager{}, o.Out); err != nil {
		return nil, "", inFlags(err, o.Mail.Sender)
	}
	if o.Mail.Templates != "" {
		if c.Templates, err = mail.LoadTemplates(os.DirFS(o.Mail.Templates)); err != nil {
			return nil, "", fmt.Errorf("--mail-texts %q: %w", o.Mail.Templates, err)
		}
	}
	mailer, err := mail.NewMailer(c)
	if err != nil {
		return nil, "", err
	}
	return mail.NewLocal(func(ctx context.Context, msg mail.Message) {
		err := mailer.Send(ctx, msg)
		switch {
		case err != nil:
			_, _ = fmt.Fprintf(o.Out, "%v\n", err)
		case msg.Kind != mail.KindNone && m.Folder != "":
			_, _ = fmt.Fprintf(o.Out, "mail: %s, reference %s, in %s\n", msg.Kind, msg.Reference, m.Folder)
		}
	}), outbox.Folder(m.Folder), nil
}

// inFlags returns err with the flag --mail and its value instead of the variable.
func inFlags(err error, sender string) error {
	flag := "--mail"
	if shown := config.ShownSender(sender); shown != "" {
		flag += fmt.Sprintf(" %q", shown)
	}
	return errors.New(strings.NewReplacer(config.MailSender, flag, "should hold ses", "should hold none, ses").Replace(err.Error()))
}

// inboxPath is the route of the inbox, below the prefix of the pages.
const inboxPath = "dev/inbox"

// inboxLength is how many mails the inbox has.
const inboxLength = 20

// Inbox is the inbox of the local server: the newest mails as JSON. Mails hold codes, so the inbox
// answers only requests from this machine, and no request of a page of another origin. A tunnel is
// a program on this machine that forwards requests of other machines, so the Host of a request must
// name this machine too. Some tunnels set Host to the name of this machine, and name the other
// machine in other headers, which the inbox checks as well. The zero Inbox has no path.
type Inbox struct {
	Folder outbox.Folder
	Prefix string // "/" or "/edgeauth/"
}

// is reports whether a request is for the inbox.
func (x Inbox) is(r *http.Request) bool {
	return x.Folder != "" && r.URL.Path == x.Prefix+inboxPath
}

func (x Inbox) serve(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case err != nil || !from.Addr().Unmap().IsLoopback() || !Hosts(nil).has(r) || passedOn(r) || site != "" && site != "same-origin" && site != "none":
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	mails, err := x.Folder.Newest(inboxLength)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(struct {
		Mails []outbox.Entry `json:"mails"`
	}{mails})
}

// passedOn reports whether the headers of a proxy name another machine, or cannot be read.
func passedOn(r *http.Request) bool {
	if len(r.Header.Values("Forwarded")) > 0 { // RFC 7239; clients on this machine do not send it
		return true
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host"} {
		for _, line := range r.Header.Values(name) {
			for host := range strings.SplitSeq(line, ",") {
				if !Hosts(nil).has(&http.Request{Host: strings.TrimSpace(host)}) {
					return true
				}
			}
		}
	}
	return false
}

// CheckMail checks the settings. Its error names the flag of a wrong setting.
func CheckMail(m Mail) error {
	if m.Link != "" && !strings.HasPrefix(m.Link, "/") {
		if err := mail.CheckLink(m.Link); err != nil {
			return fmt.Errorf("--mail-link is %q: %w, or a path of the server such as /code.html", m.Link, err)
		}
	}
	return nil
}
