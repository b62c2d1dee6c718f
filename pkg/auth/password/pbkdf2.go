package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// pbkdf2Forms are:
//
//	$pbkdf2-sha256$i=600000$<salt>$<hash>       the PHC string format: unpadded standard base64
//	$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>  the same with the length of the hash
//	$pbkdf2-sha256$29000$<salt>$<hash>          Passlib: the same base64 with "." for "+"
//	pbkdf2_sha256$1000000$<salt>$<hash>         Django: text salt, padded standard base64 hash
//
// The same forms exist for sha1 and sha512. "$pbkdf2$" is Passlib's name for SHA-1.
var pbkdf2Forms = []form{
	{"pbkdf2", "$pbkdf2$", pbkdf2SHA1.parse},
	{"pbkdf2", "$pbkdf2-sha1$", pbkdf2SHA1.parse},
	{"pbkdf2", "$pbkdf2-sha256$", pbkdf2SHA256.parse},
	{"pbkdf2", "$pbkdf2-sha512$", pbkdf2SHA512.parse},
	{"django-pbkdf2", "pbkdf2_sha1$", pbkdf2SHA1.parseDjango},
	{"django-pbkdf2", "pbkdf2_sha256$", pbkdf2SHA256.parseDjango},
}

// maxIterations bounds the iterations times the blocks of one derivation, to about a second. It is
// twice the largest default of a framework (Django 5.2, one million) and above OWASP's 1,300,000
// for SHA-1.
const maxIterations = 2_000_000

// pbkdf2Hash is the hash function inside PBKDF2 (RFC 8018, section 5.2).
type pbkdf2Hash struct {
	name string
	new  func() hash.Hash
	size int
	// nanos is the estimated time of one iteration.
	nanos uint64
	// floor is the minimum number of iterations in OWASP's Password Storage Cheat Sheet. Wrap wraps
	// hashes with fewer iterations.
	floor uint32
}

var (
	pbkdf2SHA1   = pbkdf2Hash{"sha1", sha1.New, sha1.Size, 300, 1_300_000}
	pbkdf2SHA256 = pbkdf2Hash{"sha256", sha256.New, sha256.Size, 300, 600_000}
	pbkdf2SHA512 = pbkdf2Hash{"sha512", sha512.New, sha512.Size, 700, 210_000}
)

// ab64 is Passlib's base64.
var ab64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)

// newPBKDF2 returns the verifier of a hash. spelled is the salt as the stored text spells it.
func newPBKDF2(
	h pbkdf2Hash, iterations uint32, salt []byte, spelled string, want []byte, spell func(salt string, digest []byte) string,
) (verifier, error) {
	blocks := uint64(len(want)+h.size-1) / uint64(h.size)
	d := derived{
		digest: func(received string) []byte {
			// The library fails only for short keys and salts while FIPS 140 is enforced. key is
			// then nil, which matches no digest.
			key, _ := pbkdf2.Key(h.new, received, salt, int(iterations), len(want))
			return key
		},
		want:  want,
		salt:  spelled,
		blank: blankSalt,
		spell: spell,
		weak:  iterations < h.floor,
		costs: work{"pbkdf2-" + h.name, uint64(iterations) * blocks * h.nanos},
	}
	if err := d.bounded(salt); err != nil {
		return nil, err
	}
	if iterations < 1 || uint64(iterations)*blocks > maxIterations {
		return nil, fmt.Errorf("%w: PBKDF2's iterations are %d (want 1 to %d for a digest of %d bytes)", errBounds, iterations, maxIterations/blocks, len(want))
	}
	return d, nil
}

func (h pbkdf2Hash) parse(stored string) (verifier, error) {
	part := strings.Split(stored, "$")
	if len(part) != 5 {
		return nil, fmt.Errorf("%w: not a PBKDF2 string", ErrMalformed)
	}
	var salt, want []byte
	encoding, frame := raw, "i=%d"
	number, ok := named(part[2], "i")
	if !ok {
		number, ok = named(part[2], "i", "l")
		frame = "i=%d,l=" + fmt.Sprint(len(part[4])*6/8) // the decoded length
	}
	if !ok {
		number = make([]uint32, 1)
		ok = numbers(part[2:], &number[0])
		encoding, frame = ab64, "%d"
	}
	if !ok {
		return nil, fmt.Errorf("%w: not a PBKDF2 string", ErrMalformed)
	}
	decode(encoding, part[3:], &salt, &want)
	return newPBKDF2(h, number[0], salt, encoding.EncodeToString(salt), want, func(salt string, digest []byte) string {
		return fmt.Sprintf("$%s$"+frame+"$%s$%s", part[1], number[0], salt, encoding.EncodeToString(digest))
	})
}

func (h pbkdf2Hash) parseDjango(stored string) (verifier, error) {
	part := strings.Split(stored, "$")
	var iterations uint32
	if len(part) != 4 || !numbers(part[1:], &iterations) {
		return nil, fmt.Errorf("%w: not a PBKDF2 string", ErrMalformed)
	}
	var want []byte
	decode(std, part[3:], &want)
	return newPBKDF2(h, iterations, []byte(part[2]), part[2], want, func(salt string, digest []byte) string {
		return fmt.Sprintf("%s$%d$%s$%s", part[0], iterations, salt, std.EncodeToString(digest))
	})
}
