package password

import (
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

// derived is a stored hash of another system whose digest can be computed, and not only compared with.
type derived struct {
	// digest does the work. Other systems hashed the password as it was sent, not in NFC.
	digest func(received string) []byte
	// want is what digest returns for the right password.
	want []byte
	// spell returns the stored text with some digest in the place of want.
	spell func(digest []byte) string
	// weak says that Wrap must not leave the hash as it is.
	weak bool
}

func (d derived) matches(g given) bool { return same(d.digest(g.received), d.want) }
func (d derived) String() string       { return d.spell(d.want) }

// sees is true: every form with a digest hashes the whole password. PBKDF2 and scrypt use it as the key of an HMAC (RFC
// 2104, section 2). HMAC fills a short key up with NUL, so Verify refuses a NUL at the end. HMAC replaces a key that is
// longer than a block by its digest, so a long password and its raw digest match alike; the digest is known only to a
// client that knows the password.
func (d derived) sees(given) bool { return true }

// bounded says that salt and digest are of a size that systems use. A shorter digest would match by luck, and a longer
// one is more work.
func (d derived) bounded(salt []byte) bool {
	const minSalt, maxSalt = 1, 128
	return within(len(salt), minSalt, maxSalt) && within(len(d.want), minTagBytes, maxTagBytes)
}

// same compares in constant time.
func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

func within(n, low, high int) bool { return low <= n && n <= high }

var (
	std = base64.StdEncoding
	raw = base64.RawStdEncoding
)

// decode decodes texts into the places that follow. Decoders pass over line feeds and stray bits, and stop at an error
// with a text that could hold a piece of the hash: all that is left to the comparison of spellings.
func decode(encoding *base64.Encoding, texts []string, into ...*[]byte) {
	for i, to := range into {
		*to, _ = encoding.DecodeString(texts[i])
	}
}

// named takes apart a text like "ln=16,r=8,p=1". It leaves leading zeros to the comparison of spellings.
func named(text string, names ...string) ([]uint32, bool) {
	fields := strings.Split(text, ",")
	if len(fields) != len(names) {
		return nil, false
	}
	values := make([]uint32, len(names))
	for i, field := range fields {
		digits, found := strings.CutPrefix(field, names[i]+"=")
		if !found || !numbers([]string{digits}, &values[i]) {
			return nil, false
		}
	}
	return values, true
}

// numbers reads decimal numbers into the places that follow.
func numbers(texts []string, into ...*uint32) bool {
	for i, to := range into {
		n, err := strconv.ParseUint(texts[i], 10, 32)
		if err != nil {
			return false
		}
		*to = uint32(n)
	}
	return true
}
