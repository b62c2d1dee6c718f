package authorizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// maxContextBytes bounds the context's keys and values: backends get them in headers, of which they take 8 KB or so.
const maxContextBytes = 4 << 10

// entry is one entry of the context: a claim's name and its value as text.
type entry struct{ key, value string }

// reservedKeys are names that API Gateway gives a meaning in $context.authorizer, and those that every context has.
var reservedKeys = []string{
	"claims", "principalId", "jwt", "lambda", "error", "integrationLatency", "integrationStatus", "latency", "property",
	"requestId", "scopes", "status", "usageIdentifierKey",
	"auth_time", "client_id", "exp", "roles", "scope", "sid", "sub",
}

func checkContextClaims(names []string) error {
	for i, name := range names {
		problem := ""
		switch {
		case !isName(name):
			problem = "a name is letters, digits, - and _"
		case foldedIn(reservedKeys, name):
			problem = "the name is taken"
		case foldedIn(names[:i], name): // headers made of them would be one
			problem = "the name is there twice"
		default:
			continue
		}
		return fmt.Errorf("%w: context claim %q: %s", ErrConfig, name, problem)
	}
	return nil
}

func foldedIn(list []string, name string) bool {
	return slices.ContainsFunc(list, func(other string) bool { return strings.EqualFold(other, name) })
}

// contextOf returns what backends are told about a token: keys are claim names, every value is a string, numbers are
// decimal, and lists are joined by spaces, which no entry of a list holds. What a token does not say has no key. Backends
// depend on this form; package gateway reads it back. What does not fit is a fault: cut off, it would be another claim.
func contextOf(c *token.Claims, own []string) ([]entry, Reason) {
	entries := make([]entry, 0, 7+len(own))
	for _, e := range [...]entry{
		{"auth_time", seconds(c.AuthTime)},
		{"client_id", string(c.ClientID)},
		{"exp", seconds(c.Expires)},
		{"roles", strings.Join(c.Roles, " ")},
		{"scope", strings.Join(c.Scope, " ")},
		{"sid", c.SessionID},
		{"sub", string(c.Subject)},
	} {
		if e.value != "" {
			entries = append(entries, e)
		}
	}
	for _, name := range own {
		value, ok := ownClaim(c, name)
		if !ok {
			return nil, ReasonContextUnwritable
		}
		if value != "" {
			entries = append(entries, entry{name, value})
		}
	}
	bytes := 0
	for _, e := range entries {
		bytes += len(e.key) + len(e.value)
	}
	if bytes > maxContextBytes {
		return nil, ReasonContextTooLong
	}
	return entries, ""
}

func seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// ownClaim returns a claim of the deployer's list as text, "" where the token has none.
func ownClaim(c *token.Claims, name string) (value string, ok bool) {
	switch name {
	case "amr":
		return strings.Join(c.AMR, " "), true
	case "aud":
		return joined(c.Audience)
	case "iss":
		return c.Issuer, true
	case "jti":
		return c.ID, true
	}
	raw := string(c.Own[name])
	switch {
	case raw == "" || raw == "null":
		return "", true
	case raw == "true" || raw == "false":
		return raw, true
	case raw[0] == '"':
		value, err := strictjson.String(raw)
		return value, err == nil && !strings.ContainsFunc(value, isControl)
	case raw[0] == '[':
		list, err := strictjson.Strings(raw)
		if err != nil {
			return "", false
		}
		return joined(list)
	}
	// A number with an exponent is not decimal; an object is not flat.
	return raw, raw[0] != '{' && !strings.ContainsAny(raw, "eE")
}

// joined returns a list whose entries stay apart.
func joined(list []string) (string, bool) {
	for _, s := range list {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || isControl(r) }) {
			return "", false
		}
	}
	return strings.Join(list, " "), true
}

// isControl finds what would end the line of a header that a backend makes of the value.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func appendContext(to []byte, entries []entry) []byte {
	for i, e := range entries {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		to = appendString(append(to, separator), e.key)
		to = appendString(append(to, ':'), e.value)
	}
	return append(to, '}') // exp is in every context
}
