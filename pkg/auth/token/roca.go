package token

import "math/big"

// isROCA recognises the RSA keys of a widespread smart-card library (CVE-2017-15361). Its primes are k*M +
// (65537^a mod M) for a product M of small primes, so that modulo each of these the modulus is a power of 65537 too.
// The primes here are those up to 167 of which some residue is no such power; an honest modulus passes them all with
// a probability below 2^-27.
func isROCA(n *big.Int) bool {
	for _, prime := range [...]int64{
		11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
	} {
		if !isPowerOf65537(new(big.Int).Mod(n, big.NewInt(prime)).Int64(), prime) {
			return false
		}
	}
	return true
}

func isPowerOf65537(n, prime int64) bool {
	power := int64(1)
	for range prime {
		if power == n {
			return true
		}
		power = power * 65537 % prime
	}
	return false
}
