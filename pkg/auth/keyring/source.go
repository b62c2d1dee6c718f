package keyring

import (
	"context"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Source reads the text of one ring. A Source must be safe for concurrent use.
type Source interface {
	// Load returns the text of the ring. The error wraps [auth.ErrNotFound] if the ring does not
	// exist. Any other error counts as temporary.
	Load(ctx context.Context) (auth.Secret, error)
}

// Open returns the source that a configuration value names: file:<path>, or the JSON of a ring. The
// file must have mode 0600. Errors do not contain the value, because the value may be a ring.
func Open(value string) (Source, error) { return keyrings.Open(value) }
