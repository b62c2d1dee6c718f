package deploy_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	page "github.com/edgeauth/edgeauth/test/document"
)

// paste runs commands of docs/operations.md as a person pastes them, on the stack. In the place of
// the AWS CLI is aws.py. A placeholder such as <UsersTable> is that output of the stack.
func (s *stack) paste(commands string) (output string, err error) {
	const programs = `
		edgeauth() { "$EDGEAUTH" "$@"; }
		sam() { .cache/sam/bin/sam "$@" --region "$AWS_REGION" --no-prompts; }
		aws() { .cache/sam/bin/python test/deploy/aws.py "$@"; }
	`
	edits := []string{
		"--stack-name edgeauth", "--stack-name " + s.name, "stack:edgeauth", "stack:" + s.name,
		"Values=edgeauth ", "Values=" + s.name + " ",
	}
	for name, value := range s.outputs {
		edits = append(edits, "<"+name+">", value)
	}
	// curl finds the names of APIs below localhost by itself.
	variables := []string{"EDGEAUTH=" + s.edgeauth, "CURL_CA_BUNDLE=" + s.cloud.authority, "PYTHONDONTWRITEBYTECODE=1"}
	return s.runWith(s.t.Context(), variables, programs+strings.NewReplacer(edits...).Replace(commands), "bash", "-eu", "-o", "pipefail")
}

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
	pasted := page.Pasted(t, "docs/operations.md")
	if len(pasted) != 7 {
		t.Fatalf("the page has %d blocks to paste", len(pasted))
	}
	shows := func(block string, want ...string) error {
		output, err := s.paste(block)
		for _, text := range want {
			if err == nil && !strings.Contains(output, text) {
				err = errors.New("no " + text + " is shown by\n" + block + output)
			}
		}
		return err
	}
	outputs := func() (values []string) {
		for _, name := range []string{"UsersTable", "SessionsTable", "AttemptsTable", "SigningSecret", "RefreshSecret", "LoginSecret"} {
			values = append(values, s.outputs[name])
		}
		return values
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
		{"log in by curl", func() error { return shows(pasted[0], `"access_token":`) }},
		{"log in", func() error { return c.login(ctx, ada, password) }},
		{"attach", func() error { return prints("attach http", regexp.QuoteMeta(s.outputs["AuthorizerArn"])) }},
		{"watch", func() error {
			return shows(pasted[1], `"event":"authn_login_success"`)
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
		{"see why a deployment fails", func() error { return shows(pasted[2], "UPDATE_COMPLETE") }},
		{"see whose password was changed", func() error {
			return shows("since=$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%SZ)\n"+pasted[3], `"event":"authn_password_change"`)
		}},
		{"note the names", func() error { return shows(pasted[4], outputs()...) }},
		{"find them without the stack", func() error { return shows(pasted[6], outputs()...) }},
		{"remove everything", func() error {
			if err := errors.Join(shows(pasted[5]), s.describe()); err != nil {
				return err
			}
			s.is("DELETE_COMPLETE")
			if tables, secrets := s.tables(), s.secrets(); len(tables)+len(secrets) > 0 {
				return fmt.Errorf("left are the tables %v and the secrets %v", tables, secrets)
			}
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
