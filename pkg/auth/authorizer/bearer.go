package authorizer

import "strings"

// bearer returns the token of an Authorization header's value, or why there is none. RFC 9110, section 11.1: the scheme
// in any case. RFC 6750, section 2.1, lets several spaces follow it; no client sends more than one, and one spelling is
// enough. The token is taken as it is: nothing is trimmed.
func bearer(credentials string) (token string, problem Reason) {
	scheme, token, _ := strings.Cut(credentials, " ")
	switch {
	case credentials == "":
		return "", ReasonNoToken
	case !strings.EqualFold(scheme, "Bearer"):
		return "", ReasonNotBearer
	case strings.Contains(token, ","): // the gateway joins duplicate headers by commas; no token holds one
		return "", ReasonSeveralTokens
	case token == "" || strings.Contains(token, " "):
		return "", ReasonMalformedHeader
	}
	return token, ""
}
