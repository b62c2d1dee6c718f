package sealed_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestAppendSubject(t *testing.T) {
	for subject, want := range map[auth.SubjectID]string{
		"1b671a64-40d5-491e-99b0-da01ff1f3341":  "\x00\x1b\x67\x1a\x64\x40\xd5\x49\x1e\x99\xb0\xda\x01\xff\x1f\x33\x41",
		"1B671A64-40D5-491E-99B0-DA01FF1F3341":  "\x241B671A64-40D5-491E-99B0-DA01FF1F3341", // not canonical
		"1b671a6440d5491e99b0da01ff1f3341":      "\x201b671a6440d5491e99b0da01ff1f3341",
		"ada":                                   "\x03ada",
		auth.SubjectID(strings.Repeat("x", 64)): "\x40" + strings.Repeat("x", 64),
	} {
		got, err := sealed.AppendSubject([]byte("head"), subject)
		if err != nil || string(got) != "head"+want {
			t.Errorf("%s: %q, %v", subject, got, err)
		}
		if back, ok := sealed.ReadSubject(want[0], []byte(want[1:])); !ok || back != subject {
			t.Errorf("%s was read as %q, %t", subject, back, ok)
		}
	}
	for _, subject := range []auth.SubjectID{"", "a\nb", "\xff", auth.SubjectID(strings.Repeat("x", 65))} {
		if got, err := sealed.AppendSubject(nil, subject); err == nil {
			t.Errorf("%q was written as %q", subject, got)
		}
	}
}

func TestReadSubjectRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a UUID cut off": "\x00" + strings.Repeat("x", 15), "a UUID and more": "\x00" + strings.Repeat("x", 17), "no UUID": "\x00",
		"a length too small": "\x02ada", "too great": "\x04ada", "nothing": "\x01", "a control character": "\x03a\nb", "no UTF-8": "\x01\xff",
		"a UUID as text": "\x241b671a64-40d5-491e-99b0-da01ff1f3341", "too long": "\x41" + strings.Repeat("x", 65),
	} {
		if got, ok := sealed.ReadSubject(text[0], []byte(text[1:])); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A subject that was read is written again in the same bytes.
func FuzzReadSubject(f *testing.F) {
	for _, seed := range []string{"\x03ada", "\x00abcdefghijklmnop", "\x241b671a64-40d5-491e-99b0-da01ff1f3341"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		s, ok := sealed.ReadSubject(text[0], text[1:])
		if !ok {
			return
		}
		if again, err := sealed.AppendSubject(nil, s); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q became %q, %v", text, again, err)
		}
	})
}
