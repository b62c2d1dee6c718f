// Package gateway runs an http.Handler as a Lambda function behind an API Gateway HTTP API (payload
// format 2.0) or a function URL. It turns each event into an http.Request and the handler's answer
// into the answer to the event:
//
//	func main() { gateway.Serve(handler) }
//
// The address that the gateway saw becomes RemoteAddr, and the context of edgeauth's authorizer
// becomes the request's [auth.Principal]. A header of the client changes neither. The package
// decides nothing else.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
)

// Serve runs h as the handler of this Lambda function. It does not return.
func Serve(h http.Handler) { lambda.Start(Handler(h)) }

// Handler returns a Lambda handler that answers events with h. Its error is always nil, because the
// gateway turns an error into a 502 without a body. An event that is not a request is answered 400,
// and a panic of h 500. The returned function is safe for concurrent use if h is.
func Handler(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		r, err := requestOf(ctx, e)
		if err != nil {
			return refusal(http.StatusBadRequest, errorcode.InvalidRequest, e.RequestContext.RequestID), nil
		}
		return serve(h, r), nil
	}
}

func serve(h http.Handler, r *http.Request) (answer events.APIGatewayV2HTTPResponse) {
	defer func() {
		if p := recover(); p != nil {
			logPanic(r, p)
			answer = refusal(http.StatusInternalServerError, errorcode.ServerError, r.Header.Get(requestid.Header))
		}
	}()
	w := newAnswer()
	h.ServeHTTP(w, r)
	return w.event(r.Method)
}

// logPanic logs where a handler panicked and the type of the value. The value itself may contain
// input of the client, for example a password. Errors of the Go runtime contain only numbers and
// type names.
func logPanic(r *http.Request, value any) {
	what := fmt.Sprintf("%T", value)
	var e runtime.Error
	if err, ok := value.(error); ok && errors.As(err, &e) {
		what = e.Error()
	}
	slog.LogAttrs(r.Context(), slog.LevelError, "handler panicked",
		slog.String("panic", what),
		slog.String("request_id", r.Header.Get(requestid.Header)),
		slog.String("stack", string(debug.Stack())))
}

// refusal returns an answer in the format of the endpoints' errors.
func refusal(status int, code errorcode.Code, requestID string) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(struct { // marshalling strings never fails
		Error     errorcode.Code `json:"error"`
		RequestID string         `json:"request_id,omitempty"`
	}{code, requestID})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
		Body:       string(body),
	}
}
