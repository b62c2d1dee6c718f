// Package endpoint implements the HTTP endpoints of edgeauth: one file for each endpoint, and one
// http.Handler for each function.
//
//	h, err := endpoint.Refresh(responder, sessions) // answers POST /auth/refresh
//
// A Lambda function, the local server and a container serve the same handlers. On Lambda, package
// gateway stands in front of them.
//
// Input is read strictly. A body has at most 8 KB. A parameter counts only under its exact name and
// must not be repeated. Unknown parameters are ignored (RFC 6749, section 3.2). The query string is
// ignored too, because secrets do not belong in URLs; only the list of sessions reads some of its
// parameters. Answers are JSON and must not be cached, except for the public keys and the metadata.
// No answer is a redirect.
package endpoint
