package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/internal/secretsmanager"
)

// handler answers the requests of CloudFormation for one custom resource. It is a lambda.Handler of bytes, because a
// request that has another form than expected must be answered too. The wrapper in package cfn is not used: it sends an
// answer once, with no bound on its time and length, and its errors hold the URL.
type handler struct {
	stack    string // the id of the stack that this function belongs to
	region   string // where the function and its stack are
	emulator string // the base URL of an emulator of AWS; empty where the process runs on AWS

	secret func(arn string) keyrings.Source
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration)
	random io.Reader
	client *http.Client // to CloudFormation
	log    *slog.Logger
}

// newHandler returns the handler of the stack with this id; emulator is the base URL of an emulator of AWS, or empty.
func newHandler(stack, emulator string, c awsclient.Config) *handler {
	return &handler{
		stack: stack, region: c.Region, emulator: emulator,
		secret: secretsmanager.New(c).Secret, now: time.Now, sleep: sleep, random: rand.Reader,
		client: &http.Client{Timeout: answerTimeout, CheckRedirect: noRedirect}, log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}
}

// noRedirect keeps the answer where CloudFormation waits for it: what was signed is that URL and no other.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Invoke carries out one request and puts the answer where CloudFormation waits for it. It fails only where that could
// not be done, so that Lambda calls again; a refusal is an answer. The event is never logged: its URL lets a reader
// answer.
func (h *handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var e cfn.Event
	malformed := json.Unmarshal(event, &e) // what it can read, it reads all the same
	if e.ResponseURL == "" {
		return nil, errors.New("the event is no request of CloudFormation")
	}
	if err := h.mayAnswer(e.ResponseURL); err != nil {
		return nil, err // CloudFormation did not send it
	}
	var data map[string]any
	err := errors.New("the request has another form than those of CloudFormation")
	if malformed == nil {
		data, err = h.handle(ctx, e)
	}
	answer := answerTo(e, data, err)
	outcome := []any{"request", string(e.RequestType), "request_id", e.RequestID, "status", string(answer.Status)}
	if answer.Reason != "" {
		outcome = append(outcome, "reason", answer.Reason)
	}
	h.log.InfoContext(ctx, "keys", outcome...)
	if err := h.put(ctx, e.ResponseURL, answer); err != nil {
		h.log.ErrorContext(ctx, "the answer did not arrive", "request_id", e.RequestID, "error", err.Error())
		return nil, err
	}
	return []byte("null"), nil
}

// handle also answers for a panic, or the stack would wait until its time is over.
func (h *handler) handle(ctx context.Context, e cfn.Event) (data map[string]any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			// The type, because the value could hold anything.
			h.log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
			data, err = nil, errors.New("this function failed inside; its log has the place")
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		left := time.Until(deadline)
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(left/3, answerTime)))
		defer cancel()
	}
	switch e.RequestType {
	case cfn.RequestDelete:
		// The secrets survive the stack. Another stack's deletion changes nothing either, and a failure would leave that
		// stack undeletable.
		return nil, nil
	case cfn.RequestCreate, cfn.RequestUpdate:
	default:
		return nil, fmt.Errorf("the request %q is unknown", e.RequestType)
	}
	if e.StackID != h.stack {
		// An answer is safe: it holds nothing secret and goes to CloudFormation alone. Without one the other stack would
		// hang until its time is over, and its operator would not learn why.
		return nil, errors.New("the request comes from another stack than the one that this function belongs to, and nothing was changed")
	}
	if given := givenUp(e.ResponseURL, h.now()); given != "" {
		return nil, errors.New(given)
	}
	p, err := parse(e.ResourceProperties)
	if err != nil {
		return nil, err
	}
	if e.RequestID == "" {
		return nil, errors.New("the request has no RequestId")
	}
	if len(e.RequestID) > maxRequestID {
		return nil, fmt.Errorf("the RequestId has %d bytes (want at most %d)", len(e.RequestID), maxRequestID)
	}
	return h.carryOut(ctx, task{
		request: e.RequestID, stack: e.StackID, replyTo: e.ResponseURL, create: e.RequestType == cfn.RequestCreate,
		properties: p, before: e.OldResourceProperties,
	})
}

// maxRequestID bounds the RequestId, which is a UUID. The rings keep the ids of the last requests, and a ring that long ids
// have filled could never be moved again.
const maxRequestID = 64

// serviceTimeout is the template's: after that CloudFormation takes a request for failed.
const serviceTimeout = 300 * time.Second

// givenUp says why a request is too late to be carried out, or nothing. Lambda may deliver one long after
// CloudFormation has given it up and rolled the stack back, and moving the ring then would part it from the stack. When
// a request was made stands in the signature of its URL, as in every one that S3 takes; where it does not, it is not
// late.
func givenUp(answerTo string, now time.Time) string {
	u, err := url.Parse(answerTo)
	if err != nil {
		return ""
	}
	made, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	if err != nil || now.Before(made.Add(serviceTimeout)) {
		return ""
	}
	return "the request came after CloudFormation had given it up, and nothing was changed"
}

// stackGUID returns the last part of arn:aws:cloudformation:<region>:<account>:stack/<name>/<guid>.
func stackGUID(stackID string) string {
	parts := strings.Split(stackID, "/")
	if len(parts) != 3 || !strings.HasSuffix(parts[0], ":stack") {
		return ""
	}
	return parts[2]
}
