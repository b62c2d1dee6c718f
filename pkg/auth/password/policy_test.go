package password

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestCheckNew(t *testing.T) {
	for _, row := range []struct {
		name, password string
		want           error
	}{
		{"shortest", "12345678", nil},
		{"one less", "1234567", ErrTooShort},
		{"empty", "", ErrTooShort},
		{"four emoji", "🐎🔋📎✅", ErrTooShort},
		{"eight emoji", "🐎🔋📎✅🐎🔋📎✅", nil},
		{"seven letters, decomposed", strings.Repeat("e\u0301", 7), ErrTooShort},
		{"eight letters, decomposed", strings.Repeat("e\u0301", 8), nil},
		{"NUL is data", "\x00\x00\x00\x00\x00\x00\x00\x00", nil},
		{"spaces are data", "        ", nil},
		{"longest", strings.Repeat("x", 1024), nil},
		{"one more", strings.Repeat("x", 1025), ErrTooLong},
		{"longest after NFC", strings.Repeat("e\u0301", 512), nil},
		{"two more after NFC", strings.Repeat("e\u0301", 513), ErrTooLong},
		{"longest syllables", strings.Repeat("\u1112\u1161\u11ab", 341), nil},
		{"far too long", strings.Repeat("x", 1<<20), ErrTooLong},
		{"not UTF-8", "12345678\xff", ErrNotUTF8},
		{"surrogate", "12345678\xed\xa0\x80", ErrNotUTF8},
	} {
		if err := CheckNew(auth.NewSecret(row.password)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

// canonical may refuse before it normalises only if NFC never shortens a text by more.
func TestNFCShrinksNoCharacterByMore(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		composed := norm.NFC.String(string(r))
		if whole := norm.NFD.String(composed); len(whole) > nfcShrink*len(composed) {
			t.Errorf("%U: %d bytes become %d", r, len(whole), len(composed))
		}
	}
}
