package authorizer

import "github.com/edgeauth/edgeauth/internal/config"

// httpV2 is an HTTP API authorizer with payload format 2.0. The event does not say whether the
// gateway expects a simple response or a policy.
type httpV2 struct{}

func (httpV2) reads(e event) bool {
	return string(e.kind) == "REQUEST" && string(e.version) == "2.0" && e.routeARN != "" && e.methodARN == ""
}

func (httpV2) request(a *Authorizer, e event) request {
	r := a.request(e, e.routeARN)
	r.byPolicy = a.config.HTTPResponse == config.ResponseIAM
	return r
}

func (httpV2) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	switch {
	case a.config.HTTPResponse == config.ResponseIAM:
		return policyAnswer(a, r, d)
	case d.Outcome != outcomeAllow:
		return []byte(no), nil
	}
	to := append(make([]byte, 0, len(yes)+contextBytes), yes...)
	to, err := appendContext(to, &d.Claims, a.config.ContextClaims)
	return append(to, '}'), err
}
