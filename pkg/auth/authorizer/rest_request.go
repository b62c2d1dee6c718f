package authorizer

// restRequest is a REQUEST authorizer of a REST API.
type restRequest struct{}

func (restRequest) reads(e event) bool {
	return string(e.kind) == "REQUEST" && len(e.version) == 0 && e.methodARN != "" && e.routeARN == "" && !isConnect(e.methodARN)
}

func (restRequest) request(a *Authorizer, e event) Request { return a.request(e, e.methodARN) }

func (restRequest) answer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	return restAnswer(a, r, d)
}
