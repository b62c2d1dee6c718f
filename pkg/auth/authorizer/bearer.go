package authorizer

import "bytes"

// bearer returns the token of an Authorization header's value, or why there is none. RFC 9110, section 11.1: the scheme
// in any case. RFC 6750, section 2.1, lets several spaces follow it; no client sends more than one, and one spelling is
// enough. The token is taken as it is: nothing is trimmed.
func bearer(credentials []byte) (token []byte, problem Reason) {
	scheme, token, _ := bytes.Cut(credentials, []byte(" "))
	switch {
	case len(credentials) == 0:
		return nil, ReasonNoToken
	case !bytes.EqualFold(scheme, []byte("Bearer")):
		return nil, ReasonNotBearer
	case bytes.IndexByte(token, ',') >= 0: // the gateway joins duplicate headers by commas; no token holds one
		return nil, ReasonSeveralTokens
	case len(token) == 0 || bytes.IndexByte(token, ' ') >= 0:
		return nil, ReasonMalformedHeader
	}
	return token, ""
}
