package authorizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// maxContextBytes bounds the context's keys and values: backends get them in headers, of which they take 8 KB or so.
const maxContextBytes = 4 << 10

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

// foldedIn compares as headers made of the names are compared, in which "_" often is "-".
func foldedIn(list []string, name string) bool {
	fold := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }
	return slices.ContainsFunc(list, func(other string) bool { return fold(other) == fold(name) })
}

// contextOf returns what backends are told about a token, as JSON: keys are claim names, every value is a string, numbers
// are decimal, and lists are joined by spaces, which no entry of a list holds. What a token does not say has no key.
// Backends depend on this form; package gateway reads it back. What does not fit is a fault: cut off, it would be another
// claim.
func contextOf(c *token.Claims, own []string) (json []byte, problem Reason) {
	told := told{json: make([]byte, 0, contextBytes)}
	told.seconds("auth_time", c.AuthTime)
	told.words("client_id", string(c.ClientID))
	told.seconds("exp", c.Expires)
	told.words("roles", c.Roles...)
	told.words("scope", c.Scope...)
	told.words("sid", c.SessionID)
	told.words("sub", string(c.Subject))
	for _, name := range own {
		value, ok := ownClaim(c, name)
		if !ok {
			return nil, ReasonContextUnwritable
		}
		told.words(name, value)
	}
	if told.bytes > maxContextBytes {
		return nil, ReasonContextTooLong
	}
	return append(told.json, '}'), "" // exp is in every context
}

// contextBytes is room for most contexts.
const contextBytes = 256

// told is a context that is being written.
type told struct {
	json  []byte
	bytes int // of its keys and values
}

func (t *told) words(key string, words ...string) {
	before := len(t.json)
	separator := byte(',')
	if before == 0 {
		separator = '{'
	}
	t.json = append(append(append(t.json, separator, '"'), key...), `":"`...) // a key is a name, which needs no escapes
	empty := len(t.json)
	bytes := len(key)
	for i, word := range words {
		if i > 0 {
			t.json = append(t.json, ' ')
			bytes++
		}
		t.json = appendEscaped(t.json, word)
		bytes += len(word)
	}
	if len(t.json) == empty {
		t.json = t.json[:before]
		return
	}
	t.json = append(t.json, '"')
	t.bytes += bytes
}

func (t *told) seconds(key string, at time.Time) {
	if at.IsZero() {
		return
	}
	var digits [20]byte
	t.words(key, string(strconv.AppendInt(digits[:0], at.Unix(), 10)))
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

// joined returns a list whose entries stay apart, for those too who split at every space of Unicode.
func joined(list []string) (string, bool) {
	for _, s := range list {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || isControl(r) }) {
			return "", false
		}
	}
	return strings.Join(list, " "), true
}

// isControl finds what would end the line of a header that a backend makes of the value.
func isControl(r rune) bool { return unicode.IsControl(r) }
