package login

import "github.com/edgeauth/edgeauth/pkg/auth/throttle"

// The counting of attempts, which tests record and fail.
type (
	Attempt  = attempt
	Attempts = attempts
	Slot     = slot
	Throttle = limiter
	DeviceID = deviceID
	Ending   = throttle.Ending
)

var (
	NewThrottle = newLimiter
	Throttled   = throttled
	Reference   = pseudonym
)

const (
	Undecided = throttle.EndingUndecided
	Failed    = throttle.EndingFailed
	Succeeded = throttle.EndingSucceeded
)

// Passwords stores passwords. *user.Directory implements it.
type Passwords = passwords

// Count makes a count the attempts.
func (c *Config) Count(a Attempts) { c.forTests.attempts = a }

// Keep makes p store the passwords, or nothing if p is nil.
func (c *Config) Keep(p Passwords) { c.Passwords, c.forTests.passwords = nil, p }

// Kept returns what stores the passwords.
func (c *Config) Kept() Passwords {
	if c.forTests.passwords != nil {
		return c.forTests.passwords
	}
	return c.Passwords
}

// Counting returns c with a counting the attempts.
func (c Config) Counting(a Attempts) Config {
	c.Count(a)
	return c
}
