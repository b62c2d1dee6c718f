package password

import (
	"fmt"
	"slices"
	"strings"
)

// form is one way in which passwords are stored.
type form struct {
	name string
	// prefix tells the form. No prefix is the beginning of another, so that no text is of two forms.
	prefix string
	// parse takes apart a stored text that begins with prefix. It does no work, and it bounds the work that the text
	// asks for. Its errors wrap ErrMalformed and do not repeat the text.
	parse func(stored string) (verifier, error)
}

// verifier is a stored hash, taken apart and within bounds. It is safe for concurrent use.
type verifier interface {
	// matches does the work and compares in constant time.
	matches(given) bool
	// sees reports whether every byte of the password, and its end, has a part in the hash: no other password that the form
	// sees whole has the same hash by design. It is false for what the form cuts off or takes for the end.
	sees(given) bool
	// String returns the stored text.
	String() string
}

// given is a password in the spellings that forms hash.
type given struct {
	received string // as it came: what other systems hashed
	nfc      string // in Normalization Form C: what Hash hashes
}

// slow are the forms of other systems that are verified as they are.
var slow = slices.Concat(bcryptForms, scryptForms, pbkdf2Forms, []form{
	{"django-argon2", djangoArgon2Prefix, parseDjangoArgon2},
	{"firebase-scrypt", firebasePrefix, parseFirebase},
	{"openauth", "{", parseOpenAuth},
})

// forms are all that Verify knows.
var forms = slices.Concat([]form{{"argon2id", argon2idPrefix, parseOwn}}, slow, []form{{"wrapped", wrappedPrefix, parseWrapped}})

// Forms returns the names of the forms that Verify knows. Importable takes those of plain digests too.
func Forms() []string {
	var names []string
	for _, f := range forms {
		names = append(names, f.name)
	}
	return slices.Compact(names)
}

// maxStored is longer than any hash: what is above it is not even taken apart.
const maxStored = 2048

// parse takes stored apart. A stored hash has one spelling: what its form would write differently (leading zeros,
// stray bits in base64, another order of JSON) is refused, because two texts for one hash invite comparing wrongly.
func parse(known []form, stored string) (verifier, error) {
	if len(stored) > maxStored {
		return nil, fmt.Errorf("%w: too long", ErrMalformed)
	}
	for _, f := range known {
		if !strings.HasPrefix(stored, f.prefix) {
			continue
		}
		v, err := f.parse(stored)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if v.String() != stored {
			return nil, fmt.Errorf("%s: %w", f.name, errSpelling)
		}
		return v, nil
	}
	return nil, fmt.Errorf("%w: of no known form", ErrMalformed)
}
