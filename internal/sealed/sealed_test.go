package sealed_test

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	kind = sealed.Kind{
		Form:  sealed.Form{Prefix: "ekt_", Version: 7<<4 | 1, Least: 4, Most: 12},
		KeyAt: 1, Purpose: "edgeauth test token 1",
	}
	key = auth.LoginKey{ID: 0x0102, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}
)

// body returns the bytes of a token with a text in it.
func body(text string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind.Version}, key.ID), text...)
}

func TestSealAndRead(t *testing.T) {
	for _, text := range []string{"a", "abcdefghi"} {
		written, err := kind.Seal(body(text), key)
		if err != nil || !strings.HasPrefix(written.Reveal(), "ekt_") {
			t.Fatal(written.Reveal(), err)
		}
		token, ok := kind.Read(written)
		if !ok || token.KeyID != key.ID {
			t.Fatalf("%q: key %d, %t", text, token.KeyID, ok)
		}
		if got, ok, err := token.Verify(key); err != nil || !ok || string(got[3:]) != text {
			t.Errorf("%q was read as %q, %t, %v", text, got, ok, err)
		}
		other := key
		other.Secret = auth.NewSecret(strings.Repeat("o", auth.KeyBytes))
		if got, ok, _ := token.Verify(other); ok || got != nil {
			t.Errorf("%q is authentic under another key", text)
		}
	}
}

// TestReadRefuses checks that a token has exactly one encoding and one kind.
func TestReadRefuses(t *testing.T) {
	good, err := kind.Seal(body("abc"), key)
	if err != nil {
		t.Fatal(err)
	}
	text := good.Reveal()
	longer, err := kind.Seal(body("abcdefghij"), key)
	if err != nil {
		t.Fatal(err)
	}
	other := kind
	other.Purpose = "edgeauth test token 2"
	anotherPurpose, err := other.Seal(body("abc"), key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "prefix alone": "ekt_", "another prefix": "eit_" + text[4:], "padded": text + "=", "a line feed": text[:9] + "\n" + text[9:],
		"cut off": text[:len(text)-1], "a byte more": text + "A", "too long": longer.Reveal(), "junk": "ekt_" + strings.Repeat("A", 40),
		"another version": sealed.Form{Prefix: "ekt_", Version: 0}.Text(append([]byte{0}, make([]byte, 22)...)).Reveal(),
		"too short":       sealed.Form{Prefix: "ekt_"}.Text(append([]byte{kind.Version}, make([]byte, 18)...)).Reveal(),
	} {
		if _, ok := kind.Read(auth.NewSecret(text)); ok {
			t.Errorf("%s is read: %q", name, text)
		}
	}
	token, ok := kind.Read(anotherPurpose)
	if !ok {
		t.Fatal("the form of another purpose is the same")
	}
	if _, ok, _ := token.Verify(key); ok {
		t.Error("a token of another purpose is authentic")
	}
	// Each different text of the same length is refused. If the checksum is corrected, the MAC
	// refuses it.
	raw, err := base64.RawURLEncoding.DecodeString(text[4:])
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) - 4 {
		changed := append([]byte{}, raw[:len(raw)-4]...)
		changed[i] ^= 1
		changed = binary.BigEndian.AppendUint32(changed, crc32.ChecksumIEEE(changed))
		token, ok := kind.Read(auth.NewSecret("ekt_" + base64.RawURLEncoding.EncodeToString(changed)))
		if !ok {
			continue
		}
		if _, ok, _ := token.Verify(key); ok {
			t.Errorf("byte %d can be changed", i)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, at := range []int64{0, 1, 1<<32 - 1, 1 << 32, 1<<40 - 1} {
		b, err := sealed.AppendTime(nil, time.Unix(at, 999))
		if err != nil || len(b) != sealed.TimeBytes || sealed.ReadTime(b).Unix() != at {
			t.Errorf("%d: %x, %v", at, b, err)
		}
	}
	for _, at := range []int64{-1, 1 << 40} {
		if b, err := sealed.AppendTime(nil, time.Unix(at, 0)); err == nil {
			t.Errorf("%d was written as %x", at, b)
		}
	}
}
