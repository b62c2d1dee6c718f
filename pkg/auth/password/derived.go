package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// derived is a stored hash of another system whose digest can be computed. (The digest of bcrypt
// can only be compared.)
type derived struct {
	// digest computes the digest of a password. Other systems hashed the password as it was
	// received, not in NFC.
	digest func(received string) []byte
	// want is the digest of the right password.
	want []byte
	// salt is the salt as the stored text spells it, together with keys that the text contains.
	salt string
	// blank replaces salt in a dummy hash.
	blank string
	// spell returns the stored text with another salt and another digest.
	spell func(salt string, digest []byte) string
	// weak says that Wrap must wrap this hash.
	weak bool
	// costs is the work of digest.
	costs work
}

func (d derived) matches(g given) bool { return same(d.digest(g.received), d.want) }
func (d derived) String() string       { return d.spell(d.salt, d.want) }
func (d derived) dummy() string        { return d.spell(d.blank, make([]byte, len(d.want))) }
func (d derived) work() work           { return d.costs }

// sees returns true: every form with a digest hashes the whole password. PBKDF2 and scrypt use the
// password as the key of an HMAC (RFC 2104, section 2). HMAC pads a short key with NUL, so Verify
// refuses a NUL at the end. HMAC replaces a key that is longer than a block by its digest, so a
// long password and its raw digest both match. Only a client that knows the password knows the
// digest.
func (d derived) sees(given) bool { return true }

// bounded returns an error unless salt and digest have a usual size. A shorter digest would match
// by chance, and a longer one costs more work.
func (d derived) bounded(salt []byte) error {
	const minSalt, maxSalt = 1, 128
	return sized(len(salt), minSalt, maxSalt, len(d.want))
}

// sized returns an error unless a salt and a digest have accepted sizes in bytes.
func sized(salt, minSalt, maxSalt, digest int) error {
	if within(salt, minSalt, maxSalt) && within(digest, minTagBytes, maxTagBytes) {
		return nil
	}
	return fmt.Errorf("%w: the salt has %d bytes (want %d to %d) and the digest %d (want %d to %d)",
		errBounds, salt, minSalt, maxSalt, digest, minTagBytes, maxTagBytes)
}

// same compares in constant time.
func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

func within(n, low, high int) bool { return low <= n && n <= high }

var (
	std = base64.StdEncoding
	raw = base64.RawStdEncoding
)

// decode decodes each text into its place. It reports no error, because the error's text could
// reveal a piece of the hash. The caller compares the spelling with the stored text instead, which
// also finds line feeds and stray bits that decoders ignore.
func decode(encoding *base64.Encoding, texts []string, into ...*[]byte) {
	for i, to := range into {
		*to, _ = encoding.DecodeString(texts[i])
	}
}

// named parses a text like "ln=16,r=8,p=1". It accepts leading zeros; the comparison of spellings
// refuses them.
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

// numbers parses each decimal number into its place.
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
