package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that must not be printed: a password, a token, key material. Printing, logging
// or encoding it shows "[redacted]"; only Reveal returns the text. The zero Secret is empty. A
// Secret is immutable and safe for concurrent use.
type Secret struct {
	// text is a pointer, because fmt prints strings in unexported fields without calling String.
	// fmt prints only the address of a nested pointer.
	text *string
}

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text. Code reviews search for its callers.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Equal compares the texts in constant time, except for their length.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// RefreshTokenKey is a key from which the MAC key of refresh tokens is derived.
type RefreshTokenKey struct {
	ID     uint16
	Secret Secret // KeyBytes of raw key material
	// Replaced means that an earlier key of this ID was dropped. Tokens under that key have the
	// same ID.
	Replaced bool
	// Newer means that instances of a later version seal under this key, and instances of this
	// version do not.
	Newer bool
}

// KeyBytes is the length of the material of a refresh-token key and of a login key.
const KeyBytes = 32

// Derive returns the 32-byte MAC key for one purpose (HKDF-SHA-256, RFC 5869), so that a token for
// one purpose is never valid for another.
func (k RefreshTokenKey) Derive(purpose string) ([]byte, error) { return derive(k.Secret, purpose) }

// LoginKey is a key from which the MAC keys of known-device tokens, of counter names and of
// pseudonyms in the audit log are derived. LoginKey and RefreshTokenKey are separate types, so that
// the compiler keeps the two rings apart.
type LoginKey struct {
	ID     uint16
	Secret Secret // KeyBytes of raw key material
}

// Derive returns the 32-byte MAC key for one purpose (HKDF-SHA-256, RFC 5869).
func (k LoginKey) Derive(purpose string) ([]byte, error) { return derive(k.Secret, purpose) }

func derive(material Secret, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(material.Reveal()), nil, purpose, sha256.Size)
}
