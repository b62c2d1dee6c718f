package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Keys are the login keys, with which the names of counters are made; keyring.Login implements it. Errors wrap
// auth.ErrUnavailable while the keys cannot be read.
type Keys interface {
	// SealingKey returns the key that seals now.
	SealingKey(ctx context.Context) (auth.LoginKey, error)
}

const (
	counterPurpose   = "edgeauth attempt counter 1"
	sourcePurpose    = "edgeauth attempt source 1"
	referencePurpose = "edgeauth account reference 1"
	oncePurpose      = "edgeauth spend once 1"
)

// pseudonym is a keyed hash of a text. There are few e-mails and addresses, and without the key a reader of a table or
// a log cannot try them. The hash changes when another key begins to seal; counters then begin at zero, once.
func pseudonym(ctx context.Context, keys Keys, purpose, kind, text string) ([]byte, error) {
	key, err := keys.SealingKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the login keys: %w", err)
	}
	derived, err := key.Derive(purpose)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of %s: %w", purpose, err)
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write([]byte(kind + "\x00" + text))
	return mac.Sum(nil), nil
}

// Reference returns what the audit log calls a text, such as the key of an account: 11 characters, the same for the same
// text until another key begins to seal. It is another hash than the table's, so that neither leads to the other.
func Reference(ctx context.Context, keys Keys, text string) (string, error) {
	sum, err := pseudonym(ctx, keys, referencePurpose, "account", text)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum[:8]), nil
}
