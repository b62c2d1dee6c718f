package flow

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// person holds what a flow knows about its user. A hash of the address would not be enough to
// create an account, so the flow keeps the address, encrypted under a key derived from the id. A
// dump of the tables with all keys reveals no address.
type person struct {
	Subject      auth.SubjectID // empty if there is no user
	TokenVersion uint64         // of the user, when the flow began
	Address      string
	Receipt      string // of the attempt that the mail counted on
	Invite       string // id of the invitation, or empty
	Handed       string // the constant handed if an operator hands over the code, or empty
}

const handed = "handed"

// personBytes is the length of a person before encryption. It is fixed, so that the length reveals
// neither the address nor whether the user exists.
const personBytes = 512

// tagBytes is the length of the tag of AES-GCM.
const tagBytes = 16

// seal encrypts p. Each key encrypts a single text, so the nonce is zero.
func (p person) seal(i id) (sealed [personBytes + tagBytes]byte, err error) {
	b := binary.BigEndian.AppendUint64(nil, p.TokenVersion)
	for _, text := range []string{string(p.Subject), p.Address, p.Receipt, p.Invite, p.Handed} {
		if len(text) > 255 {
			return sealed, fmt.Errorf("a text of a flow has %d bytes (want at most 255)", len(text))
		}
		b = append(append(b, byte(len(text))), text...)
	}
	if len(b) > personBytes {
		return sealed, fmt.Errorf("the content of a flow has %d bytes (want at most %d)", len(b), personBytes)
	}
	gcm, err := i.cipher()
	if err != nil {
		return sealed, err
	}
	copy(sealed[:], b)
	gcm.Seal(sealed[:0], make([]byte, gcm.NonceSize()), sealed[:personBytes], nil)
	return sealed, nil
}

// openPerson decrypts what seal returned. An error means that the item is damaged.
func openPerson(i id, sealed [personBytes + tagBytes]byte) (p person, err error) {
	gcm, err := i.cipher()
	if err != nil {
		return p, err
	}
	b, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed[:], nil)
	if err != nil {
		return p, errors.New("the person of a flow cannot be decrypted")
	}
	p.TokenVersion = binary.BigEndian.Uint64(b)
	b = b[8:]
	next := func() string {
		text := b[1 : 1+b[0]] // GCM has authenticated the bytes, so the lengths are right
		b = b[1+b[0]:]
		return string(text)
	}
	p.Subject, p.Address, p.Receipt, p.Invite, p.Handed = auth.SubjectID(next()), next(), next(), next(), next()
	return p, nil
}

func (i id) cipher() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, i[:], nil, "edgeauth flow address 1", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of a flow: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
