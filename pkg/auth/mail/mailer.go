package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/loopback"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Config holds the settings of a [Mailer]. Sender and From are required.
type Config struct {
	Sender Sender
	From   string // the address of the sender
	// Name is the name of the product or of the company. It is shown with From and in the texts.
	// Empty means the domain of From.
	Name    string
	ReplyTo string // empty means From
	// Link is the page where a person enters a code, as an https URL without query and fragment. A
	// mail with a code links to it with the code in the fragment, which is not sent to a server.
	// Empty means no link.
	Link      string
	Templates *Templates    // nil means the shipped ones
	Suppress  *Suppressions // nil means that no address is suppressed
}

// Mailer renders messages and sends them. It is safe for concurrent use.
type Mailer struct{ Config }

// NewMailer returns a Mailer. The error names each field that is missing or invalid, its value and
// what is accepted.
func NewMailer(c Config) (*Mailer, error) {
	var errs []error
	if c.Sender == nil {
		errs = append(errs, errors.New("mail: Config.Sender must hold a sender"))
	}
	if err := checkOwn(c.From); err != nil {
		errs = append(errs, fmt.Errorf("mail: Config.From is %q (want an address such as login@example.com): %w", c.From, err))
	}
	if err := checkOwn(c.ReplyTo); err != nil && c.ReplyTo != "" {
		errs = append(errs, fmt.Errorf("mail: Config.ReplyTo is %q (want an address such as help@example.com, or nothing): %w", c.ReplyTo, err))
	}
	if !oneLine(c.Name) || len(c.Name) > maxNameBytes {
		errs = append(errs, fmt.Errorf("mail: Config.Name is %q (want at most %d bytes without control characters)", c.Name, maxNameBytes))
	}
	if err := CheckLink(c.Link); err != nil && c.Link != "" {
		errs = append(errs, fmt.Errorf("mail: Config.Link is %q: %w", c.Link, err))
	}
	if c.Name == "" {
		c.Name = c.From[strings.LastIndexByte(c.From, '@')+1:]
	}
	if c.Templates == nil {
		var err error
		if c.Templates, err = LoadTemplates(nil); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Mailer{c}, nil
}

const maxNameBytes = 100

// checkOwn checks an address of the operator. Servers without SMTPUTF8 must be able to write it.
func checkOwn(address string) error {
	if err := user.CheckEmail(address); err != nil {
		return err
	}
	if !isASCII(address) {
		return errors.New("it must consist of ASCII characters; write the domain as A-labels")
	}
	return nil
}

// CheckLink returns an error unless text is the URL of a page that mails may link to.
func CheckLink(text string) error {
	u, err := url.Parse(text)
	secure := err == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback.IsHost(u.Hostname()))
	if !secure || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") || !isASCII(text) || strings.ContainsFunc(text, unicode.IsSpace) || !oneLine(text) {
		return errors.New("want an https URL without user, query and fragment, such as https://app.example.com/auth")
	}
	return nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// oneLine reports whether a text can stand in a header.
func oneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' })
}

// Send renders a message and sends it. For a message of [KindNone], which is no mail, Send returns
// at once. The error is a [*Failure] if the mail was not sent. Any other error means that the store
// of suppressions did not answer, and wraps auth.ErrUnavailable.
//
// Send may be repeated: the mail then has the same code.
func (s *Mailer) Send(ctx context.Context, m Message) error {
	if m.Kind == KindNone {
		return nil
	}
	if err := m.check(); err != nil {
		return err
	}
	to, err := recipient(m.To)
	if err != nil {
		return &Failure{Reason: ReasonAddress, Detail: "not usable"}
	}
	if s.Suppress != nil {
		switch suppressed, err := s.Suppress.Suppressed(ctx, m.To); {
		case err != nil:
			return fmt.Errorf("mail: reading whether the address is suppressed: %w", err)
		case suppressed:
			return &Failure{Reason: ReasonSuppressed}
		}
	}
	out := Mail{From: s.From, Name: s.Name, ReplyTo: s.ReplyTo, To: to}
	if err := s.Templates.render(m, s.Name, s.Link, &out); err != nil {
		return err
	}
	return s.Sender.Send(ctx, out)
}

// recipient returns an address with its domain as A-labels, which every server can write. It
// refuses an address that some servers read as a different address, such as a quoted local part of
// an imported user.
func recipient(address string) (string, error) {
	if err := user.CheckEmail(address); err != nil {
		return "", err
	}
	key, err := user.NormalizeEmail(address)
	if err != nil {
		return "", err
	}
	local, _, _ := strings.Cut(strings.TrimSpace(address), "@")
	_, domain, _ := strings.Cut(string(key), "@")
	return local + "@" + domain, nil
}
