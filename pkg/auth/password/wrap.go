package password

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// A wrapped hash is Argon2id of another system's digest. It protects a weak hash in the table at
// once, and not only after the user's next login:
//
//	$wrapped$<the other form, its digest all zeros>$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>
//
// The zeros keep the digest's length, so that one parser reads the form inside and outside a
// wrapped hash.
const wrappedPrefix = "$wrapped$"

// wrappable are the forms that a wrapped hash can hold.
var wrappable = slices.Concat(plain, slow)

type wrapped struct {
	inner derived // inner.want is all zeros
	outer argon2Hash
}

func (w wrapped) String() string { return wrappedPrefix + w.inner.String() + w.outer.String() }

func (w wrapped) dummy() string { return wrappedPrefix + w.inner.dummy() + w.outer.dummy() }

func (w wrapped) work() work {
	inner, outer := w.inner.work(), w.outer.work()
	return work{"wrapped-" + inner.algorithm, inner.nanos + outer.nanos}
}

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

// Wrap returns another system's hash in the form in which it must be stored. A hash that is too
// weak to keep (a plain digest, or PBKDF2 or scrypt below the recommendations of OWASP's Password
// Storage Cheat Sheet) is hashed with Argon2id. Other hashes are returned unchanged. Errors are
// those of [Importable], of Rand and of [Cost.Validate].
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

// Importable returns an error if [Hasher.Wrap] would refuse stored. A valid hash has a known form,
// has its only spelling and requires work within the bounds. Importable does no hashing. Its error
// wraps [ErrMalformed]. The error may name a cost, and repeats nothing else of stored.
func Importable(stored auth.Secret) error {
	_, err := importable(stored)
	return err
}

func importable(stored auth.Secret) (verifier, error) {
	return parse(slices.Concat(forms, plain), stored.Reveal())
}
