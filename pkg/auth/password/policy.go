package password

import (
	"context"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	// MinCharacters is the least number of code points of a new password, after NFC. Code points
	// are counted as in NIST SP 800-63B, section 3.1.1.2, so that four emoji are too short.
	MinCharacters = 8
	// MaxBytes is the greatest length of a password in UTF-8, after NFC. It bounds the work that a
	// client can cause.
	MaxBytes = 1024
)

// nfcShrink is the greatest factor by which NFC shortens a text: three jamo of three bytes each
// become one syllable of three.
const nfcShrink = 3

// CheckNew returns an error if password may not be set: [ErrNotUTF8], [ErrTooShort], [ErrTooLong]
// or [ErrCommon]. Call it only when a password is set: an old password stays good when the policy
// grows. Every code point counts and every code point is allowed, even NUL: NIST SP 800-63B-4,
// section 3.1.1.2, asks for a list of common passwords and forbids rules about kinds of characters.
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

// Policy adds the checks of a deployment to [CheckNew]. The zero Policy adds nothing.
type Policy struct {
	// Breached reports whether a password is known from a breach. nil skips this check.
	Breached func(ctx context.Context, password auth.Secret) (bool, error)
}

// Check returns an error if password may not be set: an error of [CheckNew], or [ErrBreached]. If
// Breached fails, nothing is decided, and the error wraps [auth.ErrUnavailable].
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

// canonical returns password in NFC, the spelling that is hashed. If the result would exceed
// MaxBytes, it returns "" and false; a text that is too long to be shortened that far is not
// normalised.
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
