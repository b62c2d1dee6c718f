package user

import (
	"log/slog"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// User is one account. It is a value: a store's answer may be changed without changing what is stored, but
// Pointers, Roles and Claims are shared by copies of a User.
type User struct {
	ID auth.SubjectID
	// Email is the address as its owner gave it, trimmed. Mail goes here; NormalizeEmail makes the key of it. It is empty
	// for a user without an address, who cannot log in with a password.
	Email string
	// Pointers lead to the user besides the e-mail, in ascending order of their keys, each once: see SortPointers.
	Pointers []Pointer
	// Password is the stored hash. Empty is a user who cannot log in with a password.
	Password auth.Secret
	Roles    []string
	// Claims are the deployer's own, of JSON's types: nil, bool, float64, string, []any, map[string]any.
	Claims map[string]any
	// Disabled refuses logins and ends sessions at their next refresh.
	Disabled bool
	// MustChange allows a login nothing but to set a new password.
	MustChange bool
	// Change is the newest change-of-password token that a login gave out because of MustChange. The zero value is none.
	Change PasswordChange
	// TokenVersion ends sessions: those opened at a lower version are over.
	TokenVersion uint64
	// Revision counts writes: Store.Update refuses one that was not decided on the latest.
	Revision uint64
	// CreatedAt and UpdatedAt are in UTC and in whole milliseconds.
	CreatedAt, UpdatedAt time.Time
}

// Subject returns what an issuer must know of u.
func (u User) Subject() auth.Subject {
	return auth.Subject{ID: u.ID, Disabled: u.Disabled, TokenVersion: u.TokenVersion, Roles: u.Roles, Claims: u.Claims}
}

// LogValue shows the subject alone: an e-mail address is personal data and has no place in a log.
func (u User) LogValue() slog.Value { return slog.StringValue(string(u.ID)) }
