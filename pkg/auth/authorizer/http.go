package authorizer

import (
	"encoding/json"

	"github.com/edgeauth/edgeauth/pkg/auth/config"
)

// httpV2 is an HTTP API's authorizer with payload format 2.0. Its events are the same whether the gateway wants
// a simple answer or a policy.
type httpV2 struct{}

func (httpV2) reads(e *event) bool {
	return e.kind == "REQUEST" && e.version == "2.0" && e.routeARN != "" && e.methodARN == ""
}

func (httpV2) request(e *event) Request {
	token, problem := bearer(e.headers)
	return Request{ID: e.requestID, ARN: e.routeARN, Token: token, Problem: problem}
}

func (httpV2) answer(c Config, r Request, d Decision) ([]byte, error) {
	if c.HTTPResponse == config.ResponseIAM {
		return policyAnswer(r, d)
	}
	if d.Outcome == Allow {
		return json.Marshal(simpleAnswer{IsAuthorized: true, Context: contextOf(d.Claims)})
	}
	return json.Marshal(simpleAnswer{})
}

// simpleAnswer is a yes or a no without a policy.
type simpleAnswer struct {
	IsAuthorized bool              `json:"isAuthorized"`
	Context      map[string]string `json:"context,omitempty"`
}
