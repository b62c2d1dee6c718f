package smtp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/edgeauth/edgeauth/internal/smtp"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// server is a real SMTP server. Each error is the answer to one command.
type server struct {
	*gosmtp.Server
	port                       int
	roots                      *x509.CertPool
	mailErr, rcptErr, dataErr  error
	wait                       time.Duration // before the answer to DATA
	mu                         sync.Mutex
	from, to                   string
	utf8, secure, authenticate bool
	text                       string
}

func (s *server) NewSession(c *gosmtp.Conn) (gosmtp.Session, error) {
	_, secure := c.TLSConnectionState()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secure = secure
	return &session{s}, nil
}

type session struct{ *server }

func (x *session) Reset()        {}
func (x *session) Logout() error { return nil }

func (x *session) Mail(from string, o *gosmtp.MailOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.from, x.utf8 = from, o.UTF8
	return x.mailErr
}

func (x *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.to += to
	return x.rcptErr
}

func (x *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	time.Sleep(x.wait)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.text = string(b)
	if err != nil {
		return err
	}
	return x.dataErr
}

// AuthMechanisms and Auth check the password of a user.
func (x *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "edgeauth" || password != "correct horse" {
			return gosmtp.ErrAuthFailed
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.authenticate = true
		return nil
	}), nil
}

// serve starts a server for one host name. With implicit, connections begin with TLS; without a
// certificate, they use no TLS.
func serve(t *testing.T, host string, certificate, implicit bool, change func(*server)) *server {
	t.Helper()
	s := &server{}
	s.Server = gosmtp.NewServer(s)
	s.Domain, s.ErrorLog, s.EnableSMTPUTF8 = host, log.New(io.Discard, "", 0), true
	s.AllowInsecureAuth = true // of a server on this machine
	if certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		parsed, _ := x509.ParseCertificate(der)
		s.roots = x509.NewCertPool()
		s.roots.AddCert(parsed)
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	}
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var sample = mail.Mail{
	From: "login@example.com", Name: "Exämple, Inc.", ReplyTo: "help@example.com", To: "ada@b.example", Locale: "en",
	Subject: "Your code, réference BCDF", Text: "Your code:\n\n    01234567\n.\n\n" + strings.Repeat("long ", 300) + "\n", HTML: "<p>01234567 ä</p>",
}

// remote is the host of a server that is not on this machine. The tests resolve it to this machine.
const remote = "smtp.example"

func send(t *testing.T, s *server, host string, change func(*smtp.Config), m mail.Mail) error {
	t.Helper()
	c := smtp.Config{Host: host, Port: s.port, Roots: s.roots, Timeout: 2 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	if change != nil {
		change(&c)
	}
	sender, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender.Send(t.Context(), m)
}

func TestDelivery(t *testing.T) {
	login := func(c *smtp.Config) { c.User, c.Password = "edgeauth", auth.NewSecret("correct horse") }
	for _, row := range []struct {
		name, host            string
		certificate, implicit bool
		change                func(*smtp.Config)
		secure, authenticated bool
	}{
		{"STARTTLS", remote, true, false, nil, true, false},
		{"STARTTLS and a password", remote, true, false, login, true, true},
		{"TLS", remote, true, true, func(c *smtp.Config) { c.TLS = true }, true, false},
		{"TLS and a password", remote, true, true, func(c *smtp.Config) { c.TLS = true; login(c) }, true, true},
		{"this machine", "localhost", false, false, nil, false, false},
		{"this machine with a password", "127.0.0.1", false, false, login, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, row.host, row.certificate, row.implicit, nil)
			if err := send(t, s, row.host, row.change, sample); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.from != "login@example.com" || s.to != "ada@b.example" || s.secure != row.secure || s.authenticate != row.authenticated {
				t.Errorf("from %s to %s, TLS %t, authenticated %t", s.from, s.to, s.secure, s.authenticate)
			}
			msg, err := netmail.ReadMessage(strings.NewReader(s.text))
			if err != nil {
				t.Fatalf("%v\n%s", err, s.text)
			}
			from, err := msg.Header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Name != sample.Name || from[0].Address != sample.From {
				t.Errorf("%v, %v", from, err)
			}
			if msg.Header.Get("To") != "<ada@b.example>" || msg.Header.Get("Reply-To") != "<help@example.com>" || msg.Header.Get("Auto-Submitted") != "auto-generated" ||
				!strings.HasSuffix(msg.Header.Get("Message-Id"), "@example.com>") || !strings.HasPrefix(msg.Header.Get("Content-Type"), "multipart/alternative") {
				t.Errorf("%v", msg.Header)
			}
			if strings.Contains(strings.ToLower(s.text), "go-mail") {
				t.Error(s.text)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	answer := func(code int, e gosmtp.EnhancedCode) error {
		return &gosmtp.SMTPError{Code: code, EnhancedCode: e, Message: "ada@b.example is refused"}
	}
	login := func(c *smtp.Config) { c.User, c.Password = "edgeauth", auth.NewSecret("wrong") }
	for _, row := range []struct {
		name        string
		certificate bool
		server      func(*server)
		client      func(*smtp.Config)
		want        mail.Failure
	}{
		{"no TLS", false, nil, nil, mail.Failure{Reason: mail.ReasonSender, Detail: "the server offers no TLS"}},
		{"no TLS and a password", false, nil, login, mail.Failure{Reason: mail.ReasonSender, Detail: "the server offers no TLS"}},
		{"an unknown certificate", true, func(s *server) { s.roots = x509.NewCertPool() }, nil,
			mail.Failure{Reason: mail.ReasonSender, Detail: "the certificate of the server is not valid"}},
		{"an old TLS", true, func(s *server) { s.TLSConfig.MaxVersion = tls.VersionTLS11 }, nil, mail.Failure{Reason: mail.ReasonUnreachable}},
		{"a wrong password", true, nil, login, mail.Failure{Reason: mail.ReasonSender, Detail: "535"}},
		{"an unknown mailbox", true, func(s *server) { s.rcptErr = answer(550, gosmtp.EnhancedCode{5, 1, 1}) }, nil,
			mail.Failure{Reason: mail.ReasonAddress, Detail: "550 5.1.1"}},
		{"a full mailbox", true, func(s *server) { s.rcptErr = answer(452, gosmtp.EnhancedCode{4, 2, 2}) }, nil,
			mail.Failure{Reason: mail.ReasonUnreachable, Detail: "452 4.2.2"}},
		{"greylisting", true, func(s *server) { s.rcptErr = answer(450, gosmtp.EnhancedCode{4, 7, 1}) }, nil,
			mail.Failure{Reason: mail.ReasonUnreachable, Detail: "450 4.7.1"}},
		{"a refused sender", true, func(s *server) { s.mailErr = answer(553, gosmtp.EnhancedCode{5, 1, 8}) }, nil,
			mail.Failure{Reason: mail.ReasonSender, Detail: "553 5.1.8"}},
		{"a refused mail", true, func(s *server) { s.dataErr = answer(554, gosmtp.EnhancedCode{5, 6, 0}) }, nil,
			mail.Failure{Reason: mail.ReasonContent, Detail: "554 5.6.0"}},
		{"a busy server", true, func(s *server) { s.dataErr = answer(421, gosmtp.EnhancedCode{4, 3, 2}) }, nil,
			mail.Failure{Reason: mail.ReasonUnreachable, Detail: "421 4.3.2"}},
		{"a slow server", true, func(s *server) { s.wait = 2 * time.Second }, func(c *smtp.Config) { c.Timeout = 300 * time.Millisecond },
			mail.Failure{Reason: mail.ReasonUnreachable}},
		{"no server", true, nil, func(c *smtp.Config) { c.Port = 1 }, mail.Failure{Reason: mail.ReasonUnreachable}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, remote, row.certificate, false, row.server)
			begin := time.Now()
			err := send(t, s, remote, row.client, sample)
			var failure *mail.Failure
			if !errors.As(err, &failure) || *failure != row.want {
				t.Errorf("got %v, want %v", err, &row.want)
			}
			if err != nil && strings.Contains(err.Error(), "example") || time.Since(begin) > 5*time.Second {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			if s.mu.Lock(); !row.certificate && s.to != "" {
				t.Error("the address was sent without TLS")
			}
			s.mu.Unlock()
		})
	}
}

// A local part outside ASCII needs SMTPUTF8 (RFC 6531). A server without it gets no mail.
func TestInternational(t *testing.T) {
	m := sample
	m.To = "ädä@xn--bcher-kva.example"
	s := serve(t, remote, true, false, nil)
	if err := send(t, s, remote, nil, m); err != nil || s.to != m.To || !s.utf8 || !strings.Contains(s.text, "To: <"+m.To+">") {
		t.Errorf("%v: to %s, SMTPUTF8 %t\n%.500s", err, s.to, s.utf8, s.text)
	}
	s = serve(t, remote, true, false, func(s *server) { s.EnableSMTPUTF8 = false })
	var failure *mail.Failure
	if err := send(t, s, remote, nil, m); !errors.As(err, &failure) || failure.Reason != mail.ReasonAddress || s.to != "" {
		t.Errorf("without SMTPUTF8: %v, to %s", err, s.to)
	}
	if err := send(t, s, remote, nil, sample); err != nil {
		t.Errorf("without SMTPUTF8: %v", err)
	}
}

// No field can start a new header or command.
func TestInjection(t *testing.T) {
	s := serve(t, remote, true, false, nil)
	const bad = "x\r\nBcc: mal@example.com"
	for name, change := range map[string]func(*mail.Mail){
		"from": func(m *mail.Mail) { m.From = bad }, "name": func(m *mail.Mail) { m.Name = bad }, "to": func(m *mail.Mail) { m.To = bad },
		"reply-to": func(m *mail.Mail) { m.ReplyTo = bad }, "subject": func(m *mail.Mail) { m.Subject = bad }, "locale": func(m *mail.Mail) { m.Locale = bad },
		"a single line feed": func(m *mail.Mail) { m.Subject = "x\nBcc: mal@example.com" }, "a zero byte": func(m *mail.Mail) { m.To = "a@b.example\x00" },
	} {
		m := sample
		change(&m)
		var failure *mail.Failure
		if err := send(t, s, remote, nil, m); !errors.As(err, &failure) || s.text != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := sample
	m.Text, m.HTML = "\r\n.\r\nMAIL FROM:<mal@example.com>\r\n", "\n.\nQUIT\n"
	if err := send(t, s, remote, nil, m); err != nil || s.from != sample.From || s.to != sample.To {
		t.Errorf("%v, from %s to %s", err, s.from, s.to)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []smtp.Config{
		{Port: 25}, {Host: remote}, {Host: remote, Port: 70000}, {Host: remote, Port: 25, User: "x"}, {Host: remote, Port: 25, Password: auth.NewSecret("x")},
	} {
		if _, err := smtp.New(c); err == nil {
			t.Errorf("%+v: accepted", c)
		}
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := smtp.Write(&b, sample); err != nil || !strings.Contains(b.String(), "01234567") {
		t.Errorf("%v\n%s", err, &b)
	}
}
