package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestDocumentedCommands pastes the curl commands of docs/http.md into a shell, in the order of the
// page. Each of them fails if the answer is an error.
func TestDocumentedCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	s := fresh(t)
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	text := script.String()
	if all, strict := strings.Count(text, "curl "), strings.Count(text, "--fail-with-body"); all < 10 || strict != all {
		t.Fatalf("%d of %d commands fail if the answer is an error", strict, all)
	}
	out := s.paste(t, text)
	for _, part := range []string{`"access_token":`, `"device_token":`, `{}`, `"keys":[`, `"token_endpoint":`, `"id_token_signing_alg_values_supported":`, `"sessions":[{`, `{"auth_session":"eas_`} {
		if !strings.Contains(out, part) {
			t.Errorf("no answer has %s:\n%s", part, out)
		}
	}
}

// TestReadme pastes the first session of the README into a shell.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	session := shellBlock.FindStringSubmatch(string(page))
	if session == nil {
		t.Fatal("the README has no session")
	}
	answers(t, fresh(t).paste(t, session[1]), []string{
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
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	sessions := shellBlock.FindAllStringSubmatch(string(page), -1)
	if len(sessions) < 2 {
		t.Fatal("the README has no session of a sign-up")
	}
	answers(t, fresh(t).paste(t, sessions[1][1]), []string{
		`{"access_token":".*,"refresh_token":"ert_[\w-]+",.*}`,
		`{"access_token":".*,"refresh_token":"ert_[\w-]+",.*}`,
		`{"error":"invalid_credentials",.*}`,
		`{"auth_session":"eas_[\w-]+","reference":"[A-Z]{4}","expires_in":600,"resend_after":60}`,
	})
}

// TestChoosing pastes the two blocks of docs/choosing.md: the one that starts the server with its
// configuration, and the four deliveries.
func TestChoosing(t *testing.T) {
	page, err := os.ReadFile("../../docs/choosing.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	folder := t.TempDir()
	// In the place of make, a function prints the flags of the local server, one a line.
	shell := exec.Command("bash", "-eu", "-c", `make() { eval "set -- ${2#ARGS=}"; printf '%s\n' "$@"; }`+"\n"+blocks[0][1])
	shell.Dir = folder
	out, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.Split(strings.TrimSpace(strings.Replace(string(out), "file:", "file:"+folder+"/", 1)), "\n")
	s := start(t, filepath.Join(t.TempDir(), "home"), "127.0.0.1:0", flags...)
	answers(t, s.paste(t, blocks[1][1]), []string{
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

// paste runs commands as a person pastes them: in the folder where the server's data is, against
// the server's own address. It returns what they print.
func (s *server) paste(t *testing.T, commands string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Symlink(s.home, filepath.Join(folder, ".edgeauth")); err != nil {
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

// TestSessionsPage pastes the blocks of docs/sessions.md: the hash of a CDN's secret, a session in cookies,
// and an opaque one, each with the server that the page starts.
func TestSessionsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/sessions.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	dev := regexp.MustCompile(`(?m)^    bin/edgeauth dev (--checked) '(.*?)' (--config) '(.*)'$`).FindStringSubmatch(string(page))
	if len(blocks) != 3 || dev == nil {
		t.Fatalf("the page has %d blocks of commands, and the server %q", len(blocks), dev)
	}
	s := start(t, filepath.Join(t.TempDir(), "home"), "127.0.0.1:0", dev[1:]...)
	answers(t, s.paste(t, blocks[0][1]), []string{`[0-9a-f]{64}  -`})
	answers(t, s.paste(t, blocks[1][1]), []string{
		`{"expires_in":\d+,.*"delivery":"cookies",.*}`, `{"expires_in":\d+,.*}`, `{"sid":.*"sessions":\[.*"signals":\[\].*\]}`, `{}`,
	})
	answers(t, s.paste(t, blocks[2][1]), []string{
		`{"refresh_expires_in":\d+,.*"delivery":"session",.*}`, `{.*"client_id":"default".*}`, `{}`,
	})
}
