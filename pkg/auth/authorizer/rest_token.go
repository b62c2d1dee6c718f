package authorizer

import (
	"errors"

	"github.com/edgeauth/edgeauth/internal/config"
)

// restToken is a TOKEN authorizer of a REST API. The event holds the value of one header, without
// the header's name.
type restToken struct{}

func (restToken) reads(e event) bool {
	// serverless-offline adds a version, which the gateway does not send.
	return string(e.kind) == "TOKEN" && e.methodARN != "" && e.routeARN == ""
}

// request treats the value as the value of the first configured header.
func (restToken) request(a *Authorizer, e event) request {
	r := request{ID: e.requestID, ARN: e.methodARN, Problem: reasonNoToken, target: parseARN(e.methodARN), byPolicy: true}
	if len(a.sources.headers) > 0 {
		r.Token, r.Problem = credentials(pair{a.sources.headers[0], e.authorization})
	}
	return r
}

func (restToken) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	return restAnswer(a, r, d)
}

// errUnauthorized makes a REST API answer 401. The gateway compares the text, so the capital letter
// is required.
var errUnauthorized = errors.New("Unauthorized")

// restAnswer answers as the configuration says if the token is missing or invalid. A valid token
// always gets a policy: a refusal becomes 403, because a new login would not help.
func restAnswer(a *Authorizer, r request, d decision) ([]byte, error) {
	if d.Outcome == outcomeUnauthenticated && a.config.Deny != config.DenyPolicy {
		return nil, errUnauthorized
	}
	return policyAnswer(a, r, d)
}
