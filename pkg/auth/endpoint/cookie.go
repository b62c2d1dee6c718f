package endpoint

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// cookie is a cookie that carries a token. No script can read it. The prefix __Host- prevents other
// hosts, and pages without TLS, from setting it (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2).
// In browsers that know the longer prefix __Host-Http-, scripts cannot set the cookie either; other
// browsers treat the name as one with __Host-.
type cookie struct {
	name string
	// site is Strict for a cookie that only the API's own pages send. It is Lax for a cookie that
	// the first request after a link from a mail needs: with Strict, that request would look logged
	// out. In both cases, the cross-site rule applies to requests with side effects.
	site http.SameSite
}

var (
	refreshCookie = cookie{"__Host-Http-refresh", http.SameSiteStrictMode}
	accessCookie  = cookie{"__Host-Http-access", http.SameSiteLaxMode}
	sessionCookie = cookie{"__Host-Http-session", http.SameSiteLaxMode}
	deviceCookie  = cookie{"__Host-Http-device", http.SameSiteStrictMode}
)

// maxCookieBytes is the maximum length of name and value in browsers. They silently drop a longer
// cookie (draft-ietf-httpbis-rfc6265bis, section 5.7).
const maxCookieBytes = 4096

// fits returns an error if a browser would drop the cookie with this token.
func (c cookie) fits(token auth.Secret) error {
	if n := len(c.name) + len(token.Reveal()); n > maxCookieBytes {
		return fmt.Errorf("the cookie %s would have %d bytes, and browsers drop a cookie above %d: its token must be %d bytes shorter "+
			"(want fewer roles or private claims of the user, or a shorter scope or audience of the client)",
			c.name, n, maxCookieBytes, n-maxCookieBytes)
	}
	return nil
}

// set puts a token into the cookie. life is how long the browser keeps the cookie. If life is below
// a second, the browser keeps it until the browser is closed.
func (c cookie) set(w http.ResponseWriter, token auth.Secret, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name, Value: token.Reveal(), Path: "/", MaxAge: int(wholeSeconds(life)), Secure: true, HttpOnly: true, SameSite: c.site,
	})
}

// clear removes the cookie from the browser.
func (c cookie) clear(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: c.name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: c.site})
}

// values returns the non-empty values of the cookie in the request. It includes values that
// net/http drops as malformed, so that a malformed token counts as an invalid token, and not as a
// missing token.
func (c cookie) values(r *http.Request) (values []string) {
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name == c.name && value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// pages are the origins whose pages may send and receive cookies, besides the API's own origin.
type pages []string

// newPages returns the pages of the origins, or an error that names an invalid one.
func newPages(origins []string) (pages, error) {
	for _, origin := range origins {
		if err := crosssite.CheckOrigin(origin); err != nil {
			return nil, fmt.Errorf("%q: %w", origin, err)
		}
	}
	return origins, nil
}

// ours applies the cross-site rule to requests with an unsafe method, and to requests that ask for
// a cookie.
func (p pages) ours(r *http.Request) bool { return p.pass(r, crosssite.Allowed) }

// mayUse applies the cross-site rule to a request with a cookie.
func (p pages) mayUse(r *http.Request) bool {
	if crosssite.Safe(r.Method) {
		return p.pass(r, crosssite.MayRead)
	}
	return p.ours(r)
}

// pass applies a rule to the headers of r. A repeated header matches no origin.
func (p pages) pass(r *http.Request, rule func(fetchSite, origin string, origins []string) bool) bool {
	fetchSite := strings.Join(r.Header.Values(crosssite.FetchSiteHeader), ",")
	origin := strings.Join(r.Header.Values(crosssite.OriginHeader), ",")
	return rule(fetchSite, origin, p)
}

// token returns the token in a cookie of the request, or the empty Secret if the cookie is missing.
// A browser sends the cookie no matter which page causes the request, so the cross-site rule
// applies.
func (p pages) token(r *http.Request, c cookie) (auth.Secret, error) {
	values := c.values(r)
	switch {
	case len(values) == 0:
		return auth.Secret{}, nil
	case !p.mayUse(r):
		return auth.Secret{}, foreignPage("sends or requests the cookie " + c.name)
	case len(values) > 1:
		return auth.Secret{}, invalidRequest("the cookie %s must not be sent more than once", c.name)
	}
	return auth.NewSecret(values[0]), nil
}

// foreignPage refuses a request that does not pass the cross-site rule. what completes the sentence
// of the description.
func foreignPage(what string) *problem {
	return &problem{status: http.StatusForbidden, code: errorcode.OriginNotAllowed,
		description: "a request that " + what + " must come from the API's own origin or a configured one"}
}
