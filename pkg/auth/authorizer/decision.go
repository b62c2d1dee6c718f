package authorizer

import (
	"bytes"
	"context"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// request is the input of a decision.
type request struct {
	ID      string // the request id of the gateway
	ARN     string // of the requested method or route; empty without a policy
	Token   []byte // part of the event; not retained
	Problem reason // the reason why Token is empty
	opaque  bool   // the token was in the cookie of opaque sessions

	target
	methods  []string // other methods that the request names
	identity bool     // the client sent an identity header
	graphQL  bool     // the request is for fields, each of which is decided separately
	byPolicy bool     // the answer is a policy

	began time.Time // by the real clock, for the duration in the log
}

// decision is the result of Authorizer.decide.
type decision struct {
	Outcome outcome
	Reason  reason
	Claim   string       // the claim of Reason, if the token is refused for one
	Claims  token.Claims // the claims of a valid token; otherwise empty
	Unmet   *Rule        // the first rule that the token does not satisfy, or nil

	at time.Time // the time of the decision, if the rules depend on it

	// These two belong to an opaque session: the sids of the replaced sessions of the same user and
	// client that the check has ended, and a fault that changes no decision.
	ended []string
	fault error
}

// outcome is the kind of a decision. The zero outcome is outcomeFault, so an unset outcome admits
// no request.
type outcome uint8

const (
	outcomeFault           outcome = iota // the deployment is wrong: refuse and raise an alarm
	outcomeUnauthenticated                // the token is missing or invalid
	outcomeForbidden                      // the token is valid but not sufficient for the route
	outcomeAllow
)

func (o outcome) String() string {
	switch o {
	case outcomeUnauthenticated:
		return "unauthenticated"
	case outcomeForbidden:
		return "forbidden"
	case outcomeAllow:
		return "allow"
	}
	return "fault"
}

// decide verifies the token of a request, applies the route rules, and checks the session if
// Config.Sessions is set. It never fails: an error that says nothing about the token becomes the
// outcome outcomeFault.
func (a *Authorizer) decide(ctx context.Context, r request) decision {
	if r.Problem != "" {
		return decision{Outcome: outcomeUnauthenticated, Reason: r.Problem}
	}
	if r.opaque || bytes.HasPrefix(r.Token, []byte(sessionPrefix)) {
		return a.decideOpaque(ctx, r)
	}
	if a.revocations != nil {
		a.revocations.Refresh()
	}
	claims, err := a.config.Verifier.VerifyBytes(ctx, r.Token)
	if err != nil {
		if refused := token.ReasonOf(err); refused != "" {
			return decision{Outcome: outcomeUnauthenticated, Reason: reason(refused), Claim: token.ClaimOf(err)}
		}
		// The key source failed. The token may be valid, so this is not a refusal.
		return decision{Outcome: outcomeFault, Reason: reasonKeysUnavailable}
	}
	d := decision{Outcome: outcomeAllow, Reason: reasonOK, Claims: claims}
	a.applyRules(r, &d)
	if d.Outcome == outcomeAllow && a.config.Sessions != nil {
		a.check(ctx, &d)
	}
	return d
}

// applyRules refuses a request whose claims are valid but not sufficient for its route.
func (a *Authorizer) applyRules(r request, d *decision) {
	if r.graphQL || len(a.rules.list) > 0 {
		d.at = a.config.Now()
	}
	if reason, unmet := a.rules.judge(r, &d.Claims, d.at); reason != "" {
		d.Outcome, d.Reason, d.Unmet = outcomeForbidden, reason, unmet
	}
	if r.identity {
		d.Outcome, d.Reason, d.Unmet = outcomeForbidden, reasonIdentityHeader, nil
	}
}
