package authorizer

import "unicode/utf8"

// scanner parses an event once, from left to right, and keeps slices of it. It records whether the
// text is valid JSON.
//
// Package strictjson parses tokens, but not events, for two reasons. First, strictjson would refuse
// valid events: an AppSync event contains the client's GraphQL variables, which may be nested to
// any depth. The scanner only checks that unused parts are valid JSON.
//
// Second, strictjson is too slow: a decision about an event may cost at most 1.20 times a bare
// RS256 signature. strictjson reads an HTTP API event in 3.9 µs and a REST event in 6.0 µs; the
// scanner needs 1.4 and 1.6 µs. A signature takes 29 µs, so a decision would take 1.24 and 1.35
// times as long instead of 1.15 and 1.20. Even a single pass of strictjson that reads no value
// makes it 1.28 for a REST event. To measure again:
//
//	go test -run '^$' -bench Engines -benchtime 20000x ./pkg/auth/authorizer
//	cd bench && go test -run '^$' -bench 'Verify/(http|rest)' -benchtime 150x
//
// Each method takes the offset of a value and returns the offset behind it. On an error it returns
// the end of the text, so that every later step fails too.
type scanner struct {
	text    []byte
	escape  int // offset of the next backslash, or len(text)
	behind  int // offset behind the last object or array
	bad     bool
	escaped bool // a string has an escape
	wide    bool // a string has a byte outside ASCII
	names   names
}

// begin initializes a new scanner in place, because a scanner is large.
func (s *scanner) begin(text []byte) {
	s.text = text
	s.findEscape(0)
}

func (s *scanner) fail() int {
	s.bad, s.behind = true, len(s.text)
	return s.behind
}

// ends reports whether the text is valid JSON and only white space follows the offset.
func (s *scanner) ends(at int) bool {
	_, at = s.peek(at)
	return !s.bad && at == len(s.text) && (!s.wide || utf8.Valid(s.text))
}

// peek steps over white space and returns the next byte with its offset, or 0 at the end. Gateways
// write no white space.
func (s *scanner) peek(at int) (byte, int) {
	if at < len(s.text) && s.text[at] > ' ' {
		return s.text[at], at
	}
	return s.space(at)
}

func (s *scanner) space(at int) (byte, int) {
	for ; at < len(s.text); at++ {
		switch c := s.text[at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c, at
		}
	}
	return 0, at
}

// first enters an object and reads its first name. null counts as an empty object.
//
//	for name, at, more := s.first(at); more; name, at, more = s.next(at) {
//		at = s.skip(at)
//	}
//	at = s.behind
func (s *scanner) first(at int) (name []byte, value int, more bool) {
	at, more = s.enter(at, '{', '}')
	if !more {
		return nil, at, false
	}
	s.names.enter()
	return s.name(at)
}

// next reads the next name, or leaves the object.
func (s *scanner) next(at int) (name []byte, value int, more bool) {
	at, more = s.more(at, '}')
	if !more {
		s.names.leave()
		return nil, at, false
	}
	return s.name(at)
}

// name reads a name and the colon behind it.
func (s *scanner) name(at int) (name []byte, value int, ok bool) {
	_, start := s.peek(at)
	end, escaped := s.pastString(start)
	c, at := s.peek(end)
	if c != ':' {
		return nil, s.fail(), false
	}
	s.names.last = span{start + 1, end - 1}
	if escaped {
		return unescaped(s.text[start:end]), at + 1, true
	}
	return s.text[start+1 : end-1], at + 1, true
}

// enter steps into an object or array and reports whether it has elements. null counts as empty.
func (s *scanner) enter(at int, bracket, closing byte) (inside int, more bool) {
	c, at := s.peek(at)
	switch c {
	case 'n':
		s.behind = s.pastWord(at, "null")
	case bracket:
		if c, at = s.peek(at + 1); c != closing {
			return at, true
		}
		s.behind = at + 1
	default:
		s.fail()
	}
	return s.behind, false
}

// more steps over a comma, or leaves at the closing bracket.
func (s *scanner) more(at int, closing byte) (inside int, more bool) {
	switch c, at := s.peek(at); c {
	case ',':
		return at + 1, true
	case closing:
		s.behind = at + 1
	default:
		s.fail()
	}
	return s.behind, false
}
