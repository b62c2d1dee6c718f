package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptForms are bcrypt's own "$2b$12$<salt><digest>" and the forms in which other systems hash
// the password before bcrypt, to avoid bcrypt's limit of 72 bytes:
//
//	bcrypt$$2b$12$…                               Django: bcrypt of the password
//	bcrypt_sha256$$2b$12$…                        Django: bcrypt of the hexadecimal SHA-256
//	$bcrypt-sha256$v=2,t=2b,r=12$<salt>$<digest>  Passlib: bcrypt of the base64 of HMAC-SHA-256,
//	                                              whose key is the salt's text
//	$bcrypt-sha256$2b,12$<salt>$<digest>          Passlib before 1.7.3 (also 2a): bcrypt of the
//	                                              base64 of SHA-256
//
// For passwords of up to 255 bytes, 2a, 2b and 2y name the same algorithm. 2x is not supported: it
// names PHP's old sign-extension bug, with which many passwords share a hash.
//
// Hashes of low cost are not wrapped, because the library only compares and does not return the
// digest. Even a hash of the lowest cost is salted and as slow as hundreds of plain digests. The
// next login replaces a hash of low cost if bcrypt sees the whole password (see sees).
var bcryptForms = []form{
	{"bcrypt", "$2a$", parseBcrypt},
	{"bcrypt", "$2b$", parseBcrypt},
	{"bcrypt", "$2y$", parseBcrypt},
	{"django-bcrypt", "bcrypt$", parseDjangoBcrypt},
	{"django-bcrypt-sha256", "bcrypt_sha256$", parseDjangoBcryptSHA256},
	{"passlib-bcrypt-sha256", passlibBcryptPrefix, parsePasslibBcrypt},
}

const passlibBcryptPrefix = "$bcrypt-sha256$"

const (
	// minBcryptCost is bcrypt's own minimum. maxBcryptCost takes about a second: four times the
	// work of 12, the default of Django, Passlib, Rails and PHP.
	minBcryptCost, maxBcryptCost = 4, 14

	bcryptSaltText, bcryptDigestText = 22, 31
	// bcryptBytes is how much of a password bcrypt reads. Other implementations silently ignore the
	// rest. matches ignores it too, because otherwise long passwords would stop working after an
	// import.
	bcryptBytes = 72
)

// bcryptAlphabet is strict: the last characters of salt and digest contain bits that must be zero.
var bcryptAlphabet = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
	WithPadding(base64.NoPadding).Strict()

// bcryptHash is a parsed stored hash.
type bcryptHash struct {
	modular string // "$2b$12$…"
	cost    uint32
	prepare func(received string) string // returns what bcrypt hashes
	// spell returns the whole text in its canonical spelling, with another salt and digest.
	spell func(salt, digest string) string
}

const bcryptSalt, bcryptDigest = len("$2b$12$"), len("$2b$12$") + bcryptSaltText // where they begin in modular

func (h bcryptHash) String() string {
	return h.spell(h.modular[bcryptSalt:bcryptDigest], h.modular[bcryptDigest:])
}

func (h bcryptHash) dummy() string {
	return h.spell(strings.Repeat(".", bcryptSaltText), strings.Repeat(".", bcryptDigestText))
}

func (h bcryptHash) work() work { return work{"bcrypt", bcryptNanos << h.cost} }

func (h bcryptHash) matches(g given) bool {
	text := h.prepare(g.received)
	return bcrypt.CompareHashAndPassword([]byte(h.modular), []byte(text[:min(len(text), bcryptBytes)])) == nil
}

// sees reports whether bcrypt distinguishes the password from every other password. bcrypt repeats
// the password, each time followed by a NUL, until it has 72 bytes. A password of 72 bytes or more
// leaves no room for its end: its first 72 bytes have the same hash, alone and with any other tail.
// "p\x00p" repeats to the same bytes as "p", and implementations in C stop at a NUL.
func (h bcryptHash) sees(g given) bool {
	text := h.prepare(g.received)
	return len(text) < bcryptBytes && !strings.Contains(text, "\x00")
}

// newBcryptHash checks modular and its bounds. The library alone would accept unknown versions and
// stray bits.
func newBcryptHash(modular string, prepare func(string) string, spell func(salt, digest string) string) (verifier, error) {
	if len(modular) != bcryptDigest+bcryptDigestText {
		return nil, fmt.Errorf("%w: not a bcrypt string", ErrMalformed)
	}
	var cost uint32
	digits := modular[4:6]
	version := modular[:4]
	switch {
	case version != "$2a$" && version != "$2b$" && version != "$2y$", modular[6] != '$', !numbers([]string{digits}, &cost):
		return nil, fmt.Errorf("%w: not a bcrypt string", ErrMalformed)
	case !within(int(cost), minBcryptCost, maxBcryptCost):
		return nil, fmt.Errorf("%w: bcrypt's cost is %d (want %d to %d)", errBounds, cost, minBcryptCost, maxBcryptCost)
	}
	for _, text := range []string{modular[bcryptSalt:bcryptDigest], modular[bcryptDigest:]} {
		if strings.ContainsAny(text, "\r\n") { // which DecodeString ignores
			return nil, errSpelling
		}
		if _, err := bcryptAlphabet.DecodeString(text); err != nil {
			return nil, errSpelling
		}
	}
	return bcryptHash{modular: modular, cost: cost, prepare: prepare, spell: spell}, nil
}

func parseBcrypt(stored string) (verifier, error) { return parsePrefixed("", stored, asReceived) }

func parseDjangoBcrypt(stored string) (verifier, error) {
	return parsePrefixed("bcrypt$", stored, asReceived)
}

func parseDjangoBcryptSHA256(stored string) (verifier, error) {
	return parsePrefixed("bcrypt_sha256$", stored, func(received string) string {
		digest := sha256.Sum256([]byte(received))
		return hex.EncodeToString(digest[:])
	})
}

// parsePrefixed parses a prefix that is followed by bcrypt's own text.
func parsePrefixed(prefix, stored string, prepare func(string) string) (verifier, error) {
	modular := strings.TrimPrefix(stored, prefix)
	return newBcryptHash(modular, prepare, func(salt, digest string) string {
		return prefix + modular[:bcryptSalt] + salt + digest
	})
}

func parsePasslibBcrypt(stored string) (verifier, error) {
	part := strings.Split(strings.TrimPrefix(stored, passlibBcryptPrefix), "$")
	if len(part) != 3 {
		return nil, fmt.Errorf("%w: not a bcrypt_sha256 string", ErrMalformed)
	}
	salt := part[1]
	prepare := func(received string) string {
		mac := hmac.New(sha256.New, []byte(salt))
		mac.Write([]byte(received))
		return std.EncodeToString(mac.Sum(nil))
	}
	version, digits, found := "2b", "", false
	if digits, found = strings.CutPrefix(part[0], "v=2,t=2b,r="); !found {
		prepare = func(received string) string {
			digest := sha256.Sum256([]byte(received))
			return std.EncodeToString(digest[:])
		}
		version, digits, found = strings.Cut(part[0], ",")
	}
	var cost uint32
	if !found || (version != "2a" && version != "2b") || !numbers([]string{digits}, &cost) {
		return nil, fmt.Errorf("%w: not a bcrypt_sha256 string", ErrMalformed)
	}
	if fmt.Sprint(cost) != digits || len(salt) != bcryptSaltText {
		return nil, errSpelling
	}
	modular := fmt.Sprintf("$%s$%02d$%s%s", version, cost, salt, part[2])
	return newBcryptHash(modular, prepare, func(salt, digest string) string {
		return passlibBcryptPrefix + part[0] + "$" + salt + "$" + digest
	})
}

func asReceived(received string) string { return received }
