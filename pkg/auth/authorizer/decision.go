package authorizer

import (
	"context"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Request is what a decision needs of an event.
type Request struct {
	ID      string // the gateway's id of the request
	ARN     string // of the method or route asked for; empty where there is no gateway with policies
	Token   []byte // a part of the event, of which nothing is kept
	Problem Reason // why there is no Token; empty where there is one

	target
	graphQL bool // asks for fields, which are decided one by one
}

// Decision is what was decided, and why.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	Claims  token.Claims // of a good token: of Allow and Forbidden
	Unmet   *Rule        // the first rule that the token does not meet; nil where there is none

	at time.Time // of a good token: when it was judged, where that matters
}

// Outcome is one of four. The zero Outcome is a fault, so a forgotten one lets nobody in.
type Outcome uint8

const (
	Fault           Outcome = iota // we are wrong, not the client: nobody passes, and an alarm goes off
	Unauthenticated                // no token, or none that is good
	Forbidden                      // a good token that may not do this
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

// Decide decides one request. It answers in every case.
func (a *Authorizer) Decide(ctx context.Context, r Request) Decision {
	if r.Problem != "" {
		return Decision{Outcome: Unauthenticated, Reason: r.Problem}
	}
	claims, err := a.config.Verifier.VerifyBytes(ctx, r.Token)
	if err != nil {
		if refused := token.ReasonOf(err); refused != "" {
			return Decision{Outcome: Unauthenticated, Reason: Reason(refused)}
		}
		// The key source failed. The token may be good, so this must not count as a refusal.
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
