// Package bearer parses the access token in an Authorization header.
package bearer

import "bytes"

// Problem is the reason why a header has no token, for logs.
type Problem string

// All problems of a header.
const (
	Missing     Problem = "no_token"         // the value is empty
	OtherScheme Problem = "not_bearer"       // the scheme is not Bearer
	Several     Problem = "several_tokens"   // has a comma, by which gateways join repeated headers
	Malformed   Problem = "malformed_header" // not a scheme, one space, and a token without spaces
)

// Parse returns the token in the value of an Authorization header, or the reason why it has no
// token. problem is "" if there is a token. The token is a slice of value.
//
// The scheme may have any case (RFC 9110, section 11.1). RFC 6750, section 2.1, allows several
// spaces after the scheme; Parse accepts only one, which is what clients send. It trims nothing.
func Parse(value []byte) (token []byte, problem Problem) {
	scheme, token, _ := bytes.Cut(value, []byte(" "))
	switch {
	case len(value) == 0:
		return nil, Missing
	case !bytes.EqualFold(scheme, []byte("Bearer")):
		return nil, OtherScheme
	case bytes.IndexByte(token, ',') >= 0: // tokens contain no commas
		return nil, Several
	case len(token) == 0 || bytes.IndexByte(token, ' ') >= 0:
		return nil, Malformed
	}
	return token, ""
}
