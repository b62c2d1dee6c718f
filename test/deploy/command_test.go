package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command runs the command edgeauth with a store, and returns what it prints.
func (s *stack) command(input, args string) (output string, err error) {
	return s.run(s.t.Context(), input, s.edgeauth, append(strings.Fields(args), "--store", "stack:"+s.name)...)
}

// mustCommand ends the test if the command fails.
func (s *stack) mustCommand(input, args string) string {
	s.t.Helper()
	output, err := s.command(input, args)
	if err != nil {
		s.t.Fatal(err)
	}
	return output
}

// commands returns all commands that take the store of a stack, from their own help.
func (p *project) commands(t *testing.T) (names []string) {
	t.Helper()
	help := func(args ...string) string {
		text, err := p.run(t.Context(), "", p.edgeauth, append(args, "--help")...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)  `).FindAllStringSubmatch(help(), -1) {
		if strings.Contains(help(strings.Fields(line[1])...), "stack:NAME") {
			names = append(names, line[1])
		}
	}
	return names
}

// Each command that takes a stack works on a stack, or names the command that does.
func TestCommands(t *testing.T) {
	p := open(t)
	s := p.stack(t, "commands")
	s.mustPut(p.template, s.parameters()...)
	ctx := t.Context()
	login := func(email, password string) func() error {
		return func() error { return s.client().login(ctx, email, password) }
	}
	refused := func(email, password string) func() error {
		return func() error {
			if err := s.client().login(ctx, email, password); err == nil {
				return fmt.Errorf("%s can still log in", email)
			}
			return nil
		}
	}
	// claims checks the claims in the access token of a new session.
	claims := func(email, password, want string) func() error {
		return func() error {
			c := s.client()
			err := c.login(ctx, email, password)
			if text := c.claims(); err == nil && !strings.Contains(text, want) {
				err = fmt.Errorf("the token says %s, want %s in it", text, want)
			}
			return err
		}
	}
	tried := map[string]bool{}
	for _, row := range []struct {
		input, args string
		want        string // a regular expression in the output, or in the error if the command must fail
		fails       bool
		then        func() error // checks the API of the stack
	}{
		{password, "user add " + ada + " --roles demo", "added " + ada, false, claims(ada, password, `"roles":["demo"]`)},
		{"", "user list", ada, false, nil},
		{"", "user find " + ada, "state +active", false, nil},
		{"another horse", "user passwd " + ada, "password set", false, login(ada, "another horse")},
		{"", "user email " + ada + " countess@example.com", "e-mail changed", false, refused(ada, "another horse")},
		{"", "user roles countess@example.com reader", "roles set", false, claims("countess@example.com", "another horse", `"roles":["reader"]`)},
		{`{"tenant":"t1"}`, "user claims countess@example.com", "claims set", false, claims("countess@example.com", "another horse", `"tenant":"t1"`)},
		{"", "user disable countess@example.com", "disabled", false, refused("countess@example.com", "another horse")},
		{"", "user unlock countess@example.com", "[1-9][0-9]* attempts cleared", false, nil}, // of the refused login
		{"", "user unsuppress countess@example.com", "(?s)was not suppressed.*delete-suppressed-destination", false, nil},
		{"", "user invite grace@example.com", "ein_", false, nil},
		{"", "user enable countess@example.com", "enabled", false, login("countess@example.com", "another horse")},
		{"", "session list countess@example.com", "countess@example.com +default .* open ", false, nil},
		{"", "session list --active-since 1h", "countess@example.com .* open", false, nil},
		{"", "session list --active-since 2026-01-02T15:04:05Z --json", `"state": "open"`, false, nil},
		{"", "session end countess@example.com x", "invalid session id", true, nil},
		{"", "user logout countess@example.com", "all sessions ended", false, nil},
		{"", "session end-all countess@example.com", "all sessions ended", false, nil},
		{"", "session end-all --all-users --yes", "all sessions ended of [1-9]", false, nil},
		{"", "session list countess@example.com --ended", "subject_superseded", false, nil},
		{"", "user export", `"email":"countess@example.com"`, false, nil},
		{"", "user emails --dry-run", "0 to move, 0 that cannot move", false, nil},
		{"", "user emails", "0 moved; every e-mail address has its new key", false, login("countess@example.com", "another horse")},
		{"", "user reset countess@example.com", "password removed", false, refused("countess@example.com", "another horse")},
		{"", "user code countess@example.com", `code\s+[0-9]{8}`, false, nil},
		{"", "user code countess@example.com --client app", "unknown client .want default: clients in the parameter Config", true, nil},
		{"another horse", "user passwd countess@example.com", "password set", false, login("countess@example.com", "another horse")},
		{imported(), "user import - --yes", "3 created", false, login(bob, password)},
		{"", "user forms", `[1-9] +yes +\$argon2id\$v=19\$m=19456,t=2,p=1`, false, nil},
		{"", "user delete countess@example.com --yes", "erased", false, refused("countess@example.com", "another horse")},
		{"", "keys show", `next rotation +version 2, from `, false, nil},
		{"", "keys jwks", `"kid"`, false, nil},
		{"", "keys rotate", "sam deploy", true, nil},
		{"", "keys drop --kid=x", "sam deploy", true, nil},
		{"", "dev", "--store", true, nil},
		{"", "tables create", "--store", true, nil},
		{"", "doctor --no-user", `public-keys +wrong`, true, nil}, // only TestDoctor can resolve the name of the API
		{"", "attach", regexp.QuoteMeta(s.outputs["AuthorizerArn"]), false, nil},
	} {
		words := strings.Fields(row.args)
		tried[words[0]] = true
		tried[strings.Join(words[:min(2, len(words))], " ")] = true
		output, err := s.command(row.input, row.args)
		switch {
		case row.fails != (err != nil):
			t.Errorf("edgeauth %s: %s, %v", row.args, output, err)
			continue
		case row.fails:
			output = err.Error()
		}
		if !regexp.MustCompile(row.want).MatchString(output) {
			t.Errorf("edgeauth %s: %s, want %s", row.args, output, row.want)
		}
		if row.then != nil {
			if err := row.then(); err != nil {
				t.Errorf("after edgeauth %s: %v", row.args, err)
			}
		}
	}
	all := p.commands(t)
	if !slices.Contains(all, "user add") {
		t.Errorf("the help lists the commands %v", all)
	}
	for _, name := range all {
		if !tried[name] {
			t.Errorf("edgeauth %s takes a stack and was not tried", name)
		}
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(s.mustCommand("", "keys jwks")), &set); err != nil || len(set.Keys) != len(s.published()) {
		t.Errorf("keys jwks prints %v, %v; published are %v", set, err, s.published())
	}
}
