package authorizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// maxContextBytes bounds the keys and values of the context. Backends receive them as headers, and
// servers limit all headers to about 8 KB.
const maxContextBytes = 4 << 10

// reservedKeys are the names that API Gateway defines in $context.authorizer, and the names in
// every context.
var reservedKeys = []string{
	"claims", "principalId", "jwt", "lambda", "error", "integrationLatency", "integrationStatus", "latency", "property",
	"requestId", "scopes", "status", "usageIdentifierKey",
	claim.AuthTime, claim.ClientID, claim.Expires, claim.Roles, claim.Scope, claim.SessionID, claim.Subject, claim.TokenVersion,
	keyRefusal, keyMaxAge,
}

func checkContextClaims(names []string) error {
	for i, name := range names {
		problem := ""
		switch {
		case !isName(strings.ReplaceAll(name, ":", "_")):
			problem = "a name consists of letters, digits, -, _ and :"
		case foldedIn(reservedKeys, name):
			problem = "the name is reserved"
		case foldedIn(names[:i], name): // two headers with these names would be one header
			problem = "the name is repeated"
		default:
			continue
		}
		return wrong("context_claims", i, fmt.Errorf("context claim %q: %s", name, problem))
	}
	return nil
}

// asHeader normalizes a name for comparison as a header. Many servers also treat "_" as "-", and a
// header name cannot contain a colon.
var asHeader = strings.NewReplacer("-", "_", ":", "_")

// foldedIn reports whether list has the name, compared as headers are compared.
func foldedIn(list []string, name string) bool {
	fold := func(s string) string { return strings.ToLower(asHeader.Replace(s)) }
	return slices.ContainsFunc(list, func(other string) bool { return fold(other) == fold(name) })
}

// appendContext appends the context for backends as a JSON object. Keys are claim names and every
// value is a string. Numbers are decimal. Lists are joined by spaces, and no entry contains a
// space. An absent claim has no key. Backends depend on this format, and package gateway parses it.
// A claim that does not fit is a fault, because a truncated claim would be a different claim.
func appendContext(to []byte, c *token.Claims, own []string) ([]byte, error) {
	t := told{json: append(to, '{')}
	t.seconds(claim.AuthTime, c.AuthTime)
	t.text(claim.ClientID, string(c.ClientID))
	t.seconds(claim.Expires, c.Expires)
	t.words(claim.Roles, c.Roles)
	t.words(claim.Scope, c.Scope)
	t.text(claim.SessionID, c.SessionID)
	t.text(claim.Subject, string(c.Subject))
	t.text(claim.TokenVersion, c.TokenVersion.String())
	for _, name := range own {
		value, ok := ownClaim(c, name)
		if !ok {
			return nil, fault(reasonContextUnwritable)
		}
		t.text(name, value)
	}
	if t.bytes > maxContextBytes {
		return nil, fault(reasonContextTooLong)
	}
	t.json[len(t.json)-1] = '}' // replaces the last comma; exp is in every context
	return t.json, nil
}

// contextBytes is the capacity for most contexts.
const contextBytes = 256

// told builds the context object, with a comma after each member.
type told struct {
	json  []byte
	bytes int // total length of keys and values
}

// key begins a member. Keys are plain names, which need no escapes.
func (t *told) key(key string) {
	t.json = append(append(append(t.json, '"'), key...), `":"`...)
	t.bytes += len(key)
}

func (t *told) end() { t.json = append(t.json, `",`...) }

func (t *told) text(key, value string) {
	if value != "" {
		t.key(key)
		t.json = appendEscaped(t.json, value)
		t.bytes += len(value)
		t.end()
	}
}

func (t *told) words(key string, words []string) {
	if len(words) == 0 {
		return
	}
	t.key(key)
	for i, word := range words {
		if i > 0 {
			t.json = append(t.json, ' ')
			t.bytes++
		}
		t.json = appendEscaped(t.json, word)
		t.bytes += len(word)
	}
	t.end()
}

func (t *told) seconds(key string, at time.Time) {
	if at.IsZero() {
		return
	}
	t.key(key)
	before := len(t.json)
	t.json = strconv.AppendInt(t.json, at.Unix(), 10)
	t.bytes += len(t.json) - before
	t.end()
}

// ownClaim returns the value of a configured claim as text, or "" if the token does not have the
// claim.
func ownClaim(c *token.Claims, name string) (value string, ok bool) {
	switch name {
	case claim.AMR:
		return strings.Join(c.AMR, " "), true
	case claim.Audience:
		return joined(c.Audience)
	case claim.Issuer:
		return c.Issuer, true
	case claim.ID:
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
	// A number with an exponent is not decimal, and an object is not flat.
	return raw, raw[0] != '{' && !strings.ContainsAny(raw, "eE")
}

// joined joins a list with spaces. It returns false if an entry contains any Unicode space, because
// a backend may split there.
func joined(list []string) (string, bool) {
	for _, s := range list {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || isControl(r) }) {
			return "", false
		}
	}
	return strings.Join(list, " "), true
}

// isControl finds control characters. They would end a header line that a backend builds from the
// value.
func isControl(r rune) bool { return unicode.IsControl(r) }
