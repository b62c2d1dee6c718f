package authorizer

import "github.com/edgeauth/edgeauth/internal/bearer"

// bearerToken returns the token of an Authorization header's value, or why there is none.
func bearerToken(value []byte) (token []byte, problem Reason) {
	token, wrong := bearer.Parse(value)
	return token, Reason(wrong)
}
