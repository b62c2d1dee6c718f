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

// plain are forms of one fast digest. They are imported wrapped and never verified as they are: a graphics card tries
// billions of passwords a second against them. They are spelled as Django does, with the salt as text (empty for none)
// and the digest in lower-case hexadecimal:
//
//	md5$<salt>$<digest>         of the salt, then the password
//	md5-suffix$<salt>$<digest>  of the password, then the salt
//
// and so with sha1, sha256 and sha512. A bare digest is refused: nothing in it tells MD5 from NTLM or SHA-256 from
// SHA3-256, and a wrong guess would lock its owner out for good.
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
		want, _ := hex.DecodeString(part[2]) // an error is seen by the comparison of spellings
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
			spell: func(digest []byte) string { return fmt.Sprintf("%s$%s$%x", name, salt, digest) },
			weak:  true,
		}, nil
	}
}
