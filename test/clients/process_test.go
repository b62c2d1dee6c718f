package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
)

// cache is where fetch.sh puts things.
const cache = "../../.cache/clients"

// runner is a way to run a client in another language. Each reads one JSON value on standard input and writes one on
// standard output.
type runner struct {
	language string
	tool     string // that must be installed
	remedy   string
	lock     string // what fetch.sh works from, and keeps a copy of at its end
	command  func(ctx context.Context, t *testing.T, tool, script, authority string) *exec.Cmd
}

var (
	node = runner{
		"node", "node", "install Node.js 20 or later", "package-lock.json",
		// A module that stands in a file finds packages beside it only; one that is given as text, in the working folder.
		func(ctx context.Context, t *testing.T, tool, script, authority string) *exec.Cmd {
			c := exec.CommandContext(ctx, tool, "--input-type=module", "--eval", read(t, script))
			c.Dir = filepath.Join(cache, "node")
			c.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority)
			return c
		},
	}
	python = runner{
		"python", "python3", "install Python 3.10 or later", "requirements.txt",
		func(ctx context.Context, _ *testing.T, _, script, authority string) *exec.Cmd {
			c := exec.CommandContext(ctx, filepath.Join(cache, "python", "bin", "python"), "-B", filepath.FromSlash(script))
			c.Env = append(os.Environ(), "SSL_CERT_FILE="+authority, "REQUESTS_CA_BUNDLE="+authority)
			return c
		},
	}
	java = runner{
		"java", "javac", "install a JDK, version 17 or later", "jars.sha256",
		func(ctx context.Context, t *testing.T, tool, script, authority string) *exec.Cmd {
			var jars []string
			for line := range strings.Lines(read(t, "java/jars.sha256")) {
				_, jar, _ := strings.Cut(strings.TrimSpace(line), "  ")
				jars = append(jars, filepath.Join(cache, "java", jar))
			}
			tool = filepath.Join(filepath.Dir(tool), "java")
			path := strings.Join(jars, string(os.PathListSeparator))
			return exec.CommandContext(ctx, tool, "-Dauthority="+authority, "-cp", path, filepath.FromSlash(script))
		},
	}
)

// run runs a script on an input, and reads its output. Where the client is not on this machine, the test is left out.
func (r runner) run(t *testing.T, script, authority string, input, output any) {
	t.Helper()
	if os.Getenv("EDGEAUTH_TEST_GO_ALONE") != "" {
		engine.LeaveOut(t, "what fetch.sh brings for "+r.language, "make test")
	}
	tool, err := exec.LookPath(r.tool)
	if err != nil {
		engine.LeaveOut(t, r.tool, r.remedy)
	}
	fetched, err := os.ReadFile(filepath.Join(cache, r.language, "fetched.txt"))
	if err != nil || string(fetched) != read(t, r.language+"/"+r.lock) {
		engine.LeaveOut(t, "what fetch.sh brings for "+r.language, "test/clients/fetch.sh")
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := r.command(ctx, t, tool, script, authority)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(text), &out, &problems
	if err := errors.Join(c.Run(), ctx.Err()); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &problems)
	}
	if err := json.Unmarshal(out.Bytes(), output); err != nil {
		t.Fatalf("%s: %v in %q\n%s", script, err, &out, &problems)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustRead reads what is part of this program, before there is a test.
func mustRead(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return string(text)
}
