package login

import "github.com/edgeauth/edgeauth/pkg/auth/throttle"

// attempts and its parts, which tests replace to record and fail calls.
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

// Count replaces the counting of attempts by a.
func (c *Config) Count(a Attempts) { c.forTests.attempts = a }

// Keep replaces the storage of passwords by p. A nil p stores nothing.
func (c *Config) Keep(p Passwords) { c.Passwords, c.forTests.passwords = nil, p }

// Kept returns the storage of passwords.
func (c *Config) Kept() Passwords {
	if c.forTests.passwords != nil {
		return c.forTests.passwords
	}
	return c.Passwords
}

// Counting returns c with a as the counting of attempts.
func (c Config) Counting(a Attempts) Config {
	c.Count(a)
	return c
}
