// Package crosssite decides whether a request that a browser sends with a cookie comes from our own pages. A browser
// adds the cookie whoever makes it send the request, so an unsafe method needs more than the cookie (cross-site request
// forgery), and so does the handshake of a WebSocket, to which no CORS applies.
package crosssite

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/loopback"
)

// The request headers that Allowed judges by. No page can set them.
const (
	FetchSiteHeader = "Sec-Fetch-Site"
	OriginHeader    = "Origin"
)

// Allowed reports whether a request with these values of Sec-Fetch-Site and Origin, empty where it has none, may act on
// its cookie: it comes from our own origin, or from one on the list. "same-site" alone is not enough: the API of a
// stranger is same-site with ours where the Public Suffix List has a gap. "none" is not either: it is what a link
// outside of a browser starts. A client that sends neither header is no browser and has no use for a cookie.
func Allowed(fetchSite, origin string, origins []string) bool {
	return fetchSite == "same-origin" || origin != "" && slices.Contains(origins, origin)
}

// Safe reports whether a method asks for no effect (RFC 9110, section 9.2.1), so that a forged request gains nothing.
func Safe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// ErrOrigin says that a text is no origin as a browser writes one.
var ErrOrigin = errors.New("an origin is https://host or https://host:port in lower case, without a default port or a path (http for loopback only)")

// CheckOrigin holds an entry of the list to the one spelling that browsers send (RFC 6454, section 6.1): any other would
// never match. "null" is the origin of every sandboxed frame, a stranger's too.
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
