package user_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func imported() user.User {
	return user.User{
		ID: "old 1", Email: "Bob@example.com", Password: auth.NewSecret("$2b$hash"), Roles: []string{"r"}, Claims: map[string]any{"n": 1.0},
		Disabled: true, MustChange: true, CreatedAt: time.Date(2001, 2, 3, 4, 5, 6, 7_999_999, time.FixedZone("", 3600)),
	}
}

func TestImport(t *testing.T) {
	d := newDirectory(t)
	for i, want := range []user.ImportResult{user.ImportCreated, user.ImportUnchanged, user.ImportUnchanged} {
		if dry, err := d.CheckImport(t.Context(), imported()); dry != want || err != nil {
			t.Errorf("check %d: %q, %v", i, dry, err)
		}
		if got, err := d.Import(t.Context(), imported()); got != want || err != nil {
			t.Errorf("import %d: %q, %v", i, got, err)
		}
	}
	u := d.get(t, "old 1")
	want := imported()
	if u.Email != want.Email || !u.Password.Equal(want.Password) || u.Roles[0] != "r" || u.Claims["n"] != 1.0 || !u.Disabled || !u.MustChange ||
		!u.CreatedAt.Equal(want.CreatedAt.Truncate(time.Millisecond)) || u.Revision != 1 || u.TokenVersion != uint64(noon.Unix()) {
		t.Errorf("%+v", u)
	}
	for name, edit := range map[string]func(*user.User){
		"another e-mail":        func(u *user.User) { u.Email = "other@example.com" },
		"another's subject":     func(u *user.User) { u.ID = d.ada.ID },
		"another's e-mail":      func(u *user.User) { u.ID, u.Email = "new", "ADA@example.com" },
		"another hash":          func(u *user.User) { u.Password = auth.NewSecret("$2b$other") },
		"no hash":               func(u *user.User) { u.Password = auth.Secret{} },
		"other roles":           func(u *user.User) { u.Roles = nil },
		"enabled":               func(u *user.User) { u.Disabled = false },
		"another time":          func(u *user.User) { u.CreatedAt = noon },
		"e-mail's other case":   func(u *user.User) { u.Email = "bob@example.com" },
		"taken, and no subject": func(u *user.User) { u.ID, u.Roles = "", nil },
	} {
		record := imported()
		edit(&record)
		if got, err := d.Import(t.Context(), record); got != "" || !errors.Is(err, user.ErrExists) || errors.Is(err, user.ErrChanged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := d.Enable(t.Context(), "old 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(t.Context(), imported()); !errors.Is(err, user.ErrChanged) {
		t.Errorf("changed here since: %v", err)
	}
}

func TestImportWithoutSubject(t *testing.T) {
	d := newDirectory(t)
	record := user.User{Email: "bob@example.com"}
	for _, want := range []user.ImportResult{user.ImportCreated, user.ImportUnchanged} {
		if got, err := d.Import(t.Context(), record); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if u, err := d.Find(t.Context(), "bob@example.com"); err != nil || len(u.ID) != 36 || u.CreatedAt != noon {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestImportPointers checks that pointers are imported, that a second run finds the same user, and
// that no pointer leads to two users.
func TestImportPointers(t *testing.T) {
	d := newDirectory(t)
	identity, key := user.Pointer{Kind: user.KindIdentity, Name: "issuer#1"}, user.Pointer{Kind: user.KindKey, Name: "1"}
	for name, record := range map[string]user.User{
		"an e-mail and pointers": {Email: "bob@example.com", Pointers: []user.Pointer{key, identity}},
		"a pointer alone":        {Pointers: []user.Pointer{{Kind: user.KindIdentity, Name: "issuer#2"}}},
		"a subject alone":        {ID: "alone"},
	} {
		for _, want := range []user.ImportResult{user.ImportCreated, user.ImportUnchanged} {
			if dry, err := d.CheckImport(t.Context(), record); dry != want || err != nil {
				t.Errorf("%s: check: %q, %v", name, dry, err)
			}
			if got, err := d.Import(t.Context(), record); got != want || err != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
	bob, err := d.Find(t.Context(), "bob@example.com")
	if err != nil || !slices.Equal(bob.Pointers, []user.Pointer{identity, key}) {
		t.Errorf("%+v, %v", bob, err)
	}
	for name, record := range map[string]user.User{
		"a taken pointer":    {ID: "new", Email: "new@example.com", Pointers: []user.Pointer{key}},
		"a pointer less":     {Email: "bob@example.com", Pointers: []user.Pointer{key}},
		"a pointer more":     {ID: "alone", Pointers: []user.Pointer{{Kind: user.KindKey, Name: "2"}}},
		"two users' at once": {Email: d.ada.Email, Pointers: []user.Pointer{key}},
	} {
		if got, err := d.Import(t.Context(), record); got != "" || !errors.Is(err, user.ErrExists) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Wrap uses a new salt for each hash, and a second run still finds the same users.
func TestImportWraps(t *testing.T) {
	d, n := newDirectory(t), 0
	d.Importable = func(stored auth.Secret) error {
		if strings.HasPrefix(stored.Reveal(), "$") {
			return nil
		}
		return errors.New("no known form")
	}
	d.Wrap = func(stored auth.Secret) (auth.Secret, error) {
		n++
		if stored.Reveal() == "$strong" {
			return stored, nil
		}
		return auth.NewSecret(strings.Repeat("x", n)), nil
	}
	for _, want := range []user.ImportResult{user.ImportCreated, user.ImportUnchanged} {
		for hash, email := range map[string]string{"$weak": "w@example.com", "$strong": "s@example.com"} {
			if got, err := d.Import(t.Context(), user.User{Email: email, Password: auth.NewSecret(hash)}); got != want || err != nil {
				t.Errorf("%s: %q, %v", hash, got, err)
			}
		}
	}
	if u, err := d.Find(t.Context(), "w@example.com"); err != nil || !strings.HasPrefix(u.Password.Reveal(), "x") {
		t.Errorf("a weak hash is stored as %q, %v", u.Password.Reveal(), err)
	}
	if _, err := d.Import(t.Context(), user.User{Email: "o@example.com", Password: auth.NewSecret("md5")}); !errors.Is(err, user.ErrStored) {
		t.Errorf("an unknown form: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	d := newDirectory(t)
	var many []user.Pointer
	for i := range user.MaxPointers + 1 {
		many = append(many, user.Pointer{Kind: user.KindKey, Name: strings.Repeat("x", i+1)})
	}
	for name, row := range map[string]struct {
		record user.User
		want   error
	}{
		"no e-mail":           {user.User{}, user.ErrEmail},
		"a subject too long":  {user.User{ID: auth.SubjectID(strings.Repeat("x", 65)), Email: "b@example.com"}, user.ErrSubject},
		"a UUID in capitals":  {user.User{ID: "1B671A64-40D5-491E-99B0-DA01FF1F3341", Email: "b@example.com"}, user.ErrSubject},
		"a UUID in braces":    {user.User{ID: "{1b671a64-40d5-491e-99b0-da01ff1f3341}", Email: "b@example.com"}, user.ErrSubject},
		"a UUID as a URN":     {user.User{ID: "urn:uuid:1b671a64-40d5-491e-99b0-da01ff1f3341", Email: "b@example.com"}, user.ErrSubject},
		"a UUID without -":    {user.User{ID: "1b671a6440d5491e99b0da01ff1f3341", Email: "b@example.com"}, user.ErrSubject},
		"a subject and space": {user.User{ID: "a ", Email: "b@example.com"}, user.ErrSubject},
		"a subject's control": {user.User{ID: "a\nb", Email: "b@example.com"}, user.ErrSubject},
		"a role with space":   {user.User{Email: "b@example.com", Roles: []string{"a b"}}, user.ErrRole},
		"a registered claim":  {user.User{Email: "b@example.com", Claims: map[string]any{"iss": 1.0}}, user.ErrClaims},
		"a hash with a line":  {user.User{Email: "b@example.com", Password: auth.NewSecret("SECRET\n")}, user.ErrStored},
		"a hash too long":     {user.User{Email: "b@example.com", Password: auth.NewSecret(strings.Repeat("SECRET", 171))}, user.ErrStored},
		"an unknown kind":     {user.User{Email: "b@example.com", Pointers: []user.Pointer{{Kind: "z", Name: "SECRET"}}}, user.ErrPointer},
		"too many pointers":   {user.User{Email: "b@example.com", Pointers: many}, user.ErrTooManyPointers},
		"before 1970":         {user.User{Email: "b@example.com", CreatedAt: time.Unix(-1, 0)}, user.ErrCreated},
	} {
		for _, do := range []func() (user.ImportResult, error){
			func() (user.ImportResult, error) { return d.Import(t.Context(), row.record) },
			func() (user.ImportResult, error) { return d.CheckImport(t.Context(), row.record) },
		} {
			if got, err := do(); got != "" || !errors.Is(err, row.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}
