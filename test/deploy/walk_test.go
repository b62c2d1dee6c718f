package deploy_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The fifteen minutes of docs/operations.md, as for a new user: a stack is deployed with the
// settings of samconfig.toml, serves sessions from login to logout, and is deleted. The log has the
// time of each step.
func TestWalk(t *testing.T) {
	p := open(t)
	s := p.stack(t, "edgeauth-dev")
	ctx, b, c, mails := t.Context(), (*between)(nil), (*client)(nil), startMailServer(t)
	well := func() error {
		if wrong, all := s.doctor(b); len(wrong) > 0 {
			return errors.New("edgeauth doctor: " + all)
		}
		return nil
	}
	prints := func(args, want string) error {
		output, err := s.command("", args)
		if err == nil && !regexp.MustCompile(want).MatchString(output) {
			err = errors.New("edgeauth " + args + ": " + output)
		}
		return err
	}
	built, begun := filepath.Join(s.BuildFolder(), "template.yaml"), time.Now()
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"deploy", func() error {
			err := s.deployFile(built)
			b, c = s.between(), s.client()
			return err
		}},
		{"see that all is well", func() error { return well() }},
		{"add a user", func() error {
			_, err := s.command(password, "user add "+ada)
			return err
		}},
		{"log in", func() error { return c.login(ctx, ada, password) }},
		{"attach", func() error { return prints("attach http", regexp.QuoteMeta(s.outputs["AuthorizerArn"])) }},
		{"watch", func() error {
			if name := s.resource("FunctionLogs"); !strings.Contains(name, s.name) {
				return errors.New("the log group is " + name)
			}
			return nil
		}},
		{"show the keys", func() error { return prints("keys show", "version 2, from ") }},
		{"rotate the keys and send mails, three hours later", func() error {
			s.pass(4 * time.Hour)
			return s.deployFile(built, "KeyVersion=2", "MailSender=smtp", "MailFrom=login@example.com", "SmtpServer="+mails.url)
		}},
		{"go on with the session", func() error { return c.renew(ctx) }},
		{"sign up by a mail", func() error { return s.signUpByMail(ctx, mails.next, "alan@example.com", password) }},
		{"use every route", func() error {
			if _, err := s.command(password, "user add "+grace); err != nil {
				return err
			}
			return s.session(ctx, grace, password)
		}},
		{"list the sessions", func() error { return prints("session list "+ada, c.sid()+" .*open") }},
		{"end a stolen session", func() error { return prints("session end "+ada+" "+c.sid(), "ended") }},
		{"the session that was ended", func() error { return c.ended(ctx) }},
		{"end all sessions", func() error { return prints("session end-all "+ada, "all sessions ended") }},
		{"see that all is well again", func() error { return well() }},
		{"remove", func() error {
			s.remove()
			if err := c.login(ctx, ada, password); err == nil {
				return errors.New("the deleted stack still opens sessions")
			}
			return nil
		}},
	} {
		at := time.Now()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		t.Logf("%-36s %6.1f s", step.what, time.Since(at).Seconds())
	}
	t.Logf("%-36s %6.1f s", "in all", time.Since(begun).Seconds())
}
