package password

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	const right, wrong = "correct horse", "correct horsf"
	for _, row := range []struct{ name, stored, wrapped string }{
		{"no salt", "sha1$$00112233445566778899aabbccddeeff00112233", "$wrapped$sha1$$" + strings.Repeat("00", 20) + "$argon2id$"},
		{"salted", "md5$pepper$00112233445566778899aabbccddeeff", "$wrapped$md5$pepper$" + strings.Repeat("00", 16) + "$argon2id$"},
	} {
		got, err := Hasher{}.Wrap(auth.NewSecret(row.stored))
		if err != nil || !strings.HasPrefix(got.Reveal(), row.wrapped) {
			t.Errorf("%s: %s, %v", row.name, got.Reveal(), err)
		}
	}
	for _, v := range vectors(t) {
		if v.Password != right || costly(v) {
			continue
		}
		t.Run(v.Source, func(t *testing.T) {
			before := auth.NewSecret(v.Stored)
			after, err := Hasher{Cost: Cost{7168, 5, 1}}.Wrap(before)
			if err != nil {
				t.Fatal(err)
			}
			digest := v.Stored[strings.LastIndex(v.Stored, "$")+1:]
			parsed, err := importable(before)
			if err != nil {
				t.Fatal(err)
			}
			weak, ok := parsed.(derived)
			if wraps := ok && weak.weak; wraps == after.Equal(before) || wraps == strings.Contains(after.Reveal(), digest) {
				t.Errorf("stored as %s", after.Reveal())
			}
			for _, password := range []string{right, wrong} {
				got, err := Hasher{}.Verify(after, auth.NewSecret(password))
				if err != nil || got != (Result{Match: password == right, Outdated: true}) {
					t.Errorf("%s: %+v, %v", password, got, err)
				}
			}
			if again, err := (Hasher{}).Wrap(after); err != nil || !again.Equal(after) {
				t.Errorf("wrapped again: %s, %v", again.Reveal(), err)
			}
		})
	}
}

func TestWrapRefuses(t *testing.T) {
	noSalt := errors.New("no randomness")
	for _, row := range []struct {
		name   string
		hasher Hasher
		stored string
		want   error
	}{
		{"an unknown form", Hasher{}, "5f4dcc3b5aa765d61d8327deb882cf99", ErrMalformed},
		{"without randomness", Hasher{Rand: iotest.ErrReader(noSalt)}, "md5$$5f4dcc3b5aa765d61d8327deb882cf99", noSalt},
	} {
		got, err := row.hasher.Wrap(auth.NewSecret(row.stored))
		if !errors.Is(err, row.want) || got.Reveal() != "" {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

const zeros = "00000000000000000000000000000000" // a digest of MD5

func TestImportable(t *testing.T) {
	text := func(n int) string { return strings.Repeat("AAAA", n/3) + []string{"", "AA", "AAA"}[n%3] } // n zero bytes
	salt53 := strings.Repeat(".", 53)
	outer := "$argon2id$v=19$m=256,t=1,p=1$" + salt + "$" + tag
	for _, row := range []struct {
		name, stored string
		ok           bool
	}{
		{"bcrypt, most", "$2b$14$" + salt53, true},
		{"bcrypt above", "$2b$15$" + salt53, false},
		{"bcrypt, far above", "$2b$31$" + salt53, false},
		{"bcrypt below", "$2b$03$" + salt53, false},
		{"bcrypt, another number", "$2b$4$." + salt53, false},
		{"bcrypt, sign extension bug", "$2x$10$" + salt53, false},
		{"bcrypt, no version", "$2$10$" + salt53 + ".", false},
		{"bcrypt, stray bits in the salt", "$2b$10$" + salt53[:21] + "/" + salt53[:31], false},
		{"bcrypt, stray bits in the digest", "$2b$10$" + salt53[:52] + "/", false},
		{"bcrypt, line feed", "$2b$10$" + salt53[:52] + "\n", false},
		{"Django bcrypt above", "bcrypt$$2b$15$" + salt53, false},
		{"Django bcrypt inside itself", "bcrypt$bcrypt$$2b$10$" + salt53, false},
		{"Passlib bcrypt above", "$bcrypt-sha256$v=2,t=2b,r=15$" + salt53[:22] + "$" + salt53[:31], false},
		{"Passlib bcrypt, leading zero", "$bcrypt-sha256$v=2,t=2b,r=05$" + salt53[:22] + "$" + salt53[:31], false},
		{"Passlib bcrypt, version 3", "$bcrypt-sha256$v=3,t=2b,r=5$" + salt53[:22] + "$" + salt53[:31], false},

		{"scrypt, OWASP's least", "$scrypt$ln=17,r=8,p=1$" + salt + "$" + tag, true},
		{"scrypt memory above", "$scrypt$ln=18,r=8,p=1$" + salt + "$" + tag, false},
		{"scrypt memory above by r", "$scrypt$ln=17,r=9,p=1$" + salt + "$" + tag, false},
		{"scrypt work above", "$scrypt$ln=17,r=8,p=3$" + salt + "$" + tag, false},
		{"scrypt N overflows", "$scrypt$ln=33,r=8,p=1$" + salt + "$" + tag, false},
		{"scrypt N is one", "$scrypt$ln=0,r=8,p=1$" + salt + "$" + tag, false},
		{"scrypt r above", "$scrypt$ln=1,r=33,p=1$" + salt + "$" + tag, false},
		{"scrypt, no r", "$scrypt$ln=10,r=0,p=1$" + salt + "$" + tag, false},
		{"scrypt p above", "$scrypt$ln=1,r=1,p=17$" + salt + "$" + tag, false},
		{"scrypt, no p", "$scrypt$ln=10,r=8,p=0$" + salt + "$" + tag, false},
		{"scrypt, no salt", "$scrypt$ln=10,r=8,p=1$$" + tag, false},
		{"scrypt digest short", "$scrypt$ln=10,r=8,p=1$" + salt + "$" + text(15), false},
		{"scrypt digest long", "$scrypt$ln=10,r=8,p=1$" + salt + "$" + text(65), false},
		{"Django scrypt, N no power of two", "scrypt$1000$salt$8$1$" + tag + "=", false},
		{"Django scrypt, leading zero", "scrypt$01024$salt$8$1$" + tag + "=", false},
		{"Django scrypt, no padding", "scrypt$1024$salt$8$1$" + tag, false},
		{"Django scrypt", "scrypt$1024$salt$8$1$" + tag + "=", true},

		{"PBKDF2, most", "$pbkdf2-sha256$i=2000000$" + salt + "$" + tag, true},
		{"PBKDF2 above", "$pbkdf2-sha256$i=2000001$" + salt + "$" + tag, false},
		{"PBKDF2 above by blocks", "$pbkdf2-sha256$i=1000001$" + salt + "$" + text(33), false},
		{"PBKDF2 overflows", "$pbkdf2-sha256$i=4294967297$" + salt + "$" + tag, false},
		{"PBKDF2, nothing to do", "$pbkdf2-sha256$i=0$" + salt + "$" + tag, false},
		{"PBKDF2, right length", "$pbkdf2-sha256$i=1,l=32$" + salt + "$" + tag, true},
		{"PBKDF2, wrong length", "$pbkdf2-sha256$i=1,l=31$" + salt + "$" + tag, false},
		{"PBKDF2, salt long", "$pbkdf2-sha256$i=1$" + text(129) + "$" + tag, false},
		{"PBKDF2, another hash", "$pbkdf2-md5$i=1$" + salt + "$" + tag, false},
		{"Passlib PBKDF2 above", "$pbkdf2-sha256$2000001$" + salt + "$" + tag, false},
		{"Passlib PBKDF2, standard base64", "$pbkdf2-sha256$1$" + salt + "$+" + tag[1:], false},
		{"PHC PBKDF2, Passlib's base64", "$pbkdf2-sha256$i=1$" + salt + "$." + tag[1:], false},
		{"Django PBKDF2 above", "pbkdf2_sha256$2000001$salt$" + tag + "=", false},
		{"Django PBKDF2, no padding", "pbkdf2_sha256$1$salt$" + tag, false},

		{"Django Argon2 above", "argon2$argon2id$v=19$m=131073,t=1,p=1$" + salt + "$" + tag, false},
		{"Django Argon2i", "argon2$argon2i$v=19$m=256,t=1,p=1$" + salt + "$" + tag, false},
		{"Firebase", "$firebase-scrypt$rounds=8,mem_cost=14$$" + tag + "=$AA==$" + tag + "=", true},
		{"Firebase above", "$firebase-scrypt$rounds=8,mem_cost=18$$" + tag + "=$AA==$" + tag + "=", false},
		{"Firebase, another signer key", "$firebase-scrypt$rounds=8,mem_cost=14$$AAAA$AA==$" + tag + "=", false},
		{"OpenAuth PBKDF2", `{"hash":"` + tag + `","salt":"` + salt + `","iterations":1}`, true},
		{"OpenAuth PBKDF2 above", `{"hash":"` + tag + `","salt":"` + salt + `","iterations":2000001}`, false},
		{"OpenAuth, another order", `{"salt":"` + salt + `","hash":"` + tag + `","iterations":1}`, false},
		{"OpenAuth, another case", `{"Hash":"` + tag + `","salt":"` + salt + `","iterations":1}`, false},
		{"OpenAuth, a name twice", `{"hash":"","hash":"` + tag + `","salt":"` + salt + `","iterations":1}`, false},
		{"OpenAuth, a number more", `{"hash":"` + tag + `","salt":"` + salt + `","iterations":1,"p":1}`, false},
		{"OpenAuth, a space", `{"hash":"` + tag + `","salt":"` + salt + `","iterations": 1}`, false},
		{"OpenAuth scrypt above", `{"hash":"` + tag + `=","salt":"AA==","N":262144,"r":8,"p":1}`, false},

		{"plain", "md5$salt$" + zeros, true},
		{"plain, no salt", "md5$$" + zeros, true},
		{"plain, bare", zeros, false},
		{"plain, capitals", "md5$$" + zeros[1:] + "A", false},
		{"plain, another length", "sha1$$" + zeros, false},
		{"plain, a part more", "md5$a$b$" + zeros, false},

		{"wrapped", "$wrapped$md5$$" + zeros + outer, true},
		{"wrapped, digest still there", "$wrapped$md5$$" + zeros[1:] + "1" + outer, false},
		{"wrapped, inner above", "$wrapped$pbkdf2_sha256$2000001$s$" + strings.Repeat("A", 43) + "=" + outer, false},
		{"wrapped, outer above", "$wrapped$md5$$" + zeros + strings.Replace(outer, "256", "131073", 1), false},
		{"wrapped twice", "$wrapped$$wrapped$md5$$" + zeros + outer + outer, false},
		{"wrapped bcrypt", "$wrapped$$2b$04$" + salt53 + outer, false},
		{"nothing wrapped", "$wrapped$" + outer, false},
		{"wrapped in nothing", "$wrapped$md5$$" + zeros, false},
		{"far too long", "md5$" + strings.Repeat("x", maxStored) + "$" + zeros, false},
	} {
		err := Importable(auth.NewSecret(row.stored))
		if (err == nil) != row.ok || (err != nil && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// A stored text of any form must be in its one spelling and ask for bounded work.
func FuzzStored(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Stored, v.Password)
	}
	f.Add("$wrapped$md5$$"+zeros+"$argon2id$v=19$m=256,t=1,p=1$"+salt+"$"+tag, "")
	f.Add("{}", "")
	f.Add("$firebase-scrypt$rounds=0,mem_cost=0$$$$", "\x00")
	f.Fuzz(func(t *testing.T, stored, password string) {
		v, err := importable(auth.NewSecret(stored))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%q: %v", stored, err)
			}
			return
		}
		if v.String() != stored {
			t.Errorf("%q is also %q", stored, v)
		}
		if d, ok := v.(derived); ok && strings.HasPrefix(stored, "md5$") {
			d.matches(given{received: password, nfc: password}) // other forms are too slow here
		}
	})
}
