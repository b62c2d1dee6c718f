// Package fault injects the failures of DynamoDB that a local engine cannot produce: throttling,
// conflicts, timeouts, lost and garbled replies. Its [Transport] is an http.RoundTripper around the
// real engine.
//
//	faults := &fault.Transport{}
//	client := &http.Client{Transport: faults} // the HTTPClient of dynamodb.Options
//	faults.Fail("UpdateItem", 1, fault.Throttled)
//
// Requests that are not chosen to fail reach the engine.
package fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
)

// A Fault answers a request instead of the engine, or changes the engine's answer.
type Fault func(r *http.Request, engine http.RoundTripper) (*http.Response, error)

// Transport applies faults to the requests of chosen operations. It is safe for concurrent use.
type Transport struct {
	// Engine carries the requests that do not fail. nil means http.DefaultTransport.
	Engine http.RoundTripper

	mu        sync.Mutex
	fault     Fault
	operation string
	left      int
	calls     map[string]int
}

// Fail makes the next n requests for an operation fail, for example "UpdateItem". An empty
// operation means any. It replaces the fault of an earlier call.
func (t *Transport) Fail(operation string, n int, f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.operation, t.left, t.fault = operation, n, f
}

// Calls returns the number of requests for each operation since the last call of Calls.
func (t *Transport) Calls() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := t.calls
	t.calls = nil
	return calls
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	engine := t.Engine
	if engine == nil {
		engine = http.DefaultTransport
	}
	if f := t.next(r); f != nil {
		return f(r, engine)
	}
	return engine.RoundTrip(r)
}

func (t *Transport) next(r *http.Request) Fault {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = map[string]int{}
	}
	t.calls[operation]++
	if t.left == 0 || t.operation != "" && t.operation != operation {
		return nil
	}
	t.left--
	return t.fault
}

// Answer returns a Fault that answers with an error of AWS, as on the wire. more is JSON text that
// is added to the error's members.
func Answer(status int, errorType, more string) Fault {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
		body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + errorType + `","message":"injected"` + more + `}`
		return response(r, status, body), nil
	}
}

// The errors with which AWS refuses a request.
var (
	Throttled        = Answer(http.StatusBadRequest, "ThrottlingException", "")
	OverThroughput   = Answer(http.StatusBadRequest, "ProvisionedThroughputExceededException", "")
	InternalError    = Answer(http.StatusInternalServerError, "InternalServerError", "")
	Unavailable      = Answer(http.StatusServiceUnavailable, "ServiceUnavailable", "")
	TransactConflict = Answer(http.StatusBadRequest, "TransactionCanceledException",
		`,"CancellationReasons":[{"Code":"TransactionConflict","Message":"injected"},{"Code":"None"}]`)
	AccessDenied = Answer(http.StatusBadRequest, "AccessDeniedException", "")
)

// TimeoutBefore does not reach the engine. It returns when the request's context ends.
func TimeoutBefore(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// ResetBefore breaks the connection before the engine has the request.
func ResetBefore(*http.Request, http.RoundTripper) (*http.Response, error) {
	return nil, syscall.ECONNRESET
}

// TimeoutAfter lets the write take effect and sends no answer. It returns when the request's
// context ends.
func TimeoutAfter(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// ExpiredBefore is TimeoutBefore without the wait: it returns the error of a time limit at once.
func ExpiredBefore(*http.Request, http.RoundTripper) (*http.Response, error) {
	return nil, context.DeadlineExceeded
}

// ExpiredAfter is TimeoutAfter without the wait.
func ExpiredAfter(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	return nil, context.DeadlineExceeded
}

// ResetAfter lets the write take effect and breaks the connection.
func ResetAfter(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	return nil, syscall.ECONNRESET
}

// Garbled lets the write take effect and answers with invalid JSON.
func Garbled(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	return response(r, http.StatusOK, `{"Attributes":{"gen":`), nil
}

func done(r *http.Request, engine http.RoundTripper) error {
	answer, err := engine.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

func response(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}
}
