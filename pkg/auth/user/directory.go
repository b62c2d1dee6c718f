package user

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
)

// Directory manages the users of a Store. Store and Hasher are required; the other fields are
// optional. A Directory is safe for concurrent use if its fields are.
type Directory struct {
	Store Store
	// Hasher hashes passwords for storage. password.Hasher implements it.
	Hasher interface {
		Hash(password auth.Secret) (auth.Secret, error)
	}
	// Now is the clock. The default is time.Now.
	Now func() time.Time
	// Policy checks every new password. The zero Policy is password.CheckNew.
	Policy password.Policy
	// NewID returns an unused subject of at most 36 bytes. The default makes random UUIDs.
	NewID func() auth.SubjectID
	// Sessions deletes a user's sessions. A session.Store implements it. Only Delete needs it.
	Sessions interface {
		DeleteAll(ctx context.Context, of auth.SubjectID) (int, error)
	}
	// Importable checks a password hash of another system without computing a hash. The default
	// accepts any short printable text. An error must not contain the hash.
	Importable func(stored auth.Secret) error
	// Wrap returns the form in which to store an imported hash, with more protection if the hash is
	// weak. The default stores the hash unchanged. An error must not contain the hash.
	Wrap func(stored auth.Secret) (auth.Secret, error)
}

// Add creates a user. The error wraps [ErrEmail] if the address is not usable, and [ErrExists] if
// it belongs to another user. It is an error of package password if the password is not permitted.
// A role that no token can carry is also an error. After [auth.ErrUnavailable] the user may exist.
func (d *Directory) Add(ctx context.Context, email string, secret auth.Secret, roles []string) (User, error) {
	u, err := d.NewUser(email)
	if err != nil {
		return User{}, err
	}
	if err := checkRoles(roles); err != nil {
		return User{}, err
	}
	u.Roles = slices.Clone(roles)
	if u.Password, err = d.newHash(ctx, secret, u.Email); err != nil {
		return User{}, err
	}
	// Each call makes a new subject, so the subject also identifies the request.
	if err := d.Store.Create(ctx, u, string(u.ID)); err != nil {
		return User{}, fmt.Errorf("create the user: %w", err)
	}
	return u, nil
}

// NewUser returns a user with a new subject. It stores nothing; pass the user to Store.Create. The
// error wraps [ErrEmail] if the address is not usable.
func (d *Directory) NewUser(email string) (User, error) {
	if err := CheckEmail(email); err != nil {
		return User{}, err
	}
	now := d.now()
	return User{ID: d.newID(), Email: strings.TrimSpace(email), Revision: 1, CreatedAt: now, UpdatedAt: now}, nil
}

// checkRoles refuses roles that would make every token of the user invalid: authorizers join roles
// with spaces.
func checkRoles(roles []string) error {
	total := 0
	for _, role := range roles {
		total += len(role) + 1
		unfit := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError }
		if role == "" || len(role) > maxRoleBytes || strings.ContainsFunc(role, unfit) {
			return errRole
		}
	}
	raw, err := claim.Encode(roles)
	if err != nil || total > maxRolesBytes || len(raw) > maxRolesJSON {
		return errRole
	}
	return nil
}

// A token carries all roles of a user on every request. The limits apply to the JSON form, in which
// short roles and quotation marks take extra bytes.
const (
	maxRoleBytes  = 64
	maxRolesBytes = 1024
	maxRolesJSON  = 2048
)

// List returns up to limit users after the subject after; see [Store].
func (d *Directory) List(ctx context.Context, after auth.SubjectID, limit int) (Page, error) {
	return d.Store.List(ctx, after, limit)
}

// Subject returns the current state of a user for an issuer, with a strongly consistent read. The
// error is [auth.ErrNotFound] if the user is unknown.
func (d *Directory) Subject(ctx context.Context, id auth.SubjectID) (auth.Subject, error) {
	u, err := d.Store.Get(ctx, id)
	if err != nil {
		return auth.Subject{}, err
	}
	return u.Subject(), nil
}

func (d *Directory) now() time.Time {
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	return now().UTC().Truncate(time.Millisecond)
}

func (d *Directory) newID() auth.SubjectID {
	if d.NewID != nil {
		return d.NewID()
	}
	return auth.SubjectID(uuid.NewString())
}
