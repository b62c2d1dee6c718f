// Package bearer reads an access token out of an Authorization header.
package bearer

import "bytes"

// Problem says why a header's value holds no token. Logs show it.
type Problem string

// All that can be wrong with a header's value.
const (
	Missing     Problem = "no_token"         // the value is empty
	OtherScheme Problem = "not_bearer"       // the scheme is not Bearer
	Several     Problem = "several_tokens"   // there is a comma, which is how gateways join repeated headers
	Malformed   Problem = "malformed_header" // not a scheme, one space, and a token without spaces
)

// Parse returns the token of an Authorization header's value, or why there is none; the problem is "" if there is one.
// The token is a part of value.
//
// The scheme may have any case (RFC 9110, section 11.1). RFC 6750, section 2.1, allows several spaces behind it. Clients
// send one, and one spelling is enough. Nothing is trimmed.
func Parse(value []byte) (token []byte, problem Problem) {
	scheme, token, _ := bytes.Cut(value, []byte(" "))
	switch {
	case len(value) == 0:
		return nil, Missing
	case !bytes.EqualFold(scheme, []byte("Bearer")):
		return nil, OtherScheme
	case bytes.IndexByte(token, ',') >= 0: // no token holds a comma
		return nil, Several
	case len(token) == 0 || bytes.IndexByte(token, ' ') >= 0:
		return nil, Malformed
	}
	return token, ""
}
