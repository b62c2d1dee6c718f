package dev

import (
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// The functions set cookies that demand TLS: the prefix of their names, and Secure. On plain http some browsers drop such
// (Safari does, on loopback too), so here they have another prefix and go without. The functions know nothing of it.
const (
	securePrefix = "__Host-"
	localPrefix  = "edgeauth-"
)

// toFunction gives our cookies of a request the names that the functions know.
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

// toBrowser undoes it in an answer.
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
