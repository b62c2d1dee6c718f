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
	// GET also matches HEAD. A literal path also matches with a final slash, because routers treat
	// both as the same path.
	Route      string
	Scopes     []string      // the token needs all of these
	Roles      []string      // the token needs at least one of these, if there are any
	MaxAuthAge time.Duration // the maximum time since the password check; 0 means no limit
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
)

func (r *Rule) check() error {
	for _, list := range [][]string{r.Scopes, r.Roles} {
		for i, word := range list {
			if word == "" || strings.ContainsFunc(word, unicode.IsSpace) || slices.Contains(list[:i], word) {
				return errWords // a word with a space could never match
			}
		}
	}
	if r.MaxAuthAge < 0 {
		return errMaxAge
	}
	return nil
}
