package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
)

func TestOneUser(t *testing.T) {
	home := newHome(t)
	done(t, "correct horse", "user", "add", "ada@example.com", "--data", home)
	done(t, "correct horse", "user", "add", "bob@example.com", "--data", home)
	say := func(in string, args ...string) string {
		t.Helper()
		return done(t, in, append(append([]string{"user"}, args...), "--data", home)...)
	}
	lines(t, say("", "email", "ADA@example.com", "Countess@example.com"), "e-mail changed: Countess@example.com, subject "+aUUID)
	lines(t, say("battery staple\n", "passwd", "countess@example.com", "--must-change"), "password set, sessions ended: Countess@example.com, subject "+aUUID)
	lines(t, say("", "roles", "countess@example.com", "admin,reader", "writer"), "roles set: .*")
	lines(t, say(`{"tenant":"t1"}`, "claims", "countess@example.com"), "claims set: .*")
	lines(t, say("", "find", "countess@example.com"), "subject +"+aUUID, "e-mail +Countess@example.com", "roles +admin,reader,writer",
		`claims +{"tenant":"t1"}`, "state +must change password", "created +"+when, "last login +-")
	lines(t, say("", "disable", "countess@example.com"), "disabled: .*")
	var v userView
	if err := json.Unmarshal([]byte(say("", "find", "countess@example.com", "--json")), &v); err != nil || !v.Disabled || !v.MustChange {
		t.Errorf("%+v, %v", v, err)
	}
	lines(t, say("", "enable", string(v.Subject)), "enabled: .*")
	r := edgeauth(t, "", "user", "roles", string(v.Subject), "--data", home)
	if r.status != exitUsage || !strings.Contains(r.err, "standard input is not a terminal; pass --yes to confirm") {
		t.Errorf("all roles are removed: exit %d, %s", r.status, r.err)
	}
	if got := say("", "find", string(v.Subject)); !strings.Contains(got, "admin,reader,writer") {
		t.Errorf("without --yes: %s", got)
	}
	lines(t, say("", "roles", string(v.Subject), "--yes"), "roles set: .*")
	lines(t, say("", "roles", string(v.Subject)), "roles set: .*") // there is nothing to remove
	say("{}", "claims", string(v.Subject))
	lines(t, say("", "find", string(v.Subject)), "subject .*", "e-mail .*", "roles *", "claims *", "state +must change password", "created .*", "last login .*")
	lines(t, done(t, "", "user", "roles", "--data", home, "--", string(v.Subject), "-admin", "--reader"), "roles set: .*")
	if got := say("", "find", string(v.Subject)); !strings.Contains(got, " -admin,--reader\n") {
		t.Errorf("roles that begin with a dash: %s", got)
	}
	for _, args := range [][]string{
		{"roles", string(v.Subject), "-admin"}, {"find", "-x@example.com"}, {"email", string(v.Subject), "--x@example.com"},
		{"delete", "-x"}, {"import", "-users.csv"},
	} {
		r := edgeauth(t, "", append([]string{"user"}, args...)...)
		if r.status != exitUsage || !strings.Contains(r.err, `put an argument that begins with a dash at the end, after "--"`) {
			t.Errorf("%q: exit %d, %s", args, r.status, r.err)
		}
	}
	lines(t, say("", "delete", string(v.Subject), "--yes"), "erased: subject "+aUUID+" and 0 sessions")

	for _, row := range []struct {
		name, in, args string
		status         int
		want           []string
	}{
		{"unknown user", "", "find " + string(v.Subject), 1, []string{"edgeauth: there is no user " + aUUID}},
		{"unknown user to delete", "", "delete ada@example.com -y", 1, []string{"edgeauth: there is no user ada@example.com"}},
		{"unknown user's password", "battery staple", "passwd eve", 1, []string{"edgeauth: there is no user eve"}},
		{"a weak password", "weak", "passwd bob@example.com", 1, []string{"edgeauth: the password is too short \\(want at least 8 characters\\)"}},
		{"a password as an argument", "", "passwd bob@example.com hunter22", 2, []string{"edgeauth: unexpected argument hunter22", `Try "edgeauth --help".`}},
		{"claims that are no JSON", "SECRET", "claims bob@example.com", 1, []string{"edgeauth: expected one JSON object of claims, .*"}},
		{"a claim of the token's", `{"sub":"eve"}`, "claims bob@example.com", 1, []string{`edgeauth: not usable as own claims: the issuer sets the claim "sub"`}},
		{"a role with space", "", "roles bob@example.com ,", 1, []string{"edgeauth: a role must have .*"}},
		{"no e-mail", "", "email bob@example.com bob", 1, []string{"edgeauth: bob is not a usable e-mail address: .*"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := edgeauth(t, row.in, append(append([]string{"user"}, strings.Fields(row.args)...), "--data", home)...)
			if r.status != row.status || r.out != "" {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, row.want...)
		})
	}
}

// TestUnreadableUser checks that one damaged user is named, and that the other users are listed and
// exported.
func TestUnreadableUser(t *testing.T) {
	home := newHome(t)
	const users = `{"subject":"a","email":"ada@example.com"}
{"subject":"b","email":"bob@example.com"}
{"subject":"c","email":"cyd@example.com"}
`
	done(t, users, "user", "import", "-", "--data", home)
	damageUser(t, dev.Home(home).StorePath(), "b")
	const named = "subject b: temporarily unavailable: .*"

	r := edgeauth(t, "", "user", "list", "--data", home)
	lines(t, r.out, "SUBJECT .*", "a +ada@example.com .*", "c +cyd@example.com .*")
	lines(t, r.err, named, "edgeauth: users that cannot be read: 1")
	if r.status != exitFailed {
		t.Errorf("exit %d, want %d", r.status, exitFailed)
	}
	r = edgeauth(t, "", "user", "list", "--limit", "2", "--data", home)
	lines(t, r.out, "SUBJECT .*", "a +ada@example.com .*", "more with --after b")
	lines(t, done(t, "", "user", "list", "--after", "b", "--data", home), "SUBJECT .*", "c +cyd@example.com .*")

	r = edgeauth(t, "", "user", "export", "--data", home)
	lines(t, r.out, `{"subject":"a",.*`, `{"subject":"c",.*`)
	lines(t, r.err, named, "edgeauth: users that cannot be read: 1")
	if r.status != exitFailed {
		t.Errorf("export: exit %d, want %d", r.status, exitFailed)
	}
}

// damageUser leaves half of a user's record in a store.
func damageUser(t *testing.T, path, subject string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Update(func(tx *bbolt.Tx) error {
		users := tx.Bucket([]byte("users"))
		record := users.Get([]byte(subject))
		return users.Put([]byte(subject), slices.Clone(record[:len(record)/2]))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportAndExport(t *testing.T) {
	home, other := newHome(t), newHome(t)
	const users = `{"subject":"old 1","email":"ada@example.com","password_hash":"$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy","roles":["admin"],"created_at":"2020-01-01T00:00:00Z"}
{"email":"bob@example.com","claims":{"tenant":"t1"},"disabled":true}
{"subject":"old 3","email":"","pointers":["k#key","i#issuer#1"]}
{"subject":"old 4","email":""}
`
	file := filepath.Join(t.TempDir(), "users.jsonl")
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	lines(t, done(t, "", "user", "import", file, "--dry-run", "--data", home), "4 to create, 0 unchanged, .*, 0 refused")
	lines(t, done(t, "", "user", "import", file, "--data", home), "4 created, 0 unchanged, .*, 0 refused")
	lines(t, done(t, users, "user", "import", "-", "--format", "jsonl", "--yes", "--data", home), "0 created, 4 unchanged, .*, 0 refused")

	exported := done(t, "", "user", "export", "--data", home)
	lines(t, done(t, exported, "user", "import", "-", "--data", other), "4 created, .*")
	if again := done(t, "", "user", "export", "--data", other); again != exported || !strings.Contains(again, "$2b$10$N9qo8u") ||
		!strings.Contains(again, `"pointers":["i#issuer#1","k#key"]`) {
		t.Errorf("exported\n%s, and after an import\n%s", exported, again)
	}

	lines(t, done(t, "", "user", "find", "old 3", "--data", other), "subject +old 3", "e-mail +", "pointer +i#issuer#1", "pointer +k#key",
		"roles +", "claims *", "state +active", "created +"+when, "last login +-")
	lines(t, done(t, "", "user", "disable", "old 3", "--data", other), "disabled: subject old 3")
	refused := edgeauth(t, "", "user", "delete", "old 3", "--data", other)
	lines(t, refused.err, "edgeauth: standard input is not a terminal; pass --yes to confirm", `Try "edgeauth --help".`)
	lines(t, done(t, "", "user", "delete", "old 3", "--yes", "--data", other), "erased: subject old 3 and 0 sessions")

	r := edgeauth(t, "email,subject\nada@example.com,another\nSECRET,\nnew@example.com,\n", "user", "import", "-", "--format", "csv", "--data", home, "--json", "--workers", "1")
	var summary struct{ Created, Refused int }
	if err := json.Unmarshal([]byte(r.out), &summary); err != nil || r.status != exitFailed || summary.Created != 1 || summary.Refused != 2 {
		t.Errorf("exit %d, %s, %v", r.status, r.out, err)
	}
	lines(t, r.err, "line 2: the user exists already", "line 3: not a usable e-mail address: .*", "edgeauth: 2 of 3 records were refused")
	for _, args := range []string{"user import x.txt", "user import x.csv --workers 0"} {
		if r := edgeauth(t, "", append(strings.Fields(args), "--data", home)...); r.status != exitUsage || r.out != "" {
			t.Errorf("%s: exit %d, %s", args, r.status, r.err)
		}
	}
}

// TestPrintable: the terminal shows the stored text, and no character of it controls the terminal.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"jané@example.com":               "jané@example.com",
		`{"plan":"<gold>"}`:              `{"plan":"<gold>"}`,
		"admin\x1b[2J":                   `admin\x1b[2J`,
		"a\nb\tc\x7f":                    `a\nb\tc\x7f`,
		"user\u202egpj.exe":              `user\u202egpj.exe`,
		"\u2066hidden\u2069\u200b\ufeff": `\u2066hidden\u2069\u200b\ufeff`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
}
