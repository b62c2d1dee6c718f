package user_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func TestNormalizeEmail(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"plain", "ada@example.com", "ada@example.com"},
		{"case", "Ada@EXAMPLE.com", "ada@example.com"},
		{"trimmed", " \t\u00a0ada@example.com\r\n", "ada@example.com"},
		{"shortest", "a@b", "a@b"},
		{"longest", strings.Repeat("a", 242) + "@example.com", strings.Repeat("a", 242) + "@example.com"},
		{"quoted at", `"a@b"@example.com`, `"a@b"@example.com`},
		{"tag and dots stay", "a.da+x@example.com", "a.da+x@example.com"},

		{"composed", "zo\u00eb@example.com", "zo\u00eb@example.com"},
		{"decomposed", "zoe\u0308@example.com", "zo\u00eb@example.com"},
		{"decomposed upper case", "ZOE\u0308@example.com", "zo\u00eb@example.com"},
		{"marks in another order", "q\u0307\u0323@example.com", "q\u0323\u0307@example.com"},
		{"J with caron, no composed form", "J\u030c@example.com", "\u01f0@example.com"},
		{"j with caron", "j\u030c@example.com", "\u01f0@example.com"},
		{"j with caron, composed", "\u01f0@example.com", "\u01f0@example.com"},
		{"Kelvin sign", "\u212a@example.com", "k@example.com"},
		{"Angstrom sign", "\u212b@example.com", "\u00e5@example.com"},
		{"dotted I", "\u0130@example.com", "i@example.com"},
		{"dotted I, decomposed", "I\u0307@example.com", "i@example.com"},
		{"dotless i stays", "\u0131@example.com", "\u0131@example.com"},
		{"titlecase digraph", "\u01c5@example.com", "\u01c6@example.com"},
		{"capital sigma", "\u039f\u03a3@example.com", "\u03bf\u03c3@example.com"},
		{"final sigma stays", "\u03bf\u03c2@example.com", "\u03bf\u03c2@example.com"},
		{"sharp s stays", "\u00df@example.com", "\u00df@example.com"},
		{"fullwidth stays", "\uff21@example.com", "\uff41@example.com"},
		{"emoji", "🐎@example.com", "🐎@example.com"},

		{"domain in letters", "info@dömäin.example", "info@xn--dmin-moa0i.example"},
		{"domain in upper case", "info@DÖMÄIN.example", "info@xn--dmin-moa0i.example"},
		{"domain decomposed", "info@do\u0308ma\u0308in.example", "info@xn--dmin-moa0i.example"},
		{"domain in ASCII", "info@xn--dmin-moa0i.example", "info@xn--dmin-moa0i.example"},
		{"domain in upper ASCII", "info@XN--DMIN-MOA0I.example", "info@xn--dmin-moa0i.example"},
		{"fullwidth domain", "info@\uff45xample\uff0ecom", "info@example.com"},
		{"ideographic full stop", "info@example\u3002com", "info@example.com"},
		{"final dot", "info@example.com.", "info@example.com"},
		{"final ideographic full stop", "info@dömäin.example\u3002", "info@xn--dmin-moa0i.example"},
		{"sharp s in a domain is not ss", "a@stra\u00dfe.example", "a@xn--strae-oqa.example"},
		{"final sigma in a domain stays", "a@\u03bf\u03c2.example", "a@xn--0xag.example"},
		{"dotted I in a domain is not i", "a@\u0130.example", "a@xn--i-9bb.example"},
		{"soft hyphen in a domain", "a@exam\u00adple.com", "a@example.com"},
		{"hyphens in third and fourth place", "a@ab--cd.example", "a@ab--cd.example"},
		{"right to left", "a@\u0645\u062b\u0627\u0644.example", "a@xn--mgbh0fb.example"},
		{"local part in letters stays", "zo\u00eb@d\u00f6m\u00e4in.example", "zo\u00eb@xn--dmin-moa0i.example"},
	} {
		if got, err := user.NormalizeEmail(row.text); err != nil || string(got) != row.want {
			t.Errorf("%s: %+q, %v, want %+q", row.name, got, err, row.want)
		}
	}
}

func TestNormalizeEmailRefuses(t *testing.T) {
	for _, row := range []struct{ name, text string }{
		{"empty", ""},
		{"blank", " \t "},
		{"two bytes", "a@"},
		{"a byte too long", strings.Repeat("a", 243) + "@example.com"},
		{"too long as given", strings.Repeat("e\u0301", 100) + "@example.com"},
		{"too short as a key", "\u212a@"},
		{"no at", "ada.example.com"},
		{"no local part", "@example.com"},
		{"no domain", "ada@"},
		{"fullwidth at", "ada\uff20example.com"},
		{"not UTF-8", "ada\xff@example.com"},
		{"overlong at", "ada\xc1\x80example.com"},
		{"surrogate", "a\xed\xa0\x80@example.com"},
		{"space", "a da@example.com"},
		{"no-break space", "a\u00a0da@example.com"},
		{"line separator", "a\u2028da@example.com"},
		{"NUL", "a\x00da@example.com"},
		{"header injection", "ada@example.com\r\nBcc: eve@example.com"},
		{"C1 control", "a\u0085da@example.com"},
		{"zero width space", "a\u200bda@example.com"},
		{"zero width joiner", "a\u200dda@example.com"},
		{"soft hyphen", "a\u00adda@example.com"},
		{"right to left override", "a\u202eda@example.com"},
		{"byte order mark inside", "a\ufeffda@example.com"},
		{"variation selector", "a\ufe0fda@example.com"},
		{"grapheme joiner", "a\u034fda@example.com"},
		{"Hangul filler", "a\u3164da@example.com"},
		{"private use", "a\ue000da@example.com"},
		{"unassigned", "a\u0378da@example.com"},
		{"domain of no Punycode", "a@xn--9999999.example"},
		{"domain of Punycode for ASCII", "a@xn--a-.example"},
		{"domain that mixes directions", "a@\u05d0b.example"},
		{"domain that begins with a mark", "a@\u0301a.example"},
		{"domain with a joiner out of place", "a@a\u200db.example"},
		{"domain with an underscore", "a@exa_mple.d\u00f6m\u00e4in"},
		{"domain with an empty label", "a@d\u00f6m\u00e4in..example"},
		{"two final dots", "a@example.com.."},
		{"domain of a dot", "a@\u3002"},
		{"domain with a label that is too long", "a@" + strings.Repeat("\u00e4b", 20) + strings.Repeat("z", 40) + ".example"},
		{"domain that is too long as A-labels", "a@" + strings.Repeat("\u00e4.", 60) + "example"},
		{"more marks than NFC keeps in order", "a" + strings.Repeat("\u0301", 31) + "@example.com"},
	} {
		got, err := user.NormalizeEmail(row.text)
		if !errors.Is(err, user.ErrEmail) || got != "" {
			t.Errorf("%s: %+q, %v", row.name, got, err)
		}
		if err != nil && row.text != "" && strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: the error repeats the text", row.name)
		}
	}
}

// No letter of Unicode gives one address two keys, in any spelling.
func TestEveryLetterHasOneKey(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if unicode.ToLower(r) == r && unicode.ToUpper(r) == r && norm.NFD.String(string(r)) == string(r) {
			continue // neither case nor composition changes r
		}
		for _, letter := range []string{string(r), string(r) + "\u0307", string(r) + "\u030c"} {
			oneKey(t, letter+"@example.com")
			oneKey(t, "a@b"+letter+"c.example")
		}
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, text := range []string{
		"Ada@Example.com", "J\u030c@example.com", "I\u0307\u0307@x", "\u212a@\u212b", "\u0391\u0345\u0313@\u1f88",
		"a" + strings.Repeat("\u0316\u0301", 16) + "@b", "\u1112\u1161\u11ab@\ud55c", "\u03a3\u03c2@\uff20@\u0130",
		"info@d\u00f6m\u00e4in.example", "info@XN--dmin-moa0i.example.", "a@\uff45\u3002\u05d0", "a@stra\u00dfe.\u03c2", "a@a\u200d\u0915\u094d\u200d.x",
	} {
		f.Add(text)
	}
	f.Fuzz(oneKey)
}

// oneKey checks that the key of a key is the key itself, and that equivalent spellings of a text
// have the same key.
func oneKey(t *testing.T, text string) {
	key, err := user.NormalizeEmail(text)
	if err != nil {
		return
	}
	if !slices.Contains(user.EmailPointers(text), key.Pointer()) {
		t.Errorf("%+q: the pointers %v do not have the key %+q", text, user.EmailPointers(text), key)
	}
	if again, err := user.NormalizeEmail(string(key)); err != nil || again != key {
		t.Errorf("%+q has the key %+q, whose key is %+q, %v", text, key, again, err)
	}
	for _, form := range []norm.Form{norm.NFC, norm.NFD} {
		// A spelling may be too long to be an address, but it must not have a different key.
		other, err := user.NormalizeEmail(form.String(text))
		if err == nil && other != key {
			t.Errorf("%+q has the key %+q, and equivalent text has %+q", text, key, other)
		}
	}
}

func TestEmailPointers(t *testing.T) {
	const letters, ascii = "info@d\u00f6m\u00e4in.example", "info@xn--dmin-moa0i.example"
	for text, want := range map[string][]string{
		" Ada@Example.com":                   {"ada@example.com"},
		"ada@example.com.":                   {"ada@example.com"},
		"Info@D\u00f6m\u00e4in.example":      {letters, ascii},
		"info@XN--DMIN-MOA0I.example":        {ascii, letters},
		"info@\uff44\u00f6m\u00e4in.example": {"info@\uff44\u00f6m\u00e4in.example", ascii, letters},
		"info@\uff45xample.com":              {"info@\uff45xample.com", "info@example.com"},
		"info@xn--9999999.example":           {"info@xn--9999999.example"}, // of a user of earlier code
		"info@s\u0130te.example":             {"info@xn--site-rwc.example", "info@si\u0307te.example"},
		"info@stra\u1e9ee.example":           {"info@strasse.example"},
		"info@stra\u00dfe.example":           {"info@stra\u00dfe.example", "info@xn--strae-oqa.example"},
	} {
		var got []string
		for _, p := range user.EmailPointers(text) {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
	for _, text := range []string{"", "ada", "a@", "a b@d\u00f6m\u00e4in.example"} {
		got := user.EmailPointers(text)
		if len(got) != 1 || strings.Contains(got[0].Name, "@") || got[0].Validate() != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestEmailPointersHaveOneKey checks that texts with a pointer in common have one key. Otherwise
// the attempts at one user would count under several keys.
func TestEmailPointersHaveOneKey(t *testing.T) {
	sound := func(text string) {
		key, err := user.NormalizeEmail(text)
		for _, p := range user.EmailPointers(text) {
			if !strings.Contains(p.Name, "@") {
				continue // leads to no user
			}
			if of, ofErr := user.NormalizeEmail(p.Name); of != key || (ofErr == nil) != (err == nil) {
				t.Errorf("%+q with the key %+q has the pointer %+q, whose key is %+q", text, key, p.Name, of)
			}
		}
	}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if unicode.IsGraphic(r) { // other characters are in no address
			sound("v@a" + string(r) + "b.example")
		}
	}
	sound("v@" + strings.Repeat("\u0130", 60) + ".example") // too long as an A-label
}

// TestHeldEmailPointers checks that a user of earlier code keeps the pointer that it wrote.
func TestHeldEmailPointers(t *testing.T) {
	for text, want := range map[string][]string{
		"ada@example.com ":           {"ada@example.com"},
		"info@s\u0130te.example":     {"info@xn--site-rwc.example", "info@si\u0307te.example", "info@site.example"},
		"info@stra\u1e9ee.example":   {"info@strasse.example", "info@stra\u00dfe.example"},
		"info@D\u00f6m\u00e4in.test": {"info@d\u00f6m\u00e4in.test", "info@xn--dmin-moa0i.test"},
	} {
		var got []string
		for _, p := range user.HeldEmailPointers(text) {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
}
