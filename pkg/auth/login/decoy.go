package login

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// decoySpace keeps decoys apart from other UUIDs that are hashes of e-mails.
var decoySpace = uuid.MustParse("6c3f1e9a-0d57-4b8e-9f3c-2a7d5be10c44")

// decoySubject returns the subject that is read where an e-mail has no user: one of its own for each e-mail, so
// that strangers' guesses do not meet in one hot item. It is a UUID as real subjects are, of version 8 (RFC
// 9562, section 5.8), which no random one is.
func decoySubject(key user.Email) auth.SubjectID {
	return auth.SubjectID(uuid.NewHash(sha256.New(), decoySpace, []byte(key), 8).String())
}

// accountKey returns the key under which an e-mail is counted and looked up. What is no e-mail goes the same
// way as an unknown one, under a stand-in that holds no "@" and so is the key of no user.
func accountKey(email string) user.Email {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		sum := sha256.Sum256([]byte(email))
		return user.Email("invalid:" + base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	return key
}
