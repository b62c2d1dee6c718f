package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"

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

// signUpByMail makes an account by the code of a mail that the functions of the stack send.
func (s *stack) signUpByMail(ctx context.Context, m *mailServer, email, password string) error {
	c := s.client()
	asked, err := c.expect(ctx, http.StatusAccepted, "", http.MethodPost, "/auth/code", object{"email": email, "purpose": "signup"}, "")
	if err != nil {
		return err
	}
	var text string
	select {
	case text = <-m.mails:
	case <-ctx.Done():
		return errors.New("no mail arrived")
	}
	code := regexp.MustCompile(`(?m)^ *(\d{8})\r?$`).FindStringSubmatch(text)
	if code == nil {
		return fmt.Errorf("the mail has no code: %s", text)
	}
	return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/code/verify",
		object{"auth_session": asked.text("auth_session"), "code": code[1], "new_password": password}, ""))
}
