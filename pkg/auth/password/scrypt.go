package password

import (
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// scryptForms are:
//
//	$scrypt$ln=16,r=8,p=1$<salt>$<hash>  the PHC string format, as in Passlib: unpadded standard base64
//	scrypt$16384$<salt>$8$5$<hash>       Django: N, salt, r, p; text salt, padded standard base64 hash
var scryptForms = []form{
	{"scrypt", "$scrypt$", parseScrypt},
	{"django-scrypt", "scrypt$", parseDjangoScrypt},
}

// scryptCost is the work of scrypt (RFC 7914, section 2).
type scryptCost struct{ n, r, p uint32 }

const (
	// maxScryptWorkKiB bounds memory times p. It admits OWASP's configurations and Django's default
	// (16 MiB, p=5).
	maxScryptWorkKiB = 256 << 10
	maxScryptR       = 32
	maxScryptP       = 16
	// minScryptKiB is the memory of OWASP's smallest configuration (N=2^13, r=8). Wrap wraps hashes
	// with less memory.
	minScryptKiB = 8 << 10
)

// kib is the memory of one run in KiB: 128*N*r bytes.
func (c scryptCost) kib() uint64 { return uint64(c.n) * uint64(c.r) / 8 }

// bounded returns an error unless the cost is accepted.
func (c scryptCost) bounded() error {
	if bits.OnesCount32(c.n) == 1 && c.n > 1 && // RFC 7914, section 2
		1 <= c.r && c.r <= maxScryptR && 1 <= c.p && c.p <= maxScryptP &&
		c.kib() <= maxMemoryKiB && c.kib()*uint64(c.p) <= maxScryptWorkKiB {
		return nil
	}
	return fmt.Errorf("%w: scrypt's cost is n=%d, r=%d, p=%d (want n to be a power of two, r 1 to %d, p 1 to %d, 128*n*r at most %d KiB, and times p at most %d KiB)",
		errBounds, c.n, c.r, c.p, maxScryptR, maxScryptP, maxMemoryKiB, maxScryptWorkKiB)
}

func (c scryptCost) work() work { return work{"scrypt", c.kib() * uint64(c.p) * scryptNanos} }

// key derives the digest. If the library fails, key returns nil, which matches no digest. The
// library cannot fail for a bounded cost.
func (c scryptCost) key(received string, salt []byte, size int) []byte {
	key, _ := scrypt.Key([]byte(received), salt, int(c.n), int(c.r), int(c.p), size)
	return key
}

// newScrypt returns the verifier of a hash. spelled is the salt as the stored text spells it.
func newScrypt(c scryptCost, salt []byte, spelled string, want []byte, spell func(salt string, digest []byte) string) (verifier, error) {
	d := derived{
		digest: func(received string) []byte { return c.key(received, salt, len(want)) },
		want:   want,
		salt:   spelled,
		blank:  blankSalt,
		spell:  spell,
		weak:   c.kib() < minScryptKiB,
		costs:  c.work(),
	}
	if err := d.bounded(salt); err != nil {
		return nil, err
	}
	if err := c.bounded(); err != nil {
		return nil, err
	}
	return d, nil
}

// twoTo returns 2^ln, or 0, which is out of bounds, if 2^ln does not fit into a uint32.
func twoTo(ln uint32) uint32 { return 1 << ln }

func parseScrypt(stored string) (verifier, error) {
	part := strings.Split(stored, "$")
	if len(part) != 5 {
		return nil, fmt.Errorf("%w: not an scrypt string", ErrMalformed)
	}
	number, ok := named(part[2], "ln", "r", "p")
	if !ok {
		return nil, fmt.Errorf("%w: wrong scrypt parameters (want ln, r and p)", ErrMalformed)
	}
	var salt, want []byte
	decode(raw, part[3:], &salt, &want)
	ln, r, p := number[0], number[1], number[2]
	return newScrypt(scryptCost{twoTo(ln), r, p}, salt, raw.EncodeToString(salt), want, func(salt string, digest []byte) string {
		return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", ln, r, p, salt, raw.EncodeToString(digest))
	})
}

func parseDjangoScrypt(stored string) (verifier, error) {
	var c scryptCost
	part := strings.Split(stored, "$")
	if len(part) != 6 || !numbers([]string{part[1], part[3], part[4]}, &c.n, &c.r, &c.p) {
		return nil, fmt.Errorf("%w: not an scrypt string", ErrMalformed)
	}
	salt := part[2]
	var want []byte
	decode(std, part[5:], &want)
	return newScrypt(c, []byte(salt), salt, want, func(salt string, digest []byte) string {
		return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", c.n, salt, c.r, c.p, std.EncodeToString(digest))
	})
}
