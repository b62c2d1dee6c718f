package login

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// changeLifetime is the lifetime of a change-of-password token.
const changeLifetime = 10 * time.Minute

// A change-of-password token consists of a random secret and the subject. The subject's item has
// the SHA-256 of the secret.
//
//	"ect_" + base64url( kind and version 1 | subject form 1 | subject | secret 32 | CRC-32 of all before 4 )
//
// No key takes part, so a thief of the keys cannot make a token. Prefix and checksum let secret
// scanners find leaked tokens. Numbers, subject forms and the single spelling are the same as in
// refresh tokens (session.Codec).
const changeSecretBytes = 32

// changeForm is the form of change-of-password tokens. Two bytes precede the subject: kind and
// version, subject form.
var changeForm = sealed.Form{
	Prefix: "ect_", Version: 4<<4 | 2, Least: 2 + 1 + changeSecretBytes, Most: 2 + auth.MaxSubjectBytes + changeSecretBytes,
}

// newChange returns a new token for the subject, and the digest to store in the user's item.
func newChange(rand io.Reader, subject auth.SubjectID) (token auth.Secret, digest [sha256.Size]byte, err error) {
	b, err := sealed.AppendSubject([]byte{changeForm.Version}, subject)
	if err != nil {
		return auth.Secret{}, digest, err
	}
	var secret [changeSecretBytes]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return auth.Secret{}, digest, fmt.Errorf("reading random bytes: %w", err)
	}
	return changeForm.Text(append(b, secret[:]...)), sha256.Sum256(secret[:]), nil
}

// parseChange returns the subject of a token and the SHA-256 of its secret. ok is false if the text
// has another form. The result proves nothing: only the user's item says what the token permits.
func parseChange(token auth.Secret) (subject auth.SubjectID, digest [sha256.Size]byte, ok bool) {
	const head = 1 + 1
	b, ok := changeForm.Body(token)
	if !ok {
		return "", digest, false
	}
	secret := len(b) - changeSecretBytes
	subject, ok = sealed.ReadSubject(b[head-1], b[head:secret])
	return subject, sha256.Sum256(b[secret:]), ok
}

// permitChange returns a new token for a user who has just proven a password that must be changed.
// Older tokens become invalid.
func (a *Authenticator) permitChange(ctx context.Context, u user.User) (auth.Secret, error) {
	token, digest, err := newChange(a.c.Rand, u.ID)
	if err != nil {
		return auth.Secret{}, err
	}
	return token, a.passwords.PermitChange(ctx, u.ID, u.TokenVersion, digest, a.c.Now().Add(changeLifetime))
}
