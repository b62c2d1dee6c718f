package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// An ordinary handler answers the event of an HTTP API, and finds the caller in the context of the
// request.
func ExampleHandler() {
	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprintf(w, "%s from %s", p.Subject, r.RemoteAddr)
	})
	var event events.APIGatewayV2HTTPRequest
	_ = json.Unmarshal([]byte(`{"version":"2.0","rawPath":"/me","requestContext":{
		"authorizer":{"lambda":{"sub":"alice","exp":"1700000900"}},
		"http":{"method":"GET","sourceIp":"203.0.113.9"}}}`), &event)

	answer, _ := gateway.Handler(me)(context.Background(), event)
	fmt.Println(answer.StatusCode, answer.Body)
	// Output: 200 alice from 203.0.113.9:0
}
