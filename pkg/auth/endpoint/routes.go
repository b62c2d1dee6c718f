// Package endpoint speaks the HTTP contract: one file per endpoint, each an http.Handler, so that a Lambda function,
// the local server and a container serve the very same ones. Package gateway stands in front of them on Lambda.
//
// Input is taken strictly: bodies of at most 8 KB, one reading of each, parameters by their exact names and once.
// Parameters that nobody knows are ignored (RFC 6749, section 3.2), and so is the query string: secrets do not belong
// into addresses. Answers are JSON and, but for the public keys and metadata, never stored by a cache.
package endpoint

import "net/http"

// Route is one address of the API.
type Route struct {
	Method, Path string
	// Function names the folder under functions/ whose Lambda function answers.
	Function string
	// Public routes have no authorizer in front.
	Public bool
}

// Routes returns the one table of routes. The local server serves it, and tests hold everything else that lists
// routes to it.
func Routes() []Route {
	return []Route{
		{http.MethodPost, loginPath, "login", true},
		{http.MethodPost, refreshPath, "refresh", true},
		{http.MethodPost, logoutPath, "sessions", true},
		{http.MethodPost, passwordPath, "account", true},
		{http.MethodGet, keysPath, "discovery", true},
		{http.MethodHead, keysPath, "discovery", true},
		{http.MethodGet, serverMetadataPath, "discovery", true},
		{http.MethodHead, serverMetadataPath, "discovery", true},
		{http.MethodGet, providerMetadataPath, "discovery", true},
		{http.MethodHead, providerMetadataPath, "discovery", true},
	}
}

const (
	loginPath    = "/auth/login"
	refreshPath  = "/auth/refresh"
	logoutPath   = "/auth/logout"
	passwordPath = "/auth/password"

	keysPath             = "/.well-known/jwks.json"
	serverMetadataPath   = "/.well-known/oauth-authorization-server"
	providerMetadataPath = "/.well-known/openid-configuration"
)

// only lets requests for one route through. A function may be reached by other ways than its route.
func only(method, path string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != path:
			NotFound(w, r)
		case r.Method != method:
			MethodNotAllowed(w, method)
		default:
			next(w, r)
		}
	})
}
