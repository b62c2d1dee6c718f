package main

import (
	"encoding/json"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
)

// oldEmailKey gives an address the key that earlier versions gave it.
func oldEmailKey(t *testing.T, path, key, old string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Update(func(tx *bbolt.Tx) error {
		emails := tx.Bucket([]byte("emails"))
		record := slices.Clone(emails.Get([]byte(key)))
		if err := emails.Delete([]byte(key)); err != nil {
			return err
		}
		return emails.Put([]byte(old), record)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUserEmails moves the keys of two users. One user shares an address with a third user, until
// the operator decides.
func TestUserEmails(t *testing.T) {
	home := newHome(t)
	path := dev.Home(home).StorePath()
	const moves = `{"subject":"a","email":"ada@dömäin.example"}` + "\n" + `{"subject":"b","email":"bob@dömäin.example"}` + "\n"
	done(t, moves, "user", "import", "-", "--data", home)
	oldEmailKey(t, path, "ada@xn--dmin-moa0i.example", "ada@dömäin.example")
	oldEmailKey(t, path, "bob@xn--dmin-moa0i.example", "away@example.com")
	done(t, `{"subject":"c","email":"bob@xn--dmin-moa0i.example"}`, "user", "import", "-", "--data", home)
	oldEmailKey(t, path, "away@example.com", "bob@dömäin.example")

	emails := func(args ...string) result {
		t.Helper()
		return edgeauth(t, "", append([]string{"user", "emails", "--data", home}, args...)...)
	}
	const conflict = "subject b, bob@dömäin.example: the user with subject c has the same address"
	const decide = `edgeauth: 1 e-mail addresses keep their old key; for each, run "edgeauth user email SUBJECT NEW" or .*`
	dry := emails("--dry-run")
	lines(t, dry.out, "1 to move, 1 that cannot move")
	lines(t, dry.err, conflict, decide)
	real := emails("--json")
	lines(t, real.err, conflict, decide)
	var view emailsView
	if err := json.Unmarshal([]byte(real.out), &view); err != nil || view.Moved != 1 || view.Done || len(view.Left) != 1 ||
		view.Left[0].Subject != "b" || view.Left[0].Holder != "c" || dry.status != exitFailed || real.status != exitFailed {
		t.Errorf("%+v, %v; exit %d and %d", view, err, dry.status, real.status)
	}
	for who, subject := range map[string]string{"bob@dömäin.example": "b", "bob@xn--dmin-moa0i.example": "c", "ada@XN--dmin-moa0i.example": "a"} {
		lines(t, done(t, "", "user", "find", who, "--data", home), "subject +"+subject, ".*", ".*", ".*", ".*", ".*", ".*")
	}
	done(t, "", "user", "email", "c", "carl@example.com", "--data", home)
	lines(t, done(t, "", "user", "emails", "--data", home), "1 moved; every e-mail address has its new key")
	lines(t, done(t, "", "user", "emails", "--data", home), "0 moved; every e-mail address has its new key")
	lines(t, done(t, "", "user", "emails", "--data", home, "--dry-run"), "0 moved; every e-mail address has its new key")
	lines(t, done(t, "", "user", "find", "bob@xn--dmin-moa0i.example", "--data", home), "subject +b", ".*", ".*", ".*", ".*", ".*", ".*")
}
