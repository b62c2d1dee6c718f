package login

import (
	"crypto/sha256"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// decoySpace separates decoys from other UUIDs that are hashes of e-mails.
var decoySpace = uuid.MustParse("6c3f1e9a-0d57-4b8e-9f3c-2a7d5be10c44")

// DecoySubject returns the subject to read if an e-mail has no user. Each e-mail has its own decoy,
// so that guesses do not all read one hot item. The decoy is a UUID like a real subject, but of
// version 8 (RFC 9562, section 5.8), so no random subject equals it.
func DecoySubject(key user.Email) auth.SubjectID {
	return auth.SubjectID(uuid.NewHash(sha256.New(), decoySpace, []byte(key), 8).String())
}

// accountKey returns the key under which attempts for an e-mail are counted. All spellings of an
// address share one counter. An invalid e-mail is handled like an unknown e-mail, under a key that
// belongs to no user.
func accountKey(email string) user.Email {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return user.Email(user.EmailPointers(email)[0].Name)
	}
	return key
}
