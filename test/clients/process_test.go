package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
)

// cache is the folder that test/fetch.sh writes.
const cache = "../../.cache/clients"

// runner runs clients in one language. A client reads one JSON value from standard input and writes
// one to standard output.
type runner struct {
	language string
	tool     string // must be installed
	remedy   string
	lock     string // the lock file, which test/fetch.sh copies when it is done
	command  func(ctx context.Context, t *testing.T, tool, script, authority string) *exec.Cmd
}

var (
	node = runner{
		"node", "node", "install Node.js 20 or later", "package-lock.json",
		// Node searches the packages of a module beside its file. For a module that is given as
		// text, it searches the working folder.
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
)

// java runs a client with the jars of one lock file. Java reads trusted certificates only from a
// store in its own format.
func java(jars string) runner {
	return runner{
		jars, "javac", "install a JDK, version 17 or later", "jars.sha256",
		func(ctx context.Context, t *testing.T, tool, script, authority string) *exec.Cmd {
			t.Helper()
			store := filepath.Join(t.TempDir(), "trusted")
			out, err := exec.CommandContext(ctx, filepath.Join(filepath.Dir(tool), "keytool"), "-importcert", "-noprompt", "-alias", "authority",
				"-file", authority, "-keystore", store, "-storepass", "changeit").CombinedOutput()
			if err != nil {
				t.Fatalf("keytool: %v\n%s", err, out)
			}
			return exec.CommandContext(ctx, filepath.Join(filepath.Dir(tool), "java"), "-Djavax.net.ssl.trustStore="+store,
				"-Djavax.net.ssl.trustStorePassword=changeit", "-cp", filepath.Join(cache, jars, "*"), filepath.FromSlash(script))
		},
	}
}

// run runs a script with an input and decodes its output. If the client is missing on this machine,
// the test is skipped.
func (r runner) run(t *testing.T, script, authority string, input, output any) {
	t.Helper()
	if os.Getenv("EDGEAUTH_TEST_GO_ALONE") != "" {
		engine.LeaveOut(t, "what test/fetch.sh brings for "+r.language, "make test")
	}
	tool, err := exec.LookPath(r.tool)
	if err != nil {
		engine.LeaveOut(t, r.tool, r.remedy)
	}
	fetched, err := os.ReadFile(filepath.Join(cache, r.language, "fetched.txt"))
	if err != nil || string(fetched) != read(t, r.language+"/"+r.lock) {
		engine.LeaveOut(t, "what test/fetch.sh brings for "+r.language, "test/fetch.sh clients")
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

// mustRead reads a file of this repository before a test runs.
func mustRead(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return string(text)
}
