package authorizer

// httpV1 is an HTTP API's authorizer with payload format 1.0. It gets the policies of REST, but to it an error is a 500.
type httpV1 struct{}

func (httpV1) reads(e event) bool {
	return string(e.kind) == "REQUEST" && string(e.version) == "1.0" && e.methodARN != "" && e.routeARN == ""
}

func (httpV1) request(a *Authorizer, e event) Request { return a.request(e, e.methodARN) }

func (httpV1) answer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	return policyAnswer(a, r, d)
}
