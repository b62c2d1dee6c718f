package password

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	// MinCharacters is the least number of code points in a new password, after NFC. NIST SP 800-63B, section
	// 3.1.1.2, counts code points, so that four emoji do not pass for a password.
	MinCharacters = 8
	// MaxBytes is the greatest length of a password in UTF-8, after NFC. It keeps a login's work independent of
	// what a stranger sends.
	MaxBytes = 1024
)

// nfcShrink is the most by which NFC shortens a text: three jamo of three bytes each become one syllable of three.
const nfcShrink = 3

// CheckNew reports why password may not be set: ErrNotUTF8, ErrTooShort or ErrTooLong. It is asked where a
// password is set and nowhere else: an old password stays good when the policy grows. Every code point counts and
// none is forbidden, NUL included.
func CheckNew(password auth.Secret) error {
	if !utf8.ValidString(password.Reveal()) {
		return ErrNotUTF8
	}
	text, ok := canonical(password)
	switch {
	case !ok:
		return ErrTooLong
	case utf8.RuneCountInString(text) < MinCharacters:
		return ErrTooShort
	}
	return nil
}

// canonical returns the one spelling of password that is hashed. It is not ok, and empty, above MaxBytes; what
// could not become short enough is not even normalised.
func canonical(password auth.Secret) (text string, ok bool) {
	text = password.Reveal()
	if len(text) > nfcShrink*MaxBytes {
		return "", false
	}
	text = norm.NFC.String(text)
	if len(text) > MaxBytes {
		return "", false
	}
	return text, true
}
