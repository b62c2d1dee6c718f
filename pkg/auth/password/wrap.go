package password

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// A wrapped hash is Argon2id of another system's digest, so that a weak hash need not wait for its owner's next login
// to be safe at rest:
//
//	$wrapped$<the other form, its digest all zeros>$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>
//
// The zeros keep the digest's length, and let one parser serve the form in both places.
const wrappedPrefix = "$wrapped$"

// wrappable are the forms that stand inside.
var wrappable = slices.Concat(plain, slow)

type wrapped struct {
	inner derived // its want is all zeros
	outer argon2Hash
}

func (w wrapped) String() string { return wrappedPrefix + w.inner.String() + w.outer.String() }

func (w wrapped) matches(g given) bool { return w.outer.made(string(w.inner.digest(g.received))) }

func (w wrapped) sees(g given) bool { return w.inner.sees(g) }

func parseWrapped(stored string) (verifier, error) {
	text := strings.TrimPrefix(stored, wrappedPrefix)
	at := strings.LastIndex(text, argon2idPrefix)
	if at < 0 {
		return nil, fmt.Errorf("%w: not a wrapped hash", ErrMalformed)
	}
	v, err := parse(wrappable, text[:at])
	if err != nil {
		return nil, err
	}
	inner, ok := v.(derived)
	if !ok || slices.ContainsFunc(inner.want, func(b byte) bool { return b != 0 }) {
		return nil, fmt.Errorf("%w: not a wrapped hash", ErrMalformed)
	}
	outer, err := parseArgon2id(text[at:])
	if err != nil {
		return nil, err
	}
	return wrapped{inner, outer}, nil
}

// Wrap returns another system's hash as it is to be stored. What is too weak to keep (a plain digest, PBKDF2 or scrypt
// below what OWASP's Password Storage Cheat Sheet wants) comes back hashed with Argon2id; anything else comes back
// unchanged. The error is Importable's, or Rand's.
func (h Hasher) Wrap(stored auth.Secret) (auth.Secret, error) {
	v, err := importable(stored)
	if err != nil {
		return auth.Secret{}, err
	}
	weak, ok := v.(derived)
	if !ok || !weak.weak {
		return stored, nil
	}
	outer, err := h.argon2id(string(weak.want))
	if err != nil {
		return auth.Secret{}, err
	}
	weak.want = make([]byte, len(weak.want))
	return auth.NewSecret(wrapped{weak, outer}.String()), nil
}

// Importable reports whether stored is a hash that Wrap takes: of a known form, in its one spelling and within bounds.
// It does no work. The error wraps ErrMalformed and does not repeat stored.
func Importable(stored auth.Secret) error {
	_, err := importable(stored)
	return err
}

func importable(stored auth.Secret) (verifier, error) {
	return parse(slices.Concat(forms, plain), stored.Reveal())
}
