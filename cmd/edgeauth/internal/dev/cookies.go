package dev

import (
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// The functions set cookies that require TLS: their names begin with __Host-Http-, and they are Secure.
// Over plain http some browsers drop them (Safari even on loopback), so the local server replaces
// the prefix and removes Secure. The functions are not aware of it.
const (
	securePrefix = "__Host-Http-"
	localPrefix  = "edgeauth-"
)

// toFunction restores the names of the cookies in a request that the functions know.
func toFunction(cookies []string) []string {
	renamed := make([]string, len(cookies))
	for i, cookie := range cookies {
		renamed[i] = cookie
		if rest, ours := strings.CutPrefix(cookie, localPrefix); ours {
			renamed[i] = securePrefix + rest
		}
	}
	return renamed
}

// toBrowser renames the cookies in an answer and removes Secure.
func toBrowser(answer events.APIGatewayV2HTTPResponse) events.APIGatewayV2HTTPResponse {
	cookies := make([]string, len(answer.Cookies))
	for i, line := range answer.Cookies {
		cookies[i] = line
		cookie, err := http.ParseSetCookie(line)
		if err != nil || !strings.HasPrefix(cookie.Name, securePrefix) {
			continue
		}
		cookie.Name, cookie.Secure = localPrefix+strings.TrimPrefix(cookie.Name, securePrefix), false
		cookies[i] = cookie.String()
	}
	answer.Cookies = cookies
	return answer
}
