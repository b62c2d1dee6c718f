package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/edgeauth/edgeauth/test/document"
)

// TestLocalPage: the command line takes every "edgeauth dev" of docs/local.md, also the one for
// docker compose.
func TestLocalPage(t *testing.T) {
	var commands [][]string
	for _, s := range document.Read(t, "local.md").Sections {
		for _, line := range s.Text {
			_, words, found := strings.Cut(line, "make run ARGS=")
			if !found || !strings.HasPrefix(line, "    ") {
				continue
			}
			// One shell reads the line, and make's shell reads the words again.
			out, err := exec.Command("sh", "-c", "ARGS="+words+"\nexport ARGS\nexec sh -c \"printf '%s\\n' $ARGS\"").Output()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			commands = append(commands, strings.Split(strings.TrimSpace(string(out)), "\n"))
		}
		for _, block := range s.Code {
			if block.Language == "yaml" && strings.Contains(block.Text, "- edgeauth\n") {
				_, list, _ := strings.Cut(block.Text, "- dev\n")
				list, _, _ = strings.Cut(list, "volumes:")
				commands = append(commands, strings.Fields(strings.ReplaceAll(list, "- --", "--")))
			}
		}
	}
	if len(commands) < 10 {
		t.Fatalf("the page has %d commands", len(commands))
	}
	for _, args := range commands {
		var g grammar
		parser, err := kong.New(&g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"dev"}, args...)); err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if _, err := g.Dev.options(); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
