package user

import (
	"log/slog"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// User is one account. A User is a value: a caller may change the User that a store returned
// without changing the store. Copies of a User share Pointers, Roles and Claims.
type User struct {
	ID auth.SubjectID
	// Email is the address as its owner entered it, trimmed. Mail goes to this address.
	// NormalizeEmail makes the key from it. Email is empty for a user without an address, who
	// cannot log in with a password.
	Email string
	// VerifiedEmail is the address at which the owner has proven to receive mail. It says nothing
	// about a different Email, because earlier versions change Email alone.
	VerifiedEmail string
	// Pointers are the names besides the e-mail address that lead to the user, in the form of
	// SortPointers.
	Pointers []Pointer
	// Password is the stored hash. A user with an empty Password cannot log in with a password.
	Password auth.Secret
	Roles    []string
	// Claims are the deployer's own claims, in JSON types: nil, bool, float64, string, []any,
	// map[string]any.
	Claims map[string]any
	// Disabled refuses logins and ends the user's sessions at their next refresh.
	Disabled bool
	// MustChange permits a login only to set a new password.
	MustChange bool
	// Change is the newest change-of-password token, issued at a login because of MustChange. The
	// zero value means no token.
	Change PasswordChange
	// TokenVersion ends sessions: a session that was opened at a lower version is over.
	TokenVersion uint64
	// Revision counts writes. Store.Update refuses a write that is not based on the latest
	// Revision.
	Revision uint64
	// CreatedAt and UpdatedAt are in UTC, in whole milliseconds.
	CreatedAt, UpdatedAt time.Time
}

// Subject returns the members of u that an issuer needs.
func (u User) Subject() auth.Subject {
	return auth.Subject{
		ID: u.ID, Disabled: u.Disabled, TokenVersion: u.TokenVersion, Roles: u.Roles, Claims: u.Claims,
		Email: u.Email, EmailVerified: u.Email != "" && u.VerifiedEmail == u.Email,
	}
}

// LogValue returns the subject alone: an e-mail address is personal data and must not be logged.
func (u User) LogValue() slog.Value { return slog.StringValue(string(u.ID)) }
