package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
)

func TestStart(t *testing.T) {
	for _, start := range []func(testing.TB) *engine.Engine{engine.DynamoDBLocal, engine.Dynoxide} {
		begin := time.Now()
		e := start(t)
		t.Logf("%s %s answers at %s after %s", e.Name, e.Version, e.Endpoint, time.Since(begin).Round(time.Millisecond))
		if start(t) != e {
			t.Errorf("%s was started twice", e.Name)
		}
		if e.Version == "" {
			t.Errorf("%s has no version", e.Name)
		}
	}
}

// The engines end with the test process, however it ends.
func TestEnd(t *testing.T) {
	engine.Dynoxide(t) // skips the test if the engine is missing
	for _, ending := range []string{"return", "panic", "exit", "timeout", "interrupt", "kill"} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			child := childProcess(ending)
			if ending == "timeout" {
				child.Args = append(child.Args, "-test.timeout=2s")
			}
			in, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			address := addressIn(bufio.NewScanner(out))
			if !listens(address) {
				t.Errorf("nothing listens at %q while the test runs", address)
			}
			switch ending {
			case "timeout":
			case "interrupt":
				_ = child.Process.Signal(os.Interrupt)
			case "kill":
				_ = child.Process.Kill()
			default:
				_ = in.Close() // lets the child go on
			}
			_ = child.Wait() // most endings are failures of the child
			for deadline := time.Now().Add(10 * time.Second); listens(address); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the engine still runs after the test process has ended")
				}
			}
		})
	}
}

// A test without its engine is skipped and noted. With CI=true it fails.
func TestLeaveOut(t *testing.T) {
	for _, tt := range []struct {
		name, variable string
		status         int
		says, notes    string
	}{
		{"by hand", "CI=", 0, "is missing: make engines", "is missing: make engines\n"},
		{"in CI", "CI=true", 1, "is missing: make engines", ""},
		{"Go alone", "EDGEAUTH_TEST_GO_ALONE=1", 0, "DynamoDB Local was not asked for: make test", "asked for: make test\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			repository := t.TempDir()
			lock := filepath.Join(repository, "test", "engine", "package-lock.json")
			if err := os.MkdirAll(filepath.Dir(lock), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(lock, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			child := childProcess("left out")
			child.Dir = repository
			child.Env = append(child.Env, "CI=", "EDGEAUTH_TEST_GO_ALONE=", tt.variable)
			out, _ := child.CombinedOutput()
			if got := child.ProcessState.ExitCode(); got != tt.status {
				t.Errorf("exit status %d, want %d", got, tt.status)
			}
			if !strings.Contains(string(out), tt.says) {
				t.Errorf("%q is not in\n%s", tt.says, out)
			}
			notes, _ := os.ReadFile(filepath.Join(repository, ".cache", "left-out"))
			if !strings.HasSuffix(string(notes), tt.notes) || (tt.notes == "") != (len(notes) == 0) {
				t.Errorf("the note is %q, want it to end with %q", notes, tt.notes)
			}
		})
	}
}

// childProcess returns this program with TestAsChild as its only test.
func childProcess(ending string) *exec.Cmd {
	child := exec.Command(os.Args[0], "-test.run=^TestAsChild$", "-test.v")
	child.Env = append(os.Environ(), "ENGINE_CHILD="+ending)
	return child
}

// TestAsChild does nothing, unless another test runs it in a child process.
func TestAsChild(t *testing.T) {
	switch ending := os.Getenv("ENGINE_CHILD"); ending {
	case "":
	case "left out":
		engine.DynamoDBLocal(t)
	default:
		fmt.Println("address", strings.TrimPrefix(engine.Dynoxide(t).Endpoint, "http://"))
		_, _ = io.Copy(io.Discard, os.Stdin) // until the other test has seen the engine
		switch ending {
		case "panic":
			panic("as a test may")
		case "exit":
			os.Exit(3)
		}
	}
}

func addressIn(lines *bufio.Scanner) string {
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "address "); ok {
			return address
		}
	}
	return ""
}

func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}
