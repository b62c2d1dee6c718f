// Package crosssite decides whether a request with a cookie comes from a trusted page.
//
//	ok := crosssite.Allowed(fetchSite, origin, []string{"https://app.example.com"})
//
// A browser adds the cookie no matter which page causes the request, so the cookie alone does not
// authorize an unsafe method (cross-site request forgery). It does not authorize a WebSocket
// handshake either, because CORS does not apply to handshakes.
package crosssite

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/loopback"
)

// The request headers that Allowed checks. No page can set them.
const (
	FetchSiteHeader = "Sec-Fetch-Site"
	OriginHeader    = "Origin"
)

// Allowed reports whether a request may use its cookie: it comes from the API's own origin, or from
// an origin on the list. Pass the values of Sec-Fetch-Site and Origin, or "" for a missing header.
// "same-site" is not enough, because another customer's API can be same-site if the Public Suffix
// List has a gap. "none" is not enough, because it includes links outside of a browser. A client
// that sends neither header is not a browser and needs no cookie.
func Allowed(fetchSite, origin string, origins []string) bool {
	return fetchSite == "same-origin" || origin != "" && slices.Contains(origins, origin)
}

// MayRead reports whether a request with a safe method may use its cookie. Pass what Allowed takes.
// A request without an Origin may use its cookie. A link from another site has no Origin, and
// neither has a GET of the API's own page in Safari before 16.4, which also sends no
// Sec-Fetch-Site. A GET with an Origin comes from a script of another origin that reads the answer
// by CORS. This origin must be on the list too: the list of CORS is for callers with a token.
func MayRead(fetchSite, origin string, origins []string) bool {
	return origin == "" || Allowed(fetchSite, origin, origins)
}

// Safe reports whether a method is safe (RFC 9110, section 9.2.1), so that a forged request has no
// effect.
func Safe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// ErrOrigin means that a text is not an origin in the form that browsers send.
var ErrOrigin = errors.New("invalid origin (want https://host or https://host:port in lower case, without a default port or a path; http for loopback only)")

// CheckOrigin returns an error unless text has the form in which browsers send an origin (RFC 6454,
// section 6.1). Any other form would never match. "null" is refused: every sandboxed frame has it,
// on any site.
func CheckOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || text != u.Scheme+"://"+u.Host || text != strings.ToLower(text) ||
		strings.ContainsAny(u.Hostname(), "*%_") || strings.HasSuffix(u.Host, ":") {
		return ErrOrigin
	}
	switch {
	case u.Scheme == "https" && u.Port() != "443":
		return nil
	case u.Scheme == "http" && u.Port() != "80" && loopback.IsHost(u.Hostname()):
		return nil
	}
	return ErrOrigin
}
