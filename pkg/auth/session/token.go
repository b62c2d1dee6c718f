package session

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/subjectform"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Token is the content of a refresh token.
type Token struct {
	Profile auth.Profile
	Subject auth.SubjectID
	// Secret is the session's secret: 16 random bytes, which only the client holds.
	Secret     auth.Secret
	Generation uint64
	Branch     Branch
	// IssuedAt is when this token was issued, in whole seconds, UTC.
	IssuedAt time.Time
}

// Key returns the key of the token's session.
func (t Token) Key() Key { return Key{t.Subject, IDOf(t.Secret)} }

const (
	tokenPrefix    = "ert_" // with the checksum, it lets secret scanners find leaked tokens
	refreshVersion = byte(RefreshKind)<<4 | 1
	macPurpose     = "edgeauth refresh token 1"

	secretBytes = 16
	macBytes    = 16
	crcBytes    = 4
	// The bytes before the subject: kind and version, profile, key id, subject form. The bytes
	// after it: secret, generation, branch, issue time.
	headBytes = 1 + 1 + 2 + 1
	tailBytes = secretBytes + 4 + 8 + 5

	maxIssued = 1<<40 - 1
)

// maxTokenText bounds the work that a junk token can cause.
var maxTokenText = len(tokenPrefix) +
	base64.RawURLEncoding.EncodedLen(headBytes+auth.MaxSubjectBytes+tailBytes+macBytes+crcBytes)

// errForged stands for every defect of a token. It gives no detail, because no detail would help an
// honest client.
var errForged = errors.New("not a refresh token of this issuer")

// Codec writes and reads refresh tokens:
//
//	ert_ + base64url( kind and version 1 | profile 1 | key id 2 | subject form 1 | subject |
//	                  secret 16 | generation 4 | branch 8 | issue time 5 |
//	                  HMAC-SHA-256 of all before, truncated to 16 |
//	                  CRC-32 of all before 4 )
//
// All numbers are big-endian. A subject that is a lower-case canonical UUID must be written as form
// 0 and its 16 bytes, so that every token has one spelling. The MAC is checked before any I/O on
// the session: junk costs nothing, and only an authentic token can revoke a session. A Codec is
// safe for concurrent use.
type Codec struct{ Keys Keys }

// Seal returns the text of t under the newest key. It fails if a field of t is out of range; errors
// wrap [auth.ErrUnavailable] if the keys cannot be read.
func (c Codec) Seal(ctx context.Context, t Token) (auth.Secret, error) {
	key, err := c.Keys.SealingKey(ctx)
	if err != nil {
		return auth.Secret{}, err
	}
	return seal(t, key)
}

func seal(t Token, key auth.RefreshTokenKey) (auth.Secret, error) {
	issued := t.IssuedAt.Unix()
	if len(t.Secret.Reveal()) != secretBytes || t.Generation > math.MaxUint32 || issued < 0 || issued > maxIssued {
		return auth.Secret{}, fmt.Errorf("refresh token out of range: secret of %d bytes (want %d), generation %d (want at most %d), issue time %d (want 0 to %d)",
			len(t.Secret.Reveal()), secretBytes, t.Generation, uint32(math.MaxUint32), issued, int64(maxIssued))
	}
	b := []byte{refreshVersion, byte(t.Profile)}
	b = binary.BigEndian.AppendUint16(b, key.ID)
	b, err := subjectform.Append(b, t.Subject)
	if err != nil {
		return auth.Secret{}, err
	}
	b = append(b, t.Secret.Reveal()...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Generation))
	b = append(b, t.Branch[:]...)
	b = append(b, byte(issued>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(issued))
	mac, err := macOf(b, key)
	if err != nil {
		return auth.Secret{}, err
	}
	b = append(b, mac...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return auth.NewSecret(tokenPrefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

// Parse returns the content of text. Its error wraps [ErrEnded] if text is not an authentic token or
// its key was dropped, and [auth.ErrUnavailable] if the keys cannot be read.
func (c Codec) Parse(ctx context.Context, text auth.Secret) (Token, error) {
	b, err := decode(text.Reveal())
	if err != nil {
		return Token{}, forged(err)
	}
	signed, mac := b[:len(b)-macBytes], b[len(b)-macBytes:]
	key, err := c.Keys.RefreshTokenKey(ctx, binary.BigEndian.Uint16(signed[2:]))
	switch {
	case errors.Is(err, auth.ErrKeyDropped):
		return Token{}, &Refusal{Outcome: KeyDropped, cause: errForged}
	case errors.Is(err, auth.ErrNotFound):
		return Token{}, forged(errForged)
	case err != nil:
		return Token{}, &Refusal{Outcome: Failed, cause: err}
	}
	want, err := macOf(signed, key)
	if err != nil {
		return Token{}, &Refusal{Outcome: Failed, cause: err}
	}
	if !hmac.Equal(mac, want) {
		if key.Replaced {
			// Nothing can tell such a token from a forged one, since its key is gone.
			return Token{}, &Refusal{Outcome: KeyDropped, cause: errForged}
		}
		return Token{}, forged(errForged)
	}
	t, err := read(signed)
	if err != nil {
		return Token{}, forged(err)
	}
	return t, nil
}

func forged(cause error) error { return &Refusal{Outcome: Forged, cause: cause} }

// decode decodes the text form and checks its checksum.
func decode(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(text) > maxTokenText {
		return nil, errForged
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	// DecodeString ignores CR and LF and stray trailing bits, which would make tokens malleable.
	// Only one spelling is accepted.
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != encoded {
		return nil, errForged
	}
	if len(b) < headBytes+1+tailBytes+macBytes+crcBytes || b[0] != refreshVersion {
		return nil, errForged
	}
	b, crc := b[:len(b)-crcBytes], binary.BigEndian.Uint32(b[len(b)-crcBytes:])
	if crc32.ChecksumIEEE(b) != crc {
		return nil, errForged
	}
	return b, nil
}

// read parses the bytes that the MAC has authenticated.
func read(b []byte) (Token, error) {
	t := Token{Profile: auth.Profile(b[1])}
	rest := b[headBytes:]
	subject, ok := len(rest)-tailBytes, false
	if t.Subject, ok = subjectform.Read(b[headBytes-1], rest[:subject]); !ok {
		return Token{}, errForged
	}
	if _, err := auth.ParseProfile(t.Profile.String()); err != nil {
		return Token{}, errForged
	}
	rest = rest[subject:]
	t.Secret = auth.NewSecret(string(rest[:secretBytes]))
	rest = rest[secretBytes:]
	t.Generation = uint64(binary.BigEndian.Uint32(rest))
	t.Branch = Branch(rest[4:12])
	t.IssuedAt = time.Unix(int64(rest[12])<<32|int64(binary.BigEndian.Uint32(rest[13:])), 0).UTC()
	return t, nil
}

func macOf(b []byte, key auth.RefreshTokenKey) ([]byte, error) {
	derived, err := key.Derive(macPurpose)
	if err != nil {
		return nil, fmt.Errorf("deriving a refresh-token MAC key: %w", err)
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write(b)
	return mac.Sum(nil)[:macBytes], nil
}
