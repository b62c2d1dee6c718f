package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
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
	secretBytes = 16
	// Bytes before the subject: kind and version, profile, key id, subject form. Bytes after it:
	// secret, generation, branch, issue time.
	headBytes = 1 + 1 + 2 + 1
	tailBytes = secretBytes + 4 + 8 + sealed.TimeBytes
)

var refreshKind = sealed.Kind{
	Form: sealed.Form{
		Prefix: "ert_", Version: byte(RefreshKind)<<4 | 1,
		Least: headBytes + 1 + tailBytes, Most: headBytes + auth.MaxSubjectBytes + tailBytes,
	},
	KeyAt: 2, Purpose: "edgeauth refresh token 1",
}

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
// the session, so a made-up token costs nothing and only an authentic token can revoke a session. A
// stolen key alone makes no token of a session, because the secret is missing. With the key, any
// one token of the session becomes a token of every generation. The rules then detect no theft from
// a session of the profile balanced or fixed, so an operator must drop a stolen key. A token whose
// profile differs from its session's ends the session. A Codec is safe for concurrent use.
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
	if len(t.Secret.Reveal()) != secretBytes || t.Generation > math.MaxUint32 {
		return auth.Secret{}, fmt.Errorf("refresh token out of range: secret of %d bytes (want %d), generation %d (want at most %d)",
			len(t.Secret.Reveal()), secretBytes, t.Generation, uint32(math.MaxUint32))
	}
	b := binary.BigEndian.AppendUint16([]byte{refreshKind.Version, byte(t.Profile)}, key.ID)
	b, err := sealed.AppendSubject(b, t.Subject)
	if err != nil {
		return auth.Secret{}, err
	}
	b = append(b, t.Secret.Reveal()...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Generation))
	b = append(b, t.Branch[:]...)
	if b, err = sealed.AppendTime(b, t.IssuedAt); err != nil {
		return auth.Secret{}, fmt.Errorf("refresh token out of range: %w", err)
	}
	return refreshKind.Seal(b, key)
}

// Parse returns the content of text. Its error wraps [ErrEnded] if text is not an authentic token
// or its key was dropped, and [auth.ErrUnavailable] if the keys cannot be read.
func (c Codec) Parse(ctx context.Context, text auth.Secret) (Token, error) {
	token, ok := refreshKind.Read(text)
	if !ok {
		return Token{}, forged(errForged)
	}
	t, newer, err := c.open(ctx, token)
	if !newer && !errors.Is(err, ErrEnded) {
		return t, err
	}
	// While a drop of keys is deployed, another instance may have keys that this instance does not
	// have. A token under such a key would look forged here, and a refusal would end a live
	// session. A token of a newer version can be opened here, but this instance would seal its
	// successor under a key that may have been dropped meanwhile.
	switch failed := c.Keys.Reload(ctx, token.IssuedAt()); {
	case failed == nil:
		t, _, err = c.open(ctx, token)
	case err != nil:
		err = &Refusal{Outcome: OutcomeFailed, cause: failed}
	}
	return t, err
}

// open returns the content of a token by the loaded keys. newer reports whether its key belongs to
// a newer version.
func (c Codec) open(ctx context.Context, token sealed.Token) (t Token, newer bool, err error) {
	key, err := c.Keys.RefreshTokenKey(ctx, token.KeyID)
	switch {
	case errors.Is(err, auth.ErrKeyDropped):
		return Token{}, false, &Refusal{Outcome: OutcomeKeyDropped, cause: errForged}
	case errors.Is(err, auth.ErrNotFound):
		return Token{}, false, forged(errForged)
	case err != nil:
		return Token{}, false, &Refusal{Outcome: OutcomeFailed, cause: err}
	}
	body, ok, err := token.Verify(key)
	switch {
	case err != nil:
		return Token{}, false, &Refusal{Outcome: OutcomeFailed, cause: err}
	case !ok && key.Replaced:
		// Such a token cannot be distinguished from a forged token, because its key is gone.
		return Token{}, false, &Refusal{Outcome: OutcomeKeyDropped, cause: errForged}
	case !ok:
		return Token{}, false, forged(errForged)
	}
	if t, err = read(body); err != nil {
		return Token{}, false, forged(err)
	}
	return t, key.Newer, nil
}

func forged(cause error) error { return &Refusal{Outcome: OutcomeForged, cause: cause} }

// read parses the bytes that the MAC has authenticated.
func read(b []byte) (Token, error) {
	t := Token{Profile: auth.Profile(b[1])}
	rest := b[headBytes:]
	subject, ok := len(rest)-tailBytes, false
	if t.Subject, ok = sealed.ReadSubject(b[headBytes-1], rest[:subject]); !ok {
		return Token{}, errForged
	}
	if !t.Profile.Valid() {
		return Token{}, errForged
	}
	rest = rest[subject:]
	t.Secret = auth.NewSecret(string(rest[:secretBytes]))
	rest = rest[secretBytes:]
	t.Generation = uint64(binary.BigEndian.Uint32(rest))
	t.Branch = Branch(rest[4:12])
	t.IssuedAt = sealed.ReadTime(rest[12:])
	return t, nil
}
