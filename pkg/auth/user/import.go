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

// maxStoredBytes bounds a stored hash if Directory.Importable is nil.
const maxStoredBytes = 1024

// ImportResult is the result of [Directory.Import] or [Directory.CheckImport].
type ImportResult string

const (
	ImportCreated   ImportResult = "created"
	ImportUnchanged ImportResult = "unchanged" // the same user exists
)

// Import creates a user from a record of another system. Import takes the subject, e-mail address,
// verified address, pointers, stored hash, roles, claims, Disabled, MustChange and CreatedAt of
// record, and ignores the other members. A record needs a subject, an e-mail address or a pointer.
// A record without a subject gets a new subject. The default CreatedAt is now. A user without a
// hash cannot log in with a password.
//
// A second import of the same record returns [ImportUnchanged], so an interrupted import can be
// repeated. If another user has the subject, the e-mail address or a pointer of the record, the
// error is [ErrExists]. If the imported user has changed since, for example by a login that
// replaced an outdated hash, the error is [ErrChanged], which wraps ErrExists. Import never changes
// an existing user. The error for an invalid record names the wrong member.
func (d *Directory) Import(ctx context.Context, record User) (ImportResult, error) {
	u, err := d.importable(record)
	if err != nil {
		return "", err
	}
	// The read comes first, because a repeated import finds nearly all users, and a refused write
	// costs as much as a successful write.
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
	case errors.Is(err, ErrExists):
		// A concurrent import was faster, perhaps with another line of the same file.
		outcome, again := d.compare(ctx, u, record)
		if errors.Is(again, auth.ErrNotFound) {
			return "", ErrConflict // the user was erased in between
		}
		return outcome, again
	case err != nil:
		return "", fmt.Errorf("create the user: %w", err)
	}
	return ImportCreated, nil
}

// CheckImport returns what [Directory.Import] would return for a record, and writes nothing.
func (d *Directory) CheckImport(ctx context.Context, record User) (ImportResult, error) {
	u, err := d.importable(record)
	if err != nil {
		return "", err
	}
	outcome, err := d.compare(ctx, u, record)
	if errors.Is(err, auth.ErrNotFound) {
		return ImportCreated, nil
	}
	return outcome, err
}

// importable returns the user for record, without a subject if the record has none.
func (d *Directory) importable(record User) (User, error) {
	if record.ID != "" {
		if err := record.ID.Validate(); err != nil {
			return User{}, fmt.Errorf("%w: %w", errSubject, err)
		}
		// Databases compare UUIDs in any spelling, but stores and tokens compare bytes. Two
		// spellings would be two users in this store and one user in a database.
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
	moves, err := MovePointers(User{}, User{Email: record.Email, Pointers: pointers}, nil)
	if err != nil {
		return User{}, err
	}
	if record.ID == "" && len(moves.Add) == 0 {
		return User{}, fmt.Errorf("%w: the record has no subject, e-mail or pointer (want at least one)", ErrEmail)
	}
	if strings.TrimSpace(record.VerifiedEmail) != strings.TrimSpace(record.Email) && record.VerifiedEmail != "" {
		return User{}, errVerified
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
		ID: record.ID, Email: strings.TrimSpace(record.Email), VerifiedEmail: strings.TrimSpace(record.VerifiedEmail), Pointers: pointers, Password: record.Password,
		Disabled: record.Disabled, MustChange: record.MustChange,
		// A subject may have existed before. Its old sessions have a lower version, so they have
		// ended.
		TokenVersion: uint64(now.Unix()),
		Revision:     1, CreatedAt: record.CreatedAt.UTC().Truncate(time.Millisecond), UpdatedAt: now,
	}
	// Stores do not distinguish nil from empty.
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

// sameHash reports whether an import of the hash given may have stored the hash there. If Wrap
// changes the hash, it adds a random salt, so only the password could show a difference, and
// sameHash returns true.
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

// compare compares the stored user with u, which was made from record. The error is
// auth.ErrNotFound if no user is stored.
func (d *Directory) compare(ctx context.Context, u, record User) (ImportResult, error) {
	there, err := d.there(ctx, u, record)
	if err != nil {
		return "", err
	}
	// Members that are absent from record are not compared.
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
	// An import changes no user, so it does not verify the address of an existing user.
	u.VerifiedEmail = there.VerifiedEmail
	u.TokenVersion, u.Revision, u.UpdatedAt, u.Change = there.TokenVersion, there.Revision, there.UpdatedAt, there.Change
	switch {
	case reflect.DeepEqual(u, there):
		return ImportUnchanged, nil
	case u.ID == there.ID && u.Email == there.Email && there.Revision > 1:
		return "", ErrChanged
	}
	return "", ErrExists
}

// there returns the stored user with the subject of u. If record has no subject, there returns the
// user that a pointer of u leads to.
func (d *Directory) there(ctx context.Context, u, record User) (User, error) {
	if record.ID != "" {
		there, err := d.Store.Get(ctx, u.ID)
		if !errors.Is(err, auth.ErrNotFound) {
			return there, err
		}
	}
	id, err := d.holder(ctx, u)
	if err != nil {
		return User{}, err
	}
	there, err := d.Store.Get(ctx, id)
	if errors.Is(err, auth.ErrNotFound) {
		return User{}, ErrConflict // erased between the two reads
	}
	return there, err
}

// holder returns the subject that the address of u leads to, or else the first known pointer of u.
func (d *Directory) holder(ctx context.Context, u User) (auth.SubjectID, error) {
	if u.Email != "" {
		if id, err := d.Store.ByEmail(ctx, u.Email); !errors.Is(err, auth.ErrNotFound) {
			return id, err
		}
	}
	for _, p := range u.Pointers {
		if id, err := d.Store.ByPointer(ctx, p); !errors.Is(err, auth.ErrNotFound) {
			return id, err
		}
	}
	return "", auth.ErrNotFound
}
