package token

import (
	"bytes"
	"errors"

	"filippo.io/edwards25519"
)

// checkEdwards returns an error if key is not a safe Ed25519 public key. crypto/ed25519 accepts any
// 32 bytes. No signature verifies under a point off the curve. Under a point of small order, a
// signature can be forged without the private key.
func checkEdwards(key []byte) error {
	point, err := new(edwards25519.Point).SetBytes(key)
	switch {
	case err != nil:
		return errors.New("the point is not on the curve")
	case !bytes.Equal(point.Bytes(), key): // RFC 8032, section 5.1.3
		return errors.New("the point is not canonically encoded")
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return errors.New("the point has a small order")
	}
	return nil
}
