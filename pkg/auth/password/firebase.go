package password

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strings"
)

// Firebase Authentication encrypts the project's signer key with a key that scrypt derives from the
// password (firebase/scrypt on GitHub). It exports the hash and the salt of each user, and the
// other parameters once for each project. The stored form is edgeauth's own and contains all of
// them, in the padded standard base64 of the export:
//
//	$firebase-scrypt$rounds=8,mem_cost=14$<salt_separator>$<signer_key>$<salt>$<hash>
const firebasePrefix = "$firebase-scrypt$"

func parseFirebase(stored string) (verifier, error) {
	part := strings.Split(stored, "$")
	if len(part) != 7 {
		return nil, fmt.Errorf("%w: not a Firebase string", ErrMalformed)
	}
	number, ok := named(part[2], "rounds", "mem_cost")
	if !ok {
		return nil, fmt.Errorf("%w: wrong Firebase parameters (want rounds and mem_cost)", ErrMalformed)
	}
	var separator, signer, salt, want []byte
	decode(std, part[3:], &separator, &signer, &salt, &want)
	c := scryptCost{n: twoTo(number[1]), r: number[0], p: 1}
	whole := append(salt[:len(salt):len(salt)], separator...)
	d := derived{
		digest: func(received string) []byte { return firebaseDigest(c.key(received, whole, 32), signer) },
		want:   want,
		salt:   strings.Join([]string{std.EncodeToString(separator), std.EncodeToString(signer), std.EncodeToString(salt)}, "$"),
		blank:  strings.Join([]string{"", std.EncodeToString(make([]byte, len(signer))), blankSalt}, "$"),
		spell: func(salt string, digest []byte) string {
			return fmt.Sprintf("%srounds=%d,mem_cost=%d$%s$%s", firebasePrefix, number[0], number[1], salt, std.EncodeToString(digest))
		},
		weak:  c.kib() < minScryptKiB,
		costs: c.work(),
	}
	// The hash is the encrypted signer key, so both have the same length.
	if len(signer) != len(want) {
		return nil, fmt.Errorf("%w: the digest has %d bytes (want %d, as the signer key has)", errBounds, len(want), len(signer))
	}
	if err := d.bounded(whole); err != nil {
		return nil, err
	}
	if err := c.bounded(); err != nil {
		return nil, err
	}
	return d, nil
}

// firebaseDigest encrypts the signer key with AES-256 in counter mode. The counter may begin at
// zero, because each key belongs to one password and one salt.
func firebaseDigest(key, signer []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	digest := make([]byte, len(signer))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(digest, signer)
	return digest
}
