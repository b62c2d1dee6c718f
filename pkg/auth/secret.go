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

// Secret is a text that must not be seen: a password, a token, key material. Every way of printing it shows
// "[redacted]"; only Reveal gives the text. The zero Secret is empty. It is immutable and safe for concurrent use.
type Secret struct {
	// A pointer, because fmt walks into unexported fields without asking for a String method and would print
	// a string there; of a nested pointer it prints the address.
	text *string
}

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text. Whoever reviews this code searches for its callers.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Equal compares in constant time (but for the length).
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// RefreshTokenKey is one key from which the MAC key of refresh tokens is derived.
type RefreshTokenKey struct {
	ID     uint16
	Secret Secret // RefreshTokenKeyBytes of raw key material
	// Replaced says that an earlier key of this ID was dropped. Tokens under that key carry the ID too.
	Replaced bool
	// Newer says that instances of a later version seal under this key, and instances of this version do not.
	Newer bool
}

// RefreshTokenKeyBytes is the length of a refresh-token key's material.
const RefreshTokenKeyBytes = 32

// Derive returns the 32-byte MAC key for one purpose (HKDF-SHA-256, RFC 5869), so that a token made for one
// purpose never passes for another.
func (k RefreshTokenKey) Derive(purpose string) ([]byte, error) { return derive(k.Secret, purpose) }

// LoginKey is one key from which a login derives the MAC keys of known-device tokens, of the names of throttle
// counters and of the audit log's references. LoginKey and RefreshTokenKey are two types, so that the compiler keeps
// the two rings apart.
type LoginKey struct {
	ID     uint16
	Secret Secret // LoginKeyBytes of raw key material
}

// LoginKeyBytes is the length of a login key's material. Package keyring makes and reads the keys of both rings alike.
const LoginKeyBytes = RefreshTokenKeyBytes

// Derive returns the 32-byte MAC key for one purpose (HKDF-SHA-256, RFC 5869).
func (k LoginKey) Derive(purpose string) ([]byte, error) { return derive(k.Secret, purpose) }

func derive(material Secret, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(material.Reveal()), nil, purpose, sha256.Size)
}
