package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// TestBoundsAreNamed checks that the error about a hash that requires too much work says how much,
// and what is accepted. An import reports nothing else about the record.
func TestBoundsAreNamed(t *testing.T) {
	const digest = "MXlFoJx3D7QnHxMPkhI9yQa44gf2urPJX0SnqEzmpUY="
	raw := strings.TrimRight(digest, "=")
	for _, row := range []struct{ stored, want string }{
		{"$2b$15$abcdefghijklmnopqrstuuPp7HPfoAs8I2dCQCQ/fW7zEJv8I8C8e", "bcrypt's cost is 15 (want 4 to 14)"},
		{"pbkdf2_sha256$2000001$saltsalt1234$" + digest, "PBKDF2's iterations are 2000001 (want 1 to 2000000 for a digest of 32 bytes)"},
		{"pbkdf2_sha256$260000$saltsalt1234$", "the digest 0 (want 16 to 64)"},
		{"$argon2id$v=19$m=65536,t=11,p=1$c2FsdHNhbHQ$" + raw, "Argon2id's cost is m=65536,t=11,p=1 (want 1 to 64 lanes, 1 to 10 passes, "},
		{"$argon2id$v=19$m=65536,t=1,p=1$c2FsdA$" + raw, "the salt has 4 bytes (want 8 to 64)"},
		{"$scrypt$ln=15,r=8,p=17$c2FsdHNhbHQ$" + raw, "scrypt's cost is n=32768, r=8, p=17 (want n to be a power of two, r 1 to 32, p 1 to 16, "},
		{"$firebase-scrypt$rounds=8,mem_cost=14$$AAAA$c2FsdA==$" + digest, "the digest has 32 bytes (want 3, as the signer key has)"},
	} {
		err := Importable(auth.NewSecret(row.stored))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "out of bounds: ") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.stored, err, row.want)
		}
	}
}
