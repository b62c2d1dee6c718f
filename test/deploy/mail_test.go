package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailServer is a mail server of this machine.
type mailServer struct {
	url   string
	mails chan string // the texts of the mails that arrived
}

// startMailServer starts a mail server that runs until the end of the test.
func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{mails: make(chan string, 10)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return delivery{m}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.url = "smtp://" + l.Addr().String()
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

// delivery is one connection to the mail server.
type delivery struct{ *mailServer }

func (delivery) Reset()                               {}
func (delivery) Logout() error                        { return nil }
func (delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (delivery) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (d delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	d.mails <- string(text)
	return err
}

// TestSES checks that Amazon SES sends the mails of a stack, and that no mail goes to an address
// after a bounce.
func TestSES(t *testing.T) {
	p := open(t)
	ctx, s := t.Context(), p.stack(t, "ses")
	if _, err := s.cloud.ask(ctx, "ses", http.MethodPost, "/v2/email/identities", "application/json", []byte(`{"EmailIdentity":"example.com"}`)); err != nil {
		t.Fatal(err)
	}
	s.mustPut(p.template, s.parameters("MailSender=ses", "MailFrom=login@example.com",
		"SesIdentity=arn:aws:ses:"+region+":000000000000:identity/example.com", "MailLink=https://app.example.com/auth")...)
	const first, second, third = "first@example.com", "second@example.com", "third@example.com"
	if err := s.signUpByMail(ctx, s.sentBySES, first, password); err != nil {
		t.Fatal(err)
	}
	// SES reports to the event bus of AWS. No other account can put events of SES on this bus, so
	// the test makes the call of the bus itself.
	bounce := `{"source":"aws.ses","detail-type":"Email Bounced","detail":{"eventType":"Bounce",` +
		`"bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"` + first + `"}]},"mail":{"destination":["` + first + `"]}}}`
	at := "/2015-03-31/functions/" + s.resource("MailerFunction") + "/invocations?Qualifier=live"
	if _, err := s.cloud.ask(ctx, "lambda", http.MethodPost, at, "application/json", []byte(bounce)); err != nil {
		t.Fatalf("a bounce: %v", err)
	}
	if _, err := s.ask(ctx, first, "reset"); err != nil {
		t.Error(err)
	}
	for _, email := range []string{second, third} { // gives a mail to first the time to arrive
		if err := s.signUpByMail(ctx, s.sentBySES, email, password); err != nil {
			t.Error(err)
		}
	}
	all, err := s.cloud.sent(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		if m.Source != "login@example.com" && !strings.Contains(m.Source, "<login@example.com>") || len(m.To) != 1 {
			t.Errorf("a mail from %s to %v", m.Source, m.To)
		}
		got = append(got, m.To...)
	}
	if want := []string{first, second, third}; !slices.Equal(got, want) {
		t.Errorf("mails to %v, want %v", got, want)
	}
}

// sesMail is a mail that the emulator's SES accepted.
type sesMail struct {
	Source, BodyText string
	To               []string
}

func (c *cloud) sent(ctx context.Context) ([]sesMail, error) {
	text, err := c.ask(ctx, "ses", http.MethodGet, "/_ministack/ses/messages", "application/json", nil)
	var all struct{ Messages map[string][]sesMail }
	err = errors.Join(err, json.Unmarshal(text, &all))
	var mails []sesMail
	for _, of := range all.Messages {
		mails = append(mails, of...)
	}
	return mails, err
}

// sentBySES waits for the text of a mail to an address.
func (s *stack) sentBySES(ctx context.Context, email string) (string, error) {
	for {
		all, err := s.cloud.sent(ctx)
		if err != nil {
			return "", err
		}
		for _, m := range all {
			if slices.Contains(m.To, email) {
				return m.BodyText, nil
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", fmt.Errorf("no mail to %s: %w", email, ctx.Err())
		}
	}
}

// next waits for the text of the next mail.
func (m *mailServer) next(ctx context.Context, email string) (string, error) {
	select {
	case text := <-m.mails:
		return text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("no mail to %s: %w", email, ctx.Err())
	}
}

// ask requests a code and returns the auth_session.
func (s *stack) ask(ctx context.Context, email, purpose string) (session string, err error) {
	a, err := s.client().expect(ctx, http.StatusAccepted, "", http.MethodPost, "/auth/code", object{"email": email, "purpose": purpose}, "")
	return a.text("auth_session"), err
}

// signUpByMail creates an account with the code of a mail that the functions of the stack send.
// arrives waits at most a minute for the text of the mail.
func (s *stack) signUpByMail(ctx context.Context, arrives func(context.Context, string) (string, error), email, password string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	session, err := s.ask(ctx, email, "signup")
	if err != nil {
		return err
	}
	text, err := arrives(ctx, email)
	if err != nil {
		return err
	}
	code := regexp.MustCompile(`(?m)^ *(\d{8})\r?$`).FindStringSubmatch(text)
	if code == nil {
		return fmt.Errorf("the mail has no code: %s", text)
	}
	c := s.client()
	return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/code/verify",
		object{"auth_session": session, "code": code[1], "new_password": password}, ""))
}
