// Package sealed is the codec of edgeauth's opaque tokens. A token is a prefix and the base64url of
// its bytes:
//
//	prefix + base64url( version 1 | ... key id 2 ... | MAC 16 | CRC-32 of all before 4 )
//
//	kind := sealed.Kind{Form: sealed.Form{Prefix: "edt_", Version: 3<<4 | 1, Least: 34, Most: 113}, KeyAt: 1, Purpose: "..."}
//	text, err := kind.Seal(body, key)
//	token, ok := kind.Read(text) // no I/O
//	ok, err = token.Verify(key)  // the key that token.KeyID names
//
// The seal alone permits nothing. The MAC only shows that the server made the token, so that a
// forged token costs no read of the store. The permission comes from a random secret in the token.
// The server stores the hash of this secret.
//
// Each kind has its own version byte and MAC key, so that a token of one kind is never accepted as
// another kind. Prefix and checksum let secret scanners find leaked tokens. A token has exactly one
// encoding.
package sealed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	macBytes = 16
	crcBytes = 4
)

// Form is the text form of one kind of token.
type Form struct {
	Prefix  string
	Version byte // the kind's number, times 16, and the version of its layout; the first byte of a token
	// Least and Most bound the length of a body in bytes, the version included. Most bounds the
	// work for a forged token.
	Least, Most int
}

// Text returns the text of a token. body begins with f.Version.
func (f Form) Text(body []byte) auth.Secret {
	b := binary.BigEndian.AppendUint32(body[:len(body):len(body)], crc32.ChecksumIEEE(body))
	return auth.NewSecret(f.Prefix + base64.RawURLEncoding.EncodeToString(b))
}

// Body returns the body of a token. ok is false for a text of another form, with a wrong checksum
// or in another encoding.
func (f Form) Body(text auth.Secret) (body []byte, ok bool) {
	encoded, ok := strings.CutPrefix(text.Reveal(), f.Prefix)
	if !ok || len(encoded) > base64.RawURLEncoding.EncodedLen(f.Most+crcBytes) {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	// DecodeString ignores CR and LF and stray trailing bits, which would make tokens malleable.
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != encoded {
		return nil, false
	}
	if len(b) < f.Least+crcBytes || b[0] != f.Version {
		return nil, false
	}
	b, crc := b[:len(b)-crcBytes], binary.BigEndian.Uint32(b[len(b)-crcBytes:])
	return b, crc32.ChecksumIEEE(b) == crc
}

// Kind is one kind of sealed token. Its Form bounds the body without the MAC.
type Kind struct {
	Form
	KeyAt   int    // where the key id stands in the body
	Purpose string // of the MAC key
}

// Key is a key from which MAC keys are derived, one for each purpose; auth.RefreshTokenKey and
// auth.LoginKey are.
type Key interface {
	Derive(purpose string) ([]byte, error)
}

// Seal returns the text of a token. body begins with the version and holds the key's id at k.KeyAt.
func (k Kind) Seal(body []byte, key Key) (auth.Secret, error) {
	mac, err := k.mac(body, key)
	if err != nil {
		return auth.Secret{}, err
	}
	return k.Text(append(body[:len(body):len(body)], mac...)), nil
}

// Token is a sealed token whose MAC has not been checked yet.
type Token struct {
	KeyID uint16
	kind  Kind
	body  []byte
	mac   []byte
}

// Read splits a token into its parts. ok is false for a text that does not have the form of this
// kind. Read does not check the MAC.
func (k Kind) Read(text auth.Secret) (t Token, ok bool) {
	withMAC := k.Form
	withMAC.Least, withMAC.Most = k.Least+macBytes, k.Most+macBytes
	b, ok := withMAC.Body(text)
	if !ok {
		return Token{}, false
	}
	body, mac := b[:len(b)-macBytes], b[len(b)-macBytes:]
	return Token{binary.BigEndian.Uint16(body[k.KeyAt:]), k, body, mac}, true
}

// IssuedAt returns the instant in the last TimeBytes of the body. It is a claim, since the MAC may
// be wrong.
func (t Token) IssuedAt() time.Time { return ReadTime(t.body[len(t.body)-TimeBytes:]) }

// Verify reports whether the key has sealed the token. If it has, body is the token's body.
func (t Token) Verify(key Key) (body []byte, ok bool, err error) {
	want, err := t.kind.mac(t.body, key)
	if err != nil || !hmac.Equal(t.mac, want) {
		return nil, false, err
	}
	return t.body, true, nil
}

func (k Kind) mac(body []byte, key Key) ([]byte, error) {
	derived, err := key.Derive(k.Purpose)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of %s: %w", k.Purpose, err)
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write(body)
	return mac.Sum(nil)[:macBytes], nil
}

// TimeBytes is the length of an instant in a token.
const TimeBytes = 5

// AppendTime appends an instant, in whole seconds since 1970. The error says that it lies outside
// the range of 5 bytes.
func AppendTime(b []byte, t time.Time) ([]byte, error) {
	seconds := t.Unix()
	if seconds < 0 || seconds >= 1<<40 {
		return nil, errors.New("the time of a token is out of range (want 1970 to 36812)")
	}
	return binary.BigEndian.AppendUint32(append(b, byte(seconds>>32)), uint32(seconds)), nil
}

// ReadTime returns the instant in the first 5 bytes of b, in UTC.
func ReadTime(b []byte) time.Time {
	return time.Unix(int64(b[0])<<32|int64(binary.BigEndian.Uint32(b[1:])), 0).UTC()
}
