package authorizer

// restRequest is a REQUEST authorizer of a REST API.
type restRequest struct{}

func (restRequest) reads(e event) bool {
	return string(e.kind) == "REQUEST" && len(e.version) == 0 && e.methodARN != "" && e.routeARN == "" && !isConnect(e.methodARN)
}

func (restRequest) request(a *Authorizer, e event) request { return a.request(e, e.methodARN) }

func (restRequest) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	return restAnswer(a, r, d)
}
