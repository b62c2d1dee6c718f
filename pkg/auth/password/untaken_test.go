package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/scrypt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// TestUntaken checks that a form that is not accepted is refused by its name, and that the error
// says what to do and repeats nothing of the hash.
func TestUntaken(t *testing.T) {
	digest := strings.Repeat("5ec2e7", 22)
	for _, row := range []struct{ stored, want string }{
		{"pbkdf2:sha256:600000$SECRET$" + digest[:64], "Werkzeug's PBKDF2 is not accepted; write pbkdf2:sha256:N$salt$hex as pbkdf2_sha256$N$salt$"},
		{"pbkdf2:sha512:600000$SECRET$" + digest[:128], "Werkzeug's PBKDF2 with SHA-512 is not accepted; "},
		{"scrypt:32768:8:1$SECRET$" + digest[:128], "Werkzeug's scrypt is not accepted; write "},
		{digest[:32] + ":" + digest[:128], "better-auth is not accepted; write salt:hex as scrypt$16384$salt$16$1$"},
		{"AQAAAAIAAYagAAAAE" + strings.Repeat("5ec2e7", 11) + "+w==", "ASP.NET Identity is not accepted; decode it"},
		{"AQAAAAEAACcQAAAAE" + strings.Repeat("5ec2e7", 11) + "+w==", "ASP.NET Identity is not accepted; "},
		{"AO" + strings.Repeat("5ec2e7", 10) + "5ec2==", "ASP.NET Identity is not accepted; "},
		{"$P$BSECRET5ec2e75ec2e75ec2e75ec2e7", "phpass is not accepted; import the user without a hash"},
		{"$H$9SECRET5ec2e75ec2e75ec2e75ec2e7", "phpass is not accepted; "},
		{"$wp$2y$10$SECRET", "WordPress's bcrypt is not accepted; "},
		{`{"value":"SECRET=","salt":"5ec2e7==","additionalParameters":{}}`, "Keycloak is not accepted; write "},
		{`{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}`, "Keycloak is not accepted; "},
		{"{bcrypt}$2a$10$SECRET", "Spring Security's {bcrypt} is not accepted; remove {bcrypt}"},
		{"{SSHA}SECRET", "Spring Security or LDAP is not accepted; "},
		{"{pbkdf2@SpringSecurity_v5_8}SECRET", "Spring Security or LDAP is not accepted; "},
		{"$argon2i$v=19$m=65536,t=3,p=4$SECRET", "Argon2i or Argon2d is not accepted; "},
		{"$6$SECRET", "crypt of Unix is not accepted; "},
		{"$2x$10$SECRET", "PHP's bcrypt with the sign-extension bug is not accepted; "},
		{digest[:32], "a digest without the name of its algorithm is not accepted; if it is MD5"},
		{digest[:64], "a digest without the name of its algorithm is not accepted; "},
		{"SECRET", "unknown form (want argon2id, bcrypt, "},
		{`{"hash":"SECRET"}`, "openauth: "},
	} {
		err := Importable(auth.NewSecret(row.stored))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.stored, err)
		}
		if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "5ec2e7")) {
			t.Errorf("%s: the error repeats it: %v", row.stored, err)
		}
	}
}

// TestUntakenAdvice rewrites hashes as the errors say, and verifies them.
func TestUntakenAdvice(t *testing.T) {
	const text, salt = "correct horse", "c2FsdHNhbHQ"
	key := func(key []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	werkzeug := key(pbkdf2.Key(sha256.New, text, []byte(salt), 600, 32))
	keycloak := key(pbkdf2.Key(sha512.New, text, []byte(salt), 600, 64))
	betterSalt := hex.EncodeToString([]byte("0123456789abcdef"))
	for name, stored := range map[string]string{
		"Werkzeug's PBKDF2":         "pbkdf2_sha256$600$" + salt + "$" + std.EncodeToString(werkzeug),
		"Werkzeug's scrypt":         "scrypt$1024$" + salt + "$8$1$" + std.EncodeToString(key(scrypt.Key([]byte(text), []byte(salt), 1024, 8, 1, 64))),
		"better-auth":               "scrypt$16384$" + betterSalt + "$16$1$" + std.EncodeToString(key(scrypt.Key([]byte(text), []byte(betterSalt), 16384, 16, 1, 64))),
		"Keycloak, ASP.NET, SHA512": fmt.Sprintf("$pbkdf2-sha512$i=600$%s$%s", raw.EncodeToString([]byte(salt)), raw.EncodeToString(keycloak)),
	} {
		if r, err := (Hasher{}).Verify(auth.NewSecret(stored), auth.NewSecret(text)); err != nil || !r.Match {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
