package own_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// TestVerify verifies tokens in a service that knows only the address of the issuer. On loopback the
// address may be plain http.
func TestVerify(t *testing.T) {
	issuer := authtest.NewServer(t, authtest.Config{})
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer.URL + "/.well-known/jwks.json"})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer.Issuer, Audience: issuer.Audience, Keys: keys, Now: issuer.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ada := issuer.AddUser("ada@example.com", "admin")
	access, _ := issuer.Login("ada@example.com")
	claims, err := verifier.Verify(t.Context(), access)
	if err != nil || claims.Subject != ada.ID || len(claims.Roles) != 1 || claims.Roles[0] != "admin" {
		t.Errorf("a good token: %+v, %v", claims, err)
	}
	for _, bad := range issuer.BadTokens(ada.ID) {
		if _, err := verifier.Verify(t.Context(), bad.Text); token.ReasonOf(err) != bad.Reason {
			t.Errorf("%s: %v, want %s", bad.Name, err, bad.Reason)
		}
	}
}
