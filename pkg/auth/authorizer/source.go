package authorizer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// defaultTokenSources are the token sources if the configuration names no sources.
var defaultTokenSources = []string{"header:Authorization", "subprotocol:access_token"}

const wantSources = `want "header:<name>", "cookie:<name>", "subprotocol:<name>", "query:<name>" or "appsync:<prefix>"`

// sources holds the places where a request may carry its token. In a header other than
// Authorization the value is the bare token.
//
// Subprotocols and the query string are read only for WebSocket handshakes, because a page cannot
// set their headers. A query string appears in logs and browser histories (RFC 9700, section
// 4.3.2). The cache TTL of an authorizer that reads cookies must be 0: a cached Allow would bypass
// the cross-site check.
type sources struct {
	headers, cookies, subprotocols, queries []string
	prefixes                                []string // of tokens from AppSync clients
	fields                                  []string // all headers that are read, in lower case
}

const (
	authorizationField = "authorization"
	cookieField        = "cookie"
	subprotocolField   = "sec-websocket-protocol"
	originField        = "origin"
	fetchSiteField     = "sec-fetch-site"
)

func parseSources(texts []string) (sources, error) {
	var s sources
	for i, text := range texts {
		if slices.Contains(texts[:i], text) {
			return sources{}, wrong("token_sources", i, fmt.Errorf("the token source %q is repeated", text))
		}
		if !s.add(text) {
			return sources{}, wrong("token_sources", i, fmt.Errorf("invalid token source %q (%s)", text, wantSources))
		}
	}
	if len(s.headers)+len(s.cookies)+len(s.subprotocols)+len(s.queries) == 0 {
		return sources{}, fmt.Errorf("%w: no token source for HTTP and WebSocket APIs (%s)", ErrConfig, wantSources)
	}
	s.fields = slices.Clone(s.headers)
	if len(s.cookies) > 0 {
		s.fields = append(s.fields, cookieField, originField, fetchSiteField)
	}
	if len(s.subprotocols) > 0 {
		s.fields = append(s.fields, subprotocolField)
	}
	return s, nil
}

func (s *sources) add(text string) bool {
	kind, name, _ := strings.Cut(text, ":")
	if kind == "appsync" {
		s.prefixes = append(s.prefixes, name)
		return name != ""
	}
	if !isToken(name) {
		return false
	}
	switch kind {
	case "header":
		name = strings.ToLower(name)
		s.headers = append(s.headers, name)
		// These headers have other meanings.
		return !slices.Contains([]string{cookieField, subprotocolField, originField, fetchSiteField}, name) && !claim.IsHeader(name)
	case "cookie":
		s.cookies = append(s.cookies, name)
	case "subprotocol":
		s.subprotocols = append(s.subprotocols, name)
	case "query":
		s.queries = append(s.queries, name)
	default:
		return false
	}
	return true
}

// isToken reports whether s is a token as in RFC 9110, section 5.6.2, which names of headers,
// cookies and subprotocols must be.
func isToken(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("!#$%&'*+-.^_`|~", r):
		default:
			return false
		}
	}
	return s != ""
}

// field returns the entry of fields that equals name regardless of case, or "". Most events keep
// the client's spelling of header names; only HTTP APIs convert them to lower case.
func (s *sources) field(name []byte) string {
	for _, f := range s.fields {
		if len(f) == len(name) && strings.EqualFold(f, string(name)) {
			return f
		}
	}
	return ""
}
