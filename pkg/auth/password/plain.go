package password

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// plain are forms of one fast digest. They must be wrapped at import and are never verified
// directly, because a graphics card tries billions of passwords a second against them. They are
// spelled as in Django, with the salt as text (which may be empty) and the digest in lower-case
// hexadecimal:
//
//	md5$<salt>$<digest>         of the salt followed by the password
//	md5-suffix$<salt>$<digest>  of the password followed by the salt
//
// The same forms exist for sha1, sha256 and sha512. A bare digest is refused, because it does not
// show whether it is MD5 or NTLM, SHA-256 or SHA3-256, and a wrong guess would lock the user out
// permanently.
var plain = []form{
	{"md5", "md5$", parsePlain(md5.New, false)},
	{"md5-suffix", "md5-suffix$", parsePlain(md5.New, true)},
	{"sha1", "sha1$", parsePlain(sha1.New, false)},
	{"sha1-suffix", "sha1-suffix$", parsePlain(sha1.New, true)},
	{"sha256", "sha256$", parsePlain(sha256.New, false)},
	{"sha256-suffix", "sha256-suffix$", parsePlain(sha256.New, true)},
	{"sha512", "sha512$", parsePlain(sha512.New, false)},
	{"sha512-suffix", "sha512-suffix$", parsePlain(sha512.New, true)},
}

func parsePlain(newHash func() hash.Hash, suffix bool) func(string) (verifier, error) {
	return func(stored string) (verifier, error) {
		part := strings.Split(stored, "$")
		if len(part) != 3 {
			return nil, fmt.Errorf("%w: not a digest string", ErrMalformed)
		}
		name, salt := part[0], part[1]
		want, _ := hex.DecodeString(part[2]) // the comparison of spellings finds errors
		if len(want) != newHash().Size() {
			return nil, errSpelling
		}
		before, after := salt, ""
		if suffix {
			before, after = after, before
		}
		return derived{
			digest: func(received string) []byte {
				h := newHash()
				h.Write([]byte(before + received + after))
				return h.Sum(nil)
			},
			want:  want,
			salt:  salt,
			blank: blankSalt,
			spell: func(salt string, digest []byte) string { return fmt.Sprintf("%s$%s$%x", name, salt, digest) },
			weak:  true,
			costs: work{algorithm: "digest"},
		}, nil
	}
}
