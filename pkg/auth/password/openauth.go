package password

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// OpenAuth stores a record of its hasher as JSON, with the members in this order
// (openauthjs/openauth 0.4.3, packages/openauth/src/provider/password.ts). Both hashes have 32
// bytes.
//
//	{"hash":"…","salt":"…","N":16384,"r":8,"p":1}    scrypt, padded standard base64
//	{"hash":"…","salt":"…","iterations":600000}      PBKDF2 with SHA-256, unpadded base64url
func parseOpenAuth(stored string) (verifier, error) {
	var record struct {
		Hash, Salt string
		N, R, P    uint32
		Iterations uint32
	}
	if json.Unmarshal([]byte(stored), &record) != nil {
		return nil, fmt.Errorf("%w: not an OpenAuth record", ErrMalformed)
	}
	var salt, want []byte
	texts := []string{record.Salt, record.Hash}
	if record.Iterations != 0 {
		decode(base64.RawURLEncoding, texts, &salt, &want)
		encoding := base64.RawURLEncoding
		return newPBKDF2(pbkdf2SHA256, record.Iterations, salt, encoding.EncodeToString(salt), want, func(salt string, digest []byte) string {
			return fmt.Sprintf(`{"hash":"%s","salt":"%s","iterations":%d}`, encoding.EncodeToString(digest), salt, record.Iterations)
		})
	}
	decode(std, texts, &salt, &want)
	cost := scryptCost{record.N, record.R, record.P}
	return newScrypt(cost, salt, std.EncodeToString(salt), want, func(salt string, digest []byte) string {
		return fmt.Sprintf(`{"hash":"%s","salt":"%s","N":%d,"r":%d,"p":%d}`, std.EncodeToString(digest), salt, record.N, record.R, record.P)
	})
}
