package authorizer

import "strings"

// webSocket is the authorizer of a WebSocket API. The gateway calls it once for each connection, at
// the route $connect. The events are those of REST APIs except for the ARN, which has no method. A
// browser page cannot set headers on a WebSocket, but it can name subprotocols:
//
//	new WebSocket(url, ["access_token", token])
//
// The answer to the handshake must then name access_token in Sec-WebSocket-Protocol, or the browser
// closes the connection.
type webSocket struct{}

// connectRoute is the key of the route that opens a WebSocket.
const connectRoute = "$connect"

func (webSocket) reads(e event) bool {
	return string(e.kind) == "REQUEST" && len(e.version) == 0 && e.routeARN == "" && isConnect(e.methodARN)
}

func isConnect(arn string) bool {
	return strings.HasSuffix(arn, "/"+connectRoute) && parseARN(arn).resource == connectRoute
}

func (webSocket) request(a *Authorizer, e event) request {
	e.connect = true
	return a.request(e, e.methodARN)
}

func (webSocket) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	return policyAnswer(a, r, d)
}
