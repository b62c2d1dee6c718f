package gateway

import (
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// principalOf returns the principal in an authorizer's context. Package authorizer writes the
// context: keys are claim names and all values are strings. Another authorizer may be in front of
// the handler, so a context without a valid sub or exp, or with a value of another type, has no
// principal.
func principalOf(context map[string]any) (auth.Principal, bool) {
	c := reader{values: context}
	p := auth.Principal{
		Subject:   auth.SubjectID(c.text(claim.Subject)),
		SessionID: c.text(claim.SessionID),
		Client:    auth.ClientID(c.text(claim.ClientID)),
		Scope:     strings.Fields(c.text(claim.Scope)),
		Roles:     strings.Fields(c.text(claim.Roles)),
		AuthTime:  c.time(claim.AuthTime),
		Expires:   c.time(claim.Expires),

		TokenVersion: c.version(claim.TokenVersion),
	}
	if c.wrong || p.Subject.Validate() != nil || p.Expires.IsZero() {
		return auth.Principal{}, false
	}
	return p, true
}

// reader reads values from a context and records whether one has the wrong form.
type reader struct {
	values map[string]any
	wrong  bool
}

func (c *reader) text(key string) string {
	value, present := c.values[key]
	text, isText := value.(string)
	c.wrong = c.wrong || present && !isText
	return text
}

// version reads a decimal token version. An absent key is the zero TokenVersion.
func (c *reader) version(key string) auth.TokenVersion {
	text := c.text(key)
	if text == "" {
		return auth.TokenVersion{}
	}
	n, err := strconv.ParseUint(text, 10, 64)
	c.wrong = c.wrong || err != nil
	return auth.NewTokenVersion(n)
}

// time reads decimal seconds since 1970. An absent key is the zero time.
func (c *reader) time(key string) time.Time {
	text := c.text(key)
	if text == "" {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	c.wrong = c.wrong || err != nil
	return time.Unix(seconds, 0)
}
