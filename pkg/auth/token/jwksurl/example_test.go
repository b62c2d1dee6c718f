package jwksurl_test

import (
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// A Source is the Keys of another issuer. Making one asks for nothing yet.
func ExampleNew() {
	const issuer = "https://openauth.example.com"
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer + "/.well-known/jwks.json", Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	other := token.OtherIssuer{
		Issuer: issuer, Keys: keys, AudienceClaim: "aud", Audience: []string{"web"}, Types: []string{"JWT"},
		Lifetime: 30 * 24 * time.Hour, Claims: map[string]string{"mode": "access"},
	}
	fmt.Println(other.Issuer)

	_, err = jwksurl.New(jwksurl.Config{URL: "http://openauth.example.com/jwks", Now: time.Now})
	fmt.Println(err)
	// Output:
	// https://openauth.example.com
	// jwksurl: URL must hold an https URL without user or fragment; it holds "http://openauth.example.com/jwks"
}
