package importer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/importer"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// bcryptOf returns a bcrypt hash of a cost, with a different salt for each n.
func bcryptOf(cost, n int) auth.Secret {
	return auth.NewSecret(fmt.Sprintf("$2b$%02d$%s", cost, strings.Repeat("CD"[n%2:n%2+1], 21)+"."+strings.Repeat("e", 30)+"."))
}

func formOf(t testing.TB, stored auth.Secret) string {
	t.Helper()
	form, err := password.FormOf(stored)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// live is a store with a driven clock, and the Forms of an import that records its waits.
type live struct {
	*user.Directory
	now   time.Time
	waits []time.Duration
	fail  error
}

func newLive(t testing.TB) *live {
	l := &live{Directory: newDirectory(t), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	l.Now = func() time.Time { return l.now }
	l.Wrap = password.Hasher{}.Wrap
	return l
}

func (l *live) open(t testing.TB) *importer.Forms {
	return importer.NewForms(l.Directory, func(ctx context.Context, forms []string, d time.Duration) error {
		if record, err := l.Store.Forms(ctx); err != nil || len(record.Lacks(forms)) > 0 || len(forms) == 0 {
			t.Errorf("waits for %q, and %q are recorded, %v", forms, record.Recorded, err)
		}
		l.waits = append(l.waits, d)
		l.now = l.now.Add(d)
		return l.fail
	})
}

func (l *live) record(t testing.TB) user.Forms {
	t.Helper()
	f, err := l.Store.Forms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFormsWaitOnce(t *testing.T) {
	l := newLive(t)
	f := l.open(t)
	for _, row := range []struct {
		name   string
		after  time.Duration
		hashes []auth.Secret
		waits  []time.Duration // in all
	}{
		{"no hash", 0, []auth.Secret{{}}, nil},
		{"damaged", 0, []auth.Secret{auth.NewSecret("damaged")}, nil},
		{"two forms", 0, []auth.Secret{bcryptOf(10, 0), bcryptOf(12, 0)}, []time.Duration{2 * time.Minute}},
		{"the same again", 0, []auth.Secret{bcryptOf(10, 1)}, []time.Duration{2 * time.Minute}},
		{"the same, later", time.Hour, []auth.Secret{bcryptOf(12, 1)}, []time.Duration{2 * time.Minute}},
		{"a third", 0, []auth.Secret{bcryptOf(11, 0)}, []time.Duration{2 * time.Minute, 2 * time.Minute}},
	} {
		l.now = l.now.Add(row.after)
		if err := f.Admit(t.Context(), row.hashes...); err != nil || !slices.Equal(l.waits, row.waits) {
			t.Errorf("%s: waits %v, want %v, %v", row.name, l.waits, row.waits, err)
		}
	}
	want := []string{formOf(t, bcryptOf(10, 0)), formOf(t, bcryptOf(11, 0)), formOf(t, bcryptOf(12, 0))}
	if got := l.record(t); !slices.Equal(got.Recorded, want) {
		t.Errorf("recorded are %q", got.Recorded)
	}
}

// A weak hash is recorded in the form in which it is stored.
func TestFormsOfWeakHashes(t *testing.T) {
	l := newLive(t)
	weak := auth.NewSecret("md5$salt$" + strings.Repeat("0f", 16))
	if err := l.open(t).Admit(t.Context(), weak); err != nil {
		t.Fatal(err)
	}
	stored, err := l.Wrap(weak)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.record(t).Recorded; !slices.Equal(got, []string{formOf(t, stored)}) {
		t.Errorf("recorded are %q", got)
	}
}

// An import that runs again waits, unless the forms have been recorded for long enough.
func TestFormsOfARepeatedImport(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0: 2 * time.Minute, time.Minute: 2 * time.Minute, 2 * time.Minute: time.Minute, 3 * time.Minute: 0, time.Hour: 0,
		-time.Hour: 2 * time.Minute, // the other machine's clock was ahead
	} {
		l := newLive(t)
		l.fail = errors.New("interrupted")
		if err := l.open(t).Admit(t.Context(), bcryptOf(12, 0)); !errors.Is(err, l.fail) {
			t.Fatal(err)
		}
		l.fail, l.waits, l.now = nil, nil, l.record(t).ChangedAt.Add(after)
		if err := l.open(t).Admit(t.Context(), bcryptOf(12, 1)); err != nil {
			t.Fatal(err)
		}
		if got := append(l.waits, 0)[0]; got != want || len(l.waits) > 1 {
			t.Errorf("after %v: waits %v, want %v", after, l.waits, want)
		}
	}
}

// A running import renews its record once a minute, and records removed forms again.
func TestFormsStayWhileAnImportRuns(t *testing.T) {
	l := newLive(t)
	f := l.open(t)
	admit := func() {
		t.Helper()
		if err := f.Admit(t.Context(), bcryptOf(12, 0)); err != nil {
			t.Fatal(err)
		}
	}
	admit()
	first := l.record(t)
	for range 30 {
		l.now = l.now.Add(time.Minute)
		admit()
		if kept := l.record(t).Until.Sub(l.now); kept < 15*time.Minute {
			t.Errorf("the forms are kept for %v", kept)
		}
	}
	if after := l.record(t); after.Revision != first.Revision+30 || len(l.waits) != 1 {
		t.Errorf("%d writes, waits %v", after.Revision-first.Revision, l.waits)
	}
	// A removal that read the record before a renewal fails.
	stale := l.record(t)
	l.now = l.now.Add(time.Minute)
	admit()
	stale.Recorded = nil
	if err := l.Store.UpdateForms(t.Context(), stale); !errors.Is(err, user.ErrConflict) {
		t.Errorf("a removal that began before: %v", err)
	}
	// The machine was suspended, and in the meantime the forms were removed.
	l.now = l.now.Add(24 * time.Hour)
	removed := l.record(t)
	removed.Recorded = nil
	if err := l.Store.UpdateForms(t.Context(), removed); err != nil {
		t.Fatal(err)
	}
	admit()
	if after := l.record(t); len(after.Recorded) != 1 || len(l.waits) != 2 {
		t.Errorf("recorded are %q, waits %v", after.Recorded, l.waits)
	}
}

// TestImportRecordsFormsFirst checks that no user exists while the import waits, and that an import
// that must stop creates no user.
func TestImportRecordsFormsFirst(t *testing.T) {
	l := newLive(t)
	l.Importable = password.Importable
	text := fmt.Sprintf(`{"email":"ada@example.com","password_hash":%q}`, bcryptOf(12, 0).Reveal()) + "\n" +
		`{"email":"bob@example.com","password_hash":"damaged"}` + "\n"
	for _, fail := range []error{errors.New("interrupted"), nil} {
		l.fail, l.waits = fail, nil
		i := newImport(t, l.Directory)
		i.Forms, i.Failed = l.open(t), func(importer.Place, error) {}
		err := i.Run(t.Context(), read(t, "jsonl", text, ""))
		page, listErr := l.Store.List(t.Context(), "", 10)
		if want := map[bool]int{true: 0, false: 1}[fail != nil]; listErr != nil || len(page.Users) != want || !errors.Is(err, fail) || len(l.waits) != 1 {
			t.Errorf("%d users, waits %v, %v", len(page.Users), l.waits, err)
		}
	}
}
