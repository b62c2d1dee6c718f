package authorizer

// place is one kind of gateway. It extracts the token from the gateway's events and answers in the
// gateway's format. The methods take values, because pointers would cost an allocation for each
// event.
type place interface {
	// reads reports whether e is an event of this kind. No two places read the same event.
	reads(e event) bool
	// request returns the input of the decision.
	request(a *Authorizer, e event) request
	// answer encodes d. It returns errUnauthorized if the gateway requires that error. It returns a
	// fault if the policy needs an ARN that is malformed, or if the context does not fit.
	answer(a *Authorizer, r request, d decision) ([]byte, error)
}

// places holds all kinds of gateway. The order does not matter.
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

// request returns the request of an event with the client's headers, cookies and query string.
//
// A gateway may write the context into identity headers for its backend. AWS does not document
// whether the client's own header stays if the context lacks the key, and a gateway replaces only
// the exact name. So every request in which the client sends an identity header is refused.
func (a *Authorizer) request(e event, arn string) request {
	token, opaque, problem := a.sources.find(&e.carried, a.config.Origins)
	return request{
		ID: e.requestID, ARN: arn, Token: token, opaque: opaque, Problem: problem, target: parseARN(arn), byPolicy: true,
		methods: e.otherMethods(), identity: e.identity,
	}
}

// Answers without a policy. AppSync would cache a refusal without ttlOverride.
const (
	yes        = `{"isAuthorized":true,"context":` // incomplete: the context follows
	no         = `{"isAuthorized":false}`
	noUncached = `{"isAuthorized":false,"ttlOverride":0}`
)
