package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// goAlone reports whether the tests must run with Go alone, without other programs.
func goAlone() bool { return os.Getenv("EDGEAUTH_TEST_GO_ALONE") != "" }

// LeaveOut skips a test that needs something missing; remedy says how to get it. It notes the test
// in .cache/left-out, which "make test" prints at its end. With CI=true the test fails instead,
// because a check that did not run must not look like one that passed.
func LeaveOut(tb testing.TB, what, remedy string) {
	tb.Helper()
	reason := (&missingError{what, remedy}).Error()
	if goAlone() {
		reason = what + " was not asked for: " + remedy
	} else if os.Getenv("CI") == "true" {
		tb.Fatal(reason)
	}
	if err := note(tb.Name(), reason); err != nil {
		tb.Fatal(err)
	}
	tb.Skip(reason)
}

// note appends one line in one write, because other test processes append at the same time.
func note(test, reason string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	if folder, err = filepath.Rel(root, folder); err != nil {
		return err
	}
	path := filepath.Join(root, ".cache", "left-out")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s, %s: %s\n", filepath.ToSlash(folder), test, reason)
	return errors.Join(err, file.Close())
}
