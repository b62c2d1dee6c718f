package password

import (
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Cost is the work of one Argon2id hash (RFC 9106, section 3.1). The zero Cost is the default.
type Cost struct {
	MemoryKiB uint32 // m
	Passes    uint32 // t
	Lanes     uint8  // p
}

// current is the default: the configuration that OWASP's Password Storage Cheat Sheet names first for a server of
// little memory. It fits into the smallest function, and a laptop can run several at once.
var current = Cost{MemoryKiB: 19456, Passes: 2, Lanes: 1}

// floor are the configurations of equal defence in OWASP's Password Storage Cheat Sheet, section Argon2id: less memory
// is paid for with more passes. Lanes split the same work and do not add to it.
var floor = []Cost{{47104, 1, 1}, {19456, 2, 1}, {12288, 3, 1}, {9216, 4, 1}, {7168, 5, 1}}

const (
	// maxMemoryKiB is the most memory that any hash may ask for, made here or elsewhere: what OWASP wants of scrypt
	// (N=2^17, r=8), and a quarter more than the greatest default of a framework (Django's Argon2, 100 MiB). A table
	// that somebody else can write must not be able to take the memory of every login.
	maxMemoryKiB = 128 << 10
	// maxPasses and maxWorkKiB bound the time: memory times passes is about a second.
	maxPasses  = 10
	maxWorkKiB = 640 << 10
	// maxLanes is Django's default. Lanes are goroutines.
	maxLanes = 8
)

// Validate reports whether new hashes may cost c, and what it should hold if not: at least one of OWASP's
// configurations, and no more than Verify takes.
func (c Cost) Validate() error {
	c = c.orDefault()
	if !c.bounded() {
		return fmt.Errorf("password cost %v must have 1 to %d lanes, 1 to %d passes, at most %d KiB of memory and at most %d KiB of memory times passes",
			c, maxLanes, maxPasses, maxMemoryKiB, maxWorkKiB)
	}
	for _, least := range floor {
		if c.MemoryKiB >= least.MemoryKiB && c.Passes >= least.Passes {
			return nil
		}
	}
	return fmt.Errorf("password cost %v must reach one of %v", c, floor)
}

// String returns the parameters as a stored hash spells them.
func (c Cost) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.MemoryKiB, c.Passes, c.Lanes) }

func (c Cost) orDefault() Cost {
	if c == (Cost{}) {
		return current
	}
	return c
}

// bounded says that Verify takes c. What is stored may be below the floor: it is outdated, not wrong.
func (c Cost) bounded() bool {
	return 1 <= c.Passes && c.Passes <= maxPasses &&
		1 <= c.Lanes && c.Lanes <= maxLanes &&
		8*uint32(c.Lanes) <= c.MemoryKiB && c.MemoryKiB <= maxMemoryKiB && // RFC 9106, section 3.1: m is at least 8*p
		c.MemoryKiB*c.Passes <= maxWorkKiB
}

func (c Cost) tag(text string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(text), salt, c.Passes, c.MemoryKiB, c.Lanes, uint32(size))
}
