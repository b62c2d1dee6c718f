// Package smtp sends mails to an SMTP server.
//
//	sender, err := smtp.New(smtp.Config{Host: "smtp.example.com", Port: 587, User: "edgeauth", Password: password})
//	err = sender.Send(ctx, m)
//
// A connection is encrypted unless the server is on this machine. smtp is the only package that
// imports the library for mails; [Write] writes a mail to a file.
package smtp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/edgeauth/edgeauth/internal/loopback"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// timeout bounds one mail, from the connection to the last answer. It leaves a function that may run
// for ten seconds the time for its log.
const timeout = 8 * time.Second

// Config describes how to reach a server.
type Config struct {
	Host string
	Port int
	// TLS begins the connection with TLS, as on port 465. Otherwise the client requests TLS with
	// STARTTLS, and continues only with TLS. A connection to a server on this machine uses no TLS.
	TLS      bool
	User     string // empty means no authentication
	Password auth.Secret
	Roots    *x509.CertPool // nil means those of the system
	Timeout  time.Duration  // 0 means 8 seconds
	// Dial opens connections; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Sender sends mails to one server, each mail on its own connection. It is safe for concurrent use.
type Sender struct{ Config }

// New returns a Sender. It does no I/O.
func New(c Config) (*Sender, error) {
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, fmt.Errorf("smtp: the server is %q (want a host and a port from 1 to 65535)", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	}
	if (c.User == "") != (c.Password.Reveal() == "") {
		return nil, errors.New("smtp: a user name without a password, or a password without a user name (want both or neither)")
	}
	if c.Timeout == 0 {
		c.Timeout = timeout
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return &Sender{c}, nil
}

// client returns a client for one mail. A client of the library keeps the state of its connection.
func (s *Sender) client(ctx context.Context, from string) (*gomail.Client, error) {
	_, domain, _ := strings.Cut(from, "@")
	trust := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(s.Timeout), gomail.WithHELO(domain), gomail.WithTLSConfig(trust), gomail.WithoutNoop(),
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, dialing, network, address, trust)
		}),
	}
	switch {
	case s.TLS:
		options = append(options, gomail.WithSSL())
	case loopback.IsHost(s.Host):
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	return gomail.NewClient(s.Host, options...)
}

// dial opens a connection that ends with ctx. The library sets a deadline anew at some steps, so a
// server that answers slowly would hold the function until Lambda stops it.
func (s *Sender) dial(ctx, dialing context.Context, network, address string, trust *tls.Config) (net.Conn, error) {
	conn, err := s.Dial(dialing, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if !s.TLS {
		return conn, nil
	}
	secure := tls.Client(conn, trust)
	return secure, secure.HandshakeContext(dialing)
}

// Send implements [mail.Sender].
func (s *Sender) Send(ctx context.Context, m mail.Mail) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	client, err := s.client(ctx, m.From)
	if err != nil {
		return &mail.Failure{Reason: mail.ReasonSender, Detail: "settings"}
	}
	msg, err := compose(m)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = client.CloseWithSMTPClient(conn) }()
	if err := s.authenticate(conn); err != nil {
		return err
	}
	if ok, _ := conn.Extension("SMTPUTF8"); !ok && !isASCII(m.To) {
		return &mail.Failure{Reason: mail.ReasonAddress, Detail: "the server has no SMTPUTF8"}
	}
	err = client.SendWithSMTPClient(conn, msg)
	if err == nil || msg.IsDelivered() { // the server has the mail, even if QUIT failed
		return nil
	}
	return failed(err)
}

// authenticate authenticates the user of the settings, if they have one. The password crosses the
// network only in TLS: the client has checked that the connection uses TLS, and PLAIN and LOGIN
// check it again.
func (s *Sender) authenticate(conn *gosmtp.Client) error {
	if s.User == "" {
		return nil
	}
	local := loopback.IsHost(s.Host)
	_, offered := conn.Extension("AUTH")
	var way gosmtp.Auth
	switch ways := strings.Fields(strings.ToUpper(offered)); {
	case slices.Contains(ways, "PLAIN"):
		way = gosmtp.PlainAuth("", s.User, s.Password.Reveal(), s.Host, local)
	case slices.Contains(ways, "LOGIN"):
		way = gosmtp.LoginAuth(s.User, s.Password.Reveal(), s.Host, local)
	default:
		return &mail.Failure{Reason: mail.ReasonSender, Detail: "the server offers neither PLAIN nor LOGIN"}
	}
	if err := conn.Auth(way); err != nil {
		return refused(err)
	}
	return nil
}

// refused returns the meaning of an error before the mail is sent: in the connection, in TLS or in
// the authentication. A network error is temporary. If the server refuses, or offers no TLS, the
// settings are wrong.
func refused(err error) error {
	var answer *textproto.Error
	var network net.Error
	var closed *net.OpError
	switch {
	case errors.As(err, &answer):
		if answer.Code/100 == 4 {
			return &mail.Failure{Reason: mail.ReasonUnreachable, Detail: strconv.Itoa(answer.Code)}
		}
		return &mail.Failure{Reason: mail.ReasonSender, Detail: strconv.Itoa(answer.Code)}
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return &mail.Failure{Reason: mail.ReasonSender, Detail: "the certificate of the server is not valid"}
	case errors.As(err, &network), errors.As(err, &closed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &mail.Failure{Reason: mail.ReasonUnreachable}
	case strings.Contains(err.Error(), "STARTTLS"):
		return &mail.Failure{Reason: mail.ReasonSender, Detail: "the server offers no TLS"}
	}
	return &mail.Failure{Reason: mail.ReasonSender, Detail: "TLS or the protocol"}
}

// failed returns the meaning of an error of the mail itself.
func failed(err error) error {
	var e *gomail.SendError
	if !errors.As(err, &e) || e.ErrorCode() == 0 {
		return &mail.Failure{Reason: mail.ReasonUnreachable}
	}
	f := &mail.Failure{Reason: mail.ReasonContent, Detail: strconv.Itoa(e.ErrorCode())}
	if code := e.EnhancedStatusCode(); code != "" {
		f.Detail += " " + code
	}
	switch {
	case e.ErrorCode()/100 != 5:
		f.Reason = mail.ReasonUnreachable
	case e.Reason == gomail.ErrSMTPRcptTo:
		f.Reason = mail.ReasonAddress
	case e.Reason == gomail.ErrSMTPMailFrom:
		f.Reason = mail.ReasonSender
	}
	return f
}

// Write writes a mail as a text of RFC 5322, with the part that is plain text and the part that is HTML.
func Write(w io.Writer, m mail.Mail) error {
	msg, err := compose(m)
	if err != nil {
		return err
	}
	_, err = msg.WriteTo(w)
	return err
}

// compose returns a mail in the form of the library. It sets the addresses without parsing them:
// they were already checked, and a parser could read one address as two.
func compose(m mail.Mail) (*gomail.Msg, error) {
	_, domain, _ := strings.Cut(m.From, "@")
	for _, text := range []string{m.From, m.Name, m.ReplyTo, m.To, m.Locale, m.Subject} {
		if strings.ContainsAny(text, "\r\n\x00") {
			return nil, &mail.Failure{Reason: mail.ReasonContent, Detail: "a line feed in a header"}
		}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&netmail.Address{Name: m.Name, Address: m.From})
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if m.ReplyTo != "" {
		msg.ReplyToMailAddress(&netmail.Address{Address: m.ReplyTo})
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(rand.Text() + "@" + domain) // the library's id names this machine
	msg.SetGenHeader(gomail.HeaderContentLang, m.Locale)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no one on vacation answers
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}
