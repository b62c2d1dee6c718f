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
// the store. It is auth.ErrNotFound where the user is there and the file is not.
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
	_, err = users.ByEmail(ctx, email)
	switch {
	case err == nil && secret.Reveal() == "":
		return auth.Secret{}, auth.ErrNotFound
	case !errors.Is(err, auth.ErrNotFound):
		return secret, err
	}
	if secret.Reveal() == "" {
		// The file comes first: a user whose password nobody knows could not be mended.
		secret = auth.NewSecret(rand.Text())
		if err := os.WriteFile(path, []byte(secret.Reveal()+"\n"), 0o600); err != nil {
			return auth.Secret{}, err
		}
	}
	directory := user.Directory{Store: users, Hasher: &password.Hasher{}}
	_, err = directory.Add(ctx, demoEmail, secret, []string{"demo"})
	return secret, err
}
