package authorizer

import "context"

// MaxDepth is the maximum nesting of a value.
const MaxDepth = maxDepth

// IsJSON reports whether the scanner accepts a text that it only skips.
func IsJSON(text []byte) bool {
	var s scanner
	s.begin(text)
	return s.ends(s.skip(0))
}

// ReadObject returns the names of an object and its string values. once is false if a name is
// repeated.
func ReadObject(text []byte, once bool) (names, values []string, ok bool) {
	var s scanner
	s.begin(text)
	for name, at, more := s.first(0); more; name, at, more = s.next(at) {
		if once {
			s.once(name)
		}
		names = append(names, string(name))
		if c, _ := s.peek(at); c == '"' {
			var value string
			value, at = s.string(at)
			values = append(values, value)
		} else {
			at = s.skip(at)
		}
	}
	return names, values, s.ends(s.behind)
}

// These functions show tests a decision, because an answer shows only a part of it.
const (
	Allow           = outcomeAllow
	Unauthenticated = outcomeUnauthenticated
)

// Decide is the decision about a token.
func (a *Authorizer) Decide(ctx context.Context, token []byte) decision {
	return a.decide(ctx, request{Token: token})
}

// PoliciesPerRequest reports whether every policy is for a single request.
func (a *Authorizer) PoliciesPerRequest() bool { return a.rules.each }
