package flow

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// codeDigits is the length of a code. One try is right with a probability of 1e-8.
const codeDigits = 8

// newCode returns a uniformly distributed code of the given number of digits.
func newCode(random io.Reader, digits int) (string, error) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(random, most)
	if err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return fmt.Sprintf("%0*d", digits, n), nil
}

// noCode returns a random text that cannot equal a code.
func noCode(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return "no code " + string(b[:]), nil
}

// isCode reports whether a text has the form of a code.
func isCode(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789") == ""
}

// codeMAC returns what a store keeps of a code. The id takes part, so a reader of all tables and
// all keys cannot try all codes. The key takes part, so a reader of a log with the id cannot try
// them without the key either.
func codeMAC(key auth.LoginKey, i id, code string) (sum [sha256.Size]byte, err error) {
	derived, err := key.Derive("edgeauth flow code 1")
	if err != nil {
		return sum, fmt.Errorf("deriving the key of codes: %w", err)
	}
	mac := hmac.New(sha256.New, derived)
	mac.Write(i[:])
	mac.Write([]byte(code))
	return [sha256.Size]byte(mac.Sum(nil)), nil
}
