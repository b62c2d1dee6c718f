package login

import "context"

// Steps are what a deployment adds before and after the proof of a password: a challenge against robots, an allow-list,
// a second factor, a mail about a new device. Either may be nil. They run on the login's own time and must be safe for
// concurrent use; an error that is no *Denial decides nothing about the login and is the caller's fault to report.
type Steps struct {
	// Before runs before anything is counted, read or hashed, for every login, whether or not the account exists.
	// It is given what a stranger typed: nothing of it belongs into a log.
	Before func(ctx context.Context, c Credentials) error
	// After runs once the password is proven and before the session is opened, so it may tell what only the owner may know.
	// Its Denial counts as a failed login, so that a second factor cannot be guessed without end.
	After func(ctx context.Context, c Credentials, r Result) error
}

// Denial is a step's no. The answer is 403 with these two, for a client to act on: it might ask for the second factor
// and log in again.
type Denial struct {
	// Code names the reason as error codes of OAuth are written, like second_factor_required (RFC 6749, section 5.2).
	Code string
	// Description says more, for developers; it may be empty.
	Description string
}

// Error returns the code.
func (d *Denial) Error() string { return "login denied: " + d.Code }

func (s Steps) before(ctx context.Context, c Credentials) error {
	if s.Before == nil {
		return nil
	}
	return s.Before(ctx, c)
}
