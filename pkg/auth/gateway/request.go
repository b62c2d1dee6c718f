package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// errMalformed means that an event is not an HTTP request.
var errMalformed = errors.New("malformed event")

// defaultStage is the stage whose name is not in the path.
const defaultStage = "$default"

// requestOf returns the request of an event, with the authorizer's context as its auth.Principal.
func requestOf(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	method := e.RequestContext.HTTP.Method
	if method == "" { // net/http would treat it as GET
		return nil, fmt.Errorf("%w: no method", errMalformed)
	}
	path, err := pathOf(e)
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(e)
	if err != nil {
		return nil, err
	}
	if p, ok := principalOf(lambdaContext(e)); ok {
		ctx = auth.WithPrincipal(ctx, p)
	}
	r, err := http.NewRequestWithContext(ctx, method, "/", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%w: not a method", errMalformed)
	}
	r.URL = &url.URL{Path: path, RawQuery: e.RawQueryString}
	r.RequestURI = r.URL.RequestURI()
	r.Header = headersOf(e)
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host") // like the server of net/http
	r.RemoteAddr = remoteAddr(e.RequestContext.HTTP.SourceIP)
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return r, nil
}

// pathOf returns the path without the name of the stage, which precedes the path unless the stage
// is $default. rawPath is already decoded; decoding it again would turn %252e%252e into "..".
func pathOf(e events.APIGatewayV2HTTPRequest) (string, error) {
	path := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != defaultStage {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = "/" + strings.TrimPrefix(rest, "/")
		}
	}
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("%w: rawPath is not a path", errMalformed)
	}
	return path, nil
}

// bodyOf decodes the whole body. The gateway limits its size.
func bodyOf(e events.APIGatewayV2HTTPRequest) ([]byte, error) {
	if !e.IsBase64Encoded {
		return []byte(e.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: the body is not base64", errMalformed)
	}
	return body, nil
}

func headersOf(e events.APIGatewayV2HTTPRequest) http.Header {
	h := make(http.Header, len(e.Headers)+2)
	// Real events have lower-case names, which are unique. Sorting gives names that differ in case
	// a fixed order.
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		h.Add(name, e.Headers[name])
	}
	if len(e.Cookies) > 0 {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	h.Del(requestid.Header) // a client must not choose the id in the logs
	if id := e.RequestContext.RequestID; id != "" {
		h.Set(requestid.Header, id)
	}
	return h
}

// remoteAddr returns the client's address in the form of http.Request.RemoteAddr, with port 0, or
// "" if the event has no address. Forwarding headers are ignored, because clients can set them.
func remoteAddr(sourceIP string) string {
	if _, err := netip.ParseAddr(sourceIP); err != nil {
		return ""
	}
	return net.JoinHostPort(sourceIP, "0")
}

func lambdaContext(e events.APIGatewayV2HTTPRequest) map[string]any {
	if e.RequestContext.Authorizer == nil {
		return nil
	}
	return e.RequestContext.Authorizer.Lambda
}
