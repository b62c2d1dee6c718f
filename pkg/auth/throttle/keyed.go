package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Keys are the login keys, with which the names of counters are computed. *keyring.Login implements
// it. If the keys cannot be read at the moment, the errors wrap auth.ErrUnavailable.
type Keys interface {
	// SealingKey returns the current key.
	SealingKey(ctx context.Context) (auth.LoginKey, error)
}

const (
	counterPurpose   = "edgeauth attempt counter 1"
	sourcePurpose    = "edgeauth attempt source 1"
	referencePurpose = "edgeauth account reference 1"
	oncePurpose      = "edgeauth spend once 1"
)

// pseudonym returns a keyed hash of a text. A reader of the table or the log could try all e-mails
// and addresses, but not without the key. After a rotation of the key the hash is different, and
// counters restart at zero.
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

// Reference returns the pseudonym of a text in the audit log, for example of the key of an account.
// It has 11 characters, and stays the same until the key is rotated. It differs from the hash in
// the table, so that a reader of one cannot look up the other.
func Reference(ctx context.Context, keys Keys, text string) (string, error) {
	sum, err := pseudonym(ctx, keys, referencePurpose, "account", text)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum[:8]), nil
}
