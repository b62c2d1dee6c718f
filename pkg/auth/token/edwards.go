package token

import (
	"errors"
	"math/big"
	"slices"
)

// The field of edwards25519 (RFC 8032, section 5.1): p = 2^255 - 19, and d = -121665/121666.
var (
	fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	one        = big.NewInt(1)
)

// checkEdwards reports what is wrong with an Ed25519 public key. crypto/ed25519 takes any 32 bytes for one: of a
// point off the curve it verifies nothing, and of a point of small order it verifies signatures that anybody
// can make up.
func checkEdwards(key []byte) error {
	encoded := slices.Clone(key)
	slices.Reverse(encoded) // to big-endian
	sign := encoded[0] >> 7
	encoded[0] &= 0x7f
	y := new(big.Int).SetBytes(encoded)
	if y.Cmp(fieldPrime) >= 0 {
		return errors.New("the point is not in its only spelling")
	}
	d := divide(big.NewInt(-121665), big.NewInt(121666))
	yy := multiply(y, y)
	// x² = (y² - 1) / (d y² + 1); RFC 8032, section 5.1.3.
	xx := divide(new(big.Int).Sub(yy, one), new(big.Int).Add(multiply(d, yy), one))
	x := new(big.Int).ModSqrt(xx, fieldPrime)
	if x == nil || x.Sign() == 0 && sign == 1 {
		return errors.New("the point is not on the curve")
	}
	// The cofactor is 8: a point of small order is the neutral element (0, 1) once doubled three times. Negating
	// a point does not change its order, so either root will do.
	for range 3 {
		x, y = double(d, x, y)
	}
	if x.Sign() == 0 && y.Cmp(one) == 0 {
		return errors.New("the point has a small order")
	}
	return nil
}

// double adds a point to itself: the addition of RFC 8032, section 5.1.4, in affine coordinates.
func double(d, x, y *big.Int) (*big.Int, *big.Int) {
	xx, yy, xy := multiply(x, x), multiply(y, y), multiply(x, y)
	k := multiply(d, multiply(xx, yy))
	return divide(new(big.Int).Add(xy, xy), new(big.Int).Add(one, k)),
		divide(new(big.Int).Add(yy, xx), new(big.Int).Sub(one, k))
}

func multiply(a, b *big.Int) *big.Int {
	c := new(big.Int).Mul(a, b)
	return c.Mod(c, fieldPrime)
}

// divide needs a divisor that is not zero, which the curve's formulas guarantee: -1/d is no square.
func divide(a, b *big.Int) *big.Int {
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(b, fieldPrime), fieldPrime)
	return multiply(a, inverse)
}
