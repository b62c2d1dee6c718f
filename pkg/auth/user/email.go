package user

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Email is a normalised e-mail address: the key by which a user is found, never an address to send to.
type Email string

const (
	minEmailBytes = 3
	maxEmailBytes = 254 // RFC 5321, section 4.5.3.1.3: a path is 256 octets, of which two are "<" and ">"

	// normalRounds is more than any character of Unicode 15 needs. Later tables could need more; then we refuse
	// rather than key an address in two ways.
	normalRounds = 4
)

// NormalizeEmail returns the key of an address: trimmed, then composed (NFC) and in lower case, repeated until
// neither changes it. Lower case alone is not enough: "J" with a caron has no composed form and "j" with a caron has
// one, so that two spellings of one address would make two accounts. The key of a key is itself.
//
// Compatibility forms stay apart (a fullwidth letter is a letter of its own), and so do letters that only share an
// upper case (σ and ς, i and ı): mailboxes may tell them apart. Every refusal wraps ErrEmail and does not repeat
// the text.
func NormalizeEmail(text string) (Email, error) {
	text = strings.TrimSpace(text)
	// Mail goes to the text as given, so the bound holds for it and for the key.
	if len(text) < minEmailBytes || len(text) > maxEmailBytes {
		return "", fmt.Errorf("%w: it must have %d to %d bytes", ErrEmail, minEmailBytes, maxEmailBytes)
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%w: it must be valid UTF-8", ErrEmail)
	}
	key, ok := normal(text)
	if !ok {
		return "", fmt.Errorf("%w: it has no stable spelling", ErrEmail)
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	return Email(key), nil
}

func normal(text string) (key string, stable bool) {
	// Composed before it is lowered: İ becomes i, but I followed by a combining dot would become i with a dot.
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
	// The last "@": a quoted local part may hold others (RFC 5321, section 4.1.2).
	local, domain := cutLast(key, "@")
	if local == "" || domain == "" {
		return fmt.Errorf("%w: it must have a local part and a domain around an @", ErrEmail)
	}
	return nil
}

// visible refuses spaces, controls, formatting, private and unassigned characters, and those that are ignored in
// display: two accounts must not look the same. Among them is U+034F, which x/text puts into runs of more than
// thirty combining marks; there, NFC would no longer give equivalent texts one spelling.
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
