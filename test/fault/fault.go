// Package fault is an http.RoundTripper that does to a request for DynamoDB what cannot be had from a local engine:
// throttling, conflicts, time-outs, lost and garbled replies. It stands around the real engine, which everything that
// is not due to fail still reaches.
package fault

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
)

// A Fault answers in the place of the engine, or spoils what the engine answered.
type Fault func(r *http.Request, engine http.RoundTripper) (*http.Response, error)

// Transport applies faults to the requests of some operations. It is safe for concurrent use.
type Transport struct {
	// Engine carries what is not due to fail; nil is http.DefaultTransport.
	Engine http.RoundTripper

	mu        sync.Mutex
	fault     Fault
	operation string
	left      int
	calls     map[string]int
}

// Fail makes the next n requests for an operation, as in "UpdateItem", fail; an empty operation is any.
func (t *Transport) Fail(operation string, n int, f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.operation, t.left, t.fault = operation, n, f
}

// Calls returns how many requests there were for each operation since the last call, and forgets them.
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

// Answer is AWS's error of a type, as it stands on the wire.
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

// What AWS answers when it does not do what was asked.
var (
	Throttled        = Answer(http.StatusBadRequest, "ThrottlingException", "")
	OverThroughput   = Answer(http.StatusBadRequest, "ProvisionedThroughputExceededException", "")
	InternalError    = Answer(http.StatusInternalServerError, "InternalServerError", "")
	Unavailable      = Answer(http.StatusServiceUnavailable, "ServiceUnavailable", "")
	TransactConflict = Answer(http.StatusBadRequest, "TransactionCanceledException",
		`,"CancellationReasons":[{"Code":"TransactionConflict","Message":"injected"},{"Code":"None"}]`)
	AccessDenied = Answer(http.StatusBadRequest, "AccessDeniedException", "")
)

// TimeoutBefore never reaches the engine and never answers.
func TimeoutBefore(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// ResetBefore breaks the connection before the engine has the request.
func ResetBefore(*http.Request, http.RoundTripper) (*http.Response, error) {
	return nil, syscall.ECONNRESET
}

// TimeoutAfter lets the write take effect and never answers.
func TimeoutAfter(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// ResetAfter lets the write take effect and breaks the connection.
func ResetAfter(r *http.Request, engine http.RoundTripper) (*http.Response, error) {
	if err := done(r, engine); err != nil {
		return nil, err
	}
	return nil, syscall.ECONNRESET
}

// Garbled lets the write take effect and answers with something that is no JSON.
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
