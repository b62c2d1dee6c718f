// Package authorizer answers API Gateway's question whether a request may pass. It finds out which kind of gateway
// asks, takes the access token from where that kind puts it, decides, and answers in that kind's form. It reads nothing
// but the event and the keys it was made with, and imports no AWS SDK.
package authorizer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ErrConfig says that an Authorizer cannot be made; the error's text says of what.
var ErrConfig = errors.New("authorizer: wrong configuration")

// Verifier verifies access tokens, as token.Verifier does, and keeps nothing of their texts, which are parts of events.
// An error that wraps auth.ErrUnavailable decides nothing about the token.
type Verifier interface {
	VerifyBytes(ctx context.Context, text []byte) (token.Claims, error)
}

// Config is what an Authorizer is made of.
type Config struct {
	Verifier Verifier
	// HTTPResponse is config.ResponseSimple or config.ResponseIAM: the form of the answers to HTTP API 2.0 events,
	// which must be the one that the authorizer has at the gateway (EnableSimpleResponses). The events don't tell.
	HTTPResponse string
	Log          *audit.Log // nil is silent

	// What follows may be left out.

	Deny          string   // how REST refuses: config.DenyUnauthorized, the default, or config.DenyPolicy
	Rules         []Rule   // none opens every route to every good token; with one, routes without a rule are closed
	TokenSources  []string // as in EDGEAUTH_CONFIG; nil is header:Authorization and subprotocol:access_token
	ContextClaims []string // further claims that backends are told
	Origins       []string // whose pages may act on a cookie, beside those of the API's own origin
	Now           func() time.Time
}

// Authorizer answers authorizer events. It is safe for concurrent use if its Verifier is.
type Authorizer struct {
	config  Config
	sources sources
	rules   rules
}

// New returns an Authorizer, or an error that wraps ErrConfig.
func New(c Config) (*Authorizer, error) {
	c.Deny = cmp.Or(c.Deny, config.DenyUnauthorized)
	if c.TokenSources == nil {
		c.TokenSources = defaultTokenSources
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Verifier == nil:
		return nil, fmt.Errorf("%w: no verifier", ErrConfig)
	case c.HTTPResponse != config.ResponseSimple && c.HTTPResponse != config.ResponseIAM:
		return nil, fmt.Errorf("%w: the HTTP response is %q, not %q or %q",
			ErrConfig, c.HTTPResponse, config.ResponseSimple, config.ResponseIAM)
	case c.Deny != config.DenyUnauthorized && c.Deny != config.DenyPolicy:
		return nil, fmt.Errorf("%w: REST refuses by %q, not %q or %q",
			ErrConfig, c.Deny, config.DenyUnauthorized, config.DenyPolicy)
	}
	for _, origin := range c.Origins {
		if err := crosssite.CheckOrigin(origin); err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrConfig, origin, err)
		}
	}
	if err := checkContextClaims(c.ContextClaims); err != nil {
		return nil, err
	}
	sources, err := parseSources(c.TokenSources)
	if err != nil {
		return nil, err
	}
	rules, err := compileRules(c.Rules)
	if err != nil {
		return nil, err
	}
	return &Authorizer{c, sources, rules}, nil
}

// Invoke answers one event, given and answered as JSON. It has the form of lambda.Handler. Its error is nil, but for the
// one by which a REST API answers 401: the gateways read any other as a no as well, but count it among our faults, and a
// client who could cause one could raise alarms.
func (a *Authorizer) Invoke(ctx context.Context, text []byte) ([]byte, error) {
	e, ok := readEvent(text, &a.sources)
	if !ok {
		return a.fault(ctx, Request{}, ReasonUnknownEvent), nil
	}
	at := placeOf(e)
	if at == nil {
		return a.fault(ctx, Request{ID: e.requestID}, ReasonUnknownEvent), nil
	}
	r := at.request(a, e)
	d := a.Decide(ctx, r)
	if d.Outcome == Fault {
		return a.fault(ctx, r, d.Reason), nil
	}
	answer, err := at.answer(a, r, d)
	if why, unwritable := errors.AsType[fault](err); unwritable {
		return a.fault(ctx, r, Reason(why)), nil
	}
	a.log(ctx, r, d)
	return answer, err
}

// fault logs that we are wrong and not the client, and refuses in words that no kind of gateway reads as a yes: an HTTP
// API with simple responses and AppSync read a no; those that want a policy find none, answer 500 and cache nothing.
func (a *Authorizer) fault(ctx context.Context, r Request, why Reason) []byte {
	a.log(ctx, r, Decision{Outcome: Fault, Reason: why})
	if r.graphQL {
		return []byte(noUncached)
	}
	return []byte(no)
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
