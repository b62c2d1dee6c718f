package token

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// claimNames are the names that belong to the profile; every other name is the deployer's own.
var claimNames = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "sid", "auth_time", "scope", "roles", "amr",
}

// payload is a token's payload, well-formed but not yet judged.
type payload struct {
	Claims
	notBefore time.Time // zero where the token does not say
}

// parsePayload reads the claims. Types, required claims and content are checked here; times, issuer and
// audience by the Verifier. The Issuer runs it too, so that nothing is issued that no verifier would take.
func parsePayload(text string) (payload, error) {
	members, err := parseObject("payload", text)
	if err != nil {
		return payload{}, err
	}
	var p payload
	for _, m := range members {
		if err := p.read(m.Name, m.Raw); err != nil {
			return payload{}, err
		}
	}
	return p, p.check()
}

func (p *payload) read(name, raw string) (err error) {
	switch name {
	case "iss":
		p.Issuer, err = strictjson.String(raw)
	case "sub":
		var s string
		s, err = strictjson.String(raw)
		p.Subject = auth.SubjectID(s)
	case "aud":
		p.Audience, err = parseAudience(raw)
	case "exp":
		p.Expires, err = parseTime(raw)
	case "nbf":
		p.notBefore, err = parseTime(raw)
	case "iat":
		p.IssuedAt, err = parseTime(raw)
	case "jti":
		p.ID, err = parseID(raw)
	case "client_id":
		var s string
		s, err = parseID(raw)
		p.ClientID = auth.ClientID(s)
	case "sid":
		if p.SessionID, err = parseID(raw); err == nil && p.SessionID == "" {
			err = errEmpty
		}
	case "auth_time":
		p.AuthTime, err = parseTime(raw)
	case "scope":
		p.Scope, err = parseScope(raw)
	case "roles":
		p.Roles, err = parseWords(raw)
	case "amr":
		p.AMR, err = parseWords(raw)
	default:
		if registered := misspelt(name, claimNames); registered != "" {
			return refuse(AmbiguousName, registered, nil)
		}
		if p.Own == nil {
			p.Own = map[string]json.RawMessage{}
		}
		p.Own[name] = json.RawMessage(raw)
	}
	if err != nil {
		return refuse(InvalidClaim, name, err) // name is one of those above
	}
	return nil
}

// check asks for the required claims (RFC 9068, section 2.2).
func (p *payload) check() error {
	for _, required := range [...]struct {
		name    string
		missing bool
	}{
		{"iss", p.Issuer == ""},
		{"exp", p.Expires.IsZero()},
		{"aud", len(p.Audience) == 0},
		{"sub", p.Subject == ""},
		{"client_id", p.ClientID == ""},
		{"iat", p.IssuedAt.IsZero()},
		{"jti", p.ID == ""},
	} {
		if required.missing {
			return refuse(MissingClaim, required.name, nil)
		}
	}
	if err := p.Subject.Validate(); err != nil {
		return refuse(InvalidClaim, "sub", err)
	}
	return nil
}

var (
	errEmpty   = errors.New("empty")
	errTime    = errors.New("not between the years 1970 and 9999")
	errControl = errors.New("it holds a control character")
	errWord    = errors.New("an entry is empty or holds space or a control character")
	errScope   = errors.New("not scope tokens with one space between them")
)

// parseAudience reads a string or an array of strings (RFC 7519, section 4.1.3).
func parseAudience(raw string) ([]string, error) {
	if !strings.HasPrefix(raw, "[") {
		one, err := strictjson.String(raw)
		if one == "" {
			return nil, err
		}
		return []string{one}, err
	}
	several, err := strictjson.Strings(raw)
	for _, a := range several {
		if a == "" {
			return nil, errEmpty
		}
	}
	return several, err
}

// parseTime reads a NumericDate of whole seconds (RFC 7519, section 2). The bounds keep differences of two times
// from overflowing.
func parseTime(raw string) (time.Time, error) {
	const year10000 = 253402300800
	seconds, err := strictjson.Integer(raw)
	if err != nil {
		return time.Time{}, err
	}
	if seconds < 0 || seconds >= year10000 {
		return time.Time{}, errTime
	}
	return time.Unix(seconds, 0), nil
}

// parseID reads an identifier, which ends up in headers and logs, where a line feed would begin another line.
func parseID(raw string) (string, error) {
	id, err := strictjson.String(raw)
	if err == nil && strings.ContainsFunc(id, unicode.IsControl) {
		return "", errControl
	}
	return id, err
}

// parseWords reads an array of strings that stay apart when a backend gets them joined by spaces: a role
// "reader admin" would arrive as two.
func parseWords(raw string) ([]string, error) {
	words, err := strictjson.Strings(raw)
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return nil, errWord
		}
	}
	return words, err
}

// parseScope reads scope = scope-token *( SP scope-token ), with a scope-token of %x21 / %x23-5B / %x5D-7E
// (RFC 6749, section 3.3).
func parseScope(raw string) ([]string, error) {
	scope, err := strictjson.String(raw)
	if err != nil {
		return nil, err
	}
	tokens := strings.Split(scope, " ")
	for _, t := range tokens {
		if t == "" || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
			return nil, errScope
		}
	}
	return tokens, nil
}
