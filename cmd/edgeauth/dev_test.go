package main

import (
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/edgeauth/edgeauth/test/document"
)

// accepted returns the error of the command line for arguments, without running the command. A part
// may leave out arguments and values.
func accepted(args []string, part bool) error {
	var g grammar
	printsHelp := false
	parser, err := kong.New(&g, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { printsHelp = true }))
	if err != nil {
		return err
	}
	if args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	if _, err = parser.Parse(args); err == nil && args[0] == "dev" {
		_, err = g.Dev.options()
	}
	if printsHelp || part && err != nil && regexp.MustCompile(`^(expected|missing flags:) |^--[a-z-]+: expected .* but got "EOL"`).MatchString(err.Error()) {
		return nil
	}
	return err
}

// TestPages: the command line accepts every edgeauth command of every page, the commands that it
// prints itself, the commands that "make run" starts, and the command for docker compose in
// docs/local.md.
func TestPages(t *testing.T) {
	served := 0
	for _, u := range append(document.Uses(t, "edgeauth", "make"), document.Printed(t, "edgeauth")...) {
		args := u.Words[1:]
		if u.Words[0] == "make" {
			if args[0] != "run" || len(args) != 2 {
				continue
			}
			// The shell of make reads the words again.
			out, err := exec.Command("sh", "-c", "printf '%s\\n' "+strings.TrimPrefix(args[1], "ARGS=")).Output()
			if err != nil {
				t.Fatalf("%s: %q: %v", u.At, u.Words, err)
			}
			args = append([]string{"dev"}, strings.Split(strings.TrimSpace(string(out)), "\n")...)
			served++
		}
		if err := accepted(args, u.Part); err != nil {
			t.Errorf("%s: %q: %v", u.At, args, err)
		}
	}
	for _, s := range document.Read(t, "local.md").Sections {
		for _, block := range s.Code {
			if block.Language == "yaml" && strings.Contains(block.Text, "- edgeauth\n") {
				_, list, _ := strings.Cut(block.Text, "- dev\n")
				list, _, _ = strings.Cut(list, "volumes:")
				if err := accepted(append([]string{"dev"}, strings.Fields(strings.ReplaceAll(list, "- --", "--"))...), false); err != nil {
					t.Errorf("docs/local.md: %s: %v", block.Text, err)
				}
				served++
			}
		}
	}
	if served < 14 {
		t.Errorf("the pages start %d servers", served)
	}
	for _, wrong := range []string{
		"dev --upstreams http://127.0.0.1:3000", "dev --profile stricter", "user ad x", "user add", "user find a b", "session end x", "keys drop --kids=x", "doctor --no-users",
	} {
		if accepted(strings.Fields(wrong), false) == nil {
			t.Errorf("edgeauth takes %s", wrong)
		}
	}
	for _, wrong := range []string{"user ad", "users", "user forms --records", "keys rotates", "dev --check sometimes"} {
		if accepted(strings.Fields(wrong), true) == nil {
			t.Errorf("edgeauth takes the part %s", wrong)
		}
	}
}
