package authorizer

// httpV1 is an HTTP API authorizer with payload format 1.0. Its answers are the policies of REST
// APIs, but an error becomes a 500.
type httpV1 struct{}

func (httpV1) reads(e event) bool {
	return string(e.kind) == "REQUEST" && string(e.version) == "1.0" && e.methodARN != "" && e.routeARN == ""
}

func (httpV1) request(a *Authorizer, e event) request { return a.request(e, e.methodARN) }

func (httpV1) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	return policyAnswer(a, r, d)
}
