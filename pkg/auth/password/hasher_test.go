package password

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestHashThenVerify(t *testing.T) {
	const composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
	h := Hasher{Rand: strings.NewReader("sixteen byte salt, and more")}
	stored, err := h.Hash(auth.NewSecret(composed))
	if err != nil {
		t.Fatal(err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHNhbA$"; !strings.HasPrefix(stored.Reveal(), want) {
		t.Errorf("stored as %s", stored.Reveal())
	}
	for _, row := range []struct {
		name, password string
		match          bool
	}{
		{"the same", composed, true},
		{"decomposed", decomposed, true},
		{"another case", "CAF\u00c9 AU LAIT", false},
		{"compatibility form", "\uff43af\u00e9 au lait", false},
		{"with a NUL at the end", composed + "\x00", false},
		{"empty", "", false},
	} {
		if got, err := h.Verify(stored, auth.NewSecret(row.password)); err != nil || got != (Result{Match: row.match}) {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
	}
}

func TestHashesOfOnePasswordDiffer(t *testing.T) {
	secret := auth.NewSecret("correct horse")
	a, errA := Hasher{}.Hash(secret)
	b, errB := Hasher{}.Hash(secret)
	if errA != nil || errB != nil || a.Equal(b) {
		t.Errorf("errors %v, %v; equal: %v", errA, errB, a.Equal(b))
	}
}

func TestHashRefuses(t *testing.T) {
	noSalt := errors.New("no randomness")
	for _, row := range []struct {
		name     string
		rand     io.Reader
		password string
		want     error
	}{
		{"a password that Verify could not match", nil, strings.Repeat("x", MaxBytes+1), ErrTooLong},
		{"without randomness", iotest.ErrReader(noSalt), "correct horse", noSalt},
		{"with too little randomness", bytes.NewReader(make([]byte, saltBytes-1)), "correct horse", io.ErrUnexpectedEOF},
	} {
		if got, err := (Hasher{Rand: row.rand}).Hash(auth.NewSecret(row.password)); !errors.Is(err, row.want) || got.Reveal() != "" {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestVerifyReportsOutdated(t *testing.T) {
	for _, row := range []struct{ name, stored string }{
		{"reference vector", "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + tag},
		{"short salt only", argon2Hash{current, []byte("somesalt"), current.tag("password", []byte("somesalt"), 32)}.String()},
		{"long tag only", argon2Hash{current, make([]byte, 16), current.tag("password", make([]byte, 16), 64)}.String()},
	} {
		got, err := Hasher{}.Verify(auth.NewSecret(row.stored), auth.NewSecret("password"))
		if err != nil || !got.Match || !got.Outdated {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
	}
}

func TestVerifyRefusesUnknownForms(t *testing.T) {
	for _, stored := range []string{
		"", "password", "$", "$argon2id", "$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + tag,
		"$ARGON2ID$v=19$m=65536,t=2,p=1$" + salt + "$" + tag, "$argon2id$v=19", "\xff\x00",
	} {
		if got, err := (Hasher{}).Verify(auth.NewSecret(stored), auth.NewSecret(stored)); !errors.Is(err, ErrMalformed) || got.Match {
			t.Errorf("%q: %+v, %v", stored, got, err)
		}
	}
}

// gullible matches every password and records what it was given.
type gullible struct{ asked *[]given }

func (gullible) String() string { return "$gullible$" }
func (gullible) dummy() string  { return "$gullible$" }
func (gullible) work() work     { return work{} }

func (gullible) sees(given) bool { return true }

func (g gullible) matches(asked given) bool {
	*g.asked = append(*g.asked, asked)
	return true
}

func TestTooLongNeverMatchesButCostsTheSame(t *testing.T) {
	var asked []given
	defer func(before []form) { forms = before }(forms)
	forms = append(forms[:len(forms):len(forms)], form{"gullible", "$gullible$", func(string) (verifier, error) {
		return gullible{&asked}, nil
	}})

	for _, row := range []struct {
		name, password string
		match          bool
	}{
		{"longest", strings.Repeat("x", MaxBytes), true},
		{"a byte more", strings.Repeat("x", MaxBytes+1), false},
		{"longest, decomposed", strings.Repeat("e\u0301", MaxBytes/2), true},
		{"too long to normalise", strings.Repeat("e\u0301", 2*MaxBytes), false},
	} {
		asked = nil
		got, err := Hasher{}.Verify(auth.NewSecret("$gullible$"), auth.NewSecret(row.password))
		if err != nil || got.Match != row.match || len(asked) != 1 || len(asked[0].nfc) > MaxBytes || len(asked[0].received) > nfcShrink*MaxBytes {
			t.Errorf("%s: %+v, %v after %d hashes", row.name, got, err, len(asked))
		}
	}
}

func TestWasteCostsWhatAVerifyDoes(t *testing.T) {
	for _, row := range []struct{ configured, want Cost }{
		{Cost{}, current},
		{Cost{12288, 3, 1}, Cost{12288, 3, 1}},
	} {
		hasher := Hasher{Cost: row.configured}
		h, err := parseArgon2id(hasher.decoy().Reveal())
		if err != nil || !h.madeAt(row.want) {
			t.Errorf("the decoy of %v is %v, %v", row.configured, h, err)
		}
		hasher.Waste(auth.NewSecret("correct horse"))
	}
}
