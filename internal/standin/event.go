// Package standin turns an http.Request into the event that an API Gateway HTTP API (payload format
// 2.0) makes of it, and the answer of a function into an HTTP answer. A server that stands in for
// the gateway needs both; pkg/auth/gateway is the function's side.
package standin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Names that AWS gives to a real gateway.
const (
	localRegion  = "us-east-1"
	localAccount = "123456789012"
	localAPI     = "local"
	defaultStage = "$default"
)

// MaxBodyBytes is the longest body that the real gateway accepts.
const MaxBodyBytes = 10 << 20

// Function is the type of function that aws-lambda-go starts and gateway.Handler returns.
type Function = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Origin is the information of a gateway about a request, in addition to the request itself.
type Origin struct {
	RouteKey   string            // of the matching route, as in "GET /me"; empty means $default
	RequestID  string            // unique
	Time       time.Time         // of arrival
	Authorizer map[string]string // context of an allowed request; nil without authorizer
}

// EventOf returns the event that an HTTP API with payload format 2.0 makes of r. It reads r.Body to
// its end. It returns [ErrBodyTooLarge], an error of reading the body, or [ErrMalformedRequest] if
// r.RemoteAddr is not an address and a port or the address of the request is not UTF-8.
func EventOf(r *http.Request, o Origin) (events.APIGatewayV2HTTPRequest, error) {
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return events.APIGatewayV2HTTPRequest{}, fmt.Errorf("%w: no address and port in RemoteAddr", ErrMalformedRequest)
	}
	// JSON would turn two names that differ only in invalid bytes into one name.
	if query, err := url.QueryUnescape(r.URL.RawQuery); err != nil || !utf8.ValidString(query) || !utf8.ValidString(r.URL.Path) {
		return events.APIGatewayV2HTTPRequest{}, fmt.Errorf("%w: the URL is not UTF-8", ErrMalformedRequest)
	}
	body, err := readBody(r)
	if err != nil {
		return events.APIGatewayV2HTTPRequest{}, err
	}
	e := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              o.RouteKey,
		RawPath:               r.URL.Path, // decoded, in spite of its name
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookiesOf(r),
		Headers:               localHeaders(r, sourceIP),
		QueryStringParameters: joined(r.URL.Query()),
		RequestContext:        localContext(r, o, sourceIP),
	}
	if e.RouteKey == "" {
		e.RouteKey = defaultStage
	}
	e.RequestContext.RouteKey = e.RouteKey
	if len(body) > 0 && !isText(r.Header.Get("Content-Type"), body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	} else {
		e.Body = string(body)
	}
	return e, nil
}

// AuthorizerEventOf returns the JSON of the event that an HTTP API sends to a REQUEST authorizer
// with payload format 2.0, whose identity source is a header, named in lower case. An empty
// identity means no identity source. It does not read r.Body. It returns the errors of [EventOf],
// and [ErrNoIdentity] if r lacks the header.
func AuthorizerEventOf(r *http.Request, o Origin, identity string) ([]byte, error) {
	bodiless := *r
	bodiless.Body = http.NoBody
	e, err := EventOf(&bodiless, o)
	if err != nil {
		return nil, err
	}
	var source []string // null without an identity source
	if identity != "" {
		if e.Headers[identity] == "" {
			return nil, ErrNoIdentity
		}
		source = []string{e.Headers[identity]}
	}
	return json.Marshal(events.APIGatewayV2CustomAuthorizerV2Request{
		Version: e.Version,
		Type:    "REQUEST",
		RouteArn: fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s%s",
			localRegion, localAccount, localAPI, defaultStage, r.Method, e.RawPath),
		IdentitySource:        source,
		RouteKey:              e.RouteKey,
		RawPath:               e.RawPath,
		RawQueryString:        e.RawQueryString,
		Cookies:               e.Cookies,
		Headers:               e.Headers,
		QueryStringParameters: e.QueryStringParameters,
		RequestContext:        e.RequestContext,
	})
}
