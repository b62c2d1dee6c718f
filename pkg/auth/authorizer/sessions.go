package authorizer

import (
	"context"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Sessions checks whether a verified access token may still be used. session.Checker,
// session.Manager and session.RevocationList implement it. Implementations are safe for concurrent
// use.
type Sessions interface {
	// CheckToken returns why the token of p may not be used, as one word for the log, or "" if it
	// may be used. An error decides nothing, for example because a store did not answer.
	CheckToken(ctx context.Context, p auth.Principal) (ended string, err error)
}

// Revocations are Sessions that know the ended sessions instead of the open ones: a list in memory,
// which is kept up to date while requests are served. session.RevocationList implements it.
//
// Tokens of other issuers pass, because their sessions do not end here. AppSync may cache an answer
// for 5 seconds, the time for which a list is good without a read.
type Revocations interface {
	Sessions
	// Refresh begins to read new entries if a read is due, and returns at once. The authorizer
	// calls it before it verifies the signature of a token, so that both happen at the same time.
	// CheckToken waits for the read.
	Refresh()
}

// revocationsTTL is how long AppSync may cache an answer that a list of revocations has allowed.
const revocationsTTL = 5 * time.Second

// errSessionsUnavailable is the answer if the sessions could not be read. Every gateway answers an
// error with a 5xx and caches nothing. A refusal would be wrong, because the client would think
// that its session has ended.
var errSessionsUnavailable = errors.New("the session could not be read")

// check applies Config.Sessions to a decision that allows the request. It runs last, so that a
// refused request costs no I/O.
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

// cacheable returns how long a gateway may cache an answer that allows a request. life is the
// remaining lifetime of the token.
func (a *Authorizer) cacheable(life time.Duration) time.Duration {
	switch {
	case a.config.Sessions == nil:
		return life
	case a.revocations == nil:
		return 0 // a cached answer is not checked
	}
	return min(life, revocationsTTL)
}
