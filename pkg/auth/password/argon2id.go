package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id is the form "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>": the PHC string format with the three
// parameters in the order of the reference implementation and unpadded standard base64.
type argon2id struct{}

const argon2idPrefix = "$argon2id$"

func (argon2id) owns(stored string) bool { return strings.HasPrefix(stored, argon2idPrefix) }

func (argon2id) verify(stored, password string) (Result, error) {
	h, err := parseArgon2id(stored)
	if err != nil {
		return Result{}, err
	}
	tag := h.cost.tag(password, h.salt, len(h.tag))
	return Result{
		Match:    subtle.ConstantTimeCompare(tag, h.tag) == 1,
		Outdated: h.cost != current || len(h.salt) != saltBytes || len(h.tag) != tagBytes,
	}, nil
}

// argon2Cost is the work of one hash (RFC 9106, section 3.1).
type argon2Cost struct {
	memory uint32 // m, in KiB
	passes uint32 // t
	lanes  uint8  // p
}

// current is what new hashes cost: the configuration that OWASP's Password Storage Cheat Sheet names for Argon2id. It
// fits into the smallest function, and a laptop can run several at once.
var current = argon2Cost{memory: 19456, passes: 2, lanes: 1}

const (
	saltBytes = 16
	tagBytes  = 32
)

// The most that a stored hash may ask for. A table that somebody else can write must not be able to take the
// memory or the time of every login.
const (
	maxMemory = 64 << 10 // KiB
	maxPasses = 10
	maxLanes  = 4

	minSaltBytes, maxSaltBytes = 8, 64
	minTagBytes, maxTagBytes   = 16, 64
)

func (c argon2Cost) tag(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(size))
}

func (c argon2Cost) bounded() bool {
	return 1 <= c.passes && c.passes <= maxPasses &&
		1 <= c.lanes && c.lanes <= maxLanes &&
		8*uint32(c.lanes) <= c.memory && c.memory <= maxMemory // RFC 9106, section 3.1: m is at least 8*p
}

// argon2Hash is a stored hash, taken apart.
type argon2Hash struct {
	cost argon2Cost
	salt []byte
	tag  []byte
}

// String returns the stored form.
func (h argon2Hash) String() string {
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2idPrefix, argon2.Version,
		h.cost.memory, h.cost.passes, h.cost.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.tag))
}

// parseArgon2id takes stored apart and bounds what it asks for. It takes exactly what String writes: comparing with
// that refuses leading zeros, signs, line feeds and stray bits in base64, and a second spelling of anything else.
func parseArgon2id(stored string) (argon2Hash, error) {
	part := strings.Split(strings.TrimPrefix(stored, argon2idPrefix), "$")
	if len(part) != 4 {
		return argon2Hash{}, fmt.Errorf("%w: not an Argon2id string", ErrMalformed)
	}
	var h argon2Hash
	var err error
	if h.cost, err = parseArgon2Cost(part[1]); err != nil {
		return argon2Hash{}, err
	}
	// Errors of the decoder are seen by the comparison; their texts could hold a piece of the hash.
	h.salt, _ = base64.RawStdEncoding.DecodeString(part[2])
	h.tag, _ = base64.RawStdEncoding.DecodeString(part[3])
	switch {
	case h.String() != stored:
		return argon2Hash{}, fmt.Errorf("%w: not the canonical spelling", ErrMalformed)
	case !h.cost.bounded(),
		len(h.salt) < minSaltBytes, len(h.salt) > maxSaltBytes,
		len(h.tag) < minTagBytes, len(h.tag) > maxTagBytes:
		return argon2Hash{}, fmt.Errorf("%w: parameters out of bounds", ErrMalformed)
	}
	return h, nil
}

func parseArgon2Cost(text string) (argon2Cost, error) {
	names := [...]string{"m=", "t=", "p="}
	bits := [...]int{32, 32, 8}
	fields := strings.Split(text, ",")
	if len(fields) != len(names) {
		return argon2Cost{}, fmt.Errorf("%w: parameters must be m, t and p", ErrMalformed)
	}
	var numbers [len(names)]uint64
	for i, field := range fields {
		digits, named := strings.CutPrefix(field, names[i])
		n, err := strconv.ParseUint(digits, 10, bits[i])
		if !named || err != nil {
			return argon2Cost{}, fmt.Errorf("%w: parameters must be m, t and p", ErrMalformed)
		}
		numbers[i] = n
	}
	return argon2Cost{memory: uint32(numbers[0]), passes: uint32(numbers[1]), lanes: uint8(numbers[2])}, nil
}
