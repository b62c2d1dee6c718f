package session

import (
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// OpaqueToken is the content of the token of an opaque session, which a browser keeps in a cookie:
//
//	ess_ + base64url( kind and version 1 | subject form 1 | subject | secret 16 | CRC-32 of all before 4 )
//
// The token has no MAC, because the read of its session is the check: the id of the session is the
// hash of the secret. A text with a wrong checksum or in a second spelling costs no read. Every
// other text costs two reads in one round trip. The token stays the same until its session ends. A
// reader of the store learns hashes, from which no token can be made.
type OpaqueToken struct {
	Subject auth.SubjectID
	// Secret is the session's secret: 16 random bytes, which only the client holds.
	Secret auth.Secret
}

// Key returns the key of the token's session.
func (t OpaqueToken) Key() Key { return Key{t.Subject, IDOf(t.Secret)} }

// Bytes before the subject: kind and version, subject form.
const opaqueHeadBytes = 1 + 1

var opaqueForm = sealed.Form{
	Prefix: "ess_", Version: byte(OpaqueKind)<<4 | 1,
	Least: opaqueHeadBytes + 1 + secretBytes, Most: opaqueHeadBytes + auth.MaxSubjectBytes + secretBytes,
}

// errNotOpaque stands for every defect of a token of an opaque session.
var errNotOpaque = errors.New("not the token of an opaque session")

// Text returns the text of t. It fails if a field of t is out of range.
func (t OpaqueToken) Text() (auth.Secret, error) {
	secret := t.Secret.Reveal()
	if len(secret) != secretBytes {
		return auth.Secret{}, fmt.Errorf("session: the secret of a token has %d bytes (want %d)", len(secret), secretBytes)
	}
	b, err := sealed.AppendSubject([]byte{opaqueForm.Version}, t.Subject)
	if err != nil {
		return auth.Secret{}, err
	}
	return opaqueForm.Text(append(b, secret...)), nil
}

// ParseOpaque reads the output of [OpaqueToken.Text]. ok is false for every other text. ParseOpaque
// does no I/O, so it does not tell whether the session exists.
func ParseOpaque(text auth.Secret) (t OpaqueToken, ok bool) {
	b, ok := opaqueForm.Body(text)
	if !ok {
		return OpaqueToken{}, false
	}
	subject, secret := b[opaqueHeadBytes:len(b)-secretBytes], b[len(b)-secretBytes:]
	if t.Subject, ok = sealed.ReadSubject(b[opaqueHeadBytes-1], subject); !ok {
		return OpaqueToken{}, false
	}
	t.Secret = auth.NewSecret(string(secret))
	return t, true
}
