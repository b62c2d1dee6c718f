package authorizer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// verifier takes every text for a good token, where a program has a token.Verifier.
type verifier struct{}

func (verifier) Verify(context.Context, string) (token.Claims, error) {
	return token.Claims{Subject: "alice", Roles: []string{"admin"}, Expires: time.Unix(1_700_000_900, 0)}, nil
}

func ExampleAuthorizer_Invoke() {
	a, err := authorizer.New(authorizer.Config{Verifier: verifier{}, HTTPResponse: config.ResponseSimple})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, _ := a.Invoke(context.Background(), []byte(`{"version":"2.0","type":"REQUEST",
		"routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
		"headers":{"authorization":"Bearer eyJ..."}}`))
	fmt.Println(string(answer))
	// Output: {"isAuthorized":true,"context":{"exp":"1700000900","roles":"admin","sub":"alice"}}
}
