package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// TestDocumentedCommands pastes the curl commands of docs/http.md into a shell, in the order of the
// page. Each of them fails if the answer is an error.
func TestDocumentedCommands(t *testing.T) {
	text := strings.Join(document.Pasted(t, "docs/http.md"), "")
	if all, strict := strings.Count(text, "curl "), strings.Count(text, "--fail-with-body"); all < 10 || strict != all {
		t.Fatalf("%d of %d commands fail if the answer is an error", strict, all)
	}
	out := fresh(t).paste(t, text)
	for _, part := range []string{`"access_token":`, `"device_token":`, `{}`, `"keys":[`, `"token_endpoint":`, `"id_token_signing_alg_values_supported":`, `"sessions":[{`, `{"auth_session":"eas_`} {
		if !strings.Contains(out, part) {
			t.Errorf("no answer has %s:\n%s", part, out)
		}
	}
}

// TestReadme pastes the first session of the README into a shell.
func TestReadme(t *testing.T) {
	answers(t, fresh(t).paste(t, strings.Join(document.Pasted(t, "README.md"), "")), []string{
		`{"auth_time":\d+,"client_id":"default",.*}`,
		`{"access_token":".*,"refresh_token":"ert_[\w-]+","refresh_expires_in":\d+,"session_expires_in":.*}`,
		`{"sid":"[\w-]{22}","sessions":\[{"sid":"[\w-]{22}","current":true,.*}\]}`,
		`{}`,
		`{}`,
		`{"error":"invalid_token",.*}`,
		`{"keys":\[.*\]}`,
		`{"message":"Unauthorized"} 401`,
		`{"message":"Forbidden"} 403`,
	})
}

// TestReadmeSignUp pastes the second session of the README into a shell: a sign-up and a reset.
func TestReadmeSignUp(t *testing.T) {
	answers(t, fresh(t).paste(t, strings.Join(document.Pasted(t, "README.md"), "")), []string{
		`{"access_token":".*,"refresh_token":"ert_[\w-]+",.*}`,
		`{"access_token":".*,"refresh_token":"ert_[\w-]+",.*}`,
		`{"error":"invalid_credentials",.*}`,
		`{"auth_session":"eas_[\w-]+","reference":"[A-Z]{4}","expires_in":600,"resend_after":60}`,
	})
}

// TestChoosing pastes the two blocks of docs/choosing.md: the one that starts the server with its
// configuration, and the four deliveries.
func TestChoosing(t *testing.T) {
	blocks := document.Pasted(t, "docs/choosing.md")
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	folder := t.TempDir()
	// Instead of make, a shell function prints the flags of the local server, one on each line.
	shell := exec.Command("bash", "-eu", "-c", `make() { eval "set -- ${2#ARGS=}"; printf '%s\n' "$@"; }`+"\n"+blocks[0])
	shell.Dir = folder
	out, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.Split(strings.TrimSpace(strings.Replace(string(out), "file:", "file:"+folder+"/", 1)), "\n")
	s := start(t, filepath.Join(t.TempDir(), "home"), "127.0.0.1:0", flags...)
	answers(t, s.paste(t, blocks[1]), []string{
		`{"auth_time":\d+,"client_id":"mobile",.*}`,
		`{"access_token":".*,"refresh_token":"ert_[\w-]+",.*"delivery":"body"}`,
		`{"auth_time":\d+,"client_id":"page",.*}`,
		`{"access_token":"[\w.-]+","token_type":"Bearer","expires_in":\d+,"refresh_expires_in":.*"delivery":"cookie"}`,
		`{"expires_in":\d+,"refresh_expires_in":.*"delivery":"cookies",.*}`,
		`{"auth_time":\d+,"client_id":"web",.*}`,
		`{"expires_in":\d+,"refresh_expires_in":.*"delivery":"cookies"}`,
		`{"refresh_expires_in":\d+,"session_expires_in":.*"delivery":"session",.*}`,
		`{"auth_time":\d+,"client_id":"office",.*}`,
		`{}`,
		`{"message":"Forbidden"}`,
	})
}

// answers compares each line of an output with a regular expression.
func answers(t *testing.T, out string, want []string) {
	t.Helper()
	lines := strings.Split(out, "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d answers: %q", len(lines), lines)
	}
	for i, pattern := range want {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(lines[i]) {
			t.Errorf("answer %d is %s\nwant     %s", i, lines[i], pattern)
		}
	}
}

// paste runs commands like a user who pastes them: in the folder of the server's data, against the
// server's own address. It returns what they print.
func (s *server) paste(t *testing.T, commands string) string {
	t.Helper()
	folder := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "bin"), 0o700), os.Symlink(binary, filepath.Join(folder, "bin", "edgeauth")), os.Symlink(s.home, filepath.Join(folder, ".edgeauth"))); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.home, 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("bash", "-eu", "-o", "pipefail")
	shell.Dir, shell.Stdin = folder, strings.NewReader(strings.ReplaceAll(commands, "http://127.0.0.1:8080", s.url))
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, &s.log)
	}
	return strings.TrimSpace(string(out))
}

// TestSessionsPage pastes the blocks of docs/sessions.md: the hash of a CDN's secret, a session in
// cookies, and an opaque one, each with the server that the page starts.
func TestSessionsPage(t *testing.T) {
	blocks := document.Pasted(t, "docs/sessions.md")
	if len(blocks) != 4 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	dev := document.Parse(blocks[2]).Commands[0]
	if strings.Join(dev[:2], " ") != "bin/edgeauth dev" {
		t.Fatalf("the third block begins with %q", dev)
	}
	s := start(t, filepath.Join(t.TempDir(), "home"), "127.0.0.1:0", dev[2:]...)
	answers(t, s.paste(t, blocks[0]), []string{`[0-9a-f]{64}  -`})
	answers(t, s.paste(t, blocks[1]), []string{
		`{"expires_in":\d+,.*"delivery":"cookies",.*}`, `{"expires_in":\d+,.*}`, `{"sid":.*"sessions":\[.*"signals":\[\].*\]}`, `{}`,
	})
	answers(t, s.paste(t, blocks[3]), []string{
		`{"refresh_expires_in":\d+,.*"delivery":"session",.*}`, `{.*"client_id":"default".*}`, `{}`,
	})
}

// TestLocalCommands pastes the commands of docs/local.md and docs/keys.md that act on the data of
// the local server. The page has the file of users for the import.
func TestLocalCommands(t *testing.T) {
	s := fresh(t)
	blocks := document.Pasted(t, "docs/local.md")
	if len(blocks) != 3 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	out := s.paste(t, blocks[0])
	for _, want := range []string{`added ada@example\.com, subject `, `1 created`, `(?m)^.* ada@example\.com +admin,editor +active `, `(?m)^.* bob@example\.com +editor +active `} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no line is %s:\n%s", want, out)
		}
	}
	if out := s.paste(t, blocks[2]); !strings.Contains(out, "roles       [admin]") {
		t.Error(out)
	}
	users := blocksOf(t, "local.md", "csv")
	if len(users) != 1 {
		t.Fatalf("the page has %d files of users", len(users))
	}
	empty := &server{home: filepath.Join(t.TempDir(), "home"), url: s.url} // an import into a store with users would wait for two minutes
	out = empty.paste(t, "cat >users.csv <<'END'\n"+users[0]+"END\nbin/edgeauth keys init\n"+blocks[1])
	if strings.Count(out, "2 created") != 1 || !strings.Contains(out, "2 to create") {
		t.Error(out)
	}
	keys := document.Pasted(t, "docs/keys.md")
	if len(keys) != 1 || strings.Count(keys[0], "<id> ") != 1 {
		t.Fatalf("docs/keys.md has the blocks %q", keys)
	}
	made := &server{home: filepath.Join(t.TempDir(), "home"), url: s.url}
	out = made.paste(t, strings.Replace(keys[0], "<id> ", `"$(bin/edgeauth keys show | sed -n 's/.* accepted .* //p' | head -1)" `, 1))
	if !regexp.MustCompile(`(?s)version 1 signs.*version 2 signs.*dropped.*"keys"`).MatchString(out) {
		t.Error(out)
	}
}
