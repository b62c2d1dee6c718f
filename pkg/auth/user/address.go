package user

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RFC 5321, section 4.5.3.1.1, and RFC 1035, section 2.3.4.
const (
	maxLocalBytes = 64
	maxLabelBytes = 63
)

// CheckEmail returns an error that wraps [ErrEmail] unless a new user may have text as an e-mail
// address. CheckEmail is stricter than [NormalizeEmail], which finds existing users. Mail is sent
// to the address, and some mail servers read a list, a quoted local part, a route or an encoded
// word as a different address.
//
// The local part must be a Dot-string (RFC 5321, section 4.1.2, with RFC 6531, section 3.3) without
// "%" and "!". The domain must consist of labels of letters, digits and inner hyphens. Each label
// must have an A-label (RFC 5890) that does not depend on case. One "@" separates the two parts.
func CheckEmail(text string) error {
	if _, err := NormalizeEmail(text); err != nil {
		return err
	}
	// Mail goes to the address as written, so the written domain must be valid too.
	written, err := writtenEmail(text)
	if err != nil {
		return err
	}
	local, domain, _ := strings.Cut(string(written), "@")
	switch {
	case !sameKey(string(written), text):
		// A reader that lowers the text would get a different address; see EmailPointers.
		return fmt.Errorf("%w: the domain in lower case is a different domain", ErrEmail)
	case strings.Contains(domain, "@"):
		return fmt.Errorf("%w: it must have one @", ErrEmail)
	case len(local) > maxLocalBytes:
		return fmt.Errorf("%w: the part before the @ must have at most %d bytes", ErrEmail, maxLocalBytes)
	case !isDotString(local):
		return fmt.Errorf("%w: the part before the @ must consist of letters, digits and #$&'*+-/=?^_`{|}~, with single dots between them", ErrEmail)
	case strings.Contains(local, "=?"):
		// RFC 2047: some servers decode the word and read a different address.
		return fmt.Errorf("%w: the part before the @ must not hold an encoded word", ErrEmail)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if !isLabel(label) {
			return fmt.Errorf("%w: the domain must consist of names of letters, digits and inner hyphens, with single dots between them", ErrEmail)
		}
	}
	return nil
}

// isDotString reports whether s is a Dot-string without the characters of routes. A server of
// example.com that trusts the sender may pass a mail to x%evil.example@example.com or to
// evil.example!x@example.com on to x@evil.example, as Postfix does.
func isDotString(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return r < utf8.RuneSelf && !isAlphanumeric(r) && !strings.ContainsRune("#$&'*+-/=?^_`{|}~", r)
		}) {
			return false
		}
	}
	return true
}

func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabelBytes && s[0] != '-' && s[len(s)-1] != '-' &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return r != '-' && !isAlphanumeric(r) && (r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N))
		})
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
