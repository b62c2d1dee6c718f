package endpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
)

// A flow cookie holds an auth_session. With it, the link of a mail works only in the browser that
// asked for the mail: the link has the code and the reference by which the page names the flow, and
// the cookie has the rest. Each flow has its own cookie, so that a second tab does not overwrite an
// open flow. The name ends with the reference of the flow and four more characters.
//
// The cookie is Lax, because the first request after a link from a mail needs it.
const flowCookiePrefix = "__Host-Http-flow-"

// maxFlowCookies bounds the flow cookies of one browser. A new flow removes the oldest cookies.
const maxFlowCookies = 4

const (
	referenceChars = 4
	flowNameChars  = 8
	upperCase      = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func setFlowCookie(w http.ResponseWriter, r *http.Request, b flow.Begun) {
	names := flowCookies(r)
	// A browser sends the cookies in the order in which it received them (RFC 6265, section 5.4).
	for len(names) >= maxFlowCookies {
		names[0].clear(w)
		names = names[1:]
	}
	sum := sha256.Sum256([]byte(b.Session.Reveal()))
	rest := base64.RawURLEncoding.EncodeToString(sum[:])[:flowNameChars-referenceChars]
	flowCookie(b.Reference+rest).set(w, b.Session, b.ExpiresIn)
}

// flowCookie returns the cookie of a flow.
func flowCookie(name string) cookie { return cookie{flowCookiePrefix + name, http.SameSiteLaxMode} }

// flowCookies returns the flow cookies of a request, in the order of the request. It ignores names
// that this service never sets.
func flowCookies(r *http.Request) (all []cookie) {
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if rest, ok := strings.CutPrefix(name, flowCookiePrefix); ok && len(rest) == flowNameChars {
				all = append(all, flowCookie(rest))
			}
		}
	}
	return all
}

// flowSession returns the auth_session of the flow with this reference, from its cookie. If the
// cookie is missing, the browser did not ask for the mail, or the flow is over.
func (p pages) flowSession(r *http.Request, reference string) (string, error) {
	if len(reference) != referenceChars || strings.Trim(reference, upperCase) != "" {
		return "", invalidRequest("auth_session is required, or reference with the four letters of the mail")
	}
	var found []cookie
	for _, c := range flowCookies(r) {
		if strings.HasPrefix(c.name, flowCookiePrefix+reference) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return "", &problem{status: http.StatusBadRequest, code: errorcode.InvalidSession, description: "this browser has no flow with the reference"}
	}
	session, err := p.token(r, found[0])
	return session.Reveal(), err
}

// clearFlow removes the cookie that holds an auth_session from the browser.
func clearFlow(w http.ResponseWriter, r *http.Request, session string) {
	for _, c := range flowCookies(r) {
		if values := c.values(r); len(values) == 1 && values[0] == session {
			c.clear(w)
		}
	}
}
