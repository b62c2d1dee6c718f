package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
)

// TestConfigCheck: a wrong configuration is reported like a compiler's error, wherever it comes
// from.
func TestConfigCheck(t *testing.T) {
	for name := range defaults {
		t.Setenv(name, "")
	}
	t.Setenv(config.Config, "")
	wrong := "{\"clients\": {\n \"web\": {\n  \"idle_timeout\": \"24m59s\"}}}"
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	const says = `:3: clients: "web": "idle_timeout": "24m59s": 24m59s is out of range .want at least 25m0s, .*`
	for _, row := range []struct {
		name, in, variable string
		args               []string
		status             int
		want               string
	}{
		{"a file", "", "", []string{path}, exitFailed, "edgeauth: " + regexp.QuoteMeta(path) + says},
		{"standard input", wrong, "", []string{"-"}, exitFailed, "edgeauth: standard input" + says},
		{"the environment", "", wrong, nil, exitFailed, "edgeauth: EDGEAUTH_CONFIG" + says},
		{"a file of the environment", "", "file:" + path, nil, exitFailed, "edgeauth: " + regexp.QuoteMeta(path) + says},
		{"an unknown member", `{"route":[]}`, "", []string{"-"}, exitFailed, `edgeauth: standard input:1: route: \[\]: unknown member \(want audit, cdn, clients, .*\)`},
		{"syntax", "{\n,}", "", []string{"-"}, exitFailed, `edgeauth: standard input:2: cannot be read \(not valid JSON \(at byte 2\)\).*`},
		{"no file", "", "", []string{path + "x"}, exitFailed, `edgeauth: open .*: no such file or directory`},
		{"no file of the environment", "", "file:" + path + "x", nil, exitFailed, `edgeauth: .*x names a file that cannot be read .*`},
		{"nothing", "", "", []string{"-"}, exitFailed, `edgeauth: standard input is empty \(want a JSON object\)`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv(config.Config, row.variable)
			r := edgeauth(t, row.in, append([]string{"config", "check"}, row.args...)...)
			if r.status != row.status || r.out != "" {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, row.want)
		})
	}
	r := edgeauth(t, "", "config", "check")
	if r.status != exitUsage || !strings.Contains(r.err, "name a file, or set EDGEAUTH_CONFIG") {
		t.Errorf("without a configuration: exit %d, %s", r.status, r.err)
	}
	t.Setenv(config.IdleTimeout, "3s")
	r = edgeauth(t, `{}`, "config", "check", "-")
	lines(t, r.err, `edgeauth: EDGEAUTH_IDLE_TIMEOUT "3s" is out of bounds: .*`)
	t.Setenv(config.IdleTimeout, "")
	t.Setenv(config.MailSender, "smtp://user@smtp.example.com")
	t.Setenv(config.MailFrom, "login@example.com")
	r = edgeauth(t, `{}`, "config", "check", "-")
	lines(t, r.err, `edgeauth: EDGEAUTH_SMTP_PASSWORD and the user in EDGEAUTH_MAIL_SENDER do not go together: .*`)
}

// TestConfigCheckLength: the length is that of a deployment with three keys of the algorithm.
func TestConfigCheckLength(t *testing.T) {
	for name := range defaults {
		t.Setenv(name, "")
	}
	text := `{"clients":{"web":{"scope":["` + strings.Repeat("x", 510) + `"]}`
	for _, id := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		text += `,"` + strings.Repeat(id, 62) + `":{}`
	}
	text += `}}`
	r := edgeauth(t, text, "config", "check", "-")
	if r.status != exitFailed {
		t.Errorf("RS256: exit %d, %s", r.status, r.out)
	}
	lines(t, r.err, `edgeauth: standard input is too long: with the public keys of a rotation, the variables of the function sessions have \d+ bytes, .*`)
	lines(t, done(t, text, "config", "check", "-", "--algorithm", "EdDSA"),
		`the configuration is right; with three EdDSA keys, the variables of the function sessions have about \d+ of 4096 bytes`)
	var view struct {
		Function     string
		Bytes, Limit int
	}
	if err := json.Unmarshal([]byte(done(t, `{}`, "config", "check", "-", "--json")), &view); err != nil || view.Limit != 4096 || view.Bytes < 1000 || view.Bytes > 4096 {
		t.Errorf("%+v, %v", view, err)
	}
}
