package gateway

import (
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

// What the stand-in calls itself where a real gateway has names given by AWS.
const (
	localRegion  = "us-east-1"
	localAccount = "123456789012"
	localAPI     = "local"
	defaultStage = "$default"
)

// MaxBodyBytes is the longest body that the real gateway takes.
const MaxBodyBytes = 10 << 20

// Origin is what a gateway knows of a request beside the request itself.
type Origin struct {
	RouteKey   string            // of the matching route, as in "GET /me"; empty means $default
	RequestID  string            // unique
	Time       time.Time         // of arrival
	Authorizer map[string]string // context of the authorizer's yes; nil for a route without one
}

// EventOf returns the event that an HTTP API with payload format 2.0 makes of r. It reads r.Body to its end. Its errors
// are ErrBodyTooLarge, ErrMalformedEvent where r.RemoteAddr is not an address and port, and those of reading the body.
func EventOf(r *http.Request, o Origin) (events.APIGatewayV2HTTPRequest, error) {
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return events.APIGatewayV2HTTPRequest{}, fmt.Errorf("%w: no address and port in RemoteAddr", ErrMalformedEvent)
	}
	// JSON would make one name of two that differ in broken bytes.
	if query, err := url.QueryUnescape(r.URL.RawQuery); err != nil || !utf8.ValidString(query) || !utf8.ValidString(r.URL.Path) {
		return events.APIGatewayV2HTTPRequest{}, fmt.Errorf("%w: its address is not UTF-8", ErrMalformedEvent)
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

// AuthorizerEventOf returns the JSON of the event that an HTTP API sends to a REQUEST authorizer with payload format 2.0
// and the Authorization header as its identity source. It leaves r.Body alone. Its errors are EventOf's and
// ErrNoIdentity.
func AuthorizerEventOf(r *http.Request, o Origin) ([]byte, error) {
	bodiless := *r
	bodiless.Body = http.NoBody
	e, err := EventOf(&bodiless, o)
	if err != nil {
		return nil, err
	}
	identity := e.Headers["authorization"]
	if identity == "" {
		return nil, ErrNoIdentity
	}
	return json.Marshal(events.APIGatewayV2CustomAuthorizerV2Request{
		Version: e.Version,
		Type:    "REQUEST",
		RouteArn: fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s%s",
			localRegion, localAccount, localAPI, defaultStage, r.Method, e.RawPath),
		IdentitySource:        []string{identity},
		RouteKey:              e.RouteKey,
		RawPath:               e.RawPath,
		RawQueryString:        e.RawQueryString,
		Cookies:               e.Cookies,
		Headers:               e.Headers,
		QueryStringParameters: e.QueryStringParameters,
		RequestContext:        e.RequestContext,
	})
}
