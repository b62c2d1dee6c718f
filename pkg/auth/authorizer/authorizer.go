// Package authorizer implements Lambda authorizers for API Gateway and AppSync, and the same checks
// as HTTP middleware.
//
//	a, err := authorizer.FromEnvironment()
//	if err != nil {
//		log.Fatal(err)
//	}
//	lambda.Start(a)
//
// [Authorizer.Invoke] recognizes the kind of gateway by the shape of the event, extracts the access
// token, verifies it, applies the route rules, and answers in the format of that gateway. Invoke
// itself does no I/O. With the keys of [FromEnvironment], which are in memory, it reads only the
// event. With keys of package jwksurl, the verifier fetches the keys. The package imports no AWS
// SDK.
//
// An access token is valid for minutes after its session has ended. If that is too long for a
// route, set Config.Sessions: the authorizer then reads the session for each request that it would
// allow.
//
// Without a gateway, [Authorizer.Middleware] makes the same decision in front of a handler. Package
// guard makes the Authorizer for such a program, with keys from a URL:
//
//	a, err := guard.FromEnvironment()
//	http.ListenAndServe(address, a.Middleware(api))
package authorizer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ErrConfig means that a [Config] is invalid. The text of the error names the invalid setting.
var ErrConfig = errors.New("authorizer: wrong configuration")

// Config holds the settings of an [Authorizer]. Only Verifier is required.
type Config struct {
	// Verifier verifies access tokens; *[token.Verifier] implements it. VerifyBytes must not retain
	// text, which is part of an event. An error with a [token.Reason] refuses the token. Any other
	// error says nothing about the token and is answered as a fault.
	Verifier interface {
		VerifyBytes(ctx context.Context, text []byte) (token.Claims, error)
	}
	// Sessions checks each token that passes every other check. With it, a token ends with its
	// session, and a token of another issuer is refused, because it has no session here. If
	// Sessions returns an error, Invoke returns an error too. nil checks nothing: a token is valid
	// until its exp.
	//
	// If Sessions also implements [OpaqueSessions], the authorizer accepts the tokens of opaque
	// sessions, but only in the cookie __Host-Http-session, which TokenSources must name. Otherwise
	// it refuses them.
	//
	// A gateway must not cache the answers, because a cached answer is not checked.
	//
	// If Sessions also implements [Revocations], tokens of other issuers pass.
	Sessions Sessions
	// HTTPResponse is the format of answers to HTTP API 2.0 events: "simple", the default, or
	// "iam". It must match the authorizer's EnableSimpleResponses at the gateway, because the
	// events do not contain this setting.
	HTTPResponse string
	// Log receives one line of JSON for each decision, in one call of Write; nil writes no log. The
	// authorizer makes one call at a time.
	Log io.Writer
	// SampleAllows is the number of allowed requests for which Log gets one line, from 1 to 1000. 0
	// means 1: a line for each request. In the metrics, the line counts for all requests of its
	// sample. Each refusal has its own line.
	SampleAllows int
	// Deny is how REST APIs refuse: "unauthorized", the default, or "deny".
	Deny string
	// Rules are the rules of all routes. Without rules, every valid token opens every route. With
	// rules, a route without a rule is closed.
	Rules []Rule
	// TokenSources are the places that may hold the token, in the form of EDGEAUTH_CONFIG. nil
	// means header:Authorization and subprotocol:access_token.
	TokenSources  []string
	ContextClaims []string // additional claims for the context that backends see
	Origins       []string // origins that may send cookies, besides the API's own origin
	Now           func() time.Time
}

// Authorizer answers authorizer events. It is safe for concurrent use if its Verifier is.
type Authorizer struct {
	config      Config
	audit       *audit.Log
	sources     sources
	rules       rules
	revocations Revocations    // Config.Sessions, or nil if it does not implement Revocations
	allowed     atomic.Uint64  // number of allowed requests, from a random start
	opaque      OpaqueSessions // Config.Sessions, or nil if it does not implement OpaqueSessions
}

// New returns an Authorizer for c. If c is invalid, the error wraps [ErrConfig].
func New(c Config) (*Authorizer, error) {
	c.HTTPResponse = cmp.Or(c.HTTPResponse, config.ResponseSimple)
	c.Deny = cmp.Or(c.Deny, config.DenyUnauthorized)
	if c.TokenSources == nil {
		c.TokenSources = defaultTokenSources
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.SampleAllows = cmp.Or(c.SampleAllows, 1)
	switch {
	case c.Verifier == nil:
		return nil, fmt.Errorf("%w: Verifier is missing", ErrConfig)
	case c.HTTPResponse != config.ResponseSimple && c.HTTPResponse != config.ResponseIAM:
		return nil, fmt.Errorf("%w: HTTPResponse is %q (want %q or %q)",
			ErrConfig, c.HTTPResponse, config.ResponseSimple, config.ResponseIAM)
	case c.SampleAllows < 1 || c.SampleAllows > config.MaxSample:
		return nil, fmt.Errorf("%w: SampleAllows is %d (want 0 to %d)", ErrConfig, c.SampleAllows, config.MaxSample)
	case c.Deny != config.DenyUnauthorized && c.Deny != config.DenyPolicy:
		return nil, fmt.Errorf("%w: Deny is %q (want %q or %q)",
			ErrConfig, c.Deny, config.DenyUnauthorized, config.DenyPolicy)
	}
	for i, origin := range c.Origins {
		if err := crosssite.CheckOrigin(origin); err != nil {
			return nil, wrong("origins", i, fmt.Errorf("%q: %w", origin, err))
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
	revocations, _ := c.Sessions.(Revocations)
	opaque, _ := c.Sessions.(OpaqueSessions)
	a := &Authorizer{config: c, audit: audit.New(c.Log, c.Now), sources: sources, rules: rules, revocations: revocations, opaque: opaque}
	// Every instance begins at a random place in its sample. Otherwise an instance that serves
	// fewer requests than a sample has would never write a line, and the metrics would miss its
	// requests.
	a.allowed.Store(rand.Uint64N(uint64(c.SampleAllows)))
	return a, nil
}

// wrong returns err as an ErrConfig about an element of a list in EDGEAUTH_CONFIG.
func wrong(list string, index int, err error) error {
	return fmt.Errorf("%w: %w", ErrConfig, config.AtMember(list, config.AtElement(index, err)))
}

// Invoke answers one event. Event and answer are JSON, and the signature is that of lambda.Handler.
//
// The error is nil except in two cases. A REST API needs an error to answer 401. An error of
// Config.Sessions is returned, because the gateway answers it with a 5xx and caches nothing. A
// gateway treats any other error as a refusal too, but Lambda counts it as a failed invocation, so
// a client could trigger alarms with it.
func (a *Authorizer) Invoke(ctx context.Context, text []byte) ([]byte, error) {
	ctx, began := a.watched(ctx)
	e, ok := readEvent(text, &a.sources)
	if !ok {
		return a.fault(ctx, request{began: began}, reasonUnknownEvent), nil
	}
	at := placeOf(e)
	if at == nil {
		return a.fault(ctx, request{ID: e.requestID, began: began}, reasonUnknownEvent), nil
	}
	r := at.request(a, e)
	r.began = began
	d := a.decide(ctx, r)
	switch {
	case d.Reason == reasonSessionsUnavailable:
		a.log(ctx, r, d)
		return nil, errSessionsUnavailable
	case d.Outcome == outcomeFault:
		return a.fault(ctx, r, d.Reason), nil
	}
	answer, err := at.answer(a, r, d)
	if why, unwritable := errors.AsType[fault](err); unwritable {
		if !d.Claims.Foreign || reason(why) == reasonMalformedARN {
			return a.fault(ctx, r, reason(why)), nil
		}
		// Another issuer decides what its tokens contain, so this is not a fault of the deployment.
		d = decision{Outcome: outcomeUnauthenticated, Reason: reason(why)}
		answer, err = at.answer(a, r, d)
	}
	a.log(ctx, r, d)
	return answer, err
}

// fault logs a fault of the deployment and returns an answer that every kind of gateway treats as a
// refusal. An HTTP API with simple responses and AppSync read isAuthorized. The other gateways find
// no policy in the answer, answer 500 and cache nothing.
func (a *Authorizer) fault(ctx context.Context, r request, why reason) []byte {
	a.log(ctx, r, decision{Outcome: outcomeFault, Reason: why})
	if r.graphQL {
		return []byte(noUncached)
	}
	return []byte(no)
}

// watched returns when a request began, and a context with a stopwatch if a store is read. Without
// a store, the stopwatch costs more than it is worth.
func (a *Authorizer) watched(ctx context.Context) (context.Context, time.Time) {
	if a.audit == nil {
		return ctx, time.Time{}
	}
	if a.config.Sessions != nil {
		ctx = stopwatch.Start(ctx)
	}
	return ctx, time.Now()
}

func (a *Authorizer) log(ctx context.Context, r request, d decision) {
	if a.audit == nil {
		return
	}
	line := audit.Event{
		Name:      audit.AuthzFail,
		Outcome:   d.Outcome.String(),
		Reason:    string(d.Reason),
		Claim:     d.Claim,
		RequestID: r.ID,
		SubjectID: d.Claims.Subject,
		SessionID: d.Claims.SessionID,
		ClientID:  d.Claims.ClientID,

		ForeignClient: d.Claims.Foreign,
		Duration:      time.Since(r.began),
	}
	a.logReplaced(ctx, line, d.ended)
	switch d.Outcome {
	case outcomeAllow:
		line.Name, line.Count = audit.AuthzAllow, a.config.SampleAllows
		if d.fault != nil {
			line.Count, line.Fault = 1, d.fault
		} else if a.allowed.Add(1)%uint64(a.config.SampleAllows) != 0 {
			return
		}
	case outcomeFault:
		line.Fault = fault(d.Reason)
	}
	a.audit.Write(ctx, line)
}

// logReplaced writes a line for each session that the check of a request has ended because the
// session of the request has replaced it. line is the line of the request.
func (a *Authorizer) logReplaced(ctx context.Context, line audit.Event, sids []string) {
	for _, sid := range sids {
		line.Name, line.Outcome, line.Reason, line.SessionID, line.Count = audit.TokenRevoked, outcomeEnded, endedByStepUp, sid, 0
		a.audit.Write(ctx, line)
	}
}
