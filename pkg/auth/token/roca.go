package token

import "math/big"

// isROCA reports whether n is a modulus of the smart-card library of CVE-2017-15361. The primes of
// the library have the form k*M + (65537^a mod M), where M is a product of small primes. The
// modulus is therefore a power of 65537 modulo each of the small primes. The list below holds the
// primes up to 167 for which some residues are not a power of 65537. An honest modulus passes for
// all of them with a probability below 2^-27.
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
