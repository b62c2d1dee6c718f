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

// ChangeLifetime is how long a change-of-password token is good.
const ChangeLifetime = 10 * time.Minute

// A change-of-password token is a random secret and the subject whose item holds the secret's SHA-256:
//
//	"ect_" + base64url( kind and version 1 | subject form 1 | subject | secret 32 | CRC-32 of all before 4 )
//
// No key takes part, so that no key makes one. Prefix and checksum let secret scanners find leaked tokens. Numbers, the
// subject's forms and the one spelling are as in a refresh token (session.Codec).
const changeSecretBytes = 32

// changeForm is the form of change-of-password tokens. Two bytes stand before the subject: kind and version, subject form.
var changeForm = sealed.Form{
	Prefix: "ect_", Version: 4<<4 | 2, Least: 2 + 1 + changeSecretBytes, Most: 2 + auth.MaxSubjectBytes + changeSecretBytes,
}

// newChange returns a token for a subject, and what the user holds of it.
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

// parseChange returns the subject that a token names and the SHA-256 of its secret. It is not ok for a text of another
// form. It proves nothing: the user's item says what the token permits.
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

// permitChange makes a token for a user who has just proven a password that must be changed. Only the newest one is good.
func (a *Authenticator) permitChange(ctx context.Context, u user.User) (auth.Secret, error) {
	token, digest, err := newChange(a.c.Rand, u.ID)
	if err != nil {
		return auth.Secret{}, err
	}
	return token, a.c.Passwords.PermitChange(ctx, u.ID, u.TokenVersion, digest, a.c.Now().Add(ChangeLifetime))
}
