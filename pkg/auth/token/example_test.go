package token_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func ExampleIssuer_Issue() {
	key, err := token.GenerateSigningKey(token.ES256, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     signer(key), // in production a keyring.Signing
		Lifetime: 15 * time.Minute,
		Now:      time.Now,
		Rand:     rand.Reader,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	access, err := issuer.Issue(context.Background(), token.Grant{
		Subject:   auth.Subject{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341", Roles: []string{"reader"}},
		SessionID: "kXm3Vq0wQ3mYyq1v0y0N2w",
		Client:    auth.DefaultClient,
		AuthTime:  time.Now(),
		NotAfter:  time.Now().Add(time.Minute),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(access.Text, access.ExpiresIn <= time.Minute)
	// Output: [redacted] true
}

func ExampleVerifier_Verify() {
	keys, err := token.ParseJWKS([]byte(`{"keys":[{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","use":"sig",
		"kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1_700_000_000, 0)
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     keys,
		Now:      func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := verifier.Verify(context.Background(), exampleToken)
	fmt.Println(claims.Subject, claims.Roles, err)

	now = now.Add(time.Hour)
	_, err = verifier.Verify(context.Background(), exampleToken)
	fmt.Println(token.ReasonOf(err), errors.Is(err, jwt.ErrTokenExpired))
	// Output:
	// 1b671a64-40d5-491e-99b0-da01ff1f3341 [reader] <nil>
	// expired true
}

// The access tokens of Amazon Cognito have neither typ nor aud. Their client_id names the audience,
// and token_use tells them apart from ID tokens, which the user pool signs with the same keys.
func ExampleOtherIssuer() {
	const pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
	ours, err := token.GenerateSigningKey(token.ES256, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := token.NewKeySet(ours.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	// In production the key set comes from a file, or from jwksurl.New with the URL of the user
	// pool and the path /.well-known/jwks.json.
	theirs, err := token.ParseForeignJWKS([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"1",
		"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"RSA","use":"enc","kid":"2"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = token.NewVerifier(token.VerifierConfig{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     keys,
		Now:      time.Now,
		Others: []token.OtherIssuer{{
			Issuer:        pool,
			Keys:          theirs,
			AudienceClaim: "client_id",
			Audience:      []string{"7abcdefghijklmnopqrstuvwxy"},
			Types:         []string{""},
			Lifetime:      24 * time.Hour,
			Claims:        map[string]string{"token_use": "access"},
		}},
	})
	fmt.Println(theirs.Keys()[0].Algorithm(), len(theirs.Keys()), err)
	// Output: EdDSA 1 <nil>
}

func ExampleNewSharedKeys() {
	secret := auth.NewSecret("thirty-two random bytes or more.") // in production from a secret store
	keys, err := token.NewSharedKeys(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	const name = "https://service.example.com"
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: name, Audience: []string{name}, Keys: keys, Lifetime: 15 * time.Minute, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: name, Audience: []string{name}, Keys: keys, Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	access, err := issuer.Issue(context.Background(), token.Grant{
		Subject: auth.Subject{ID: "alice"}, SessionID: "kXm3Vq0wQ3mYyq1v0y0N2w", Client: auth.DefaultClient,
		AuthTime: time.Now(), NotAfter: time.Now().Add(time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := verifier.Verify(context.Background(), access.Text.Reveal())
	fmt.Println(claims.Subject, err)
	// Output: alice <nil>
}

const exampleToken = `` +
	`eyJhbGciOiJFZERTQSIsImtpZCI6ImtQcktfcW14VldhWVZBOXd3QkY2SXVvM3ZWeno3VHhIQ1R3WEJ5Z3JTNGsiLCJ0eXAiOiJh` +
	`dCtqd3QifQ.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZS5jb20iLCJzdWIiOiIxYjY3MWE2NC00MGQ1LTQ5MWUtOTliMC1kY` +
	`TAxZmYxZjMzNDEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLmNvbSIsImV4cCI6MTcwMDAwMDkwMCwiaWF0IjoxNzAwMDAwM` +
	`DAwLCJqdGkiOiJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwiY2xpZW50X2lkIjoiZGVmYXVsdCIsInNpZCI6IjAxMjM0NTY3ODlhY` +
	`mNkZWZnaGlqa2wiLCJhdXRoX3RpbWUiOjE2OTk5OTY0MDAsInNjb3BlIjoiYXBpIiwicm9sZXMiOlsicmVhZGVyIl19.C8LYSUsY` +
	`anvLGQsrRwIqeBskFJJJZE-Ey4MH-u-CpfZZnlAzNttc9ey1VAy5FoJIiOyJztH6Rl-VdlAhv-Y5Aw`
