package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// An ordinary handler answers an HTTP API's event, and finds who asks in the context of its request.
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

// A local server stands in for the gateway: request to event, function, answer to response.
func ExampleEventOf() {
	function := gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Header.Get("X-Request-Id"))
	}))
	local := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := gateway.EventOf(r, gateway.Origin{RequestID: "r1", Time: time.Now()})
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		answer, _ := function(r.Context(), event)
		if err := gateway.WriteAnswer(w, answer); err != nil {
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		}
	})
	w := httptest.NewRecorder()
	local.ServeHTTP(w, httptest.NewRequest("POST", "/auth/logout", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 POST /auth/logout r1
}
