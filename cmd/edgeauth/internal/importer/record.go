package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// record is a user in JSON lines and CSV.
type record struct {
	Subject      auth.SubjectID `json:"subject"`
	Email        string         `json:"email"`
	PasswordHash string         `json:"password_hash,omitempty"`
	Roles        []string       `json:"roles,omitempty"`
	Claims       map[string]any `json:"claims,omitempty"`
	Disabled     bool           `json:"disabled,omitempty"`
	MustChange   bool           `json:"must_change,omitempty"`
	CreatedAt    time.Time      `json:"created_at,omitzero"`
}

var fieldNames = []string{"subject", "email", "password_hash", "roles", "claims", "disabled", "must_change", "created_at"}

// field returns a pointer to the field with this name, or nil for an unknown name. Names are
// case-sensitive: with two spellings of one name in a record, either could be meant.
func (r *record) field(name string) any {
	switch name {
	case "subject":
		return &r.Subject
	case "email":
		return &r.Email
	case "password_hash":
		return &r.PasswordHash
	case "roles":
		return &r.Roles
	case "claims":
		return &r.Claims
	case "disabled":
		return &r.Disabled
	case "must_change":
		return &r.MustChange
	case "created_at":
		return &r.CreatedAt
	}
	return nil
}

// wrongField says what a field must contain, and does not repeat its content.
func wrongField(name string, field any) error {
	want := "a string"
	switch field.(type) {
	case *[]string:
		want = "an array of strings"
	case *map[string]any:
		want = "a JSON object"
	case *bool:
		want = "true or false"
	case *time.Time:
		want = "a time as in 2026-01-31T12:00:00Z"
	}
	return fmt.Errorf("%q must be %s", name, want)
}

func (r *record) user() (user.User, error) {
	for _, text := range []string{string(r.Subject), r.Email, r.PasswordHash} {
		// JSON escapes can spell half of a surrogate pair, which decodes to RuneError.
		if strings.ContainsRune(text, utf8.RuneError) {
			return user.User{}, errUTF8
		}
	}
	return user.User{
		ID: r.Subject, Email: r.Email, Password: auth.NewSecret(r.PasswordHash), Roles: r.Roles, Claims: r.Claims,
		Disabled: r.Disabled, MustChange: r.MustChange, CreatedAt: r.CreatedAt,
	}, nil
}

// Write writes a user as a line of the format jsonl, which import accepts.
func Write(w io.Writer, u user.User) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(record{
		Subject: u.ID, Email: u.Email, PasswordHash: u.Password.Reveal(), Roles: u.Roles, Claims: u.Claims,
		Disabled: u.Disabled, MustChange: u.MustChange, CreatedAt: u.CreatedAt,
	})
}
