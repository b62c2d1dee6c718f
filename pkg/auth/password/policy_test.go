package password

import (
	"context"
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
		{"shortest", "x3 kq8vw", nil},
		{"one less", "1234567", ErrTooShort},
		{"empty", "", ErrTooShort},
		{"four emoji", "🐎🔋📎✅", ErrTooShort},
		{"eight emoji", "🐎🔋📎✅🐎🔋📎✅", nil},
		{"seven letters, decomposed", strings.Repeat("e\u0301", 7), ErrTooShort},
		{"eight letters, decomposed", "x" + strings.Repeat("e\u0301", 7), nil},
		{"NUL is data", "\x00\x01\x00\x00\x00\x00\x00\x00", nil},
		{"spaces are data", "   x    ", nil},
		{"one character", "xxxxxxxx", ErrCommon},
		{"one emoji", strings.Repeat("🐎", 9), ErrCommon},
		{"one character but for one", "xxxxxxxy", nil},
		{"longest", strings.Repeat("xy", 512), nil},
		{"one more", strings.Repeat("x", 1025), ErrTooLong},
		{"longest after NFC", strings.Repeat("e\u0301", 511) + "yz", nil},
		{"two more after NFC", strings.Repeat("e\u0301", 513), ErrTooLong},
		{"longest syllables", "x" + strings.Repeat("\u1112\u1161\u11ab", 341), nil},
		{"far too long", strings.Repeat("x", 1<<20), ErrTooLong},
		{"common", "password", ErrCommon},
		{"common in another case", "PassWord", ErrCommon},
		{"common, and more", "password of mine", nil},
		{"two common ones on a line each", "password\npassword1", nil},
		{"not UTF-8", "12345678\xff", errNotUTF8},
		{"surrogate", "12345678\xed\xa0\x80", errNotUTF8},
	} {
		if err := CheckNew(auth.NewSecret(row.password)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestPolicyAsksForBreaches(t *testing.T) {
	down := errors.New("connection refused")
	asked := 0
	answer := func(breached bool, err error) func(context.Context, auth.Secret) (bool, error) {
		return func(context.Context, auth.Secret) (bool, error) {
			asked++
			return breached, err
		}
	}
	for _, row := range []struct {
		name, password string
		breached       func(context.Context, auth.Secret) (bool, error)
		want           error
		asked          int
	}{
		{"no breach check", "correct horse", nil, nil, 0},
		{"no breach check, common", "password", nil, ErrCommon, 0},
		{"unknown", "correct horse", answer(false, nil), nil, 1},
		{"known", "correct horse", answer(true, nil), ErrBreached, 1},
		{"refused before", "password", answer(true, nil), ErrCommon, 0},
		{"check fails", "correct horse", answer(false, down), auth.ErrUnavailable, 1},
		{"check fails, with an answer", "correct horse", answer(true, down), down, 1},
	} {
		asked = 0
		err := Policy{Breached: row.breached}.Check(t.Context(), auth.NewSecret(row.password), "")
		if !errors.Is(err, row.want) || asked != row.asked {
			t.Errorf("%s: %v after %d questions", row.name, err, asked)
		}
	}
}

// Every password of the embedded list must be refused as common, and for no other reason.
func TestCommonPasswords(t *testing.T) {
	lines := strings.Split(strings.Trim(commonPasswords(), "\n"), "\n")
	if len(lines) != 10_000 {
		t.Errorf("%d common passwords", len(lines))
	}
	for _, line := range lines {
		if err := CheckNew(auth.NewSecret(line)); !errors.Is(err, ErrCommon) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// canonical may refuse a text before it normalises only if NFC never shortens a text by more than
// nfcShrink.
func TestNFCShrinksByNoMoreThanNFCShrink(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		composed := norm.NFC.String(string(r))
		if whole := norm.NFD.String(composed); len(whole) > nfcShrink*len(composed) {
			t.Errorf("%U: %d bytes become %d", r, len(whole), len(composed))
		}
	}
}

// TestPolicyRefusesNames: attackers guess the names of the account and of the service first.
func TestPolicyRefusesNames(t *testing.T) {
	p := Policy{Service: "auth.example.com"}
	for password, want := range map[string]error{
		"jane.example@example.com":  ErrCommon,
		"Jane.Example@Example.COM":  ErrCommon,
		"jane.example":              ErrCommon,
		"JANE.EXAMPLE":              ErrCommon,
		"auth.example.com":          ErrCommon,
		"Auth.Example.Com":          ErrCommon,
		"jane.example and a secret": nil,
		"example.com":               nil,
	} {
		if err := p.Check(t.Context(), auth.NewSecret(password), "jane.example@example.com"); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", password, err, want)
		}
	}
	if err := p.Check(t.Context(), auth.NewSecret("jose\u0301.beispiel"), "jos\u00e9.beispiel@example.com"); !errors.Is(err, ErrCommon) {
		t.Errorf("the local part in another Unicode form: %v", err)
	}
	if err := (Policy{}).Check(t.Context(), auth.NewSecret("auth.example.com"), ""); err != nil {
		t.Errorf("neither name is known: %v", err)
	}
}
