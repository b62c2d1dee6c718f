package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/ses"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Mails is the handler of the mailer function. It sends messages, and writes an audit line for
// each. It is safe for concurrent use.
type Mails struct {
	mailer *mail.Mailer
	keys   login.Keys
	log    *audit.Log
}

// Mailer returns the handler of the mailer function. It reads the environment variables that the
// package documentation lists. The error names every variable that is missing or invalid. If the
// password of a mail server cannot be read, the start fails, and Lambda tries again.
func Mailer(o Options) (*Mails, error) { return startMailer(config.Process(), o) }

func startMailer(e *config.Environment, o Options) (*Mails, error) {
	metrics, store, ring, version, m := e.Metrics(), e.AttemptStore(), e.LoginRing(), e.KeyVersion(), e.Mail()
	var password auth.Secret
	if m.SMTP != nil {
		password = m.SMTP.Password
	}
	secrets := e.SecretsManagerOf(ring, password)
	if err := e.Err(); err != nil {
		return nil, err
	}
	ctx := context.Background()
	stores, err := openStores(store)
	source, ringErr := openRing(config.LoginRing, ring, secrets)
	sender, senderErr := backend.OpenSender(ctx, m, secrets, o.log())
	templates, templatesErr := loadTemplates(m.Templates)
	if err := errors.Join(err, ringErr, senderErr, templatesErr); err != nil {
		return nil, err
	}
	keys, err := keyring.LoadLogin(ctx, source, version, time.Now)
	if err != nil {
		return nil, fmt.Errorf("the login ring: %w", err)
	}
	c := mail.Config{Sender: sender, Templates: templates, Suppress: &mail.Suppressions{Counters: stores.Counters, Keys: keys}}
	mailer, err := newMailer(c, m)
	if err != nil {
		return nil, err
	}
	return &Mails{mailer, keys, audit.New(audit.Metered(o.log(), metrics), nil)}, nil
}

// loadTemplates reads a folder with texts of the operator. Without a folder it returns nil, which
// means the shipped texts. The error names the variable and the file.
func loadTemplates(folder string) (*mail.Templates, error) {
	if folder == "" {
		return nil, nil
	}
	t, err := mail.LoadTemplates(os.DirFS(folder))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is %q, and there is no such folder (want one that was built into the function with MAILS)", config.MailTemplates, folder)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", config.MailTemplates, err)
	}
	return t, nil
}

// newMailer returns a mailer with the settings of m. The error names the variables.
func newMailer(c mail.Config, m config.Mail) (*mail.Mailer, error) {
	c.From, c.Name, c.ReplyTo, c.Link = m.From, m.Name, m.ReplyTo, m.Link
	mailer, err := mail.NewMailer(c)
	if err != nil {
		return nil, errors.New(inVariables.Replace(err.Error()))
	}
	return mailer, nil
}

// inVariables replaces the names of fields in errors by the names of variables.
var inVariables = strings.NewReplacer(
	"mail: Config.From", config.MailFrom, "mail: Config.Name", config.MailName,
	"mail: Config.ReplyTo", config.MailReplyTo, "mail: Config.Link", config.MailLink,
)

// unsent is a sender that sends nothing, for a check of the other settings.
type unsent struct{}

func (unsent) Send(context.Context, mail.Mail) error { return nil }

// Mails returns a sender of the messages of this service, for a program that sends its mails
// itself: pass [Mails.Send] to mail.NewLocal. Mails keeps suppressed addresses in the service's own
// store, unless c names another store. It requires Settings.LoginRing.
func (x *Service) Mails(c mail.Config) (*Mails, error) {
	if x.login == nil {
		return nil, errors.New("service: Settings.LoginRing is missing (Mails needs the login keys for the names of suppressed addresses)")
	}
	if c.Suppress == nil {
		c.Suppress = &mail.Suppressions{Counters: x.settings.Stores.Counters, Keys: x.login, Now: x.settings.Now}
	}
	mailer, err := mail.NewMailer(c)
	if err != nil {
		return nil, err
	}
	return &Mails{mailer, x.login, audit.New(x.settings.Log, x.settings.Now)}, nil
}

// Invoke handles one event: a message from another function, or a report of Amazon SES about a
// mail. After an error Lambda tries again, up to the age that the template allows. The error
// contains neither an address nor a code, because Lambda logs it.
func (x *Mails) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if ses.IsEvent(event) {
		return nil, x.feedback(ctx, event)
	}
	m, err := mail.ParseEvent(event)
	if err != nil {
		x.log.Write(ctx, audit.Event{Name: audit.MailFail, Fault: err})
		return nil, err
	}
	var failure *mail.Failure
	if err := x.send(ctx, m); err != nil && (!errors.As(err, &failure) || failure.Temporary()) {
		return nil, err
	}
	return nil, nil
}

// Send sends a message and writes its result to the audit log.
func (x *Mails) Send(ctx context.Context, m mail.Message) { _ = x.send(ctx, m) }

func (x *Mails) send(ctx context.Context, m mail.Message) error {
	err := x.mailer.Send(ctx, m)
	if m.Kind == mail.KindNone {
		return err
	}
	e := audit.Event{Name: audit.MailSent, Outcome: string(m.Kind), Account: x.account(ctx, m.To)}
	var failure *mail.Failure
	switch {
	case errors.As(err, &failure):
		e.Name, e.Reason = audit.MailFail, string(failure.Reason)
		switch failure.Reason {
		case mail.ReasonSuppressed:
			e.Name = audit.MailHeld
		case mail.ReasonSender:
			e.Fault = failure
		}
	case err != nil:
		e.Name, e.Fault = audit.MailFail, err
	}
	x.log.Write(ctx, e)
	return err
}

// account returns the pseudonym of an address in the audit log, or "" if it has no pseudonym.
func (x *Mails) account(ctx context.Context, address string) string {
	key, err := user.NormalizeEmail(address)
	if err != nil {
		return ""
	}
	reference, err := throttle.Reference(ctx, x.keys, string(key))
	if err != nil {
		return ""
	}
	return reference
}

// feedback suppresses the addresses of a bounce and of a complaint.
func (x *Mails) feedback(ctx context.Context, event []byte) error {
	f, err := ses.ParseEvent(event)
	if err != nil {
		x.log.Write(ctx, audit.Event{Name: audit.MailBounced, Fault: err})
		return nil // a retry of the same event would fail too
	}
	var errs []error
	for _, address := range f.Recipients {
		e := audit.Event{Name: audit.MailBounced, Reason: string(mail.ReasonSoftBounce), Account: x.account(ctx, address)}
		switch {
		case f.Complaint:
			e.Reason = string(mail.ReasonComplaint)
		case f.Permanent:
			e.Reason = string(mail.ReasonBounce)
		}
		if f.Permanent {
			if err := x.mailer.Suppress.Suppress(ctx, address); err != nil && !errors.Is(err, user.ErrEmail) {
				e.Fault = err
				errs = append(errs, err)
			}
		}
		x.log.Write(ctx, e)
	}
	return errors.Join(errs...)
}
