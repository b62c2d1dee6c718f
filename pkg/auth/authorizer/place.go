package authorizer

// place is one kind of gateway that asks: it knows where that kind puts a token and how it wants to be answered. It is
// given values and no pointers, behind which each event would cost memory of its own.
type place interface {
	// reads tells whether e has the shape of this kind's events. No two places read the same event.
	reads(e event) bool
	// request returns what the decision needs of e.
	request(a *Authorizer, e event) Request
	// answer encodes d. It returns errUnauthorized where the gateway wants that error, and a fault where r's ARN is
	// malformed and the answer has to name it, or where the context does not fit.
	answer(a *Authorizer, r Request, d Decision) ([]byte, error)
}

// places are all kinds of gateway, in no order.
var places = []place{
	restToken{},
	restRequest{},
	httpV1{},
	httpV2{},
	webSocket{},
	appSync{},
}

func placeOf(e event) place {
	for _, p := range places {
		if p.reads(e) {
			return p
		}
	}
	return nil
}

// request returns the request of an event that carries its token as its client sent it.
func (a *Authorizer) request(e event, arn string) Request {
	token, problem := a.sources.find(&e.carried, a.config.Origins)
	return Request{ID: e.requestID, ARN: arn, Token: token, Problem: problem, target: parseARN(arn)}
}

// The answers of those that take a no without a policy. AppSync would keep one that does not forbid it.
const (
	yes        = `{"isAuthorized":true,"context":` // begins one
	no         = `{"isAuthorized":false}`
	noUncached = `{"isAuthorized":false,"ttlOverride":0}`
)
