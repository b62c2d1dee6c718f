package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Find returns the user with a given subject or e-mail address. The error is [auth.ErrNotFound] if
// there is no such user. If the text is the subject of one user and the e-mail address of another,
// Find returns an error: users choose their address, and must not take the place of another user.
func (d *Directory) Find(ctx context.Context, who string) (User, error) {
	bySubject, err := d.bySubject(ctx, who)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return User{}, err
	}
	byEmail, emailErr := d.byEmail(ctx, who)
	switch {
	case errors.Is(emailErr, auth.ErrNotFound):
		return bySubject, err
	case emailErr != nil:
		return User{}, emailErr
	case err == nil && bySubject.ID != byEmail.ID:
		return User{}, errAmbiguous
	}
	return byEmail, nil
}

func (d *Directory) bySubject(ctx context.Context, text string) (User, error) {
	id := auth.SubjectID(text)
	if id.Validate() != nil {
		return User{}, auth.ErrNotFound
	}
	return d.Store.Get(ctx, id)
}

// byEmail returns the user that an e-mail address leads to. The user's address may change between
// its two reads; then byEmail returns auth.ErrNotFound.
func (d *Directory) byEmail(ctx context.Context, text string) (User, error) {
	id, err := d.Store.ByEmail(ctx, text)
	if err != nil {
		return User{}, err
	}
	u, err := d.Store.Get(ctx, id)
	if err != nil {
		return User{}, err
	}
	if !sameEmail(u.Email, text) {
		return User{}, fmt.Errorf("the user has moved to another e-mail: %w", auth.ErrNotFound)
	}
	return u, nil
}
