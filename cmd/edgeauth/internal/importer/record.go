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
	Verified     bool           `json:"email_verified,omitempty"`
	Pointers     []user.Pointer `json:"pointers,omitempty"`
	PasswordHash string         `json:"password_hash,omitempty"`
	Roles        []string       `json:"roles,omitempty"`
	Claims       map[string]any `json:"claims,omitempty"`
	Disabled     bool           `json:"disabled,omitempty"`
	MustChange   bool           `json:"must_change,omitempty"`
	CreatedAt    time.Time      `json:"created_at,omitzero"`
}

var fieldNames = []string{"subject", "email", "email_verified", "pointers", "password_hash", "roles", "claims", "disabled", "must_change", "created_at"}

// field returns a pointer to the field with this name, or nil for an unknown name. Names are
// case-sensitive: with two spellings of one name in a record, either could be meant.
func (r *record) field(name string) any {
	switch name {
	case "subject":
		return &r.Subject
	case "email":
		return &r.Email
	case "email_verified":
		return &r.Verified
	case "pointers":
		return &r.Pointers
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
	case *[]user.Pointer:
		want = `an array of strings as in ["i#name"]`
	case *map[string]any:
		want = "a JSON object"
	case *bool:
		want = "true or false"
	case *time.Time:
		want = "a time as in 2026-01-31T12:00:00Z"
	}
	return fmt.Errorf("%q must be %s", name, want)
}

// errNoEmail refuses a record without an e-mail address, unless the record says that the user has
// no address.
var errNoEmail = fmt.Errorf("%w: it is missing", user.ErrEmail)

// user returns the user of a record. A record without an e-mail address is refused if it has no
// pointer either, unless the format can say explicitly that the user has no e-mail.
func (r *record) user(subjectAlone bool) (user.User, error) {
	if r.Email == "" && len(r.Pointers) == 0 && !subjectAlone {
		return user.User{}, errNoEmail
	}
	texts := []string{string(r.Subject), r.Email, r.PasswordHash}
	for _, p := range r.Pointers {
		texts = append(texts, p.Name)
	}
	for _, text := range texts {
		// JSON escapes can spell half of a surrogate pair, which decodes to RuneError.
		if strings.ContainsRune(text, utf8.RuneError) {
			return user.User{}, errUTF8
		}
	}
	verified := ""
	if r.Verified {
		verified = r.Email
	}
	return user.User{
		ID: r.Subject, Email: r.Email, VerifiedEmail: verified, Pointers: user.SortPointers(r.Pointers), Password: auth.NewSecret(r.PasswordHash),
		Roles: r.Roles, Claims: r.Claims, Disabled: r.Disabled, MustChange: r.MustChange, CreatedAt: r.CreatedAt,
	}, nil
}

// Write writes a user as a line of the format jsonl, which import accepts.
func Write(w io.Writer, u user.User) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(record{
		Subject: u.ID, Email: u.Email, Verified: u.Subject().EmailVerified, Pointers: u.Pointers, PasswordHash: u.Password.Reveal(), Roles: u.Roles, Claims: u.Claims,
		Disabled: u.Disabled, MustChange: u.MustChange, CreatedAt: u.CreatedAt,
	})
}
