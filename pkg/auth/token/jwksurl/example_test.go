package jwksurl_test

import (
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// A Source is the Keys of another issuer. New makes no request.
func ExampleNew() {
	const issuer = "https://openauth.example.com"
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer + "/.well-known/jwks.json"})
	if err != nil {
		fmt.Println(err)
		return
	}
	other := token.OtherIssuer{
		Issuer: issuer, Keys: keys, AudienceClaim: "aud", Audience: []string{"web"}, Types: []string{"JWT"},
		Lifetime: 30 * 24 * time.Hour, Claims: map[string]string{"mode": "access"},
	}
	fmt.Println(other.Issuer)

	_, err = jwksurl.New(jwksurl.Config{URL: "http://openauth.example.com/jwks"})
	fmt.Println(err)
	// Output:
	// https://openauth.example.com
	// jwksurl: URL must be an https URL without user and fragment (http only for loopback); it is "http://openauth.example.com/jwks"
}
