package authorizer

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Rule says which tokens may use a route. A rule without requirements opens its route to every
// valid token.
type Rule struct {
	// Route has one of three forms. "METHOD /path" has a method or ANY; the path is literal, may
	// contain segments "{name}", each of which matches any one segment, and may end in "/*", which
	// matches everything below. "$connect" and "$default" are routes by name. "Type.field" is a
	// field of a GraphQL schema.
	//
	// GET also matches HEAD. A literal path also matches with a final slash, and a path that ends
	// in "/*" also matches without "/*", because routers treat these as the same path. A request
	// must also satisfy the rules that match its path without regard to case, because some routers
	// ignore case. If the request names another method in X-HTTP-Method-Override, X-HTTP-Method,
	// X-Method-Override or the parameter _method of its query string, the rules must allow that
	// method too.
	//
	// A route is not a pattern of http.ServeMux. The method is required, and a host is not allowed.
	// A path other than "/" must not end in "/"; use "/*" for the paths below a path. "{name...}"
	// and "{$}" are not valid. The most specific rule does not win: a request must satisfy every
	// rule that matches it, except that a literal route takes precedence over a route with "{name}"
	// of the same method. A segment that begins with ":" is an error, because some routers would
	// treat it as a parameter.
	Route string
	// APIs are the ids of the APIs that the rule applies to; a rule without APIs applies to every
	// API. A request without a gateway has no API.
	APIs       []string
	Scopes     []string      // the token needs all of these
	Roles      []string      // if not empty, the token needs at least one of these
	MaxAuthAge time.Duration // the maximum time since the password check; 0 means no limit
}

// concerns reports whether the rule applies to the API.
func (r *Rule) concerns(api string) bool { return len(r.APIs) == 0 || slices.Contains(r.APIs, api) }

// demands reports whether the rule requires more than a valid token.
func (r *Rule) demands() bool { return len(r.Scopes) > 0 || len(r.Roles) > 0 || r.MaxAuthAge > 0 }

// demandsAsMuch reports whether both rules have the same requirements.
func (r *Rule) demandsAsMuch(as *Rule) bool {
	return slices.Equal(r.Scopes, as.Scopes) && slices.Equal(r.Roles, as.Roles) && r.MaxAuthAge == as.MaxAuthAge
}

// unmet returns the first requirement that the token does not meet, or "".
func (r *Rule) unmet(c *token.Claims, now time.Time) reason {
	for _, s := range r.Scopes {
		if !slices.Contains(c.Scope, s) {
			return reasonInsufficientScope
		}
	}
	if len(r.Roles) > 0 && !slices.ContainsFunc(r.Roles, func(role string) bool { return slices.Contains(c.Roles, role) }) {
		return reasonMissingRole
	}
	// A token without auth_time has the zero time, which is older than any limit. A time in the
	// future would never become stale, so it is refused beyond the leeway.
	if r.MaxAuthAge > 0 && (now.Sub(c.AuthTime) > r.MaxAuthAge || c.AuthTime.Sub(now) > token.Leeway) {
		return reasonStaleLogin
	}
	return ""
}

var (
	errWords  = errors.New("scopes and roles must be distinct words without spaces")
	errMaxAge = errors.New("max_auth_age must be positive")
	errAPI    = errors.New(`api must be the id of an API, such as "a1b2c3d4e5", or a list of distinct ids`)
)

func (r *Rule) check() error {
	for _, list := range [][]string{r.Scopes, r.Roles} {
		for i, word := range list {
			if word == "" || strings.ContainsFunc(word, unicode.IsSpace) || slices.Contains(list[:i], word) {
				return errWords // a word with a space could never match
			}
		}
	}
	for i, id := range r.APIs {
		if !isName(id) || slices.Contains(r.APIs[:i], id) {
			return errAPI
		}
	}
	if r.MaxAuthAge < 0 {
		return errMaxAge
	}
	return nil
}
