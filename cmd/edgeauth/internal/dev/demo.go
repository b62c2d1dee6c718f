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

// demoEmail is the e-mail of the user that the first start creates.
const demoEmail = "demo@example.com"

// ensureDemoUser creates the demo user if it does not exist, and returns its password. The password
// is stored in a file beside the store. If the user exists but the file is missing or holds another
// password, the error is auth.ErrNotFound.
func (h Home) ensureDemoUser(ctx context.Context, users user.Store) (auth.Secret, error) {
	path := h.path("demo-password")
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return auth.Secret{}, err
	}
	secret := auth.NewSecret(string(bytes.TrimSpace(raw)))
	id, err := users.ByEmail(ctx, demoEmail)
	switch {
	case err == nil:
		return proven(ctx, users, id, secret)
	case !errors.Is(err, auth.ErrNotFound):
		return auth.Secret{}, err
	}
	if secret.Reveal() == "" {
		// The file is written first: a user with an unknown password would be useless.
		secret = auth.NewSecret(rand.Text())
		if err := os.WriteFile(path, []byte(secret.Reveal()+"\n"), 0o600); err != nil {
			return auth.Secret{}, err
		}
	}
	directory := user.Directory{Store: users, Hasher: &password.Hasher{}}
	_, err = directory.Add(ctx, demoEmail, secret, []string{"demo"})
	return secret, err
}

// proven returns the password if the user has not changed it.
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
