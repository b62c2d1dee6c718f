package bench

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// The usual way to write an authorizer in Go: the typed events of aws-lambda-go, golang-jwt, and
// lambda.Start, whose handler decodes and encodes the JSON.

func usualHTTP(verify func(text string) (*golangClaims, error)) lambda.Handler {
	type (
		request  = events.APIGatewayV2CustomAuthorizerV2Request
		response = events.APIGatewayV2CustomAuthorizerSimpleResponse
	)
	return lambda.NewHandler(func(_ context.Context, r request) (response, error) {
		claims, err := verify(strings.TrimPrefix(r.Headers["authorization"], "Bearer "))
		if err != nil {
			return response{}, nil
		}
		return response{IsAuthorized: true, Context: usualContext(claims)}, nil
	})
}

func usualREST(verify func(text string) (*golangClaims, error)) lambda.Handler {
	type (
		request  = events.APIGatewayCustomAuthorizerRequestTypeRequest
		response = events.APIGatewayCustomAuthorizerResponse
	)
	return lambda.NewHandler(func(_ context.Context, r request) (response, error) {
		claims, err := verify(strings.TrimPrefix(r.Headers["Authorization"], "Bearer "))
		if err != nil {
			return response{}, errRefused
		}
		api, _, _ := strings.Cut(r.MethodArn, "/")
		return response{
			PrincipalID: claims.Subject,
			PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
				Version: "2012-10-17",
				Statement: []events.IAMPolicyStatement{{
					Action: []string{"execute-api:Invoke"}, Effect: "Allow", Resource: []string{api + "/" + r.RequestContext.Stage + "/*"},
				}},
			},
			Context: usualContext(claims),
		}, nil
	})
}

// usualContext returns the context that edgeauth gives to backends.
func usualContext(c *golangClaims) map[string]any {
	return map[string]any{
		"auth_time": strconv.FormatInt(c.AuthTime, 10), "client_id": c.ClientID, "exp": strconv.FormatInt(c.ExpiresAt.Unix(), 10),
		"roles": strings.Join(c.Roles, " "), "scope": c.Scope, "sid": c.SessionID, "sub": c.Subject,
	}
}
