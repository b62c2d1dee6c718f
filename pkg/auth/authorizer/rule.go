package authorizer

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Rule says what a token needs for a route. A rule that asks for nothing opens its route to every good token.
type Rule struct {
	// Route is "METHOD /path" with a method or ANY, where the path is literal, ends in "/*" for everything below, or has
	// segments "{name}" for any one; or a route's own name, "$connect" or "$default"; or "Type.field" of a GraphQL schema.
	// GET is HEAD too, and a path is itself with a slash at its end: routers take one for the other.
	Route      string
	Scopes     []string      // all of these
	Roles      []string      // one of these, where there are any
	MaxAuthAge time.Duration // how long ago the password may have been proven; 0 asks for nothing
}

// unmet returns what a token lacks, or "".
func (r *Rule) unmet(c *token.Claims, now time.Time) Reason {
	for _, s := range r.Scopes {
		if !slices.Contains(c.Scope, s) {
			return ReasonInsufficientScope
		}
	}
	if len(r.Roles) > 0 && !slices.ContainsFunc(r.Roles, func(role string) bool { return slices.Contains(c.Roles, role) }) {
		return ReasonMissingRole
	}
	// A token that does not say when has the zero time, which is older than any age asked for. One that says some day to
	// come would be fresh for ever.
	if r.MaxAuthAge > 0 && (now.Sub(c.AuthTime) > r.MaxAuthAge || c.AuthTime.Sub(now) > token.Leeway) {
		return ReasonStaleLogin
	}
	return ""
}

var (
	errWords  = errors.New("scopes and roles are words without space, each once")
	errMaxAge = errors.New("the greatest age of a login is above 0")
)

func (r *Rule) check() error {
	for _, list := range [][]string{r.Scopes, r.Roles} {
		for i, word := range list {
			if word == "" || strings.ContainsFunc(word, unicode.IsSpace) || slices.Contains(list[:i], word) {
				return errWords // one with a space in it would never be met
			}
		}
	}
	if r.MaxAuthAge < 0 {
		return errMaxAge
	}
	return nil
}
