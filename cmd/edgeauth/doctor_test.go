package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// TestDoctorOfADataDirectory: test/deploy tries the doctor of a stack.
func TestDoctorOfADataDirectory(t *testing.T) {
	home := newHome(t)
	done(t, "a long passphrase", "user", "add", "ada@example.com", "--data", home)
	examine := func(status int, args ...string) (wrong []string) {
		t.Helper()
		r := edgeauth(t, "", append([]string{"doctor", "--json"}, args...)...)
		var found []struct{ Check, State, Problem, Cure string }
		if err := json.Unmarshal([]byte(r.out), &found); err != nil || r.status != status {
			t.Fatalf("exit %d, want %d: %s%s", r.status, status, r.out, r.err)
		}
		for _, f := range found {
			if f.State == "wrong" {
				wrong = append(wrong, f.Check)
			}
			if (f.State == "wrong") != (f.Problem != "" && f.Cure != "") {
				t.Errorf("%+v", f)
			}
		}
		return wrong
	}
	if wrong := examine(exitDone, "--data", home); wrong != nil {
		t.Errorf("in good order: %v", wrong)
	}
	store := filepath.Join(home, "edgeauth.db")
	if found, err := filepath.Glob(filepath.Join(home, "*.db")); err == nil && len(found) == 1 {
		store = found[0]
	}
	if wrong := examine(exitDone, "--store", "bolt:"+store); wrong != nil {
		t.Errorf("a store in good order: %v", wrong)
	}
	if err := os.Chmod(store, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "refresh-keys.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(home, "login-ring.json")); err != nil {
		t.Fatal(err)
	}
	if wrong := examine(exitFailed, "--data", home); !slices.Equal(wrong, []string{"refresh-ring", "login-ring", "store-file", "store"}) {
		t.Errorf("wrong are %v", wrong)
	}
	shown := edgeauth(t, "", "doctor", "--data", home)
	if shown.status != exitFailed || !strings.Contains(shown.out, "cure: chmod 600 ") || !strings.Contains(shown.err, "a check failed") {
		t.Errorf("%+v", shown)
	}
	for _, cure := range []string{"remove it and start edgeauth dev", "copy the ring from a backup, or start edgeauth dev", "chmod 600 " + store} {
		if !strings.Contains(shown.out, "cure: ") || !strings.Contains(shown.out, cure) {
			t.Errorf("no cure %q in %s", cure, shown.out)
		}
	}
	if err := os.Chmod(filepath.Join(home, "signing-ring.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(store); err != nil {
		t.Fatal(err)
	}
	if wrong := examine(exitFailed, "--data", home); !slices.Equal(wrong, []string{"signing-ring", "refresh-ring", "login-ring", "store"}) {
		t.Errorf("without a store, wrong are %v", wrong)
	}
	shown = edgeauth(t, "", "doctor", "--data", home)
	if _, err := os.Stat(store); err == nil || !strings.Contains(shown.out, "there is no store in "+store) || !strings.Contains(shown.out, "chmod 600 "+filepath.Join(home, "signing-ring.json")) {
		t.Errorf("without a store: %v, %s", err, shown.out)
	}
	hiding := filepath.Join(home, "\x1b[2Jx")
	if r := edgeauth(t, "", "doctor", "--store", "bolt:"+hiding); strings.Contains(r.out, "\x1b") || !strings.Contains(r.out, `\x1b[2Jx`) {
		t.Errorf("a text that clears the terminal: %q", r.out)
	}
	if r := edgeauth(t, "", "doctor", "--store", "elsewhere"); r.status != exitUsage {
		t.Errorf("%+v", r)
	}
}

// TestDoctorWithoutAnAnswer: if this machine does not reach the API, the cure names the network and the
// record, and no log of a function, which was not called.
func TestDoctorWithoutAnAnswer(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	x := &examination{now: time.Now, http: closed.Client()}
	examine := func() (cures []string) {
		x.findings = nil
		x.published(t.Context(), stack.Stack{JWKS: closed.URL + jwksPath}, keyrings.Ring{})
		_, cure, _ := x.trip(t.Context(), closed.URL, "ada@example.com", "a long passphrase")
		return append(cures, x.findings[0].Cure, cure)
	}
	for _, cure := range examine() {
		if !strings.Contains(cure, "Logs") {
			t.Errorf("the API answers 404: %q", cure)
		}
	}
	closed.Close()
	for _, cure := range examine() {
		if !strings.Contains(cure, "the DNS record") || strings.Contains(cure, "Logs") {
			t.Errorf("no answer: %q", cure)
		}
	}
	if problem := x.findings[0].Problem; strings.Count(problem, jwksPath) != 1 {
		t.Errorf("the address is there %d times: %s", strings.Count(problem, jwksPath), problem)
	}
}
