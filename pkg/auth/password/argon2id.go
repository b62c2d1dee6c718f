package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The form of Hash is "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>": the PHC string format with the
// three parameters in the order of the reference implementation, and unpadded standard base64.
const argon2idPrefix = "$argon2id$"

// djangoArgon2Prefix begins Django's "argon2$argon2id$…": the same text, but the hash of a password
// that was not normalised. Use this form for Argon2id hashes of every system that does not
// normalise.
const djangoArgon2Prefix = "argon2" + argon2idPrefix

const (
	saltBytes = 16
	tagBytes  = 32

	minSaltBytes, maxSaltBytes = 8, 64
	minTagBytes, maxTagBytes   = 16, 64
)

// argon2Hash is a parsed stored hash.
type argon2Hash struct {
	cost Cost
	salt []byte
	tag  []byte
}

// newArgon2Hash hashes text at the given cost.
func newArgon2Hash(cost Cost, text string, salt []byte) argon2Hash {
	return argon2Hash{cost: cost, salt: salt, tag: cost.tag(text, salt, tagBytes)}
}

func (h argon2Hash) matches(g given) bool { return h.made(g.nfc) }

// sees returns true: Argon2 hashes the whole password and its length (RFC 9106, section 3.2).
func (h argon2Hash) sees(given) bool { return true }

// made reports whether h is the hash of text.
func (h argon2Hash) made(text string) bool { return same(h.cost.tag(text, h.salt, len(h.tag)), h.tag) }

// madeAt reports whether Hash would make a hash with h's parameters at this cost.
func (h argon2Hash) madeAt(cost Cost) bool {
	return h.cost == cost && len(h.salt) == saltBytes && len(h.tag) == tagBytes
}

// String returns the stored form.
func (h argon2Hash) String() string { return argon2Text(h.cost, raw.EncodeToString(h.salt), h.tag) }
func (h argon2Hash) dummy() string  { return argon2Text(h.cost, blankSalt, make([]byte, len(h.tag))) }
func (h argon2Hash) work() work     { return h.cost.work() }

func argon2Text(cost Cost, salt string, tag []byte) string {
	return fmt.Sprintf("%sv=%d$%v$%s$%s", argon2idPrefix, argon2.Version, cost, salt, raw.EncodeToString(tag))
}

func parseOwn(stored string) (verifier, error) { return parseArgon2id(stored) }

// parseArgon2id parses stored and checks that the work it asks for is within bounds. It accepts
// exactly the texts that String writes.
func parseArgon2id(stored string) (argon2Hash, error) {
	part := strings.Split(stored, "$")
	if len(part) != 6 {
		return argon2Hash{}, fmt.Errorf("%w: not an Argon2id string", ErrMalformed)
	}
	number, ok := named(part[3], "m", "t", "p")
	if !ok {
		return argon2Hash{}, fmt.Errorf("%w: wrong Argon2id parameters (want m, t and p)", ErrMalformed)
	}
	h := argon2Hash{cost: Cost{MemoryKiB: number[0], Passes: number[1], Lanes: uint8(number[2])}}
	decode(raw, part[4:], &h.salt, &h.tag)
	if h.String() != stored {
		return argon2Hash{}, errSpelling
	}
	if !h.cost.bounded() {
		return argon2Hash{}, fmt.Errorf("%w: Argon2id's cost is %v (want %s)", errBounds, h.cost, costBounds)
	}
	if err := sized(len(h.salt), minSaltBytes, maxSaltBytes, len(h.tag)); err != nil {
		return argon2Hash{}, err
	}
	return h, nil
}

func parseDjangoArgon2(stored string) (verifier, error) {
	h, err := parseArgon2id(strings.TrimPrefix(stored, "argon2"))
	if err != nil {
		return nil, err
	}
	return derived{
		digest: func(received string) []byte { return h.cost.tag(received, h.salt, len(h.tag)) },
		want:   h.tag,
		salt:   raw.EncodeToString(h.salt),
		blank:  blankSalt,
		spell:  func(salt string, tag []byte) string { return "argon2" + argon2Text(h.cost, salt, tag) },
		costs:  h.cost.work(),
	}, nil
}
