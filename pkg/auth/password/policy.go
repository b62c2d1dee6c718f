package password

import (
	"context"
	"fmt"
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

// CheckNew reports why password may not be set: ErrNotUTF8, ErrTooShort, ErrTooLong or ErrCommon. It is asked where a
// password is set and nowhere else: an old password stays good when the policy grows. Every code point counts and
// none is forbidden, NUL included: NIST SP 800-63B-4, section 3.1.1.2, wants a list of common passwords, and no rules
// about kinds of characters.
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
	case isCommon(text):
		return ErrCommon
	}
	return nil
}

// Policy is CheckNew and what a deployment adds to it. The zero Policy adds nothing.
type Policy struct {
	// Breached reports whether a password is known from a breach. It may be nil: then nobody is asked.
	Breached func(ctx context.Context, password auth.Secret) (bool, error)
}

// Check reports why password may not be set: an error of CheckNew, or ErrBreached. A breach check that failed decides
// nothing, and is auth.ErrUnavailable.
func (p Policy) Check(ctx context.Context, password auth.Secret) error {
	if err := CheckNew(password); err != nil || p.Breached == nil {
		return err
	}
	breached, err := p.Breached(ctx, password)
	switch {
	case err != nil:
		return fmt.Errorf("%w: breach check: %w", auth.ErrUnavailable, err)
	case breached:
		return ErrBreached
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
