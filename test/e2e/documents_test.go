package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedCommands pastes the curl commands of docs/http.md into a shell, in the order of the
// page. Each of them fails if the answer is an error.
func TestDocumentedCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	s := fresh(t)
	folder := t.TempDir()
	if err := os.Symlink(s.home, filepath.Join(folder, ".edgeauth")); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	text := strings.ReplaceAll(script.String(), "http://127.0.0.1:8080", s.url)
	if all, strict := strings.Count(text, "curl "), strings.Count(text, "--fail-with-body"); all < 10 || strict != all {
		t.Fatalf("%d of %d commands fail if the answer is an error", strict, all)
	}
	shell := exec.Command("bash", "-eu", "-o", "pipefail")
	shell.Dir, shell.Stdin = folder, strings.NewReader(text)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, &s.log)
	}
	for _, part := range []string{`"access_token":`, `"device_token":`, `{}`, `"keys":[`, `"token_endpoint":`, `"id_token_signing_alg_values_supported":`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("no answer has %s:\n%s", part, out)
		}
	}
}
