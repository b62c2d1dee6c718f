package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	someBcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	someMD5    = "md5$salt$f2da83ab4fa5e9ed9ff5f5a6d5c6f5ba"
)

// recordIn returns the record of forms in a data directory.
func recordIn(t *testing.T, home string) (user.Store, user.Forms) {
	t.Helper()
	stores, err := backend.OpenStores(config.Stores{BoltPath: filepath.Join(home, "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	f, err := stores.Users.Forms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stores.Users, f
}

// over lets the time pass in which the last command may be creating users.
func over(t *testing.T, home string) {
	t.Helper()
	store, f := recordIn(t, home)
	f.Until = time.Time{}
	if err := store.UpdateForms(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// TestImportWaits checks when an import waits for the running login functions, and its messages.
func TestImportWaits(t *testing.T) {
	home := newHome(t)
	file := filepath.Join(t.TempDir(), "users.csv")
	importing := func(content string, args ...string) (text string, waited time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte("email,password_hash\n"+content), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, err bytes.Buffer
		status := run(t.Context(), append([]string{"user", "import", file, "--data", home}, args...), terminal{
			in: strings.NewReader(""), out: &out, err: &err, sleep: func(_ context.Context, d time.Duration) error {
				waited += d
				if page, err := directoryIn(t, home).List(t.Context(), "", 10); err != nil || strings.Contains(emails(page), "late") {
					t.Errorf("created during the wait: %s, %v", emails(page), err)
				}
				return nil
			}})
		if status != exitDone {
			t.Errorf("import %q %v: exit %d, %s", content, args, status, err.String())
		}
		return out.String() + err.String(), waited
	}
	for _, row := range []struct {
		name, content string
		args          []string
		waits         time.Duration
	}{
		{"no hash", "ada@example.com,\n", nil, 0},
		{"a dry run", "late1@example.com," + someBcrypt + "\n", []string{"--dry-run"}, 0},
		{"two new forms", "late1@example.com," + someBcrypt + "\nlate2@example.com," + someMD5 + "\n", nil, 2 * time.Minute},
		{"a new form, and --yes", "bob@example.com," + strings.Replace(someBcrypt, "05", "06", 1) + "\n", []string{"--yes"}, 0},
	} {
		text, waited := importing(row.content, row.args...)
		if waited != row.waits || (waited > 0) != strings.Contains(text, "waiting 2m0s, so that every running login function") {
			t.Errorf("%s: waits %v, want %v: %s", row.name, waited, row.waits, text)
		}
		if waited > 0 && (!strings.Contains(text, "$2a$05$…\n") || !strings.Contains(text, "$wrapped$md5$…$…$argon2id$v=19$m=19456,t=2,p=1$…$…\n")) {
			t.Errorf("%s: %s", row.name, text)
		}
	}
	if _, f := recordIn(t, home); len(f.Recorded) != 3 {
		t.Errorf("recorded are %q", f.Recorded)
	}
	// Into a store without users the import does not wait.
	home = newHome(t)
	if _, waited := importing("ada@example.com," + someBcrypt + "\n"); waited != 0 {
		t.Errorf("an empty store: waits %v", waited)
	}
	if _, f := recordIn(t, home); len(f.Recorded) != 1 {
		t.Errorf("recorded are %q", f.Recorded)
	}
}

func directoryIn(t *testing.T, home string) *user.Directory {
	t.Helper()
	store, _ := recordIn(t, home)
	return &user.Directory{Store: store}
}

func emails(page user.Page) (all string) {
	for _, u := range page.Users {
		all += u.Email + " "
	}
	return all
}

func TestUserForms(t *testing.T) {
	home := newHome(t)
	forms := func(args ...string) (views []formView) {
		t.Helper()
		text := done(t, "", append([]string{"user", "forms", "--data", home, "--json"}, args...)...)
		if err := json.Unmarshal([]byte(text), &views); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return views
	}
	want := func(what string, got []formView, want ...formView) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("no users", forms())
	own, bcrypt := password.Hasher{}.Form(), "$2a$05$"+strings.Repeat(".", 53)
	done(t, "correct horse\n", "user", "add", "ada@example.com", "--data", home)
	done(t, "email,password_hash\nbob@example.com,"+someBcrypt+"\n", "user", "import", "-", "--format", "csv", "--yes", "--data", home)
	want("an import", forms(), formView{bcrypt, 1, true}, formView{own, 1, true})

	// The import may still be running.
	r := edgeauth(t, "", "user", "forms", "--clear", "--data", home)
	if r.status != exitFailed || !strings.Contains(r.err, "an import may be creating users until 20") {
		t.Errorf("exit %d, %s", r.status, r.err)
	}
	over(t, home)
	want("all have users", forms("--clear"), formView{bcrypt, 1, true}, formView{own, 1, true})
	done(t, "correct horse\n", "user", "passwd", "bob@example.com", "--data", home)
	want("no user has the imported one", forms(), formView{bcrypt, 0, true}, formView{own, 2, true})
	over(t, home)
	want("cleared", forms("--clear"), formView{own, 2, true})

	// A store of a version without the record, and a form of a later version.
	store, f := recordIn(t, home)
	f.Recorded = []string{"$later$form"}
	if err := store.UpdateForms(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	text := done(t, "", "user", "forms", "--data", home)
	lines(t, text, `USERS +RECORDED +FORM`, `2 +no +\$argon2id\$v=19\$m=19456,t=2,p=1\$…\$…`, `0 +yes +\$later\$form`, "refused logins do not wait .*")
	want("recorded", forms("--record"), formView{own, 2, true}, formView{"$later$form", 0, true})
	want("a form of a later version is kept", forms("--clear"), formView{own, 2, true}, formView{"$later$form", 0, true})
	if r := edgeauth(t, "", "user", "forms", "--clear", "--record", "--data", home); r.status != exitUsage {
		t.Errorf("both: exit %d, %s", r.status, r.err)
	}
}

// A user who cannot be read may have any form, so nothing is removed.
func TestUserFormsUnreadable(t *testing.T) {
	home := newHome(t)
	done(t, "email,password_hash\nbob@example.com,"+someBcrypt+"\n", "user", "import", "-", "--format", "csv", "--data", home)
	over(t, home)
	damageUsers(t, home)
	for _, args := range [][]string{{}, {"--clear"}} {
		r := edgeauth(t, "", append([]string{"user", "forms", "--data", home}, args...)...)
		if r.status != exitFailed || !strings.Contains(r.err, "users that cannot be read: 1") {
			t.Errorf("%v: exit %d, %s", args, r.status, r.err)
		}
	}
	if _, f := recordIn(t, home); len(f.Recorded) != 1 {
		t.Errorf("recorded are %q", f.Recorded)
	}
}

// damageUsers makes every user of a data directory unreadable.
func damageUsers(t *testing.T, home string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(home, "store.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("users"))
		return b.ForEach(func(k, _ []byte) error { return b.Put(k, []byte("{")) })
	})
	if err != nil {
		t.Fatal(err)
	}
}
