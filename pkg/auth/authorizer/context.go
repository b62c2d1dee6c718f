package authorizer

import (
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// contextOf returns what backends are told about a token: keys are claim names, every value is a string, numbers are
// decimal, and lists are joined by spaces, which package token lets into no entry. What a token does not say has no
// key. Backends depend on this form; package gateway reads it back.
func contextOf(c token.Claims) map[string]string {
	m := make(map[string]string, 7)
	put := func(key, value string) {
		if value != "" {
			m[key] = value
		}
	}
	put("sub", string(c.Subject))
	put("sid", c.SessionID)
	put("client_id", string(c.ClientID))
	put("scope", strings.Join(c.Scope, " "))
	put("roles", strings.Join(c.Roles, " "))
	put("auth_time", seconds(c.AuthTime))
	put("exp", seconds(c.Expires))
	return m
}

func seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}
