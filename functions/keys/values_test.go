package main

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/deployment"
)

// whole adds the properties of the template that are not about keys.
func (s *stack) whole(pairs ...string) {
	more := map[string]any{
		"Issuer":   "https://auth.example.com",
		"Audience": "https://auth.example.com", "Profile": "balanced", "IdleTimeout": "336h", "AbsoluteTimeout": "2160h",
		"RestoredUntil": "", "SessionsNotBefore": "", "Config": "", "RestRefusal": "unauthorized", "SessionCheck": "session", "MailSender": "none",
		"UsersTable": "edgeauth-UsersTable-ABCDEFGHIJKL", "SessionsTable": "edgeauth-SessionsTable-ABCDEFGHIJKL",
		"AttemptsTable": "edgeauth-AttemptsTable-ABCDEFGHIJKL",
	}
	maps.Copy(s.properties, more)
	for i := 0; i < len(pairs); i += 2 {
		s.properties[pairs[i]] = pairs[i+1]
	}
}

var wrongOnes = []struct{ property, value, want string }{
	{"Config", `{"clients":{"web":{"idle_timeout":"5m"}}}`, `Config: clients: "web": "idle_timeout": "5m": 5m0s is out of range (want at least 25m0s`},
	{"Config", `{"routes":[{"route":"FETCH /"}]}`, `Config: routes: number 1: {"route":"FETCH /"}: route "FETCH /": a route is`},
	{"Config", `{"route":[]}`, `Config: route: []: unknown member`},
	{"Config", `{,}`, `Config cannot be read (not valid JSON (at byte 1))`},
	{"IdleTimeout", "20m", `IdleTimeout "20m" is out of bounds: it should hold a duration from 25m0s to 8760h0m0s`},
	{"AbsoluteTimeout", "1s", `AbsoluteTimeout "1s" is out of bounds`},
	{"Issuer", "https://user@auth.example.com", `Issuer "https://user@auth.example.com" has a user name`},
	{"Audience", "a a", `Audience "a a" repeats an audience`},
	{"RestoredUntil", "2026-02-30T00:00:00Z", `RestoredUntil "2026-02-30T00:00:00Z" is not a time`},
	{"SessionsNotBefore", "yesterday", `SessionsNotBefore "yesterday" is not a time`},
	{"SessionsNotBefore", "2999-01-01T00:00:00Z", `SessionsNotBefore "2999-01-01T00:00:00Z" is in the future`},
	{"Profile", "lax", `Profile "lax" is not a profile`},
	{"SessionCheck", "list", `SessionCheck "list" is not a check of sessions`},
	{"RestRefusal", "403", `RestRefusal "403" is not a way to refuse`},
	{"MailSender", "", `SmtpServer is not set: it should hold ses, smtp:`},
	{"MailSender", "ses", `MailFrom is not set: it should hold the address`},
	{"MailSender", "smtps://smtp.example.com/x", `SmtpServer "smtps://smtp.example.com/x" is not a sender: it should hold ses, smtp://`},
	{"MailSender", "smtp://user:hunter2@smtp.example.com", `SmtpServer "smtp://user:xxxxx@smtp.example.com" holds a password: it should hold the user alone, as in smtp://user@host:587, and SmtpSecret the password`},
}

// TestWrongValues checks that a deployment with a value that would stop a function fails. The error
// is the function's own error, in the names of the template, and no key is made or moved.
func TestWrongValues(t *testing.T) {
	for _, row := range wrongOnes {
		s := newStack(t)
		s.whole(row.property, row.value)
		if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, row.want) || strings.Contains(r.Reason, "EDGEAUTH_") {
			t.Errorf("a new stack: %s\nwant %s", r.Reason, row.want)
		}
		if n := s.service.Calls()["PutSecretValue"]; n > 0 {
			t.Errorf("%s: %d secrets written", row.value, n)
		}
		s.whole()
		if r := s.create(); r.Status != "SUCCESS" {
			t.Fatal(r.Reason)
		}
		written := s.service.Calls()["PutSecretValue"]
		s.now = s.now.Add(4 * time.Hour)
		if r := s.update(row.property, row.value, keyVersion, "2"); r.Status != "FAILED" || !strings.Contains(r.Reason, row.want) {
			t.Errorf("an update: %s\nwant %s", r.Reason, row.want)
		}
		if n := s.service.Calls()["PutSecretValue"]; n > written {
			t.Errorf("%s: %d secrets written by the update", row.value, n-written)
		}
	}
}

// TestWrongValuesRollBack checks that a rollback to wrong values succeeds. This stack was deployed
// before the values were checked.
func TestWrongValuesRollBack(t *testing.T) {
	s := newStack(t)
	s.whole()
	if r := s.create(); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	before := maps.Clone(s.properties)
	before["IdleTimeout"] = "1m"
	wish := maps.Clone(before)
	wish["IdleTimeout"], wish["Config"] = "2m", "{"
	for _, event := range [][]byte{s.request("Update", wish, before), s.request("Update", before, wish)} {
		if r := s.send(event); r.Status != "SUCCESS" {
			t.Error(r.Reason)
		}
	}
	if r := s.send(s.request("Update", s.properties, before)); r.Status != "SUCCESS" {
		t.Error(r.Reason) // the remedy
	}
}

// TestWrongTexts checks that a deployment whose build has a wrong text of a mail, or lacks the folder, is
// refused, also if the values are those of the previous deployment.
func TestWrongTexts(t *testing.T) {
	const build = "arn:aws:lambda:eu-central-1:123456789012:function:edgeauth-KeysFunction-x:"
	mails := []string{"MailSender", "ses", "MailFrom", "login@example.com", "MailTemplates", "mails", "Build", build + "9"}
	t.Chdir(t.TempDir()) // as Lambda starts the function in the folder of its build
	put := func(text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll("mails/de", 0o755), os.WriteFile("mails/de/login.txt", []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	const missing, wrong = `MailTemplates is "mails", and there is no such folder`, `MailTemplates: mail: the template de/login.txt`
	s := newStack(t)
	s.whole(mails...)
	if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, missing) {
		t.Errorf("a new stack without the folder: %s", r.Reason)
	}
	put("Subject: {{.Code}}\n\n{{.Code}} {{.Reference}}\n")
	if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, wrong) {
		t.Errorf("a new stack: %s", r.Reason)
	}
	put("Subject: {{.Reference}}\n\n{{.Code}} {{.Reference}}\n")
	if r := s.create(); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	put("Subject: x\n\n{{.Codes}}\n")
	// The rollback succeeds, although the build is still the wrong one.
	if r := s.update("Build", build+"10"); r.Status != "FAILED" || !strings.Contains(r.Reason, wrong) {
		t.Errorf("a later build: %s", r.Reason)
	}
	if r := s.update("Build", build+"10", "MailTemplates", ""); r.Status != "SUCCESS" {
		t.Errorf("without texts of one's own: %s", r.Reason)
	}
}

// TestConfigTooLong checks that the first deployment refuses a Config that leaves no room for the
// third public key. The longest accepted Config deploys with three keys.
func TestConfigTooLong(t *testing.T) {
	clients := func(bytes int) string {
		text := `{"clients":{`
		for i := 0; len(text) < bytes-40; i++ {
			if i > 0 {
				text += ","
			}
			text += `"c` + strings.Repeat("x", 20) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":{}`
		}
		return text + "}}"
	}
	for algorithm, bytes := range map[string]int{"RS256": 2450, "EdDSA": 3200} {
		s := newStack(t)
		s.whole("Config", clients(bytes), signingAlgorithm, algorithm)
		r := s.create()
		shorten := regexp.MustCompile(`^Config is too long: with the public keys of a rotation, the variables of the function (sessions|account|login) have ` +
			`\d+ bytes, and Lambda accepts 4096; shorten it by \d+ bytes`)
		if r.Status != "FAILED" || !shorten.MatchString(r.Reason) {
			t.Errorf("%s: %s %s", algorithm, r.Status, r.Reason)
		}
	}
	s := newStack(t)
	s.whole(signingAlgorithm, "RS256")
	// The refusal says by how many bytes the Config is too long.
	const first = 2450
	s.properties["Config"] = clients(first)
	said := regexp.MustCompile(`shorten it by (\d+) bytes`).FindStringSubmatch(s.create().Reason)
	if said == nil {
		t.Fatalf("a configuration of %d bytes is taken", first)
	}
	excess, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	shorter := first
	for len(clients(shorter)) > len(clients(first))-excess {
		shorter -= 10
	}
	s.properties["Config"] = clients(shorter)
	if r := s.create(); r.Status != "SUCCESS" {
		t.Fatalf("%d bytes less: %s %s", excess, r.Status, r.Reason)
	}
	s.now = s.now.Add(4 * time.Hour)
	r := s.update(keyVersion, "2")
	if r.Status != "SUCCESS" || len(r.kids(t)) != 3 {
		t.Fatalf("%+v", r)
	}
	function, size := deployment.Size(values(texts(s.deployed), r.Data["Jwks"]))
	if size > deployment.MaxBytes || size < deployment.MaxBytes-100 {
		t.Errorf("%s has %d bytes, want at most %d and little less", function, size, deployment.MaxBytes)
	}
}

// TestOlderTemplate checks that a template without some of these properties deploys.
func TestOlderTemplate(t *testing.T) {
	s := newStack(t)
	delete(s.properties, "Issuer")
	if r := s.create(); r.Status != "SUCCESS" {
		t.Error(r.Reason)
	}
}

// TestGivenBy compares the table with the functions and with the template: every variable of a
// function is checked and counted, and every property of the table exists in the template.
func TestGivenBy(t *testing.T) {
	given := values(map[string]string{}, "jwks")
	for function, variables := range config.Readers() {
		for _, name := range variables {
			if _, ok := given[name]; !ok && function != "keys" && name != config.JWKSFile {
				t.Errorf("%s of %s is not counted", name, function)
			}
		}
	}
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^  Keys:\n((?:    .*\n)+)`).FindSubmatch(text)
	if block == nil {
		t.Fatal("template.yaml has no resource Keys")
	}
	for _, g := range givenBy {
		if !strings.Contains(string(block[1]), "\n      "+g.property+": ") {
			t.Errorf("template.yaml does not give %s to Keys", g.property)
		}
	}
}
