package authorizer

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// OpaqueSessions checks the tokens of opaque sessions. service.SessionChecker implements it.
// Implementations are safe for concurrent use.
type OpaqueSessions interface {
	// CheckOpaque checks the text of the session cookie. An error decides nothing, for example
	// because a store did not answer.
	CheckOpaque(ctx context.Context, text auth.Secret) (OpaqueCheck, error)
}

// OpaqueCheck is the result of a check of an opaque session.
type OpaqueCheck struct {
	// Ended is why the token is not valid, as one word for the log, or "" if it is valid.
	Ended string
	// Claims are the claims that an access token of the session would have now. Expires is the time
	// until which a backend may rely on this check.
	Claims token.Claims
	// Replaced are the sids of sessions of the same user and client that the check has ended
	// because this session has replaced them.
	Replaced []string
	// Fault is a failed write that changes no decision, for the log, or nil.
	Fault error
}

const (
	// sessionCookie is the only place from which the authorizer accepts the token of an opaque
	// session. No script can read or set the cookie. A header would mean that scripts can read the
	// token, and would bypass the rule against requests from other sites.
	sessionCookie = "__Host-Http-session"
	// sessionPrefix begins the token of every opaque session.
	sessionPrefix = "ess_"

	outcomeEnded  = "ended"   // the outcome in the line of a replaced session
	endedByStepUp = "step_up" // the reason in the line of a replaced session
)

// decideOpaque decides about a request with the token of an opaque session. The session is read
// before the rules of the route are applied, because the token itself says nothing about its user.
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
