package password

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// madeBy returns prefix and the bcrypt hash of the first 72 bytes of a password, because bcrypt
// reads no more.
func madeBy(t testing.TB, prefix, password string) auth.Secret {
	t.Helper()
	text, err := bcrypt.GenerateFromPassword([]byte(password[:min(len(password), 72)]), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return auth.NewSecret(prefix + string(text))
}

// A password that bcrypt did not read as a whole logs in, but never replaces the stored hash.
func TestPartialMatches(t *testing.T) {
	t.Parallel()
	var (
		yes     = Result{Match: true, Outdated: true}
		partial = Result{Match: true, Partial: true}
		long    = strings.Repeat("0123456789", 8)
	)
	for _, prefix := range []string{"", "bcrypt$"} {
		for _, row := range []struct {
			name, stored, typed string
			want                Result
		}{
			{"80 bytes, all of them", long, long, partial},
			{"80 bytes, another tail", long, long[:72] + "a tail", partial},
			{"80 bytes, the last one wrong", long, long[:79] + "x", partial},
			{"80 bytes, a longer tail", long, long + "0", partial},
			{"80 bytes, the prefix alone", long, long[:72], partial},
			{"80 bytes, 71 of them", long, long[:71], Result{Outdated: true}},
			{"80 bytes, the last seen one wrong", long, long[:71] + "x", Result{Partial: true}},
			{"72 bytes", long[:72], long[:72], partial},
			{"72 bytes, and a tail", long[:72], long, partial},
			{"71 bytes", long[:71], long[:71], yes},
			{"71 bytes, and a tail", long[:71], long, Result{Partial: true}},
			{"71 bytes, a NUL and a tail", long[:71], long[:71] + "\x00tail", partial}, // byte 72 is a NUL in both
			{"short", "horse", "horse", yes},
			{"short, twice", "horse", "horse\x00horse", partial},
			{"short, three times", "horse", "horse\x00horse\x00horse", partial},
			{"short, a NUL and another tail", "horse", "horse\x00house", Result{Partial: true}},
			{"short, a NUL at the end", "horse", "horse\x00", Result{Partial: true}},
			{"with a NUL", "horse\x00house", "horse\x00house", partial},
			{"with a NUL, only the part before it", "horse\x00house", "horse", Result{Outdated: true}},
		} {
			got, err := Hasher{}.Verify(madeBy(t, prefix, row.stored), auth.NewSecret(row.typed))
			if err != nil || got != row.want {
				t.Errorf("%q, %s: %+v, %v; want %+v", prefix, row.name, got, err, row.want)
			}
		}
	}
}

// Plain bcrypt is the only form that ignores a part of a password.
func TestOtherFormsSeeAll(t *testing.T) {
	t.Parallel()
	long, short := 0, 0
	for _, v := range vectors(t) {
		if isPlain(v) || costly(v) {
			continue
		}
		bare := strings.HasPrefix(v.Stored, "$2") || strings.HasPrefix(v.Stored, "bcrypt$")
		right, other := Result{Match: true, Outdated: true}, Result{Outdated: true}
		var near []string
		switch p := v.Password; {
		case len(p) > 72:
			long++
			near = []string{p[:72], p[:72] + "another tail", p + "x"}
		case p != "" && !strings.Contains(p, "\x00"):
			short++
			near = []string{p + "\x00" + p}
		}
		if bare {
			other = Result{Match: true, Partial: true}
			if len(v.Password) >= 72 || strings.Contains(v.Password, "\x00") {
				right = other
			}
		}
		if got, err := (Hasher{}).Verify(auth.NewSecret(v.Stored), auth.NewSecret(v.Password)); err != nil || got != right {
			t.Errorf("%s: %+v, %v; want %+v", v.Source, got, err, right)
		}
		for _, typed := range near {
			if got, err := (Hasher{}).Verify(auth.NewSecret(v.Stored), auth.NewSecret(typed)); err != nil || got != other {
				t.Errorf("%s, %q: %+v, %v; want %+v", v.Source, typed, got, err, other)
			}
		}
	}
	if long == 0 || short == 0 {
		t.Errorf("%d vectors above 72 bytes, %d below", long, short)
	}
}

// edgeauth's own hashes cover the whole password, even at an older cost.
func TestOwnHashesSeeAll(t *testing.T) {
	long := strings.Repeat("0123456789", 8)
	stored, err := Hasher{Cost: Cost{12288, 3, 1}}.Hash(auth.NewSecret(long))
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]Result{
		long: {Match: true, Outdated: true}, long[:72]: {Outdated: true}, long + "\x00" + long: {Outdated: true},
	} {
		if got, err := (Hasher{}).Verify(stored, auth.NewSecret(typed)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", typed, got, err)
		}
	}
}
