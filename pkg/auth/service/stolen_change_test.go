package service

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// changeSecretBytes is the length of the secret in a change-of-password token.
const changeSecretBytes = 32

// TestStolenEverythingChangesNoPassword tries every 32 bytes of all data of a server as the secret
// of a change-of-password token: all tables, the texts of all rings, the keys themselves and the
// keys derived from them.
func TestStolenEverythingChangesNoPassword(t *testing.T) {
	v := newVictim(t)
	directory := user.Directory{Store: v.settings.Stores.Users, Hasher: password.Hasher{}, Now: v.settings.Now}
	if _, err := directory.SetPassword(t.Context(), v.user.ID, auth.NewSecret(secret), true); err != nil {
		t.Fatal(err)
	}
	v.now = v.now.Add(24 * time.Hour) // strangers have used the account up
	r, err := v.login(t, secret, auth.Secret{}, 210)
	if !errors.Is(err, login.ErrPasswordChangeRequired) {
		t.Fatal(err)
	}
	if _, err := v.Sessions().Open(t.Context(), session.Opening{
		Subject: v.user.Subject(), Client: v.Clients()[auth.DefaultClient], AuthTime: v.now,
	}); err != nil {
		t.Fatal(err)
	}
	redeem := func(secret string) error {
		body, err := sealed.AppendSubject([]byte{4<<4 | 2}, v.user.ID)
		if err != nil {
			t.Fatal(err)
		}
		form := sealed.Form{Prefix: "ect_"}
		// A password that is not allowed shows whether the secret is right, and does not use up the
		// token.
		_, err = v.Authenticator().RedeemChange(t.Context(), form.Text(append(body, secret...)), auth.NewSecret("short"))
		return err
	}

	tried := map[string]bool{}
	try := func(name, text string) {
		t.Helper()
		for i := 0; i+changeSecretBytes <= len(text); i++ {
			secret := text[i : i+changeSecretBytes]
			if tried[secret] {
				continue
			}
			tried[secret] = true
			if err := redeem(secret); !errors.Is(err, login.ErrNoToken) {
				t.Fatalf("%s, byte %d: %v", name, i, err)
			}
		}
	}
	encoded := regexp.MustCompile("[A-Za-z0-9+/_-]{43,}")
	all := func(name, text string) {
		t.Helper()
		try(name, text)
		for _, found := range encoded.FindAllString(text, -1) {
			for at := range 4 { // text may stand before it
				for _, code := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
					whole := found[at:]
					decoded, _ := code.DecodeString(whole[:len(whole)/4*4])
					try(name+", decoded", string(decoded))
				}
			}
			decoded, _ := hex.DecodeString(found[:len(found)/2*2])
			try(name+", decoded from hex", string(decoded))
		}
	}
	u, err := v.settings.Stores.Users.Get(t.Context(), v.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	try("the digest", string(u.Change.Digest[:]))
	for name, path := range map[string]string{"users and sessions": v.path, "attempts": v.counters.path} {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if name == "users and sessions" && !strings.Contains(string(file), ada) {
			t.Fatal("the dump does not hold the user")
		}
		all(name, string(file))
	}
	for _, ring := range v.allRings(t) {
		text, err := ring.Text()
		if err != nil {
			t.Fatal(err)
		}
		all(string(ring.Kind), text.Reveal())
		for _, entry := range ring.Keys {
			if ring.Kind != keyrings.SigningRing {
				try(string(ring.Kind), entry.Secret.Reveal())
				for _, purpose := range []string{"edgeauth refresh token 1", "edgeauth known-device token 1", "edgeauth change-of-password token 1"} {
					derived, err := auth.LoginKey{Secret: entry.Secret}.Derive(purpose)
					if err != nil {
						t.Fatal(err)
					}
					try("derived from the "+string(ring.Kind), string(derived))
				}
				continue
			}
			private := 0
			for member, bytes := range keyBytes(t, entry.Signing) {
				try("member "+member+" of a signing key", bytes)
				private += len(bytes)
			}
			if private < changeSecretBytes {
				t.Fatalf("a signing key of %d bytes", private)
			}
		}
	}
	t.Logf("%d secrets tried", len(tried))

	genuine, ok := sealed.Form{Prefix: "ect_", Version: 4<<4 | 2, Most: 200}.Body(r.Change)
	if !ok {
		t.Fatal("the genuine token has another form")
	}
	if err := redeem(string(genuine[len(genuine)-changeSecretBytes:])); !errors.Is(err, password.ErrTooShort) {
		t.Errorf("the genuine secret: %v", err)
	}
}

// allRings returns the rings of the service, and signing rings of the other algorithms.
func (v *victim) allRings(t *testing.T) []keyrings.Ring {
	t.Helper()
	rings := []keyrings.Ring{v.signing, v.refresh, v.ring}
	for _, alg := range []token.Algorithm{token.ES256, token.RS256} {
		r, err := keyrings.NewSigningRing(alg, v.now, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		rings = append(rings, r)
	}
	return rings
}

// keyBytes returns the bytes of each member of a signing key.
func keyBytes(t *testing.T, key token.SigningKey) map[string]string {
	t.Helper()
	var members map[string]string
	if err := json.Unmarshal([]byte(key.JWK().Reveal()), &members); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "n", "x", "y"} {
		decoded, err := base64.RawURLEncoding.DecodeString(members[name])
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(decoded)
	}
	if all["d"] == "" {
		t.Fatal("a signing key has no private member")
	}
	return all
}
