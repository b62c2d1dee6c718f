package login_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/fault"
)

// TestRedeemChangeLostReply loses the reply of the write that sets the password. The client repeats
// the request with the same password and learns that it is set.
func TestRedeemChangeLostReply(t *testing.T) {
	for name, lost := range map[string]fault.Fault{
		"connection broken": fault.ResetAfter, "garbled": fault.Garbled, "timeout": fault.ExpiredAfter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			users, _ := onDynamoDB(t, wire)
			c := newChangingOn(t, users, asConfigured)
			given := c.mustChange(t)
			wire.Fail("TransactWriteItems", 10, lost) // this includes the retries of the SDK
			if _, err := c.RedeemChange(t.Context(), given, next); !errors.Is(err, auth.ErrUnavailable) {
				t.Fatalf("with every reply lost: %v", err)
			}
			wire.Fail("", 0, nil)
			if got := c.stored(t); got != "hash of battery staple" {
				t.Fatalf("the write did not take effect: %s", got)
			}
			if _, err := c.RedeemChange(t.Context(), given, third); !errors.Is(err, login.ErrNoToken) {
				t.Errorf("another password: %v", err)
			}
			if _, err := c.RedeemChange(t.Context(), given, next); err != nil {
				t.Errorf("the same password: %v", err)
			}
		})
	}
}

// forgeChange returns a token of the right form.
func forgeChange(t *testing.T, subject auth.SubjectID, secret []byte) auth.Secret {
	t.Helper()
	b, err := sealed.AppendSubject([]byte{4<<4 | 2}, subject)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, secret...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return auth.NewSecret("ect_" + base64.RawURLEncoding.EncodeToString(b))
}

// TestForgedChangeToken forges tokens with what a server holds: the user's item with the digest of
// the secret, and each key. The attacker knows the form of a token and the subject.
func TestForgedChangeToken(t *testing.T) {
	c := newChanging(t, asConfigured)
	c.mustChange(t)
	u, err := c.Directory.Store.Get(t.Context(), c.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	loginKey, err := sealing{}.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signing, err := token.GenerateSigningKey(token.ES256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var jwk struct{ D string }
	if err := json.Unmarshal([]byte(signing.JWK().Reveal()), &jwk); err != nil {
		t.Fatal(err)
	}
	private, err := base64.RawURLEncoding.DecodeString(jwk.D)
	if err != nil || len(private) != 32 {
		t.Fatalf("%d bytes of private key, %v", len(private), err)
	}
	derived := func(purpose string) []byte {
		b, err := loginKey.Derive(purpose)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, secret := range map[string][]byte{
		"the digest in the table":                 u.Change.Digest[:],
		"zeros":                                   make([]byte, 32),
		"the login key":                           []byte(loginKey.Secret.Reveal())[:32],
		"a key derived from it":                   derived("edgeauth change-of-password token 1"),
		"the key of known devices":                derived("edgeauth known-device token 1"),
		"the private key that signs":              private,
		"the password's hash, as far as it fits":  append([]byte(u.Password.Reveal()), make([]byte, 32)...)[:32],
		"nothing":                                 {},
		"the digest and the digest":               append(u.Change.Digest[:], u.Change.Digest[:]...),
		"the first half of the digest, and zeros": append(u.Change.Digest[:16:16], make([]byte, 16)...),
	} {
		if _, err := c.RedeemChange(t.Context(), forgeChange(t, u.ID, secret), next); !errors.Is(err, login.ErrNoToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := c.stored(t); got != "hash of correct horse" {
		t.Errorf("the password is %s", got)
	}
}
