package outbox_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/outbox"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

var sample = mail.Mail{
	From: "login@example.com", Name: "Exämple", To: "ädä@xn--bcher-kva.example", Locale: "en", Subject: "Your code, réference BCDF",
	Text: "Your code:\n\n    01234567\n\nä=20\n", HTML: "<p>01234567 ä</p>\n",
}

func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "mail")
	folder := outbox.Folder(path)
	if got, err := folder.Newest(5); err != nil || len(got) != 0 {
		t.Errorf("a missing folder: %v, %v", got, err)
	}
	// Other files of the user stay, regardless of their names.
	theirs := []string{"0.eml", "20200101T000000.000000000Z-note.eml", "letter.eml"}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range theirs {
		if err := os.WriteFile(filepath.Join(path, name), []byte("no mail"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 205 {
		if err := folder.Send(t.Context(), sample); err != nil {
			t.Fatal(err)
		}
	}
	last := sample
	last.Subject = "the last"
	if err := folder.Send(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 200+len(theirs) {
		t.Errorf("%d files, %v", len(entries), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err := entries[2].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	got, err := folder.Newest(3)
	if err != nil || len(got) != 3 || got[0].Subject != "the last" {
		t.Fatalf("%+v, %v", got, err)
	}
	e := got[1]
	if e.From != "Exämple <login@example.com>" || e.To != sample.To || e.Subject != sample.Subject || e.Text != sample.Text || e.HTML != sample.HTML ||
		time.Since(e.Time) > time.Minute || !strings.HasSuffix(e.ID, ".eml") {
		t.Errorf("%+v", e)
	}
}

func TestConsole(t *testing.T) {
	var b bytes.Buffer
	c := &outbox.Console{To: &b}
	if err := c.Send(t.Context(), sample); err != nil || !strings.Contains(b.String(), "    01234567\n") || !strings.Contains(b.String(), "To: "+sample.To) {
		t.Errorf("%v\n%s", err, &b)
	}
}
