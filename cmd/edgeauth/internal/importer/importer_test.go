package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/importer"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func newDirectory(t testing.TB) *user.Directory {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &user.Directory{Store: db.Users()}
}

// noWait returns the Forms of an import into a store that no login uses.
func noWait(d *user.Directory) *importer.Forms {
	return importer.NewForms(d, func(context.Context, []string, time.Duration) error { return nil })
}

func read(t testing.TB, format, text, config string) importer.Records {
	t.Helper()
	f, err := importer.FormatOf(format, "")
	if err != nil {
		t.Fatal(err)
	}
	return f.Read(strings.NewReader(text), importer.Parameters{Firebase: config})
}

const config = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: S_k=,\n  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}"

// A record is shown as "<place> <e-mail> <pointers>" or "<place>! <reason>", and an unreadable file
// ends with "! <reason>".
func TestFormats(t *testing.T) {
	const csvHead = "email,roles,claims,disabled,created_at\n"
	for _, row := range []struct {
		name, format, text string
		want               []string
	}{
		{"nothing", "jsonl", "", nil},
		{"lines", "jsonl", "{\"email\":\"a@b\"}\n\n \r\n{\"email\":\"c@d\"}\r\n", []string{"line 1 a@b", "line 4 c@d"}},
		{"byte order mark, no line feed", "jsonl", "\ufeff{\"email\":\"a@b\"}", []string{"line 1 a@b"}},
		{"null means not set", "jsonl", `{"email":"a@b","roles":null,"claims":null}`, []string{"line 1 a@b"}},
		{"cut off", "jsonl", `{"email":"SECRET`, []string{"line 1! expected one JSON object"}},
		{"two in a line", "jsonl", `{"email":"a@b"}{"email":"SECRET"}`, []string{"line 1! expected one JSON object"}},
		{"an array", "jsonl", `["SECRET"]`, []string{"line 1! expected one JSON object"}},
		{"not JSON", "jsonl", "SECRET\n{\"email\":\"c@d\"}", []string{"line 1! expected one JSON object", "line 2 c@d"}},
		{"a name twice", "jsonl", `{"email":"a@b","email":"SECRET"}`, []string{"line 1! a field occurs twice"}},
		{"a name in another case", "jsonl", `{"Email":"SECRET"}`, []string{"line 1! unknown field (want .*"}},
		{"a plain password", "jsonl", `{"email":"a@b","password":"SECRET"}`, []string{"line 1! unknown field (want .*"}},
		{"another type", "jsonl", `{"email":"a@b","disabled":"SECRET"}`, []string{`line 1! "disabled" must be true or false`}},
		{"an invalid time", "jsonl", `{"email":"a@b","created_at":"SECRET"}`, []string{`line 1! "created_at" must be a time .*`}},
		{"not UTF-8", "jsonl", "{\"email\":\"SECRET\xff\"}", []string{"line 1! not valid UTF-8"}},
		{"half a surrogate pair", "jsonl", `{"email":"\ud800@b"}`, []string{"line 1! not valid UTF-8"}},
		{"too long", "jsonl", strings.Repeat("SECRET", 20_000) + "\n{\"email\":\"c@d\"}", []string{"line 1! longer than .*", "line 2 c@d"}},

		{"pointers", "jsonl", `{"email":"a@b","pointers":["k#x","i#y#z"]}` + "\n" + `{"pointers":["i#y"]}`, []string{"line 1 a@b i#y#z k#x", "line 2  i#y"}},
		{"no e-mail, on purpose", "jsonl", `{"subject":"x","email":""}`, []string{"line 1 "}},
		{"no e-mail", "jsonl", `{"subject":"SECRET"}` + "\n" + `{"email":""}`, []string{"line 1! not a usable e-mail address: it is missing", "line 2! not a usable .*"}},
		{"a pointer without a kind", "jsonl", `{"email":"a@b","pointers":["SECRET"]}`, []string{`line 1! "pointers" must be an array of strings as in ["i#name"]`}},
		{"half a surrogate pair in a pointer", "jsonl", `{"email":"a@b","pointers":["i#\ud800"]}`, []string{"line 1! not valid UTF-8"}},

		{"csv", "csv", csvHead + "a@b,x y,,,\nc@d,,\"{\"\"k\"\":1}\",true,2020-01-01T00:00:00Z\n", []string{"line 2 a@b", "line 3 c@d"}},
		{"csv, a comma in the roles", "csv", csvHead + "a@b,\"SECRET,admin\",,,\nc@d,x y,,,\n", []string{`line 2! "roles" has a comma; separate several roles by spaces, .*`, "line 3 c@d"}},
		{"csv, mark and CRLF", "csv", "\ufeffemail\r\na@b\r\n\r\n\"c@d\"\r\n", []string{"line 2 a@b", "line 4 c@d"}},
		{"csv, pointers", "csv", "email,pointers\na@b,\"[\"\"k#x\"\"]\"\n,\"[\"\"i#y\"\"]\"\n,\n", []string{"line 2 a@b k#x", "line 3  i#y", "line 4! not a usable .*"}},
		{"csv, invalid pointers", "csv", "email,pointers\na@b,SECRET\n", []string{`line 2! "pointers" must be an array of strings .*`}},
		{"csv, several lines in quotes", "csv", csvHead + "a@b,,\"{\n\"\"k\"\":1\n}\",,\nc@d,,,,", []string{"line 2 a@b", "line 5 c@d"}},
		{"csv, a quote that is not closed", "csv", "email\n\"SECRET\na@b\nc@d\n", []string{"line 2! wrong CSV quotes, .*", "line 3 a@b", "line 4 c@d"}},
		{"csv, two quotes that are not closed", "csv", "email\n\"SECRET\na@b\n\"SECRET\nc@d", []string{"line 2! wrong CSV quotes, .*", "line 3 a@b", "line 4! wrong CSV quotes, .*", "line 5 c@d"}},
		{"csv, too long", "csv", "email\n" + strings.Repeat("SECRET", 20_000) + "\nc@d", []string{"line 2! wrong CSV quotes, .*", "line 3 c@d"}},
		{"csv, a value too many", "csv", "email\na@b,SECRET\nc@d", []string{"line 2! 2 values (want 1, one for each field in line 1)", "line 3 c@d"}},
		{"csv, not UTF-8", "csv", "email\nSECRET\xff\n", []string{"line 2! not valid UTF-8"}},
		{"csv, an invalid boolean", "csv", "email,disabled\na@b,SECRET\n", []string{`line 2! "disabled" must be true or false`}},
		{"csv, invalid claims", "csv", "email,claims\na@b,SECRET\n", []string{`line 2! "claims" must be a JSON object`}},
		{"csv, no header", "csv", "a@b,SECRET\n", []string{"! line 1 must list the field names, .*"}},
		{"csv, a header twice", "csv", "email,email\n", []string{"! line 1 must list the field names, .*"}},
		{"csv, no e-mail", "csv", "subject\n", []string{"! line 1 must list the field names: email is missing; .*"}},

		{"firebase", "firebase", `{"users":[{"localId":"x","email":"a@b","passwordHash":"aA-_","salt":"Zz==","createdAt":"1500000000000",
			"emailVerified":true,"customAttributes":"{\"k\":1}"},{"email":3},{"email":"c@d"}]}`,
			[]string{"user 1 a@b", "user 2! not a user .*", "user 3 c@d"}},
		{"firebase, cut off", "firebase", `{"users":[{"email":"a@b"},{"email":"SECRET`, []string{"user 1 a@b", "! not a JSON export .*"}},
		{"firebase, another file", "firebase", `["SECRET"]`, []string{"! not a JSON export .*"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for one, err := range read(t, row.format, row.text, config) {
				switch {
				case err != nil:
					got = append(got, fmt.Sprintf("! %v", err))
				case one.Err != nil:
					got = append(got, fmt.Sprintf("%v! %v", one.At, one.Err))
				default:
					text := fmt.Sprintf("%v %s", one.At, one.User.Email)
					for _, p := range one.User.Pointers {
						text += " " + p.Key()
					}
					got = append(got, text)
				}
			}
			match := func(want, got string) bool {
				begin, open := strings.CutSuffix(want, ".*")
				return want == got || open && strings.HasPrefix(got, begin)
			}
			if !slices.EqualFunc(row.want, got, match) || strings.Contains(strings.Join(got, ""), "SECRET") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Only an address that a record verifies is verified.
func TestVerifiedEmail(t *testing.T) {
	for text, format := range map[string]string{
		`{"email":"a@b","email_verified":true}` + "\n" + `{"email":"a@b","email_verified":false}` + "\n" + `{"email":"a@b"}`: "jsonl",
		"email,email_verified\na@b,true\na@b,false\na@b,\n":                                                                  "csv",
		`{"users":[{"email":"a@b","emailVerified":true},{"email":"a@b","emailVerified":false},{"email":"a@b"}]}`:             "firebase",
	} {
		var got []string
		for one, err := range read(t, format, text, config) {
			if err != nil || one.Err != nil {
				t.Fatal(err, one.Err)
			}
			got = append(got, one.User.VerifiedEmail)
		}
		if !slices.Equal(got, []string{"a@b", "", ""}) {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestFirebaseHashes(t *testing.T) {
	text := `{"users":[{"email":"a@b","passwordHash":"aA-_","salt":"Zz=="}]}`
	for one, err := range read(t, "firebase", text, config) {
		const want = "$firebase-scrypt$rounds=8,mem_cost=14$Bw==$S/k=$Zz==$aA+/"
		if err != nil || one.User.Password.Reveal() != want {
			t.Errorf("%q, %v", one.User.Password.Reveal(), err)
		}
	}
	for one, err := range read(t, "firebase", text, "rounds: 8") {
		if err == nil {
			t.Errorf("without its parameters: %+v", one)
		}
	}
}

// lines returns n users as JSON lines.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"subject":"old %d","email":"User%d@example.com","password_hash":"$2b$10$hash","roles":["r"]}`+"\n", i, i)
	}
	return b.String()
}

func newImport(t testing.TB, d *user.Directory) *importer.Import {
	return &importer.Import{Options: importer.Options{Directory: d, Forms: noWait(d), Workers: 32, Failed: func(at importer.Place, err error) {
		t.Errorf("%v: %v", at, err)
	}}}
}

// An interrupted import can be run again. Each user is then stored once.
func TestInterruptedImportGoesOn(t *testing.T) {
	const n = 3000
	d := newDirectory(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := newImport(t, d)
	text := read(t, "jsonl", lines(n), "")
	err := first.Run(ctx, func(yield func(importer.Record, error) bool) {
		for one, err := range text {
			if one.At.Number == n/2 {
				cancel()
			}
			if !yield(one, err) {
				return
			}
		}
	})
	if created := first.Created.Load(); !errors.Is(err, context.Canceled) || created == 0 || created >= n {
		t.Fatalf("%d created, %v", created, err)
	}
	second := newImport(t, d)
	if err := second.Run(t.Context(), read(t, "jsonl", lines(n), "")); err != nil {
		t.Fatal(err)
	}
	// A write whose answer was lost by the cancellation is stored but not counted.
	if second.Unchanged.Load() < first.Created.Load() || second.Done() != n {
		t.Errorf("%d created first, then %d, %d unchanged", first.Created.Load(), second.Created.Load(), second.Unchanged.Load())
	}
	count := 0
	for after := auth.SubjectID(""); ; {
		page, err := d.List(t.Context(), after, 500)
		if err != nil {
			t.Fatal(err)
		}
		count += len(page.Users)
		if after = page.Next; after == "" {
			break
		}
	}
	if count != n {
		t.Errorf("%d users", count)
	}
}

func TestDryRunFindsDuplicatesAndWritesNothing(t *testing.T) {
	d := newDirectory(t)
	var failed []string
	i := &importer.Import{Options: importer.Options{Directory: d, DryRun: true, Workers: 1, Failed: func(at importer.Place, err error) {
		failed = append(failed, fmt.Sprintf("%v: %v", at, err))
	}}}
	text := lines(2) + `{"email":"USER1@example.com"}` + "\n" +
		`{"email":"a@dömäin.example"}` + "\n" + `{"email":"a@xn--dmin-moa0i.example"}` + "\n" + `{"subject":"old 0","email":"x@y"}` + "\n" + `{"email":"invalid"}` + "\n" +
		`{"pointers":["i#a"]}` + "\n" + `{"email":"p@example.com","pointers":["c#a","i#a"]}` + "\n"
	if err := i.Run(t.Context(), read(t, "jsonl", text, "")); err != nil || i.Created.Load() != 4 || len(failed) != 5 {
		t.Errorf("%d to create, %q, %v", i.Created.Load(), failed, err)
	}
	if page, err := d.List(t.Context(), "", 1); len(page.Users) != 0 || err != nil {
		t.Errorf("%d written, %v", len(page.Users), err)
	}
}

// An exported user is imported again as the same user.
func TestImportAcceptsExport(t *testing.T) {
	d := newDirectory(t)
	if err := newImport(t, d).Run(t.Context(), read(t, "jsonl", lines(3)+`{"email":"a&b@c","claims":{"k":["<",1.5,null]},"email_verified":true,"must_change":true,"disabled":true}`, "")); err != nil {
		t.Fatal(err)
	}
	list, err := d.List(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, u := range list.Users {
		if err := importer.Write(&out, u); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []*user.Directory{d, newDirectory(t)} {
		again := newImport(t, to)
		if err := again.Run(t.Context(), read(t, "jsonl", out.String(), "")); err != nil || again.Created.Load()+again.Unchanged.Load() != 4 {
			t.Errorf("%d created, %d unchanged, %v", again.Created.Load(), again.Unchanged.Load(), err)
		}
		if to == d && again.Unchanged.Load() != 4 {
			t.Errorf("%d unchanged", again.Unchanged.Load())
		}
	}
}

// BenchmarkImport measures the rate of an import into a bbolt file.
func BenchmarkImport(b *testing.B) {
	d := newDirectory(b)
	text := lines(b.N)
	b.ResetTimer()
	if err := newImport(b, d).Run(b.Context(), read(b, "jsonl", text, "")); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
}

// TestFirstRecordWins imports two records of each user, one right after the other. The first of the
// file is stored, as a dry run says.
func TestFirstRecordWins(t *testing.T) {
	const users = 200
	var text strings.Builder
	for n := range users / 2 {
		fmt.Fprintf(&text, `{"email":"a%d@dömäin.example","roles":["first"]}`+"\n", n)
		fmt.Fprintf(&text, `{"email":"a%d@xn--dmin-moa0i.example","roles":["second"]}`+"\n", n)
	}
	for n := range users / 2 {
		fmt.Fprintf(&text, `{"email":"user%d@example.com","roles":["first"]}`+"\n", n)
		fmt.Fprintf(&text, `{"email":"USER%d@example.com","roles":["second"]}`+"\n", n)
	}
	d := newDirectory(t)
	var refused []int
	i := &importer.Import{Options: importer.Options{Directory: d, Forms: noWait(d), Workers: 64, Failed: func(at importer.Place, _ error) {
		refused = append(refused, at.Number)
	}}}
	if err := i.Run(t.Context(), read(t, "jsonl", text.String(), "")); err != nil || i.Created.Load() != users {
		t.Fatalf("%d created, %v", i.Created.Load(), err)
	}
	for _, line := range refused {
		if line%2 != 0 {
			t.Errorf("line %d was refused, and line %d was stored", line, line+1)
		}
	}
	if len(refused) != users {
		t.Errorf("%d records were refused", len(refused))
	}
}

func TestFormatOf(t *testing.T) {
	for _, row := range []struct{ name, path, want string }{
		{"", "users.csv", ""}, {"", "USERS.JSONL", ""}, {"", "-", ""}, {"firebase", "users.json", ""}, {"csv", "users", ""},
		{"", "users.json", "a .json file may have several formats: pass --format firebase "},
		{"", "users.txt", `the extension ".txt" names no format: pass --format (want jsonl, csv, firebase)`},
		{"", "users", "the file has no extension that names its format: pass --format (want jsonl, csv, firebase)"},
		{"xml", "users.csv", `unknown format "xml" (want jsonl, csv, firebase)`},
	} {
		_, err := importer.FormatOf(row.name, row.path)
		if (err == nil) != (row.want == "") || err != nil && !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%q, %q: %v, want %s", row.name, row.path, err, row.want)
		}
	}
}

// TestNotes counts what an import of Firebase's users leaves out.
func TestNotes(t *testing.T) {
	const text = `{"users":[
		{"localId":"1","email":"plain@example.com","passwordHash":"aA==","salt":"Zz==","providerUserInfo":[{"providerId":"password"}]},
		{"localId":"2","email":"both@example.com","passwordHash":"aA==","salt":"Zz==",
			"providerUserInfo":[{"providerId":"password"},{"providerId":"google.com"},{"providerId":"phone"}],"mfaInfo":[{"mfaEnrollmentId":"x"}]},
		{"localId":"3","email":"google@example.com","providerUserInfo":[{"providerId":"google.com"}],"mfaInfo":[]},
		{"localId":"4","phoneNumber":"+1","providerUserInfo":[{"providerId":"phone"}]}]}`
	d := newDirectory(t)
	for _, dry := range []bool{true, false, false} {
		i := newImport(t, d)
		refused := 0
		i.DryRun, i.Failed = dry, func(importer.Place, error) { refused++ }
		if err := i.Run(t.Context(), read(t, "firebase", text, config)); err != nil || refused != 1 {
			t.Fatalf("%d refused, %v", refused, err)
		}
		got := fmt.Sprint(i.Notes())
		if want := "map[have a second factor, which is not imported:1 " +
			"have another way to log in, as Google or a phone number, which is not imported:2 " +
			"have no password hash, and cannot log in until edgeauth user passwd sets a password:1]"; got != want {
			t.Errorf("dry %t: %s", dry, got)
		}
	}
}

// A dry run counts the weak hashes of the users to create, and estimates the time to hash them.
func TestWeak(t *testing.T) {
	d := newDirectory(t)
	d.Importable, d.Wrap = password.Importable, password.Hasher{}.Wrap
	var text strings.Builder
	for n := range 50 {
		fmt.Fprintf(&text, `{"email":"weak%d@example.com","password_hash":"md5$salt%d$%032x"}`+"\n", n, n, n)
		fmt.Fprintf(&text, `{"email":"slow%d@example.com","password_hash":%q}`+"\n", n, bcryptOf(10, n).Reveal())
	}
	dry := newImport(t, d)
	dry.DryRun = true
	if err := dry.Run(t.Context(), read(t, "jsonl", text.String(), "")); err != nil {
		t.Fatal(err)
	}
	if n, takes := dry.Weak(); n != 50 || takes <= 0 {
		t.Errorf("%d weak hashes, %v", n, takes)
	}
	if err := newImport(t, d).Run(t.Context(), read(t, "jsonl", text.String(), "")); err != nil {
		t.Fatal(err)
	}
	again := newImport(t, d)
	again.DryRun = true
	if err := again.Run(t.Context(), read(t, "jsonl", text.String(), "")); err != nil {
		t.Fatal(err)
	}
	if n, _ := again.Weak(); n != 0 {
		t.Errorf("%d weak hashes of users who exist", n)
	}
}
