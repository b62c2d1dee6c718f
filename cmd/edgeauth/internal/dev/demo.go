package dev

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// demoEmail is the user whom a first start makes.
const demoEmail = "demo@example.com"

// ensureDemoUser makes the demo user where there is none, and returns its password, which is kept in a file beside
// the store. It is auth.ErrNotFound where the user is there and the file is not, or has another password than the user.
func (h Home) ensureDemoUser(ctx context.Context, users user.Store) (auth.Secret, error) {
	email, err := user.NormalizeEmail(demoEmail)
	if err != nil {
		return auth.Secret{}, err
	}
	path := h.path("demo-password")
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return auth.Secret{}, err
	}
	secret := auth.NewSecret(string(bytes.TrimSpace(raw)))
	id, err := users.ByEmail(ctx, email)
	switch {
	case err == nil:
		return proven(ctx, users, id, secret)
	case !errors.Is(err, auth.ErrNotFound):
		return auth.Secret{}, err
	}
	if secret.Reveal() == "" {
		// The file comes first: a user with an unknown password could not be mended.
		secret = auth.NewSecret(rand.Text())
		if err := os.WriteFile(path, []byte(secret.Reveal()+"\n"), 0o600); err != nil {
			return auth.Secret{}, err
		}
	}
	directory := user.Directory{Store: users, Hasher: &password.Hasher{}}
	_, err = directory.Add(ctx, demoEmail, secret, []string{"demo"})
	return secret, err
}

// proven returns the password where it is still the user's: they may have changed it.
func proven(ctx context.Context, users user.Store, id auth.SubjectID, secret auth.Secret) (auth.Secret, error) {
	u, err := users.Get(ctx, id)
	if err != nil {
		return auth.Secret{}, err
	}
	if is, err := (password.Hasher{}).Verify(u.Password, secret); err != nil || !is.Match || secret.Reveal() == "" {
		return auth.Secret{}, auth.ErrNotFound
	}
	return secret, nil
}
