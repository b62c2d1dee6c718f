package authorizer

import (
	"fmt"
	"slices"
	"strings"
)

// defaultTokenSources are the places of a token where the configuration names none.
var defaultTokenSources = []string{"header:Authorization", "subprotocol:access_token"}

const wantSources = `token sources are "header:<name>", "cookie:<name>", "subprotocol:<name>", "query:<name>" or "appsync:<prefix>"`

// sources are the places where a token may stand. A header other than Authorization holds the bare token.
//
// A subprotocol and the query string are read for WebSockets alone, whose handshake cannot carry a header of a page's
// choice; the query string is in logs and histories (RFC 9700, section 4.3.2). A cookie's cached yes would outlive the
// cross-site rule: an authorizer that reads cookies needs a cache TTL of 0.
type sources struct {
	headers, cookies, subprotocols, queries []string
	prefixes                                []string // which an AppSync client may put in front of its token
	fields                                  []string // every header that is read, in lower case
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
			return sources{}, fmt.Errorf("%w: the token source %q is there twice", ErrConfig, text)
		}
		if !s.add(text) {
			return sources{}, fmt.Errorf("%w: %q: %s", ErrConfig, text, wantSources)
		}
	}
	if len(s.headers)+len(s.cookies)+len(s.subprotocols)+len(s.queries) == 0 {
		return sources{}, fmt.Errorf("%w: no place of a token: %s", ErrConfig, wantSources)
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
		// These are read for what they are.
		return !slices.Contains([]string{cookieField, subprotocolField, originField, fetchSiteField}, name)
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

// isToken tells whether s is a token of RFC 9110, section 5.6.2, as names of headers, cookies and subprotocols are.
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

// field returns the header among those read that name is a spelling of, or "". Headers come in the case in which the
// client wrote them, but for a real HTTP API's, which are in lower case.
func (s *sources) field(name []byte) string {
	for _, f := range s.fields {
		if len(f) == len(name) && strings.EqualFold(f, string(name)) {
			return f
		}
	}
	return ""
}
