package password

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Hasher makes and verifies stored hashes. The zero Hasher is ready to use. It is safe for
// concurrent use if Rand is. Each running [Hasher.Hash] uses the memory of Cost, and each running
// [Hasher.Verify] the memory that the stored hash requires.
type Hasher struct {
	// Rand is the source of salts. nil means crypto/rand.Reader.
	Rand io.Reader
	// Cost is the work of new hashes. A program that reads it from a configuration must call
	// [Cost.Validate] at the start.
	Cost Cost
}

// Result is the result of [Hasher.Verify].
type Result struct {
	// Match reports whether the stored hash was made from the password, as far as its form can
	// tell.
	Match bool
	// Partial reports that the form may have ignored a part of the password, so that other
	// passwords match as well (bcrypt reads 72 bytes). A partial match is enough for a login, as in
	// the system that the hash comes from. It does not prove that two passwords are equal, so a
	// caller must neither replace the stored hash nor refuse a new password because of it.
	Partial bool
	// Outdated reports whether Hash would now store the password in another form or at another
	// cost, and whether the hash of this password may replace the stored hash. It is false for a
	// partial match.
	Outdated bool
}

// Hash returns the hash of password, to be stored. It returns [ErrTooLong] for a password that
// Verify could never match, and the errors of Rand and of [Cost.Validate]. Hash does not call
// [CheckNew], because replacing an outdated hash must not lock out a user with an old, short
// password.
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

// Verify reports whether stored is a hash of password. The error is [ErrMalformed], before any
// hashing, if stored has an unknown form or requires more work than is allowed.
//
// A password of more than [MaxBytes] bytes never matches, but costs as much as any other: a faster
// answer would reveal that the account exists.
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
		// HMAC pads its key with NUL (RFC 2104, section 2), so PBKDF2 and scrypt treat "horse" and
		// "horse\x00" as one password. Hash treats them as two, so a login with the wrong password
		// would replace the hash of the right password.
		ok = false
	}
	partial := !v.sees(g)
	return Result{
		Match:    v.matches(g) && ok,
		Partial:  partial,
		Outdated: !partial && (!isOwn || !own.madeAt(h.Cost.orDefault())),
	}, nil
}

// Form returns the form of the hashes that Hash makes, as [FormOf] returns it.
func (h Hasher) Form() string {
	return argon2Hash{cost: h.Cost.orDefault(), tag: make([]byte, tagBytes)}.dummy()
}

// Waste does the work of a Verify against a hash made by Hash, and discards the result. Call it for
// an unknown user, so that the time of an answer does not reveal whether the user exists.
func (h Hasher) Waste(password auth.Secret) {
	_, _ = h.Verify(h.decoy(), password)
}

// decoy returns a dummy hash. No known password has this tag.
func (h Hasher) decoy() auth.Secret {
	return auth.NewSecret(argon2Hash{
		cost: h.Cost.orDefault(),
		salt: make([]byte, saltBytes),
		tag:  make([]byte, tagBytes),
	}.String())
}
