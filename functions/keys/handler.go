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
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
)

// handler answers CloudFormation's requests for the custom resources of one stack. It implements lambda.Handler
// on bytes, because a malformed request needs an answer too. The wrapper in package cfn is not
// suitable: it sends an answer only once, does not bound its time or length, and its errors contain
// the URL.
type handler struct {
	stack    string // the id of the function's stack
	built    string // the architecture that the functions are built for
	region   string // the Region of the function and its stack
	emulator string // the base URL of an AWS emulator; empty on AWS

	secret func(arn string) keyrings.Source
	tables func(dynamo.Tables) protector
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration)
	random io.Reader
	client *http.Client // for answers to CloudFormation
	log    *slog.Logger
}

// newHandler returns the handler for a stack. emulator is the base URL of an AWS emulator, or
// empty. built is the architecture that the functions are built for. The two configurations
// describe how to reach Secrets Manager and DynamoDB.
func newHandler(stack, emulator, built string, secrets, tables awsclient.Config) *handler {
	return &handler{
		stack: stack, built: built, region: secrets.Region, emulator: emulator,
		secret: secretsmanager.New(secrets).Secret, tables: tablesAt(tables), now: time.Now, sleep: sleep, random: rand.Reader,
		client: &http.Client{Timeout: answerTimeout, CheckRedirect: noRedirect}, log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}
}

// noRedirect refuses redirects, because the signature covers only the original URL.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Invoke carries out one request and sends the answer to CloudFormation. It returns an error only
// if the answer cannot be sent, so that Lambda calls again. A refused request is an answer. The
// event is never logged, because each reader of its URL could answer in place of this function.
func (h *handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var e cfn.Event
	malformed := json.Unmarshal(event, &e) // it keeps the members that it could decode
	if e.ResponseURL == "" {
		return nil, errors.New("the event is not a request of CloudFormation")
	}
	if err := h.mayAnswer(e.ResponseURL); err != nil {
		return nil, err // the event is not from CloudFormation
	}
	var data map[string]any
	err := errors.New("the request does not have the form of a CloudFormation request")
	if malformed == nil {
		data, err = h.handle(ctx, e)
	}
	answer := answerTo(e, data, err)
	outcome := []any{"request", string(e.RequestType), "request_id", e.RequestID, "status", string(answer.Status)}
	if answer.Reason != "" {
		outcome = append(outcome, "reason", answer.Reason)
	}
	h.log.InfoContext(ctx, kindOf(e.ResourceType), outcome...)
	if err := h.put(ctx, e.ResponseURL, answer); err != nil {
		h.log.ErrorContext(ctx, "the answer did not arrive", "request_id", e.RequestID, "error", err.Error())
		return nil, err
	}
	return []byte("null"), nil
}

// handle carries out a request. It turns a panic into an error, because a stack without an answer
// waits until its timeout.
func (h *handler) handle(ctx context.Context, e cfn.Event) (data map[string]any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			// Log only the type, because the value could contain a secret.
			h.log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
			data, err = nil, errors.New("this function failed unexpectedly; its log has the place")
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
		// The secrets and tables stay after the deletion of the stack, and the tables stay
		// protected. The deletion of another stack changes nothing either: an error would make that
		// stack impossible to delete.
		return nil, nil
	case cfn.RequestCreate, cfn.RequestUpdate:
	default:
		return nil, fmt.Errorf("the request %q is unknown", e.RequestType)
	}
	if e.StackID != h.stack {
		// The answer contains no secret and goes only to CloudFormation. Without an answer the
		// other stack would wait until its timeout, and its operator would not learn the reason.
		return nil, errors.New("the request comes from another stack than the function's own stack; nothing was changed")
	}
	if given := givenUp(e.ResponseURL, h.now()); given != "" {
		return nil, errors.New(given)
	}
	switch e.ResourceType {
	case keysType:
		return h.keys(ctx, e)
	case protectionType:
		return nil, h.protect(ctx, e.ResourceProperties)
	}
	return nil, fmt.Errorf("the resource type %q is unknown (want %s or %s)", e.ResourceType, keysType, protectionType)
}

// The types of the two custom resources.
const (
	keysType       = "Custom::EdgeauthKeys"
	protectionType = "Custom::EdgeauthProtection"
)

// kindOf returns the word for a type of resource in the log and in physical ids. An unknown type
// counts as the first resource.
func kindOf(resourceType string) string {
	if resourceType == protectionType {
		return "protection"
	}
	return "keys"
}

// keys carries out a Create or Update of the key rings.
func (h *handler) keys(ctx context.Context, e cfn.Event) (map[string]any, error) {
	p, err := parse(e.ResourceProperties)
	if err != nil {
		return nil, err
	}
	if p.architecture != h.built {
		return nil, fmt.Errorf("%s is %q, and the functions are built for %s: build them with \"make sam-build ARCH=%s\", or deploy with %s=%s",
			architecture, p.architecture, h.built, goArchitecture(p.architecture), architecture, h.built)
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

// maxRequestID bounds the RequestId, which is a UUID. The rings keep the ids of the last requests.
// Long ids could fill a ring, so that no later move would fit.
const maxRequestID = 64

// serviceTimeout is the timeout in the template. After this time, CloudFormation treats a request
// as failed.
const serviceTimeout = 300 * time.Second

// givenUp returns why a request is too late, or "". Lambda may deliver a request long after
// CloudFormation has given up and rolled the stack back. A move of the ring at that time would
// separate the ring from the stack. The signature in the URL contains the time of the request, as
// S3 requires. A request without this time is not late.
func givenUp(answerTo string, now time.Time) string {
	u, err := url.Parse(answerTo)
	if err != nil {
		return ""
	}
	made, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	if err != nil || now.Before(made.Add(serviceTimeout)) {
		return ""
	}
	return "the request arrived after CloudFormation had given up; nothing was changed"
}

// stackGUID returns <guid> of arn:aws:cloudformation:<region>:<account>:stack/<name>/<guid>.
func stackGUID(stackID string) string {
	parts := strings.Split(stackID, "/")
	if len(parts) != 3 || !strings.HasSuffix(parts[0], ":stack") {
		return ""
	}
	return parts[2]
}
