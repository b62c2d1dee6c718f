package password

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// vector is a stored hash that another system made.
type vector struct{ Source, Stored, Password string }

// documented are vectors that the systems publish.
var documented = []vector{
	// Openwall's crypt_blowfish, wrapper.c, and with it PHP and many others.
	{"crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	{"crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
	{"crypt_blowfish", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"},
	{"crypt_blowfish, above 72 bytes", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored"},
	{"crypt_blowfish, not UTF-8", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xff\xff\xa3"},
	// The PHP manual, password_verify and crypt.
	{"PHP", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "rasmuslerdorf"},
	{"PHP", "$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi", "rasmuslerdorf"},
	// RFC 7914, section 12, as a PHC string.
	{"RFC 7914 scrypt", "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$" +
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw", "pleaseletmein"},
	// RFC 6070, section 2, and RFC 7914, section 11, as PHC strings.
	{"RFC 6070", "$pbkdf2-sha1$i=4096$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "password"},
	{"RFC 7914 PBKDF2", "$pbkdf2-sha256$i=1,l=64$c2FsdA$" +
		"VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw", "passwd"},
	// firebase/scrypt, README.md.
	{"Firebase", "$firebase-scrypt$rounds=8,mem_cost=14$Bw==$" +
		"jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$" +
		"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==", "user1password"},
}

// vectors returns documented and the vectors that scripts in testdata made with the systems
// themselves.
func vectors(t testing.TB) []vector {
	t.Helper()
	all := documented
	for _, name := range []string{"foreign_hashes.json", "openauth_hashes.json"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var made []vector
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&made); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all[:len(all):len(all)], made...)
	}
	return all
}

// costly reports whether v has a production cost. Such vectors are verified only once.
func costly(v vector) bool {
	return strings.Contains(v.Source, "default cost") || v.Source == "Firebase" || v.Source == "RFC 7914 scrypt"
}

// alike reports whether a cheaper vector covers the same code. The tests of near misses then skip
// v.
func alike(v vector) bool {
	return slices.Contains(documented, v) || len(v.Password) > 20 ||
		strings.HasPrefix(v.Source, "wrapped sha") || v.Source == "wrapped md5-suffix"
}

func isPlain(v vector) bool { return v.Source == "Django md5" }

func TestVerifyVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Source, func(t *testing.T) {
			stored := auth.NewSecret(v.Stored)
			if err := Importable(stored); err != nil {
				t.Fatal(err)
			}
			got, err := Hasher{}.Verify(stored, auth.NewSecret(v.Password))
			if isPlain(v) {
				if !errors.Is(err, ErrMalformed) || got.Match {
					t.Errorf("a plain digest verifies: %+v, %v", got, err)
				}
				return
			}
			if err != nil || !got.Match || got.Outdated == got.Partial {
				t.Errorf("%q: %+v, %v", v.Password, got, err)
			}
		})
	}
}

func TestNearPasswordsFail(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		if isPlain(v) || costly(v) || alike(v) {
			continue
		}
		near := []string{v.Password + "\x00", "\x00" + v.Password, strings.ToUpper(v.Password) + "x", v.Password + strings.Repeat("x", MaxBytes)}
		if len(v.Password) > 0 {
			near = append(near, "", v.Password[1:], "\x00"+v.Password[1:], string(v.Password[0]^1)+v.Password[1:])
		}
		switch v.Password {
		case "caf\u00e9":
			near = append(near, "cafe\u0301")
		case "cafe\u0301":
			near = append(near, "caf\u00e9")
		case "nul\x00byte":
			near = append(near, "nul")
		case "":
			near = near[2:] // to bcrypt and HMAC, NUL bytes alone are the empty password
		}
		for _, password := range near {
			got, err := Hasher{}.Verify(auth.NewSecret(v.Stored), auth.NewSecret(password))
			if err != nil || got.Match {
				t.Errorf("%s of %q matches %.40q (%v)", v.Source, v.Password, password, err)
			}
		}
	}
}

// nearTexts returns texts that differ a little from stored. Each must be refused or fail to match.
func nearTexts(stored string) []string {
	texts := []string{
		stored[1:], stored[:len(stored)-1], stored + "$", stored + "=", stored + "\n", stored + "\x00", stored + " ", " " + stored, "$" + stored,
		strings.ToUpper(stored),
	}
	const parameters = 24 // the first bytes; of salt and digest, every eleventh byte is enough
	for i := range len(stored) {
		if i >= parameters && i%11 != 0 && i < len(stored)-2 {
			continue
		}
		c := stored[i] ^ 1
		if '0' <= stored[i] && stored[i] <= '9' {
			// Another digit could mean a greater cost. A leading zero is another spelling of the
			// number.
			texts = append(texts, stored[:i]+"0"+stored[i:])
			c = 'x'
		}
		texts = append(texts, stored[:i]+string(c)+stored[i+1:])
	}
	return texts
}

func TestNearStoredTextsFail(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		if costly(v) || alike(v) || isPlain(v) || seen[v.Source] {
			continue
		}
		seen[v.Source] = true
		for _, stored := range nearTexts(v.Stored) {
			got, err := Hasher{}.Verify(auth.NewSecret(stored), auth.NewSecret(v.Password))
			if got.Match || (err != nil && !errors.Is(err, ErrMalformed)) {
				t.Errorf("%s: %q verifies like %q (%v)", v.Source, stored, v.Stored, err)
			}
		}
	}
}

// Every form has at least one vector.
func TestEveryFormHasAVector(t *testing.T) {
	for _, f := range append(forms[1:len(forms):len(forms)], plain[0]) {
		found := false
		for _, v := range vectors(t) {
			found = found || strings.HasPrefix(v.Stored, f.prefix)
		}
		if !found {
			t.Errorf("no vector of form %s (prefix %s)", f.name, f.prefix)
		}
	}
}

// A text has at most one form.
func TestFormsAreDisjoint(t *testing.T) {
	all := append(forms[:len(forms):len(forms)], plain...)
	for i, a := range all {
		for j, b := range all {
			if i != j && strings.HasPrefix(a.prefix, b.prefix) {
				t.Errorf("prefix %s begins with prefix %s", a.prefix, b.prefix)
			}
		}
	}
}

func TestForms(t *testing.T) {
	want := "argon2id bcrypt django-bcrypt django-bcrypt-sha256 passlib-bcrypt-sha256 scrypt django-scrypt " +
		"pbkdf2 django-pbkdf2 django-argon2 firebase-scrypt openauth wrapped"
	if got := strings.Join(names(forms), " "); got != want {
		t.Error(got)
	}
}
