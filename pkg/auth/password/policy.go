package password

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	// MinCharacters is the minimum number of code points of a new password, after NFC. Code points
	// are counted as in NIST SP 800-63B-4, section 3.1.1.2, so that four emoji are too short.
	MinCharacters = 8
	// MaxBytes is the maximum length of a password in UTF-8, after NFC. It bounds the work that a
	// client can cause.
	MaxBytes = 1024
)

// nfcShrink is the largest factor by which NFC shortens a text: three jamo of three bytes each
// become one syllable of three bytes.
const nfcShrink = 3

// CheckNew returns an error if password may not be set: [ErrTooShort], [ErrTooLong], [ErrCommon],
// or another error if it is not valid UTF-8. Call it only when a password is set: an old password
// stays valid if the policy becomes stricter. Every code point counts and is allowed, even NUL:
// NIST SP 800-63B-4, section 3.1.1.2, requires a list of common passwords and forbids rules about
// kinds of characters.
func CheckNew(password auth.Secret) error { return checkNew(password, MinCharacters) }

func checkNew(password auth.Secret, least int) error {
	if !utf8.ValidString(password.Reveal()) {
		return errNotUTF8
	}
	text, ok := canonical(password)
	switch {
	case !ok:
		return ErrTooLong
	case utf8.RuneCountInString(text) < least:
		return &TooShort{least}
	case isCommon(text) || isRepeated(text):
		return ErrCommon
	}
	return nil
}

// isRepeated reports whether text repeats one code point.
func isRepeated(text string) bool {
	first, size := utf8.DecodeRuneInString(text)
	return strings.Trim(text[size:], string(first)) == ""
}

// Policy adds the checks of a deployment to [CheckNew]. The zero Policy adds nothing.
type Policy struct {
	// MinCharacters is the minimum number of code points of a new password, from [MinCharacters] to
	// 64. Zero means MinCharacters. NIST SP 800-63B-4, section 3.1.1.2, requires 15 if the password
	// is the only factor.
	MinCharacters int
	// Service is a name by which users know the service, such as the host of its issuer. It may not
	// be a password. An empty Service forbids nothing.
	Service string
	// Breached reports whether a password is known from a breach. nil skips this check.
	Breached func(ctx context.Context, password auth.Secret) (bool, error)
}

// mostMinCharacters leaves room for passphrases.
const mostMinCharacters = 64

// Validate returns an error if MinCharacters is out of range.
func (p Policy) Validate() error {
	if p.MinCharacters != 0 && (p.MinCharacters < MinCharacters || p.MinCharacters > mostMinCharacters) {
		return fmt.Errorf("the minimum length of a password is %d (want %d to %d characters)", p.MinCharacters, MinCharacters, mostMinCharacters)
	}
	return nil
}

// Check returns an error if the user with this e-mail address may not set password: an error of
// [CheckNew], [ErrBreached], or [ErrCommon] for the address, its local part or the name of the
// service, which attackers guess first. If Breached fails, nothing is decided, and the error wraps
// [auth.ErrUnavailable]. email may be empty.
func (p Policy) Check(ctx context.Context, password auth.Secret, email string) error {
	if err := checkNew(password, max(p.MinCharacters, MinCharacters)); err != nil {
		return err
	}
	text, _ := canonical(password)
	local, _, _ := strings.Cut(email, "@")
	for _, guess := range []string{email, local, p.Service} {
		if guess != "" && strings.EqualFold(text, norm.NFC.String(guess)) {
			return ErrCommon
		}
	}
	if p.Breached == nil {
		return nil
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
// MaxBytes, it returns "" and false. A text that is too long for NFC to shorten to MaxBytes is
// refused without normalising it.
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
