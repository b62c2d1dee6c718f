// Package authorizer answers API Gateway's question whether a request may pass. It finds out which kind of gateway
// asks, takes the access token from where that kind puts it, decides, and answers in that kind's form. It reads nothing
// but the event and the keys it was made with, and imports no AWS SDK.
package authorizer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ErrConfig says that an Authorizer cannot be made; the error's text says of what.
var ErrConfig = errors.New("authorizer: wrong configuration")

// Verifier verifies access tokens, as token.Verifier does. An error that wraps auth.ErrUnavailable decides nothing
// about the token.
type Verifier interface {
	Verify(ctx context.Context, text string) (token.Claims, error)
}

// Config is what an Authorizer is made of.
type Config struct {
	Verifier Verifier
	// HTTPResponse is config.ResponseSimple or config.ResponseIAM: the form of the answers to HTTP API 2.0 events,
	// which must be the one that the authorizer has at the gateway (EnableSimpleResponses). The events don't tell.
	HTTPResponse string
	Log          *audit.Log // nil is silent
}

// Authorizer answers authorizer events. It is safe for concurrent use if its Verifier is.
type Authorizer struct {
	config Config
}

// New returns an Authorizer, or an error that wraps ErrConfig.
func New(c Config) (*Authorizer, error) {
	switch {
	case c.Verifier == nil:
		return nil, fmt.Errorf("%w: no verifier", ErrConfig)
	case c.HTTPResponse != config.ResponseSimple && c.HTTPResponse != config.ResponseIAM:
		return nil, fmt.Errorf("%w: the HTTP response is %q, not %q or %q",
			ErrConfig, c.HTTPResponse, config.ResponseSimple, config.ResponseIAM)
	}
	return &Authorizer{c}, nil
}

// FromEnvironment returns the Authorizer that the environment of this process describes, which logs to standard
// output. Its error names every variable that is missing or wrong.
func FromEnvironment() (*Authorizer, error) {
	return fromEnvironment(config.Process(), audit.New(os.Stdout))
}

func fromEnvironment(e *config.Environment, log *audit.Log) (*Authorizer, error) {
	issuer, audience, jwks, response := e.Issuer(), e.Audience(), e.JWKS(), e.HTTPResponse()
	if err := e.Err(); err != nil {
		return nil, err
	}
	keys, err := token.ParseJWKS(jwks)
	if err != nil {
		return nil, fmt.Errorf("%s or %s: %w", config.JWKS, config.JWKSFile, err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: audience, Keys: keys, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return New(Config{Verifier: verifier, HTTPResponse: response, Log: log})
}

// Invoke answers one event, given and answered as JSON. It has the form of lambda.Handler. Its error is always nil: the
// gateway reads an error as a no as well, but counts it among ours, and a client who could cause one could raise alarms.
func (a *Authorizer) Invoke(ctx context.Context, text []byte) ([]byte, error) {
	e, err := readEvent(text)
	if err != nil {
		return a.closed(ctx, Request{}, ReasonUnknownEvent), nil
	}
	at := placeOf(e)
	if at == nil {
		return a.closed(ctx, Request{ID: e.requestID}, ReasonUnknownEvent), nil
	}
	r := at.request(e)
	d := a.Decide(ctx, r)
	if d.Outcome == Fault {
		return a.closed(ctx, r, d.Reason), nil
	}
	answer, err := at.answer(a.config, r, d)
	if err != nil {
		return a.closed(ctx, r, ReasonMalformedARN), nil
	}
	a.log(ctx, r, d)
	return answer, nil
}

// closed logs a fault and answers it. No kind of gateway reads the answer as a yes: an HTTP API with simple responses
// and AppSync read a no; those that want a policy find none, answer 500 and cache nothing.
func (a *Authorizer) closed(ctx context.Context, r Request, why Reason) []byte {
	a.log(ctx, r, Decision{Outcome: Fault, Reason: why})
	return []byte(`{"isAuthorized":false}`)
}

func (a *Authorizer) log(ctx context.Context, r Request, d Decision) {
	line := audit.Event{
		Name:      audit.AuthzFail,
		Outcome:   d.Outcome.String(),
		Reason:    string(d.Reason),
		RequestID: r.ID,
		SubjectID: d.Claims.Subject,
		SessionID: d.Claims.SessionID,
		ClientID:  d.Claims.ClientID,
	}
	switch d.Outcome {
	case Allow:
		line.Name = audit.AuthzAllow
	case Fault:
		line.Fault = errors.New(string(d.Reason))
	}
	a.config.Log.Write(ctx, line)
}
