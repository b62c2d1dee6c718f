package password

import (
	"crypto/rand"
	"fmt"
	"io"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Hasher makes and checks stored hashes. The zero Hasher is ready to use. It is safe for concurrent use where
// Rand is; each call holds 19 MiB while it runs.
type Hasher struct {
	// Rand is where salts come from; nil is crypto/rand.
	Rand io.Reader
}

// Result is what Verify found.
type Result struct {
	// Match says that the password is the one that was stored.
	Match bool
	// Outdated says that Hash would store the password in another form or at another cost today.
	Outdated bool
}

// Hash returns password as it is to be stored. It does not ask CheckNew, because replacing an outdated hash must
// not lock out an old, short password; but what Verify could never match is ErrTooLong. Other errors are those of
// Rand.
func (h Hasher) Hash(password auth.Secret) (auth.Secret, error) {
	text, ok := canonical(password)
	if !ok {
		return auth.Secret{}, ErrTooLong
	}
	source := h.Rand
	if source == nil {
		source = rand.Reader
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(source, salt); err != nil {
		return auth.Secret{}, fmt.Errorf("password salt: %w", err)
	}
	made := argon2Hash{cost: current, salt: salt, tag: current.tag(text, salt, tagBytes)}
	return auth.NewSecret(made.String()), nil
}

// Verify reports whether stored was made from password. A stored text of no known form is ErrMalformed, and so is
// one that asks for more work than we allow; both are found before any work.
//
// A password above MaxBytes never matches, yet costs what any other does: an answer that came sooner would tell
// that the account exists.
func (h Hasher) Verify(stored, password auth.Secret) (Result, error) {
	f, err := formOf(stored.Reveal())
	if err != nil {
		return Result{}, err
	}
	text, ok := canonical(password)
	result, err := f.verify(stored.Reveal(), text)
	result.Match = result.Match && ok
	return result, err
}

// Waste does the work of a Verify against a hash that Hash made, and forgets the result. It is for users who do not
// exist, so that the clock does not tell them from those who do.
func (h Hasher) Waste(password auth.Secret) {
	_, _ = h.Verify(decoy, password)
}

// decoy is a hash that nobody made: no password is known to have this tag.
var decoy = auth.NewSecret(argon2Hash{
	cost: current,
	salt: make([]byte, saltBytes),
	tag:  make([]byte, tagBytes),
}.String())
