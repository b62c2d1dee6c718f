package dev

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/crosssite"
)

// edgeauth's cookies require TLS: their names begin with __Host-Http-, and they are Secure. Over plain
// http some browsers drop them (Safari even on loopback), so the server replaces the prefix and
// removes Secure on the way to the browser, and restores the names on the way back. The programs
// behind the gateway do not notice this: the functions, the authorizers and the upstream see the
// names of a deployment. Over TLS nothing is renamed.
const (
	securePrefix = "__Host-Http-"
	localPrefix  = "edgeauth-"
)

// fromBrowser returns r with the names of cookies that a deployment has. Over plain http,
// fromBrowser omits a cookie that already has a name of a deployment: the browser got this cookie
// over TLS, from the same host, before the server was restarted without TLS.
func fromBrowser(r *http.Request) *http.Request {
	if r.TLS != nil || len(r.Header["Cookie"]) == 0 {
		return r
	}
	var kept []string
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			cookie = strings.TrimSpace(cookie)
			if cookie == "" || strings.HasPrefix(cookie, securePrefix) {
				continue
			}
			if rest, ours := strings.CutPrefix(cookie, localPrefix); ours {
				cookie = securePrefix + rest
			}
			kept = append(kept, cookie)
		}
	}
	renamed := *r
	renamed.Header = maps.Clone(r.Header)
	renamed.Header.Del("Cookie")
	if len(kept) > 0 {
		renamed.Header.Set("Cookie", strings.Join(kept, "; "))
	}
	return &renamed
}

// toBrowser returns the Set-Cookie header lines of an answer as the browser gets them.
func toBrowser(r *http.Request, lines []string) []string {
	if r.TLS != nil || len(lines) == 0 {
		return lines
	}
	renamed := slices.Clone(lines)
	for i, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		if err != nil || !strings.HasPrefix(cookie.Name, securePrefix) {
			continue
		}
		cookie.Name, cookie.Secure = localPrefix+strings.TrimPrefix(cookie.Name, securePrefix), false
		renamed[i] = cookie.String()
	}
	return renamed
}

// foreignHandshake reports whether r is a WebSocket handshake with one of edgeauth's cookies from a page
// that may not send it. CORS does not apply to handshakes, so the page could read and send messages
// as the user. An HTTP API has no WebSockets, so its authorizers do not check handshakes. origins
// are those of EDGEAUTH_CONFIG. Some browsers send no Sec-Fetch-Site with a handshake, so the
// server's own Origin counts too.
func foreignHandshake(r *http.Request, origins []string) bool {
	ours := func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, securePrefix) }
	if !isHandshake(r) || !slices.ContainsFunc(r.Cookies(), ours) {
		return false
	}
	fetchSite := strings.Join(r.Header.Values(crosssite.FetchSiteHeader), ",")
	origin := strings.Join(r.Header.Values(crosssite.OriginHeader), ",")
	return origin != ownOrigin(r) && !crosssite.Allowed(fetchSite, origin, origins)
}

// ownOrigin returns the origin of this server as the browser that sent r names it.
func ownOrigin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// forAuthorizer returns r in the form that an authorizer can judge. The authorizers do not know the
// origin of the API, and rely on Sec-Fetch-Site. This server knows its own origin.
func forAuthorizer(r *http.Request) *http.Request {
	if !isHandshake(r) || strings.Join(r.Header.Values(crosssite.OriginHeader), ",") != ownOrigin(r) {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set(crosssite.FetchSiteHeader, "same-origin")
	return r
}
