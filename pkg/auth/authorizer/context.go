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

// maxContextBytes bounds the context's keys and values: backends get them in headers, of which they take 8 KB or so.
const maxContextBytes = 4 << 10

// reservedKeys are names that API Gateway gives a meaning in $context.authorizer, and those that every context has.
var reservedKeys = []string{
	"claims", "principalId", "jwt", "lambda", "error", "integrationLatency", "integrationStatus", "latency", "property",
	"requestId", "scopes", "status", "usageIdentifierKey",
	claim.AuthTime, claim.ClientID, claim.Expires, claim.Roles, claim.Scope, claim.SessionID, claim.Subject,
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

// appendContext appends what backends are told about a token, as JSON: keys are claim names, every value is a string,
// numbers are decimal, and lists are joined by spaces, which no entry of a list holds. What a token does not say has no
// key. Backends depend on this form; package gateway reads it back. What does not fit is a fault: cut off, it would be
// another claim.
func appendContext(to []byte, c *token.Claims, own []string) ([]byte, error) {
	t := told{json: append(to, '{')}
	t.seconds(claim.AuthTime, c.AuthTime)
	t.text(claim.ClientID, string(c.ClientID))
	t.seconds(claim.Expires, c.Expires)
	t.words(claim.Roles, c.Roles)
	t.words(claim.Scope, c.Scope)
	t.text(claim.SessionID, c.SessionID)
	t.text(claim.Subject, string(c.Subject))
	for _, name := range own {
		value, ok := ownClaim(c, name)
		if !ok {
			return nil, fault(ReasonContextUnwritable)
		}
		t.text(name, value)
	}
	if t.bytes > maxContextBytes {
		return nil, fault(ReasonContextTooLong)
	}
	t.json[len(t.json)-1] = '}' // in the place of the last comma: exp is in every context
	return t.json, nil
}

// contextBytes is room for most contexts.
const contextBytes = 256

// told is a context that is being written, a comma behind each member.
type told struct {
	json  []byte
	bytes int // of its keys and values
}

// key begins a member. A key is a name, which needs no escapes.
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

// ownClaim returns a claim of the deployer's list as text, "" where the token has none.
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
