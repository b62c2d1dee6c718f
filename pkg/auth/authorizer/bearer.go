package authorizer

import (
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// bearer returns the token of the Authorization header, or why there is none. Names are in lower case behind a real
// HTTP API, and as the client wrote them elsewhere.
func bearer(headers []strictjson.Member) (token string, problem Reason) {
	credentials := ""
	for _, header := range headers {
		if !strings.EqualFold(header.Name, "authorization") || header.Raw == "null" {
			continue
		}
		value, err := strictjson.String(header.Raw)
		if err != nil {
			return "", ReasonMalformedHeader
		}
		// Choosing one of two would let whoever adds a header choose for us, and a backend may choose the other.
		if credentials != "" && credentials != value {
			return "", ReasonSeveralTokens
		}
		credentials = value
	}
	if credentials == "" {
		return "", ReasonNoToken
	}
	// RFC 9110, section 11.1: the scheme in any case. RFC 6750, section 2.1, lets several spaces follow it; no client
	// sends more than one, and one spelling is enough. The token is taken as it is: nothing is trimmed.
	scheme, token, _ := strings.Cut(credentials, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", ReasonNotBearer
	case strings.Contains(token, ","): // the gateway joins duplicate headers by commas; no token holds one
		return "", ReasonSeveralTokens
	case token == "" || strings.Contains(token, " "):
		return "", ReasonMalformedHeader
	}
	return token, ""
}
