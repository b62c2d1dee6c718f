package password

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vectors are those of the reference implementation (P-H-C/phc-winner-argon2, src/test.c) for
// version 0x13.
func TestArgon2idReferenceVectors(t *testing.T) {
	for _, row := range []struct {
		password, salt string
		cost           Cost
		tag            string
	}{
		{"password", "somesalt", Cost{65536, 2, 1}, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{"password", "somesalt", Cost{256, 2, 1}, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{"password", "somesalt", Cost{256, 2, 2}, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		{"password", "somesalt", Cost{65536, 1, 1}, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		{"password", "somesalt", Cost{65536, 4, 1}, "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
		{"differentpassword", "somesalt", Cost{65536, 2, 1}, "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		{"password", "diffsalt", Cost{65536, 2, 1}, "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		if got := hex.EncodeToString(row.cost.tag(row.password, []byte(row.salt), 32)); got != row.tag {
			t.Errorf("%s, %s, %+v: %s", row.password, row.salt, row.cost, got)
		}
	}
}

const (
	salt = "c29tZXNhbHQ"                                 // "somesalt"
	tag  = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc" // of "password" at m=65536,t=2,p=1
)

func TestParseArgon2id(t *testing.T) {
	text := func(n int) string { return strings.Repeat("AAAA", n/3) + []string{"", "AA", "AAA"}[n%3] } // n zero bytes
	for _, row := range []struct {
		name, stored string
		ok           bool
	}{
		{"reference", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + tag, true},
		{"most of everything", "$argon2id$v=19$m=65536,t=10,p=8$" + text(64) + "$" + text(64), true},
		{"least of everything", "$argon2id$v=19$m=8,t=1,p=1$" + text(8) + "$" + text(16), true},

		{"most memory", "$argon2id$v=19$m=131072,t=5,p=1$" + salt + "$" + tag, true},

		{"memory above", "$argon2id$v=19$m=131073,t=1,p=1$" + salt + "$" + tag, false},
		{"memory below eight blocks a lane", "$argon2id$v=19$m=31,t=2,p=4$" + salt + "$" + tag, false},
		{"memory overflows", "$argon2id$v=19$m=4294967304,t=2,p=1$" + salt + "$" + tag, false},
		{"work above", "$argon2id$v=19$m=131072,t=6,p=1$" + salt + "$" + tag, false},
		{"passes above", "$argon2id$v=19$m=8,t=11,p=1$" + salt + "$" + tag, false},
		{"no passes", "$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + tag, false},
		{"lanes above", "$argon2id$v=19$m=65536,t=2,p=65$" + salt + "$" + tag, false},
		{"most lanes", "$argon2id$v=19$m=65536,t=2,p=64$" + salt + "$" + tag, true},
		{"too little memory for the lanes", "$argon2id$v=19$m=511,t=2,p=64$" + salt + "$" + tag, false},
		{"no lanes", "$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + tag, false},
		{"lanes overflow", "$argon2id$v=19$m=65536,t=2,p=257$" + salt + "$" + tag, false},
		{"salt short", "$argon2id$v=19$m=65536,t=2,p=1$" + text(7) + "$" + tag, false},
		{"salt long", "$argon2id$v=19$m=65536,t=2,p=1$" + text(65) + "$" + tag, false},
		{"tag short", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + text(15), false},
		{"tag long", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + text(65), false},

		{"another version", "$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + tag, false},
		{"no version", "$argon2id$m=65536,t=2,p=1$" + salt + "$" + tag, false},
		{"another order", "$argon2id$v=19$t=2,m=65536,p=1$" + salt + "$" + tag, false},
		{"a parameter twice", "$argon2id$v=19$m=65536,t=2,p=1,p=1$" + salt + "$" + tag, false},
		{"a parameter missing", "$argon2id$v=19$m=65536,t=2$" + salt + "$" + tag, false},
		{"key id", "$argon2id$v=19$m=65536,t=2,p=1,keyid=AAAA$" + salt + "$" + tag, false},
		{"leading zero", "$argon2id$v=19$m=065536,t=2,p=1$" + salt + "$" + tag, false},
		{"sign", "$argon2id$v=19$m=+65536,t=2,p=1$" + salt + "$" + tag, false},
		{"space", "$argon2id$v=19$m= 65536,t=2,p=1$" + salt + "$" + tag, false},
		{"padding", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "==$" + tag, false},
		{"stray bits", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHR$" + tag, false},
		{"line feed in base64", "$argon2id$v=19$m=65536,t=2,p=1$c29t\nZXNhbHQ$" + tag, false},
		{"line feed after", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + tag + "\n", false},
		{"url alphabet", "$argon2id$v=19$m=65536,t=2,p=1$____________$" + tag, false},
		{"no tag", "$argon2id$v=19$m=65536,t=2,p=1$" + salt, false},
		{"empty tag", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$", false},
		{"a part more", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + tag + "$", false},
		{"the prefix alone", "$argon2id$", false},
	} {
		_, err := parseArgon2id(row.stored)
		if (err == nil) != row.ok || (err != nil && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// A text that parses must be in its one spelling and ask for bounded work.
func FuzzParseArgon2id(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + tag)
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29t\nZXNhbHR==$" + tag)
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + salt + "$" + tag)
	f.Add("$argon2id$$$$$")
	f.Fuzz(func(t *testing.T, stored string) {
		h, err := parseArgon2id(stored)
		switch {
		case err != nil && !errors.Is(err, ErrMalformed):
			t.Errorf("%q: %v", stored, err)
		case err == nil && h.String() != stored:
			t.Errorf("%q is also %q", stored, h)
		case err == nil && !h.cost.bounded():
			t.Errorf("%q asks for %+v", stored, h.cost)
		}
	})
}
