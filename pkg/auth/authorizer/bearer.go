package authorizer

import "github.com/edgeauth/edgeauth/internal/bearer"

// bearerToken returns the token in the value of an Authorization header, or the reason why it has
// no token.
func bearerToken(value []byte) (token []byte, problem reason) {
	token, wrong := bearer.Parse(value)
	return token, reason(wrong)
}
