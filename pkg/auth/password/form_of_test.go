package password

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// secrets returns what a dummy hash must not contain: the salt, the keys and the digest of v.
func secrets(v verifier) []string {
	switch v := v.(type) {
	case argon2Hash:
		return []string{raw.EncodeToString(v.salt), raw.EncodeToString(v.tag)}
	case bcryptHash:
		return []string{v.modular[bcryptSalt:bcryptDigest], v.modular[bcryptDigest:]}
	case derived:
		return append(strings.Split(v.salt, "$"), strings.TrimPrefix(v.spell("", v.want), v.spell("", nil)))
	case wrapped:
		return append(strings.Split(v.inner.salt, "$"), secrets(v.outer)...)
	}
	return nil
}

// TestFormOf checks that the form of each hash is a dummy hash that costs as much, reveals nothing
// and has one spelling.
func TestFormOf(t *testing.T) {
	for _, v := range vectors(t) {
		stored := auth.NewSecret(v.Stored)
		form, err := FormOf(stored)
		if err != nil {
			t.Errorf("%s: %v", v.Source, err)
			continue
		}
		if again, err := FormOf(auth.NewSecret(form)); err != nil || again != form {
			t.Errorf("%s: the form of %q is %q, %v", v.Source, form, again, err)
		}
		original, err := importable(stored)
		if err != nil {
			t.Fatal(err)
		}
		dummy, err := importable(auth.NewSecret(form))
		if err != nil || dummy.work() != original.work() || original.work().algorithm == "" {
			t.Errorf("%s: the dummy hash works %+v and the hash %+v, %v", v.Source, dummy.work(), original.work(), err)
		}
		hidden := secrets(original)
		if len(hidden) < 2 {
			t.Errorf("%s: %T has no secrets", v.Source, original)
		}
		for _, secret := range hidden {
			if len(secret) > 3 && strings.Contains(form, secret) {
				t.Errorf("%s: the form contains %q", v.Source, secret)
			}
		}
	}
	if _, err := FormOf(auth.NewSecret("$2b$99$")); !errors.Is(err, ErrMalformed) {
		t.Errorf("a damaged hash: %v", err)
	}
}

// TestFormOfIgnoresSalt checks that two hashes with the same parameters have one form, and two
// hashes with different parameters have two.
func TestFormOfIgnoresSalt(t *testing.T) {
	form := func(cost Cost, password string) string {
		stored, err := Hasher{Cost: cost}.Hash(auth.NewSecret(password))
		if err != nil {
			t.Fatal(err)
		}
		form, err := FormOf(stored)
		if err != nil {
			t.Fatal(err)
		}
		return form
	}
	first := form(Cost{}, "correct horse")
	if second := form(Cost{}, "another horse"); first != second || first != "$argon2id$v=19$m=19456,t=2,p=1$"+blankSalt+"$"+strings.Repeat("A", 43) {
		t.Errorf("%q and %q", first, second)
	}
	if other := form(Cost{7168, 5, 1}, "correct horse"); other == first {
		t.Errorf("another cost has the form %q too", other)
	}
}

// TestFormOfWrapped wraps the dummy hash of a weak form. This is how an import finds the form in
// which the hash is stored.
func TestFormOfWrapped(t *testing.T) {
	weak, err := FormOf(auth.NewSecret("md5$salt$" + strings.Repeat("0f", 16)))
	if err != nil {
		t.Fatal(err)
	}
	var forms []string
	for _, text := range []string{weak, "md5$salt$" + strings.Repeat("0f", 16)} {
		stored, err := Hasher{}.Wrap(auth.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		form, err := FormOf(stored)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, form)
	}
	if forms[0] != forms[1] || !strings.HasPrefix(forms[0], "$wrapped$md5$"+blankSalt+"$0000") {
		t.Errorf("the forms are %q", forms)
	}
}

func TestSlowest(t *testing.T) {
	bcrypt := func(cost string) string { return "$2b$" + cost + "$" + strings.Repeat(".", 53) }
	own := "$argon2id$v=19$m=19456,t=2,p=1$" + blankSalt + "$" + strings.Repeat("A", 43)
	pbkdf2 := "pbkdf2_sha256$1000000$" + blankSalt + "$" + strings.Repeat("A", 43) + "="
	for _, row := range []struct {
		name        string
		forms, want []string
	}{
		{"nothing", nil, nil},
		{"one", []string{own}, []string{own}},
		{"one of each algorithm", []string{bcrypt("10"), bcrypt("12"), bcrypt("04")}, []string{bcrypt("12")}},
		{"far slower than the others", []string{own, bcrypt("12")}, []string{bcrypt("12")}},
		{"about as slow", []string{own, bcrypt("10")}, []string{bcrypt("10"), own}},
		{"two slow ones", []string{bcrypt("12"), own, pbkdf2}, []string{pbkdf2, bcrypt("12")}},
		{"one that a later version wrote", []string{"$argon3$" + blankSalt, own}, []string{own}},
	} {
		if got := Slowest(row.forms); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
