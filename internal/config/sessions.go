package config

import (
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Duration returns the duration in a variable. It must be in the range from min to max, both
// included.
func (e *Environment) Duration(name string, min, max time.Duration) time.Duration {
	want := fmt.Sprintf("a duration from %v to %v, as in %v", min, max, min)
	text, ok := e.required(name, want)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		e.refuse(name, "is not a duration", want)
		return 0
	case d < min || d > max:
		e.refuse(name, "is out of bounds", want)
		return 0
	}
	return d
}

// Profile returns the profile of clients without a profile of their own. The default is balanced.
func (e *Environment) Profile() auth.Profile {
	text, ok := e.optional(Profile)
	if !ok {
		return auth.Balanced
	}
	p, err := auth.ParseProfile(text)
	if err != nil {
		e.refuse(Profile, "is not a profile", "balanced, strict or fixed")
	}
	return p
}

// RestoredUntil returns the end of the declared restore window, or the zero time without a window.
// It cannot be set together with SessionsNotBefore, which does the opposite.
func (e *Environment) RestoredUntil() time.Time {
	t := e.time(RestoredUntil)
	if _, both := e.optional(SessionsNotBefore); both && !t.IsZero() {
		e.refuse(RestoredUntil, "and "+SessionsNotBefore+" are both set",
			"a time only if the sessions of a backup stay open, and "+SessionsNotBefore+" only if they end")
		return time.Time{}
	}
	return t
}

// clockError is how far the clock of the operator who writes an instant may be ahead.
const clockError = 5 * time.Minute

// SessionsNotBefore returns an instant, or the zero time if the variable is not set. Sessions that
// were created before the instant have ended. now is the time of the start. An instant after now is
// refused: it would end every new session at its first refresh.
func (e *Environment) SessionsNotBefore(now time.Time) time.Time {
	t := e.time(SessionsNotBefore)
	if t.After(now.Add(clockError)) {
		e.refuse(SessionsNotBefore, "is in the future", "a time that has passed, such as 2026-01-02T15:04:05Z (RFC 3339)")
		return time.Time{}
	}
	return t
}

// time returns an optional instant, or the zero time.
func (e *Environment) time(name string) time.Time {
	text, ok := e.optional(name)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		e.refuse(name, "is not a time", "a time such as 2026-01-02T15:04:05Z (RFC 3339)")
		return time.Time{}
	}
	return t
}
