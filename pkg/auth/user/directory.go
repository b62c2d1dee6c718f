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

// Hasher makes stored hashes; password.Hasher is one.
type Hasher interface {
	Hash(password auth.Secret) (auth.Secret, error)
}

// Directory manages the users of a Store. Store and Hasher are required. It is safe for concurrent use where its
// fields are.
type Directory struct {
	Store  Store
	Hasher Hasher
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Policy is asked about every new password; the zero Policy is password.CheckNew.
	Policy password.Policy
	// NewID returns an unused subject of at most 36 bytes; nil makes random UUIDs.
	NewID func() auth.SubjectID
	// Sessions are what Delete erases with a user; nothing else needs them.
	Sessions Sessions
	// Importable judges a password hash of another system, without work; nil takes any short visible text.
	Importable func(stored auth.Secret) error
	// Wrap returns such a hash as it is to be stored, better protected where it is weak; nil stores it as it is.
	// Neither repeats the hash in an error.
	Wrap func(stored auth.Secret) (auth.Secret, error)
}

// Add creates a user. The error is [ErrEmail] if the address cannot be a key, [ErrExists] if it is taken, or an error of
// package password if the password may not be set. A role that no token can carry is an error too. After
// [auth.ErrUnavailable] the user may exist.
func (d *Directory) Add(ctx context.Context, email string, secret auth.Secret, roles []string) (User, error) {
	if err := CheckEmail(email); err != nil {
		return User{}, err
	}
	if err := checkRoles(roles); err != nil {
		return User{}, err
	}
	hash, err := d.newHash(ctx, secret, strings.TrimSpace(email))
	if err != nil {
		return User{}, err
	}
	now := d.now()
	u := User{
		ID:        d.newID(),
		Email:     strings.TrimSpace(email),
		Password:  hash,
		Roles:     slices.Clone(roles),
		Revision:  1,
		CreatedAt: now,
		UpdatedAt: now,
	}
	// The subject is new with each call, so it also names the request.
	if err := d.Store.Create(ctx, u, string(u.ID)); err != nil {
		return User{}, fmt.Errorf("create the user: %w", err)
	}
	return u, nil
}

// checkRoles keeps out what would make every token of the user fail: authorizers join roles by spaces.
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

// A token carries all of a user's roles, on every request. Its room is for JSON, in which a short role or a quotation
// mark takes several bytes.
const (
	maxRoleBytes  = 64
	maxRolesBytes = 1024
	maxRolesJSON  = 2048
)

// List returns up to limit users that follow after; see Store.List.
func (d *Directory) List(ctx context.Context, after auth.SubjectID, limit int) (Page, error) {
	return d.Store.List(ctx, after, limit)
}

// Subject returns what an issuer must know of a user, strongly consistent; auth.ErrNotFound where there is none.
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
