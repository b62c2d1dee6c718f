// Command whoami is a backend behind the authorizer: it answers with the identity that API Gateway hands to it. The
// three kinds of API put it in three places.
package main

import (
	"encoding/json"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"
)

// event has the one field of the gateway's events that tells who asks.
type event struct {
	RequestContext struct {
		Authorizer map[string]any `json:"authorizer"`
	} `json:"requestContext"`
}

// answer is what both kinds of API take.
type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func whoami(e event) (answer, error) {
	identity := e.RequestContext.Authorizer // REST API
	if nested, ok := identity["lambda"].(map[string]any); ok {
		identity = nested // HTTP API
	}
	body, err := json.Marshal(identity)
	return answer{http.StatusOK, map[string]string{"Content-Type": "application/json"}, string(body)}, err
}

func main() { lambda.Start(whoami) }
