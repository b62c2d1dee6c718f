package password

import (
	"fmt"
	"slices"
	"strings"
)

// form is one format of stored passwords.
type form struct {
	name string
	// prefix identifies the form. No prefix is the beginning of another prefix, so a text has at
	// most one form.
	prefix string
	// parse parses a stored text that begins with prefix. It does no hashing, and it checks that
	// the work the text asks for is within bounds. Its errors wrap ErrMalformed and do not repeat
	// the text.
	parse func(stored string) (verifier, error)
}

// verifier is a parsed stored hash, within bounds. It is safe for concurrent use.
type verifier interface {
	// matches hashes the password and compares in constant time.
	matches(given) bool
	// sees reports whether the form hashes every byte of the password and its end. If it does, only
	// a collision can give another such password the same hash. It is false if the form cuts the
	// password off, or takes a byte for its end.
	sees(given) bool
	// String returns the stored text.
	String() string
	// dummy returns a stored text of the same form and parameters, whose salt, keys and digest say
	// nothing about this hash.
	dummy() string
	// work returns the work of matches.
	work() work
}

// given is a password in the two spellings that the forms hash.
type given struct {
	received string // as it was received, which other systems hash
	nfc      string // in Normalization Form C, which Hash hashes
}

// slow are the forms of other systems that may be stored unwrapped.
var slow = slices.Concat(bcryptForms, scryptForms, pbkdf2Forms, []form{
	{"django-argon2", djangoArgon2Prefix, parseDjangoArgon2},
	{"firebase-scrypt", firebasePrefix, parseFirebase},
	{"openauth", "{", parseOpenAuth},
})

// forms are all forms that Verify accepts.
var forms = slices.Concat([]form{{"argon2id", argon2idPrefix, parseOwn}}, slow, []form{{"wrapped", wrappedPrefix, parseWrapped}})

func names(of []form) []string {
	var list []string
	for _, f := range of {
		list = append(list, f.name)
	}
	return slices.Compact(list)
}

// maxStored is longer than every valid hash. Longer texts are refused before they are parsed.
const maxStored = 2048

// parse parses stored, which must have one of the known forms. If stored has a common form that is
// not accepted, the error names it.
func parse(known []form, stored string) (verifier, error) {
	if len(stored) > maxStored {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxStored)
	}
	v, err := parseKnown(known, stored)
	if err != nil {
		if named := refused(stored); named != nil {
			return nil, named
		}
		return nil, err
	}
	return v, nil
}

// parseKnown parses stored. A stored hash has exactly one spelling: leading zeros, stray bits in
// base64 and another order of JSON members are refused, because code that compares two spellings of
// one hash would compare wrongly.
func parseKnown(known []form, stored string) (verifier, error) {
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
	return nil, fmt.Errorf("%w: unknown form (want %s)", ErrMalformed, strings.Join(names(known), ", "))
}
