package authorizer

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// OpaqueSessions is what the authorizer reads of opaque sessions. service.SessionChecker implements
// it. It is safe for concurrent use.
type OpaqueSessions interface {
	// CheckOpaque checks the text of the session cookie. An error says that nothing was decided, for
	// example because a store did not answer.
	CheckOpaque(ctx context.Context, text auth.Secret) (OpaqueCheck, error)
}

// OpaqueCheck is the result of a check of an opaque session.
type OpaqueCheck struct {
	// Ended is why the token opens nothing, as one word for the log, or "" if it opens its session.
	Ended string
	// Claims are what an access token of the session would say now. Expires is the time until which a
	// backend may rely on this check.
	Claims token.Claims
	// Replaced are the sids of sessions of the same user and client that the check has ended because
	// this session has taken their place.
	Replaced []string
	// Fault is a failed write that changes no decision, for the log, or nil.
	Fault error
}

const (
	// sessionCookie is the one place from which the token of an opaque session is taken. No script can
	// read or set the cookie. From a header the token would come from where scripts can read it, and
	// past the rule against requests of other sites.
	sessionCookie = "__Host-Http-session"
	// sessionPrefix begins the token of every opaque session.
	sessionPrefix = "ess_"

	outcomeEnded  = "ended"   // of a line about a replaced session
	endedByStepUp = "step_up" // its reason
)

// decideOpaque decides about a request with the token of an opaque session. The session is read before
// the rules of the route are applied, because the token itself says nothing about its user.
func (a *Authorizer) decideOpaque(ctx context.Context, r request) decision {
	if !r.opaque || a.opaque == nil {
		return decision{Outcome: outcomeUnauthenticated, Reason: reasonSessionToken}
	}
	checked, err := a.opaque.CheckOpaque(ctx, auth.NewSecret(string(r.Token)))
	switch {
	case err != nil:
		return decision{Outcome: outcomeFault, Reason: reasonSessionsUnavailable}
	case checked.Ended != "":
		return decision{Outcome: outcomeUnauthenticated, Reason: reason(checked.Ended)}
	}
	d := decision{Outcome: outcomeAllow, Reason: reasonOK, Claims: checked.Claims, ended: checked.Replaced, fault: checked.Fault}
	a.applyRules(r, &d)
	return d
}
