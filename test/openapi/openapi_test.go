// Package openapi checks a running server against docs/openapi.yaml: Schemathesis generates valid
// and invalid requests, and fails if an answer is not in the document or is a 5xx.
package openapi_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
)

const (
	cache    = "../../.cache/openapi"
	password = "correct-horse-battery-staple" // the same in hooks.py and in the document
)

// limits allow the tool any number of guesses: it tests the contract, and not the throttle.
const limits = `{"throttle":{"network":"off","account":{"free":1000,"delay":"1s","max_delay":"1s"}}}`

func TestContract(t *testing.T) {
	if os.Getenv("EDGEAUTH_TEST_OPENAPI") == "" {
		if os.Getenv("CI") == "true" {
			t.Skip("it is a run of its own: make openapi")
		}
		engine.LeaveOut(t, "a server held to docs/openapi.yaml", "make openapi")
	}
	tool, err := filepath.Abs(filepath.Join(cache, "bin", "schemathesis"))
	if err != nil {
		t.Fatal(err)
	}
	url, log := serve(t)
	document, err1 := filepath.Abs("../../docs/openapi.yaml")
	hooks, err2 := filepath.Abs("hooks.py")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	// A made-up token or client that fits its schema is refused with 400, as RFC 6749 demands, so
	// positive_data_acceptance is not a check of this contract. The hooks replace generated tokens
	// by real tokens, so ignored_auth would report that generated tokens are accepted.
	run := exec.Command(tool, "run", document, "--url", url, "--no-color", "--warnings", "off",
		"--request-timeout", "120", // a busy machine is no error
		"--exclude-checks", "positive_data_acceptance,ignored_auth")
	run.Dir = t.TempDir() // Schemathesis keeps examples of earlier runs in its working folder
	run.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS="+hooks, "PYTHONDONTWRITEBYTECODE=1", "EDGEAUTH_URL="+url)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	if n := regexp.MustCompile(`Selected: (\d+)/(\d+)\n  Tested: (\d+)`).FindSubmatch(out); n == nil || !bytes.Equal(n[1], n[2]) || !bytes.Equal(n[1], n[3]) {
		t.Errorf("not every operation was tested:\n%s", out)
	}
	for _, event := range []string{"authn_login_success", "session_renewed", "authn_token_revoked", "authn_password_change", "authn_reauth_success",
		"authn_login_fail", "session_renew_fail", "authn_token_revoke_fail", "authn_password_change_fail", "authn_reauth_fail"} {
		if !strings.Contains(log(), `"event":"`+event+`"`) {
			t.Errorf("no request led to %s", event)
		}
	}
	if strings.Contains(log(), `"fault":`) {
		t.Errorf("a request caused a fault:\n%s", log())
	}
}

// serve runs "edgeauth dev" until the test ends, with two users of the same password. It returns
// the URL and what reads the audit log.
func serve(t *testing.T) (url string, log func() string) {
	t.Helper()
	folder := t.TempDir()
	binary, home := filepath.Join(folder, "edgeauth"), filepath.Join(folder, "home")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/edgeauth").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "demo-password"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	process := exec.CommandContext(ctx, binary, "dev", "--addr", "127.0.0.1:0", "--data", home, "--config", limits)
	journal := &buffer{}
	process.Stderr = journal
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = process.Wait() // it was killed
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && url == "" {
		url = regexp.MustCompile(`http://[\d.:]+`).FindString(lines.Text())
	}
	if url == "" {
		t.Fatalf("the server does not start: %s", journal)
	}
	go func() {
		for lines.Scan() { // so that the server never waits for a reader
		}
	}()
	add := exec.Command(binary, "user", "add", "second@example.com", "--data", home)
	add.Stdin = strings.NewReader(password)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("user add: %v\n%s", err, out)
	}
	return url, journal.String
}

// buffer holds the output of a process, which other goroutines read while the process writes.
type buffer struct {
	one  sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.one.Lock()
	defer b.one.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.one.Lock()
	defer b.one.Unlock()
	return b.text.String()
}
