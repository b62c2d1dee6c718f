package authorizer

// place is one kind of gateway that asks: it knows where that kind puts a token and how it wants to be answered.
type place interface {
	// reads tells whether e has the shape of this kind's events. No two places read the same event.
	reads(e *event) bool
	// request returns what the decision needs of e.
	request(e *event) Request
	// answer encodes d, which is no fault. It errs where r.ARN is malformed and the answer has to name it.
	answer(c Config, r Request, d Decision) ([]byte, error)
}

// places are all kinds of gateway, in no order.
var places = []place{
	httpV2{},
}

func placeOf(e *event) place {
	for _, p := range places {
		if p.reads(e) {
			return p
		}
	}
	return nil
}
