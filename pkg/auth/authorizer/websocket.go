package authorizer

import "strings"

// webSocket is a WebSocket API, which asks once for each connection: at its $connect route. Its events are those of
// REST, but for the ARN, which has no method. A browser's page cannot set a header there, but it can name subprotocols:
//
//	new WebSocket(url, ["access_token", token])
//
// Then the answer to the handshake must name access_token in Sec-WebSocket-Protocol, or the browser hangs up.
type webSocket struct{}

func (webSocket) reads(e event) bool {
	return string(e.kind) == "REQUEST" && len(e.version) == 0 && e.routeARN == "" && isConnect(e.methodARN)
}

func isConnect(arn string) bool {
	return strings.HasSuffix(arn, "/$connect") && parseARN(arn).resource == "$connect"
}

func (webSocket) request(a *Authorizer, e event) Request {
	e.connect = true
	return a.request(e, e.methodARN)
}

func (webSocket) answer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	return policyAnswer(a, r, d)
}
