package authorizer

import (
	"context"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Request is the input of a decision.
type Request struct {
	ID      string // the request id of the gateway
	ARN     string // of the requested method or route; empty without a policy
	Token   []byte // part of the event; not retained
	Problem Reason // the reason why Token is empty

	target
	graphQL bool // the request is for fields, each of which is decided separately
}

// Decision is the result of [Authorizer.Decide].
type Decision struct {
	Outcome Outcome
	Reason  Reason
	Claims  token.Claims // the claims of a valid token, if Outcome is Allow or Forbidden
	Unmet   *Rule        // the first rule that the token does not satisfy, or nil

	at time.Time // the time of the decision, if the rules depend on it
}

// Outcome is the kind of a decision. The zero Outcome is Fault, so an unset Outcome admits no
// request.
type Outcome uint8

const (
	Fault           Outcome = iota // the deployment is wrong: refuse and raise an alarm
	Unauthenticated                // the token is missing or invalid
	Forbidden                      // the token is valid but not sufficient for the route
	Allow
)

func (o Outcome) String() string {
	switch o {
	case Unauthenticated:
		return "unauthenticated"
	case Forbidden:
		return "forbidden"
	case Allow:
		return "allow"
	}
	return "fault"
}

// Decide verifies the token of a request and applies the route rules. It never fails: an error of
// the Verifier that says nothing about the token is the outcome [Fault].
func (a *Authorizer) Decide(ctx context.Context, r Request) Decision {
	if r.Problem != "" {
		return Decision{Outcome: Unauthenticated, Reason: r.Problem}
	}
	claims, err := a.config.Verifier.VerifyBytes(ctx, r.Token)
	if err != nil {
		if refused := token.ReasonOf(err); refused != "" {
			return Decision{Outcome: Unauthenticated, Reason: Reason(refused)}
		}
		// The key source failed. The token may be valid, so this is not a refusal.
		return Decision{Outcome: Fault, Reason: ReasonKeysUnavailable}
	}
	d := Decision{Outcome: Allow, Reason: ReasonOK, Claims: claims}
	if r.graphQL || len(a.rules.list) > 0 {
		d.at = a.config.Now()
	}
	if reason, unmet := a.rules.judge(r, &d.Claims, d.at); reason != "" {
		d.Outcome, d.Reason, d.Unmet = Forbidden, reason, unmet
	}
	return d
}
