package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type result struct {
	status   int
	out, err string
}

// edgeauth runs one command line with in as its standard input.
func edgeauth(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	status := run(t.Context(), args, terminal{in: strings.NewReader(in), out: &out, err: &err, sleep: func(context.Context, time.Duration) error {
		t.Errorf("edgeauth %s: waits", strings.Join(args, " "))
		return nil
	}})
	return result{status, out.String(), err.String()}
}

// done runs a command that must succeed and print no error, and returns its output. Audit lines do
// not count as errors.
func done(t *testing.T, in string, args ...string) string {
	t.Helper()
	r := edgeauth(t, in, args...)
	if _, others := audited(t, r.err); r.status != exitDone || others != "" {
		t.Fatalf("edgeauth %s: exit %d, %s", strings.Join(args, " "), r.status, r.err)
	}
	return r.out
}

// newHome returns a data directory as "edgeauth dev" creates it, without users.
func newHome(t *testing.T) string {
	t.Helper()
	home := dev.Home(filepath.Join(t.TempDir(), "home"))
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	return string(home)
}

// lines checks that each line of text matches its pattern as a whole.
func lines(t *testing.T, text string, patterns ...string) {
	t.Helper()
	got := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(got) != len(patterns) {
		t.Errorf("%d lines, want %d:\n%s", len(got), len(patterns), text)
		return
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
			t.Errorf("line %q does not match %q", got[i], pattern)
		}
	}
}

const (
	aUUID = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`
	when  = `20\d\d-\d\d-\d\d \d\d:\d\d:\d\d`
	since = `20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`
)

func TestUsers(t *testing.T) {
	home := newHome(t)
	if got := done(t, "", "user", "list", "--data", home, "--json"); got != "[]\n" {
		t.Errorf("no users yet: %s", got)
	}
	lines(t, done(t, "correct horse\n", "user", "add", "--data", home, "Ada@example.com"), "added Ada@example.com, subject "+aUUID)

	var added userView
	text := done(t, "  spaces count  \r\n", "--json", "user", "add", "bob@example.com", "--roles", "admin,writer", "--data", home)
	if err := json.Unmarshal([]byte(text), &added); err != nil || added.Email != "bob@example.com" || !slices.Equal(added.Roles, []string{"admin", "writer"}) {
		t.Errorf("%+v, %v", added, err)
	}

	listed := strings.Split(strings.TrimSpace(done(t, "", "user", "list", "--data", home)), "\n")
	slices.SortFunc(listed[1:], func(a, b string) int { return strings.Compare(a[36:], b[36:]) }) // without the random subjects
	lines(t, strings.Join(listed, "\n"),
		`SUBJECT +E-MAIL +ROLES +STATE +CREATED`,
		aUUID+` +Ada@example.com +active +`+when,
		aUUID+` +bob@example.com +admin,writer +active +`+when)

	var users []userView
	text = done(t, "", "user", "list", "--data", home, "--json")
	if err := json.Unmarshal([]byte(text), &users); err != nil || len(users) != 2 || strings.Contains(text, "argon2") {
		t.Errorf("%s, %v", text, err)
	}
	page := done(t, "", "user", "list", "--data", home, "--limit", "1")
	lines(t, page, "SUBJECT .*", string(users[0].Subject)+" .*", "more with --after "+string(users[0].Subject))
	page = done(t, "", "user", "list", "--store", "bolt:"+filepath.Join(home, "store.db"), "--after", string(users[0].Subject))
	lines(t, page, "SUBJECT .*", string(users[1].Subject)+" .*")
}

// TestKeysMove does two rotations and drops two keys.
func TestKeysMove(t *testing.T) {
	home := newHome(t)
	lines(t, done(t, "", "keys", "rotate", "--algorithm", "EdDSA", "--data", home), "version 2 signs; a running server reloads within a second")
	second := edgeauth(t, "", "keys", "rotate", "--json", "--data", home)
	lines(t, second.out, `{`, ` +"signing": 3`, `}`)
	// Version 1 has signed tokens that have not expired yet.
	if second.status != exitDone || !strings.HasPrefix(second.err, "edgeauth: warning: version 1 signed until ") {
		t.Errorf("the second rotation says %q", second.err)
	}
	shown := done(t, "", "keys", "show", "--data", home)
	lines(t, shown,
		`access tokens +VERSION +STATE +ALG +SINCE +KEY ID`,
		` +1 +retired +ES256 +`+since+` +[\w-]{43}`,
		` +2 +accepted +ES256 +`+since+` +[\w-]{43}`,
		` +3 +signing +EdDSA +`+since+` +[\w-]{43}`,
		` +4 +next +EdDSA +`+since+` +[\w-]{43}`,
		`refresh tokens +VERSION +STATE +SINCE +KEY ID`,
		` +1 +accepted +`+since+` +[\w-]{43}`,
		` +2 +accepted +`+since+` +[\w-]{43}`,
		` +3 +signing +`+since+` +[\w-]{43}`,
		` +4 +next +`+since+` +[\w-]{43}`,
		`login +VERSION +STATE +SINCE +KEY ID`,
		` +1 +accepted +`+since+` +[\w-]{43}`,
		` +2 +accepted +`+since+` +[\w-]{43}`,
		` +3 +signing +`+since+` +[\w-]{43}`,
		` +4 +next +`+since+` +[\w-]{43}`,
		`next rotation +version 4, now`)
	kids := regexp.MustCompile(`[\w-]{43}`).FindAllString(shown, -1)
	lines(t, done(t, "", "keys", "drop", "--kid="+kids[0], "--kid="+kids[1], "--data", home),
		"signing keys dropped: 2, and their access tokens are refused from now on; version 3 signs; a running server reloads within a second")
	if text := done(t, "", "keys", "show", "--data", home); strings.Contains(text, kids[0]) || !strings.Contains(text, kids[2]) {
		t.Error(text)
	}
}

// TestKeysOfAnOldHome: the keys of a data directory without a login ring are printed, with a hint
// on what creates the ring.
func TestKeysOfAnOldHome(t *testing.T) {
	home := newHome(t)
	if err := os.Remove(filepath.Join(home, "login-ring.json")); err != nil {
		t.Fatal(err)
	}
	shown := done(t, "", "keys", "show", "--data", home)
	if !regexp.MustCompile(`(?m)^login +VERSION .*\n +none yet +edgeauth dev creates it *\n`).MatchString(shown) {
		t.Error(shown)
	}
	lines(t, done(t, "", "keys", "rotate", "--data", home), "version 2 signs; a running server reloads within a second")
	if shown := done(t, "", "keys", "show", "--data", home); strings.Contains(shown, "none yet") {
		t.Error(shown)
	}
}

func TestKeys(t *testing.T) {
	home := newHome(t)
	lines(t, done(t, "", "keys", "show", "--data", home),
		`access tokens +VERSION +STATE +ALG +SINCE +KEY ID`,
		` +1 +signing +ES256 +`+since+` +[\w-]{43}`,
		` +2 +next +ES256 +`+since+` +[\w-]{43}`,
		`refresh tokens +VERSION +STATE +SINCE +KEY ID`,
		` +1 +signing +`+since+` +[\w-]{43}`,
		` +2 +next +`+since+` +[\w-]{43}`,
		`login +VERSION +STATE +SINCE +KEY ID`,
		` +1 +signing +`+since+` +[\w-]{43}`,
		` +2 +next +`+since+` +[\w-]{43}`,
		`next rotation +version 2, now`)

	shown, published := done(t, "", "keys", "show", "--json", "--data", home), done(t, "", "keys", "jwks", "--data", home)
	var view struct{ Signing, Refresh []keyView }
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(shown), &view); err != nil || len(view.Signing) != 2 || len(view.Refresh) != 2 {
		t.Fatalf("%s, %v", shown, err)
	}
	if err := json.Unmarshal([]byte(published), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s, %v", published, err)
	}
	for i, key := range set.Keys {
		if key["kid"] != view.Signing[i].KeyID {
			t.Errorf("key %d is published as %v and shown as %s", i, key["kid"], view.Signing[i].KeyID)
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} { // RFC 7518, section 6
			if _, ok := key[private]; ok {
				t.Errorf("the private member %s is published", private)
			}
		}
	}
	for _, secret := range secrets(t, home) {
		if strings.Contains(shown+published, secret) {
			t.Error("key material is shown")
		}
	}
}

// secrets returns every private member of the three rings.
func secrets(t *testing.T, home string) (found []string) {
	t.Helper()
	for _, name := range []string{"signing-ring.json", "refresh-keys.json", "login-ring.json"} {
		raw, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"(?:d|secret)":\s*"([\w+/=-]+)"`).FindAllSubmatch(raw, -1) {
			found = append(found, string(match[1]))
		}
	}
	if len(found) != 6 {
		t.Fatalf("%d secrets in three rings of two keys", len(found))
	}
	return found
}

func TestTokens(t *testing.T) {
	home, other := newHome(t), newHome(t)
	text := done(t, "", "token", "issue", "--data", home, "--subject", "u1", "--scope", "read,write", "--roles", "admin",
		"--claim", `tenant={"id":7}`, "--claim", `note="a;b,c=d"`, "--lifetime", "5m")
	lines(t, done(t, text, "token", "verify", "--data", home),
		"good until +"+when, "auth_time +"+when, "iss +http://127.0.0.1:8080", "sub +u1", `aud +\[http://127.0.0.1:8080\]`, "client_id +default",
		`sid +local-\w+`, `scope +\[read write\]`, `roles +\[admin\]`, `jti +[\w-]{22}`, `note +"a;b,c=d"`, `tenant +{"id":7}`)

	var issued struct {
		Text string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(done(t, "", "token", "issue", "--data", home, "--json")), &issued); err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Sub, Sid, Jti string
		Iat                int64
		AuthTime           int64 `json:"auth_time"`
	}
	view := done(t, issued.Text, "token", "verify", "--data", home, "--json") // no line feed at the end
	if err := json.Unmarshal([]byte(view), &claims); err != nil || !regexp.MustCompile(aUUID).MatchString(claims.Sub) || claims.Jti == "" || claims.AuthTime != claims.Iat {
		t.Errorf("%s, %v", view, err)
	}
	aged := done(t, "", "token", "issue", "--data", home, "--auth-age", "11m")
	view = done(t, aged, "token", "verify", "--data", home, "--json")
	if err := json.Unmarshal([]byte(view), &claims); err != nil || claims.AuthTime != claims.Iat-11*60 {
		t.Errorf("a login of 11 minutes ago: %s, %v", view, err)
	}
	for _, age := range []string{"-1s", "8760h1s"} {
		if r := edgeauth(t, "", "token", "issue", "--data", home, "--auth-age="+age); r.status != exitUsage || !strings.Contains(r.err, "want 0s to 8760h0m0s") {
			t.Errorf("--auth-age=%s: %d, %s", age, r.status, r.err)
		}
	}

	text = strings.TrimSpace(text)
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	const refused = "edgeauth: access token refused: "
	for _, row := range []struct {
		name, text string
		args       []string
		want       string
	}{
		{"another signature", header + "." + payload + "." + strings.Repeat("A", len(signature)), nil, refused + `.*`},
		{"another payload", header + "." + strings.ToUpper(payload[:1]) + "x" + payload[2:] + "." + signature, nil, refused + `.*`},
		{"no signature", header + "." + payload + ".", nil, refused + `.*`},
		{"a space at the end", text + " ", nil, refused + `malformed.*`},
		{"no token", "junk", nil, refused + `malformed.*`},
		{"another issuer", text, []string{"--issuer", "https://auth.example.com", "--audience", "http://127.0.0.1:8080"}, refused + `wrong_issuer: .*: the token has "http://127.0.0.1:8080", expected "https://auth.example.com" .*--issuer\)`},
		{"another audience", text, []string{"--audience", "https://api.example.com"}, refused + `.*aud.*`},
		{"another's keys", text, []string{"--data", other}, refused + `.*`},
		{"nothing", "", nil, "edgeauth: no access token on standard input"},
		{"an empty line", "\n" + text, nil, "edgeauth: no access token on standard input"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := edgeauth(t, row.text, append([]string{"token", "verify", "--data", home}, row.args...)...)
			if r.status != exitFailed || r.out != "" || strings.Contains(r.err, payload) {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, row.want)
		})
	}
}

// TestRefusals: a command that fails prints one line that says why. A wrong command line also
// prints a hint.
func TestRefusals(t *testing.T) {
	home, folder := newHome(t), t.TempDir()
	missing, file := filepath.Join(folder, "missing"), filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(folder, "broken")
	if err := os.MkdirAll(filepath.Join(broken, "store.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	done(t, "correct horse", "user", "add", "--data", home, "ada@example.com")

	const noHome = `edgeauth: the data directory \S+ does not exist; "edgeauth dev" creates one, or pass --data DIR`
	const hint = `Try "edgeauth --help".`
	for _, row := range []struct {
		name, in, args string
		status         int
		want           []string
	}{
		{"e-mail taken", "correct horse", "user add ada@example.com --data " + home, 1, []string{"edgeauth: ada@example.com already has an account"}},
		{"e-mail taken in another case", "correct horse", "user add ADA@Example.com --data " + home, 1, []string{"edgeauth: ADA@Example.com already has an account"}},
		{"no e-mail", "correct horse", "user add ada --data " + home, 1, []string{"edgeauth: ada is not a usable e-mail address: .*"}},
		{"a weak password", "horse", "user add bob@example.com --data " + home, 1, []string{"edgeauth: the password is too short \\(want at least 8 characters\\)"}},
		{"no password", "", "user add bob@example.com --data " + home, 1, []string{"edgeauth: no password on standard input"}},
		{"an empty line for a password", "\ncorrect horse", "user add bob@example.com --data " + home, 1, []string{"edgeauth: no password on standard input"}},
		{"a password as an argument", "", "user add bob@example.com hunter22 --data " + home, 2, []string{"edgeauth: unexpected argument hunter22", hint}},

		{"a checked path without a method", "", "dev --checked /money --data " + home, 2,
			[]string{`edgeauth: --checked: "/money" is not a route \(want a method and a path, for example 'POST /money'\): it has no method`, hint}},
		{"a checked route of every method", "", "dev --checked ANY_/money --data " + home, 2,
			[]string{`edgeauth: --checked: "ANY /money" is not a route .*: ANY is not an HTTP method`, hint}},
		{"a public route without an upstream", "", "dev --public GET_/health --data " + home, 2, []string{"edgeauth: --public needs --upstream, because it names routes of the upstream", hint}},
		{"a public route of edgeauth", "", "dev --upstream http://127.0.0.1:1 --public GET_/auth/sessions --data " + home, 2,
			[]string{`edgeauth: --public: "GET /auth/sessions" is not a route .*: it is a route of edgeauth`, hint}},
		{"an origin with a path", "", "dev --origin http://localhost:5173/ --data " + home, 2, []string{`edgeauth: --origin: "http://localhost:5173/" is not an origin .*`, hint}},
		{"a host with a port", "", "dev --host edgeauth:8080 --data " + home, 2, []string{`edgeauth: --host: "edgeauth:8080" is not a host .*`, hint}},
		{"a certificate without its key", "", "dev --tls-cert x.pem --data " + home, 2, []string{"edgeauth: --tls-cert and --tls-key must be set together", hint}},
		{"an issuer over plain http", "", "dev --addr 127.0.0.1:0 --issuer http://auth.example.com --data " + home, 1,
			[]string{`edgeauth: --issuer "http://auth.example.com" is not an https URL .*`}},
		{"user add, no directory", "correct horse", "user add bob@example.com --data " + missing, 1, []string{noHome}},
		{"user list, no directory", "", "user list --data " + missing, 1, []string{noHome}},
		{"keys show, no directory", "", "keys show --data " + missing, 1, []string{noHome}},
		{"keys jwks, no directory", "", "keys jwks --data " + missing, 1, []string{noHome}},
		{"keys rotate, no directory", "", "keys rotate --data " + missing, 1, []string{noHome}},
		{"keys rotate, HS256", "", "keys rotate --algorithm HS256", 2, []string{`edgeauth: --algorithm must be one of .* but got "HS256"`, hint}},
		{"keys drop, no key", "", "keys drop --kid=x --data " + home, 1, []string{`edgeauth: unknown key id "x" \("edgeauth keys show" lists the ids\)`}},
		{"keys drop, a dash before", "", "keys drop --kid=-" + strings.Repeat("I-", 21) + " --data " + home, 1, []string{`edgeauth: unknown key id "-(I-){21}" .*`}},
		{"keys drop, two dashes before", "", "keys drop --kid " + strings.Repeat("I", 43) + " --kid=--" + strings.Repeat("I", 41) + " --data " + home, 1,
			[]string{`edgeauth: unknown key id "I{43}" .*`}},
		{"keys drop, without a key", "", "keys drop --data " + home, 2, []string{`edgeauth: keys drop needs at least one --kid=ID, --refresh=ID or --login=ID .*`, hint}},
		{"keys drop, an argument", "", "keys drop x --data " + home, 2, []string{"edgeauth: unexpected argument x", hint}},
		{"keys drop, a dash without =", "", "keys drop --kid -x --data " + home, 2, []string{`edgeauth: --kid: expected .* perhaps try --kid="-x"\?`, hint}},
		{"token issue, no directory", "", "token issue --data " + missing, 1, []string{noHome}},
		{"token verify, no directory", "x", "token verify --data " + missing, 1, []string{noHome}},
		{"keys show, no keys", "", "keys show --data " + folder, 1, []string{"edgeauth: signing ring: file .*signing-ring.json: not found"}},
		{"a folder in the store's place", "", "user list --data " + broken, 1, []string{"edgeauth: opening .*store.db: .*is a directory"}},

		{"dev, port taken", "", "dev --addr " + taken.Addr().String() + " --data " + filepath.Join(folder, "new"), 1,
			[]string{"edgeauth: cannot listen: .*address already in use; choose another address with --addr"}},
		{"dev, an address of every network", "", "dev --addr 0.0.0.0:0 --data " + filepath.Join(folder, "new"), 1,
			[]string{`edgeauth: --addr "0.0.0.0:0" is reachable from other machines .*`}},
		{"dev, no such address", "", "dev --addr 127.0.0.1:x --data " + filepath.Join(folder, "new"), 1, []string{"edgeauth: cannot listen: .*"}},
		{"dev, no place for its directory", "", "dev --addr 127.0.0.1:0 --data " + file + "/home", 1, []string{"edgeauth: cannot create the data directory: .*not a directory"}},
		{"dev, a file for a directory", "", "dev --addr 127.0.0.1:0 --data " + file, 1, []string{"edgeauth: cannot create the data directory: .*not a directory"}},
		{"dev, the store cannot be opened", "", "dev --addr 127.0.0.1:0 --data " + broken, 1, []string{"edgeauth: opening .*store.db: .*is a directory"}},
		{"dev, no upstream", "", "dev --addr 127.0.0.1:0 --upstream localhost --data " + filepath.Join(folder, "new"), 2, []string{"edgeauth: --upstream: invalid upstream .want an http or https URL, .*", hint}},
		{"dev, HS256", "", "dev --algorithm HS256", 2, []string{`edgeauth: --algorithm must be one of .* but got "HS256"`, hint}},
		{"dev, no such profile", "", "dev --profile lax", 2, []string{`edgeauth: --profile must be one of .* but got "lax"`, hint}},

		{"an unknown noun", "", "group", 2, []string{"edgeauth: unexpected argument group.*", hint}},
		{"a noun alone", "", "user", 2, []string{`edgeauth: expected one of "add", "list", .*`, hint}},
		{"an unknown flag", "", "user list --all", 2, []string{"edgeauth: unknown flag --all \\(put an argument that begins with a dash .*", hint}},
		{"no e-mail at all", "", "user add", 2, []string{`edgeauth: expected "<email>"`, hint}},
		{"a limit of 0", "", "user list --limit 0 --data " + home, 2, []string{"edgeauth: --limit 0 is too small \\(want 1 or more\\)", hint}},
		{"another store", "", "user list --store sqlite:x", 2, []string{`edgeauth: --store ".*" .*bolt:<path>, or stack:<name> for "user", "session", "keys show", "keys jwks" and "doctor"`, hint}},
		{"a store without a path", "", "user list --store bolt:", 2, []string{`edgeauth: --store ".*" .*bolt:<path>, or stack:<name> for "user", "session", "keys show", "keys jwks" and "doctor"`, hint}},
		{"a stack for the local server", "", "dev --store stack:auth", 2, []string{`edgeauth: --store ".*" .*bolt:<path>, or stack:<name> for "user", "session", "keys show", "keys jwks" and "doctor"`, hint}},
		{"tables of a stack", "", "tables create --store stack:auth", 2, []string{`edgeauth: --store ".*" .*bolt:<path>, or stack:<name> for "user", "session", "keys show", "keys jwks" and "doctor"`, hint}},
		{"a stack without a name", "", "user list --store stack:", 2, []string{"edgeauth: --store stack:: invalid stack name .*", hint}},
		{"an invalid name of a stack", "", "keys jwks --store stack:a_b", 2, []string{"edgeauth: --store stack:a_b: invalid stack name .*", hint}},
		{"keys in a file of users", "", "keys show --store bolt:x", 2, []string{"edgeauth: --store bolt:x has no keys .*stack:NAME.*", hint}},
		{"keys rotate, a stack's", "", "keys rotate --store stack:auth", 2, []string{
			"edgeauth: only a deployment changes the keys of a stack: sam deploy --stack-name auth --parameter-overrides KeyVersion=N, where N .*", hint}},
		{"keys drop, a stack's", "", "keys drop --kid=k1 --kid=k2 --store stack:auth", 2, []string{
			"edgeauth: .*: sam deploy --stack-name auth --parameter-overrides KeyVersion=N DropKeys=k1,k2, where N .*", hint}},
		{"keys rotate, a file of users", "", "keys rotate --store bolt:x", 2, []string{"edgeauth: --store bolt:x: this command changes only the keys in a data directory .*", hint}},
		{"a claim that is no JSON", "", "token issue --claim tenant=x --data " + home, 2, []string{`edgeauth: --claim tenant: the value is not JSON \(want for example tenant='"text"'\)`, hint}},
		{"a lifetime too short", "", "token issue --lifetime 1s --data " + home, 2, []string{"edgeauth: .*Lifetime.*", hint}},
		{"an invalid issuer", "", "token issue --issuer http://auth.example.com --data " + home, 2, []string{"edgeauth: .*Issuer.*", hint}},
		{"a subject too long", "", "token issue --subject " + strings.Repeat("x", 65) + " --data " + home, 2, []string{"edgeauth: --subject: .*64 bytes", hint}},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := strings.Fields(row.args)
			for i := range args {
				args[i] = strings.NewReplacer("GET_", "GET ", "ANY_", "ANY ").Replace(args[i]) // a space within an argument
			}
			r := edgeauth(t, row.in, args...)
			if r.status != row.status || r.out != "" {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, row.want...)
		})
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a command made the directory that it missed")
	}
	if text := done(t, "", "user", "list", "--json", "--data", home); strings.Count(text, `"sub"`) != 1 {
		t.Errorf("a refused command added a user: %s", text)
	}
}

// TestLockedStore: a command waits a moment for another process, and then says what it waited for.
func TestLockedStore(t *testing.T) {
	home := newHome(t)
	locked, err := bbolt.Open(filepath.Join(home, "store.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = locked.Close() })
	for _, args := range []string{"user list", "dev --addr 127.0.0.1:0"} {
		t.Run(args, func(t *testing.T) {
			t.Parallel() // each waits five seconds
			r := edgeauth(t, "correct horse", append(strings.Fields(args), "--data", home)...)
			if r.status != exitFailed || r.out != "" {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, "edgeauth: .*store.db is locked by another process")
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]string{
		"": "Usage: edgeauth <command>", "--help": "Usage: edgeauth <command>", "user add --help": "Usage: edgeauth user add <email>",
		"version": "edgeauth ", "--version": "edgeauth ", "--version --json": `"go": "go1.`, "version --json": `"go": "go1.`,
	} {
		if got := done(t, "", strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%q prints %s", args, got)
		}
	}
}

// TestStoreIsNotCreatedByMistake: only "edgeauth dev" creates a store.
func TestStoreIsNotCreatedByMistake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "typo.db")
	if r := edgeauth(t, "", "user", "list", "--store", "bolt:"+path); r.status != exitFailed || !strings.Contains(r.err, "there is no store in this file") {
		t.Errorf("exit %d: %s", r.status, r.err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the command created the file")
	}
}
