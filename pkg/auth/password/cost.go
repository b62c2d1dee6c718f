package password

import (
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Cost is the work of one Argon2id hash (RFC 9106, section 3.1). The zero Cost is the default:
// 19456 KiB, 2 passes, 1 lane.
type Cost struct {
	MemoryKiB uint32 // m
	Passes    uint32 // t
	Lanes     uint8  // p
}

// current is the default: the configuration that OWASP's Password Storage Cheat Sheet recommends
// for a server with little memory. It fits into the smallest function, and a laptop can run several
// at once.
var current = Cost{MemoryKiB: 19456, Passes: 2, Lanes: 1}

// floor lists configurations of equal strength from OWASP's Password Storage Cheat Sheet, section
// Argon2id: each uses less memory and more passes than the previous one. Lanes split the same work
// and do not add to it.
var floor = []Cost{{47104, 1, 1}, {19456, 2, 1}, {12288, 3, 1}, {9216, 4, 1}, {7168, 5, 1}}

const (
	// maxMemoryKiB is the maximum memory of a hash, new or imported. It is OWASP's recommendation
	// for scrypt (N=2^17, r=8), and a quarter more than the largest default of a framework
	// (Django's Argon2, 100 MiB). An attacker who can write the table must not be able to exhaust
	// the memory of every login.
	maxMemoryKiB = 128 << 10
	// maxPasses and maxWorkKiB bound the time: memory times passes takes about a second.
	maxPasses  = 10
	maxWorkKiB = 640 << 10
	// maxLanes admits hashes of machines with many processors. Lanes are goroutines, and each needs
	// 8 KiB of the memory.
	maxLanes = 64
)

var costBounds = fmt.Sprintf("1 to %d lanes, 1 to %d passes, at most %d KiB of memory and at most %d KiB of memory times passes",
	maxLanes, maxPasses, maxMemoryKiB, maxWorkKiB)

// Validate returns an error if new hashes must not cost c. A valid cost reaches at least one of
// OWASP's configurations and is within the bounds of Verify. The zero Cost is valid.
func (c Cost) Validate() error {
	c = c.orDefault()
	if !c.bounded() {
		return fmt.Errorf("password cost %v is out of bounds (want %s)", c, costBounds)
	}
	for _, least := range floor {
		if c.MemoryKiB >= least.MemoryKiB && c.Passes >= least.Passes {
			return nil
		}
	}
	return fmt.Errorf("password cost %v is too low (want at least one of %v)", c, floor)
}

// String returns the parameters as a stored hash spells them.
func (c Cost) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.MemoryKiB, c.Passes, c.Lanes) }

func (c Cost) orDefault() Cost {
	if c == (Cost{}) {
		return current
	}
	return c
}

// bounded reports whether Verify accepts c. A stored hash may be below the floor: it is then
// outdated, but valid.
func (c Cost) bounded() bool {
	return 1 <= c.Passes && c.Passes <= maxPasses &&
		1 <= c.Lanes && c.Lanes <= maxLanes &&
		8*uint32(c.Lanes) <= c.MemoryKiB && c.MemoryKiB <= maxMemoryKiB && // RFC 9106, section 3.1: m is at least 8*p
		c.MemoryKiB*c.Passes <= maxWorkKiB
}

func (c Cost) work() work {
	return work{"argon2id", uint64(c.MemoryKiB) * uint64(c.Passes) * argon2Nanos}
}

func (c Cost) tag(text string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(text), salt, c.Passes, c.MemoryKiB, c.Lanes, uint32(size))
}
