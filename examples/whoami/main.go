// Command whoami is a backend behind the authorizer. It answers with the caller's identity, which
// API Gateway passes to it.
package main

import (
	"encoding/json"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

// event is the part of the gateway's events that contains the caller's identity.
type event struct {
	RequestContext struct {
		Authorizer map[string]any `json:"authorizer"`
	} `json:"requestContext"`
}

// answer is the format that both kinds of API accept.
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
	headers := map[string]string{"Content-Type": "application/json"}
	if origin := os.Getenv("ORIGIN"); origin != "" { // a REST API adds no CORS headers of its own
		headers["Access-Control-Allow-Origin"] = origin
		headers["Access-Control-Allow-Credentials"] = "true"
	}
	body, err := json.Marshal(identity)
	return answer{http.StatusOK, headers, string(body)}, err
}

func main() { lambda.Start(whoami) }
