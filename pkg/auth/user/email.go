package user

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Email is a normalised e-mail address. It is the key of a user. Do not send mail to it: see
// [User].
type Email string

const (
	minEmailBytes = 3
	// RFC 5321, section 4.5.3.1.3: a path is 256 octets, of which two are "<" and ">".
	maxEmailBytes = 254

	// normalRounds is more than any character of Unicode 15 needs. If a later version of Unicode
	// needs more, NormalizeEmail refuses the address, because it could get two keys.
	normalRounds = 4
)

// NormalizeEmail returns the key of an address. The key of a key is the key itself.
//
// The domain becomes its A-label (RFC 5890), by UTS 46 without transitional processing, in lower
// case and without a final dot. A domain as a person writes it and the same domain as a browser's
// e-mail field sends it therefore have one key. Fullwidth letters and the ideographic full stop do
// not change the key.
//
// NormalizeEmail composes (NFC) and lowers the local part until neither step changes it. Lower case
// alone is not enough: "J" with a caron has no composed form but "j" with a caron has one, so two
// spellings of one address would make two accounts. Compatibility forms in the local part stay
// distinct: a fullwidth letter does not equal the plain letter. Letters that share only an upper
// case also stay distinct (σ and ς, i and ı), because mailboxes may distinguish them.
//
// Every error wraps [ErrEmail] and does not contain the text.
func NormalizeEmail(text string) (Email, error) {
	text, err := checkLength(text)
	if err != nil {
		return "", err
	}
	// The last "@" ends the local part, because a quoted local part may contain "@" (RFC 5321,
	// section 4.1.2).
	local, domain := cutLast(text, "@")
	if local == "" || domain == "" {
		return "", errParts
	}
	local, stable := normal(local)
	if !stable {
		return "", errUnstable
	}
	// The domain is mapped as given, because UTS 46 lowers the case itself.
	if domain, err = aLabels(domain); err != nil {
		return "", err
	}
	key := local + "@" + domain
	if err := checkKey(key); err != nil {
		return "", err
	}
	return Email(key), nil
}

var (
	errUnstable = fmt.Errorf("%w: it has no stable spelling", ErrEmail)
	errParts    = fmt.Errorf("%w: it must have a local part and a domain around an @", ErrEmail)
)

// checkLength returns the address without surrounding white space, or an error if its length is out
// of range.
func checkLength(text string) (string, error) {
	text = strings.TrimSpace(text)
	// Mail goes to the text as given, so the bound applies to the text as well as to the key.
	if len(text) < minEmailBytes || len(text) > maxEmailBytes {
		return "", fmt.Errorf("%w: it must have %d to %d bytes", ErrEmail, minEmailBytes, maxEmailBytes)
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%w: it must be valid UTF-8", ErrEmail)
	}
	return text, nil
}

// writtenEmail returns the key that versions before the A-label gave an address. In that key the
// domain has the letters that its owner wrote.
func writtenEmail(text string) (Email, error) {
	text, err := checkLength(text)
	if err != nil {
		return "", err
	}
	key, ok := normal(text)
	if !ok {
		return "", errUnstable
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	return Email(key), nil
}

func normal(text string) (key string, stable bool) {
	// Compose before lowering: İ becomes i, but I followed by a combining dot would become i with a
	// dot.
	key = norm.NFC.String(text)
	for range normalRounds {
		next := norm.NFC.String(strings.ToLower(key))
		if next == key {
			return key, true
		}
		key = next
	}
	return "", false
}

func checkKey(key string) error {
	if len(key) < minEmailBytes || len(key) > maxEmailBytes {
		return fmt.Errorf("%w: it must have %d to %d bytes", ErrEmail, minEmailBytes, maxEmailBytes)
	}
	for _, r := range key {
		if !visible(r) {
			return fmt.Errorf("%w: it must not hold spaces, controls, or characters that cannot be seen", ErrEmail)
		}
	}
	if local, domain := cutLast(key, "@"); local == "" || domain == "" {
		return errParts
	}
	return nil
}

// visible reports whether r may stand in an address. It refuses spaces, controls, formatting,
// private, unassigned and default-ignorable characters, so that no two accounts look the same.
// U+034F is refused too: x/text inserts it into runs of more than thirty combining marks, after
// which NFC would no longer give equivalent texts one spelling.
func visible(r rune) bool {
	return r != ' ' && unicode.IsPrint(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", ""
	}
	return s[:i], s[i+len(sep):]
}
