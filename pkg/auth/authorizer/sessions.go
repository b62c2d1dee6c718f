package authorizer

import (
	"context"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Sessions tells if a verified access token may still be used. A session.Checker, a session.Manager
// and a session.RevocationList implement it. It is safe for concurrent use.
type Sessions interface {
	// CheckToken returns why the token of p may not be used, as one word for the log, or "" if it
	// may. An error says that nothing was decided, for example because a store did not answer.
	CheckToken(ctx context.Context, p auth.Principal) (ended string, err error)
}

// Revocations are Sessions that know what has ended, and not what lives: a list in memory, which is
// kept up to date while requests are served. A session.RevocationList implements it.
//
// Tokens of other issuers pass: their sessions do not end here. AppSync may cache an answer for as
// long as a list is good without a read, which is 5 seconds.
type Revocations interface {
	Sessions
	// Refresh begins to read what is new, if it is time for that, and returns at once. It is called
	// before the signature of a token is verified, so that both happen at the same time. CheckToken
	// waits for the read.
	Refresh()
}

// revocationsTTL is how long AppSync may cache an answer that a list of revocations has allowed.
const revocationsTTL = 5 * time.Second

// errSessionsUnavailable is the answer if the sessions could not be read. Every gateway answers an
// error with a 5xx and caches nothing. A refusal would be wrong: the client would take it for the
// end of its session.
var errSessionsUnavailable = errors.New("the session could not be read")

// check applies Config.Sessions to a decision that allows the request. It comes last, so a request
// that is refused without it costs no I/O.
func (a *Authorizer) check(ctx context.Context, d *decision) {
	if d.Claims.Foreign {
		// The sessions of another issuer are not in this store.
		if a.revocations == nil {
			d.Outcome, d.Reason = outcomeUnauthenticated, reasonOtherIssuer
		}
		return
	}
	switch ended, err := a.config.Sessions.CheckToken(ctx, principalOf(&d.Claims)); {
	case err != nil:
		d.Outcome, d.Reason = outcomeFault, reasonSessionsUnavailable
	case ended != "":
		d.Outcome, d.Reason = outcomeUnauthenticated, reason(ended)
	}
}

// cacheable returns how long a gateway may cache an answer that allows a request, where life is what
// is left of the token's life.
func (a *Authorizer) cacheable(life time.Duration) time.Duration {
	switch {
	case a.config.Sessions == nil:
		return life
	case a.revocations == nil:
		return 0 // a cached answer is not checked
	}
	return min(life, revocationsTTL)
}
