package password

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Hasher makes and checks stored hashes. The zero Hasher is ready to use. It is safe for concurrent use where
// Rand is; each call holds Cost's memory while it runs, and a Verify what the stored hash asks for.
type Hasher struct {
	// Rand is where salts come from; nil is crypto/rand.
	Rand io.Reader
	// Cost is the work of new hashes. Whoever reads it from a configuration calls its Validate at the start.
	Cost Cost
}

// Result is what Verify found.
type Result struct {
	// Match says that the stored hash was made from the password, as far as its form can tell.
	Match bool
	// Partial says that the form cannot tell: it may have passed over a part of the password, so that other passwords
	// match as well (bcrypt sees 72 bytes). A partial match is good for a login, as it was in the system that the hash
	// comes from. It proves no two passwords equal, so it must neither replace the stored hash nor refuse a new password.
	Partial bool
	// Outdated says that Hash would store the password in another form or at another cost today, and that the hash of this
	// password may replace the stored one. It is false for a partial match.
	Outdated bool
}

// Hash returns password as it is to be stored. It does not ask CheckNew, because replacing an outdated hash must
// not lock out an old, short password; but what Verify could never match is ErrTooLong. Other errors are those of
// Rand and of Cost's Validate.
func (h Hasher) Hash(password auth.Secret) (auth.Secret, error) {
	text, ok := canonical(password)
	if !ok {
		return auth.Secret{}, ErrTooLong
	}
	made, err := h.argon2id(text)
	if err != nil {
		return auth.Secret{}, err
	}
	return auth.NewSecret(made.String()), nil
}

// argon2id hashes text with a new salt.
func (h Hasher) argon2id(text string) (argon2Hash, error) {
	if err := h.Cost.Validate(); err != nil {
		return argon2Hash{}, err
	}
	source := h.Rand
	if source == nil {
		source = rand.Reader
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(source, salt); err != nil {
		return argon2Hash{}, fmt.Errorf("password salt: %w", err)
	}
	return newArgon2Hash(h.Cost.orDefault(), text, salt), nil
}

// Verify reports whether stored was made from password. A stored text of no known form is ErrMalformed, and so is
// one that asks for more work than we allow; both are found before any work.
//
// A password above MaxBytes never matches, yet costs what any other does: an answer that came sooner would tell
// that the account exists.
func (h Hasher) Verify(stored, password auth.Secret) (Result, error) {
	v, err := parse(forms, stored.Reveal())
	if err != nil {
		return Result{}, err
	}
	var g given
	text, ok := canonical(password)
	if ok {
		g = given{received: password.Reveal(), nfc: text}
	}
	own, isOwn := v.(argon2Hash)
	if !isOwn && strings.HasSuffix(g.received, "\x00") {
		// HMAC fills its key up with NUL (RFC 2104, section 2): to PBKDF2 and scrypt, "horse" and "horse\x00" are one
		// password. To Hash they are two, so that the wrong one would replace the right one after this login.
		ok = false
	}
	partial := !v.sees(g)
	return Result{
		Match:    v.matches(g) && ok,
		Partial:  partial,
		Outdated: !partial && (!isOwn || !own.madeAt(h.Cost.orDefault())),
	}, nil
}

// Waste does the work of a Verify against a hash that Hash made, and forgets the result. It is for users who do not
// exist, so that the clock does not tell them from those who do.
func (h Hasher) Waste(password auth.Secret) {
	_, _ = h.Verify(h.decoy(), password)
}

// decoy returns a hash that nobody made: no password is known to have this tag.
func (h Hasher) decoy() auth.Secret {
	return auth.NewSecret(argon2Hash{
		cost: h.Cost.orDefault(),
		salt: make([]byte, saltBytes),
		tag:  make([]byte, tagBytes),
	}.String())
}
