package authorizer

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Sessions tells if a verified access token may still be used. A session.Checker and a
// session.Manager implement it. It is safe for concurrent use.
type Sessions interface {
	// CheckToken returns why the token of p may not be used, as one word for the log, or "" if it
	// may. An error says that nothing was decided, for example because a store did not answer.
	CheckToken(ctx context.Context, p auth.Principal) (ended string, err error)
}

// errSessionsUnavailable is the answer if the sessions could not be read. Every gateway answers an
// error with a 5xx and caches nothing. A refusal would be wrong: the client would take it for the
// end of its session.
var errSessionsUnavailable = errors.New("the session could not be read")

// check applies Config.Sessions to a decision that allows the request. It comes last, so a request
// that is refused without it costs no I/O.
func (a *Authorizer) check(ctx context.Context, d *decision) {
	if d.Claims.Foreign {
		// The sessions of another issuer are not in this store.
		d.Outcome, d.Reason = outcomeUnauthenticated, reasonOtherIssuer
		return
	}
	switch ended, err := a.config.Sessions.CheckToken(ctx, principalOf(&d.Claims)); {
	case err != nil:
		d.Outcome, d.Reason = outcomeFault, reasonSessionsUnavailable
	case ended != "":
		d.Outcome, d.Reason = outcomeUnauthenticated, reason(ended)
	}
}
