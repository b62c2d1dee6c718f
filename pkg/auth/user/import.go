package user

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// maxStoredBytes bounds a stored hash where Directory.Importable does not judge it.
const maxStoredBytes = 1024

// Outcome is what Import found or did.
type Outcome string

const (
	Created   Outcome = "created"
	Unchanged Outcome = "unchanged" // the same user is there already
)

// Import creates a user as another system kept them: with subject, e-mail, pointers, stored hash, roles, claims, Disabled,
// MustChange and CreatedAt of record, and nothing else of it. A record needs a subject, an e-mail or a pointer. Without a subject the user gets a new one; without a
// CreatedAt they are created now; without a hash they cannot log in by password.
//
// The same record again is Unchanged, so that an import which was interrupted can be run again. A different one with
// the same subject, e-mail or pointer is ErrExists; it is ErrChanged, which wraps ErrExists, where subject and e-mail belong
// to one user who was written here since, by a login that replaced an outdated hash for example. Stored data wins.
// The error for a record that can never be a user names the member that is wrong.
func (d *Directory) Import(ctx context.Context, record User) (Outcome, error) {
	u, err := d.importable(record)
	if err != nil {
		return "", err
	}
	// Read first: a second run finds nearly all users, and a write that is refused costs as much as one that is not.
	outcome, err := d.compare(ctx, u, record)
	if !errors.Is(err, auth.ErrNotFound) {
		return outcome, err
	}
	if u.ID == "" {
		u.ID = d.newID()
	}
	if u.Password, err = d.wrap(u.Password); err != nil {
		return "", err
	}
	switch err := d.Store.Create(ctx, u, uuid.NewString()); {
	case errors.Is(err, ErrExists): // a concurrent import was faster: another line of the same file, perhaps
		outcome, again := d.compare(ctx, u, record)
		if errors.Is(again, auth.ErrNotFound) {
			return "", ErrConflict // and is erased already
		}
		return outcome, again
	case err != nil:
		return "", fmt.Errorf("create the user: %w", err)
	}
	return Created, nil
}

// CheckImport says what Import would do with a record, and writes nothing.
func (d *Directory) CheckImport(ctx context.Context, record User) (Outcome, error) {
	u, err := d.importable(record)
	if err != nil {
		return "", err
	}
	outcome, err := d.compare(ctx, u, record)
	if errors.Is(err, auth.ErrNotFound) {
		return Created, nil
	}
	return outcome, err
}

// importable returns the user that record makes, still without a subject where record has none.
func (d *Directory) importable(record User) (User, error) {
	if record.ID != "" {
		if err := record.ID.Validate(); err != nil {
			return User{}, fmt.Errorf("%w: %w", errSubject, err)
		}
		// Databases and libraries compare UUIDs in any spelling, and stores and tokens compare bytes: two spellings would be
		// two users here and one there.
		if id, err := uuid.Parse(string(record.ID)); err == nil && id.String() != string(record.ID) {
			return User{}, fmt.Errorf("%w: %q is another spelling of the UUID %q", errSubject, record.ID, id)
		}
	}
	pointers := SortPointers(record.Pointers)
	if record.Email != "" {
		if err := CheckEmail(record.Email); err != nil {
			return User{}, err
		}
	}
	all, _, err := PointerMoves(User{}, User{Email: record.Email, Pointers: pointers})
	if err != nil {
		return User{}, err
	}
	if record.ID == "" && len(all) == 0 {
		return User{}, fmt.Errorf("%w: neither a subject, nor an e-mail, nor a pointer is given", ErrEmail)
	}
	if err := errors.Join(checkRoles(record.Roles), checkClaims(record.Claims)); err != nil {
		return User{}, err
	}
	if created := record.CreatedAt; !created.IsZero() && (created.Unix() <= 0 || created.Year() > 9999) {
		return User{}, errCreated // stores count milliseconds since 1970
	}
	if err := d.checkStored(record.Password); err != nil {
		return User{}, err
	}
	now := d.now()
	u := User{
		ID: record.ID, Email: strings.TrimSpace(record.Email), Pointers: pointers, Password: record.Password,
		Disabled: record.Disabled, MustChange: record.MustChange,
		// A subject may have been here before. A session that it left was opened at a lower version, and is over.
		TokenVersion: uint64(now.Unix()),
		Revision:     1, CreatedAt: record.CreatedAt.UTC().Truncate(time.Millisecond), UpdatedAt: now,
	}
	// Stores do not tell none from empty.
	if len(record.Roles) > 0 {
		u.Roles = record.Roles
	}
	if len(record.Claims) > 0 {
		u.Claims = record.Claims
	}
	if record.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	return u, nil
}

func (d *Directory) checkStored(hash auth.Secret) error {
	text := hash.Reveal()
	switch {
	case text == "":
		return nil
	case d.Importable != nil:
		if err := d.Importable(hash); err != nil {
			return fmt.Errorf("%w: %w", errStored, err)
		}
	case len(text) > maxStoredBytes || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%w: it must have 1 to %d visible characters of ASCII", errStored, maxStoredBytes)
	}
	return nil
}

func (d *Directory) wrap(hash auth.Secret) (auth.Secret, error) {
	if d.Wrap == nil || hash.Reveal() == "" {
		return hash, nil
	}
	wrapped, err := d.Wrap(hash)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("%w: %w", errStored, err)
	}
	return wrapped, nil
}

// sameHash reports whether there is what an import stored of given. Where wrapping changes a hash it does so with a
// salt of its own each time, and only the owner's password could tell: there is then taken for given.
func (d *Directory) sameHash(there, given auth.Secret) (bool, error) {
	if there.Equal(given) {
		return true, nil
	}
	if there.Reveal() == "" {
		return false, nil
	}
	wrapped, err := d.wrap(given)
	return !wrapped.Equal(given), err
}

// compare compares u, which record made, with the stored user. The error is auth.ErrNotFound if there is none.
func (d *Directory) compare(ctx context.Context, u, record User) (Outcome, error) {
	there, err := d.there(ctx, u, record)
	if err != nil {
		return "", err
	}
	// What record does not say, it does not ask for.
	if record.ID == "" {
		u.ID = there.ID
	}
	if record.CreatedAt.IsZero() {
		u.CreatedAt = there.CreatedAt
	}
	same, err := d.sameHash(there.Password, record.Password)
	if err != nil {
		return "", err
	}
	if same {
		u.Password = there.Password
	}
	u.TokenVersion, u.Revision, u.UpdatedAt, u.Change = there.TokenVersion, there.Revision, there.UpdatedAt, there.Change
	switch {
	case reflect.DeepEqual(u, there):
		return Unchanged, nil
	case u.ID == there.ID && u.Email == there.Email && there.Revision > 1:
		return "", ErrChanged
	}
	return "", ErrExists
}

// there returns the user who has the subject, or else one of the pointers. Records without a subject are known by these.
func (d *Directory) there(ctx context.Context, u, record User) (User, error) {
	if record.ID != "" {
		there, err := d.Store.Get(ctx, u.ID)
		if !errors.Is(err, auth.ErrNotFound) {
			return there, err
		}
	}
	pointers, err := u.allPointers()
	if err != nil {
		return User{}, err
	}
	for _, p := range pointers {
		id, err := d.Store.ByPointer(ctx, p)
		if errors.Is(err, auth.ErrNotFound) {
			continue
		}
		if err != nil {
			return User{}, err
		}
		there, err := d.Store.Get(ctx, id)
		if errors.Is(err, auth.ErrNotFound) {
			return User{}, ErrConflict // erased between the two reads
		}
		return there, err
	}
	return User{}, auth.ErrNotFound
}
