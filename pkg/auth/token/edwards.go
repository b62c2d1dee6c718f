package token

import (
	"bytes"
	"errors"

	"filippo.io/edwards25519"
)

// checkEdwards reports what is wrong with an Ed25519 public key. crypto/ed25519 takes any 32 bytes for one. Under a
// point off the curve no signature verifies. Under a point of small order anybody can make signatures that verify.
func checkEdwards(key []byte) error {
	point, err := new(edwards25519.Point).SetBytes(key)
	switch {
	case err != nil:
		return errors.New("the point is not on the curve")
	case !bytes.Equal(point.Bytes(), key): // SetBytes also reads the few encodings that RFC 8032 does not write
		return errors.New("the point is not in its only spelling")
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return errors.New("the point has a small order")
	}
	return nil
}
