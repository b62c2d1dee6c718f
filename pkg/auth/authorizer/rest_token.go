package authorizer

import (
	"errors"

	"github.com/edgeauth/edgeauth/internal/config"
)

// restToken is a REST API's TOKEN authorizer. The gateway sends the value of one header and does not say which.
type restToken struct{}

func (restToken) reads(e event) bool {
	return string(e.kind) == "TOKEN" && e.methodARN != "" && e.routeARN == "" && len(e.version) == 0
}

// request takes the value for that of the first header among the places of a token.
func (restToken) request(a *Authorizer, e event) Request {
	r := Request{ID: e.requestID, ARN: e.methodARN, Problem: ReasonNoToken, target: parseARN(e.methodARN)}
	if len(a.sources.headers) > 0 {
		r.Token, r.Problem = credentials(pair{a.sources.headers[0], e.authorization})
	}
	return r
}

func (restToken) answer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	return restAnswer(a, r, d)
}

// errUnauthorized makes a REST API answer 401. The gateway compares the text, which therefore begins with a capital.
var errUnauthorized = errors.New("Unauthorized")

// restAnswer lets the configuration choose what a client without a good token gets. One with a good token that may not
// do this gets a policy in any case, and 403: another login would not help it.
func restAnswer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	if d.Outcome == Unauthenticated && a.config.Deny != config.DenyPolicy {
		return nil, errUnauthorized
	}
	return policyAnswer(a, r, d)
}
