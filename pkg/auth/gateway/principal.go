package gateway

import (
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// principalOf returns the principal that an authorizer's context names. Package authorizer
// writes the context: its keys are claim names, and all values are strings. Another authorizer may
// stand in front of a handler, so a context without a valid sub or exp, or with a value of the wrong
// form, names no principal: half an identity is refused.
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
	}
	if c.wrong || p.Subject.Validate() != nil || p.Expires.IsZero() {
		return auth.Principal{}, false
	}
	return p, true
}

// reader takes values out of a context and remembers whether one had the wrong form.
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

// time reads seconds since 1970 in decimal; an absent key is the zero time.
func (c *reader) time(key string) time.Time {
	text := c.text(key)
	if text == "" {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	c.wrong = c.wrong || err != nil
	return time.Unix(seconds, 0)
}
