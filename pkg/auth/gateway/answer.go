package gateway

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// answer is the http.ResponseWriter of a handler. Like net/http's, it keeps the first WriteHeader
// and ignores later changes to the headers.
type answer struct {
	header http.Header
	sent   http.Header // header at the time of WriteHeader
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: make(http.Header)} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	switch {
	case status < 100 || status > 999:
		panic(fmt.Sprintf("invalid status %d", status))
	case status < 200 || a.status != 0: // events have no informational answers
		return
	}
	a.status, a.sent = status, a.header.Clone()
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !hasBody(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(b)
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// event returns the answer as an event, for a request with the given method.
func (a *answer) event(method string) events.APIGatewayV2HTTPResponse {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	body := a.body.Bytes()
	if len(body) > 0 && a.sent.Get("Content-Type") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(body))
	}
	if method == http.MethodHead {
		body = nil
	}
	e := events.APIGatewayV2HTTPResponse{
		StatusCode: a.status,
		Headers:    make(map[string]string, len(a.sent)),
		// Set-Cookie is the only header whose values cannot be joined with commas, because Expires
		// contains one.
		Cookies: a.sent.Values("Set-Cookie"),
	}
	a.sent.Del("Set-Cookie")
	for name, values := range a.sent {
		e.Headers[name] = strings.Join(values, ",")
	}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}
