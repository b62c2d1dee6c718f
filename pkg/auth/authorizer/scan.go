package authorizer

import (
	"bytes"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// scanner reads an event once, from left to right, and keeps slices of it. It takes nothing that is not JSON, and
// remembers that it met such: everything it returns from then on is empty.
//
// Package strictjson, which reads the tokens, would refuse events that a gateway sends: an AppSync event holds the
// client's GraphQL variables, nested as deep as the client likes. What nobody reads is only checked for being JSON.
type scanner struct {
	text   []byte
	plain  bool // ASCII without control characters
	escape int  // offset of the next backslash, or the text's length
	at     int  // offset of the next byte
	depth  int  // objects and arrays open
	bad    bool
	names  names
}

// begin prepares a new scanner, where it stands: it is large.
func (s *scanner) begin(text []byte) {
	s.text, s.plain = text, strictjson.IsPlain(text)
	s.bad = !s.plain && !utf8.Valid(text)
	s.findEscape()
}

// maxDepth bounds the recursion. No client of a real schema comes near it.
const maxDepth = 1000

// fail leaves nothing to read, so that every later step fails as well.
func (s *scanner) fail() { s.bad, s.at = true, len(s.text) }

// peek steps over white space, of which gateways write none, and returns the byte there, or 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) && s.text[s.at] > ' ' {
		return s.text[s.at]
	}
	return s.space()
}

func (s *scanner) space() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// literal reads a word that begins at the next byte.
func (s *scanner) literal(word string) bool {
	end := s.at + len(word)
	if end > len(s.text) || string(s.text[s.at:end]) != word {
		return false
	}
	s.at = end
	return true
}

// entries ranges over the names of an object, and of null as of an empty one. The body reads the value or leaves it.
func (s *scanner) entries(yield func(name []byte) bool) {
	outer := s.names.first
	s.names.first = s.names.count
	for more := s.enter('{', '}'); more; more = s.more('}') {
		s.peek()
		name := s.content()
		if !s.take(':') {
			s.fail()
		}
		s.peek()
		start := s.at
		if !yield(name) {
			s.fail()
		}
		if s.at == start {
			s.skip()
		}
	}
	s.names.count, s.names.first = s.names.first, outer
}

// members ranges over an object whose names the gateway chooses: a few, and each once.
func (s *scanner) members(yield func(name []byte) bool) {
	for name := range s.entries {
		s.once(name)
		if !yield(name) {
			return
		}
	}
}

// names are those that were read of the open objects, the innermost object's last. Our events have no more.
type names struct {
	all          [64][]byte
	first, count int // of the innermost object; of all
}

// once fails where the innermost open object had the name before: the text would have two readings.
func (s *scanner) once(name []byte) {
	n := &s.names
	if n.count == len(n.all) {
		s.fail()
		return
	}
	for _, other := range n.all[n.first:n.count] {
		if len(other) == len(name) && bytes.Equal(other, name) {
			s.fail()
			return
		}
	}
	n.all[n.count] = name
	n.count++
}

// elements ranges over an array, and over null as over an empty one. The body reads the element or leaves it.
func (s *scanner) elements(yield func() bool) {
	for more := s.enter('[', ']'); more; more = s.more(']') {
		s.peek()
		start := s.at
		if !yield() {
			s.fail()
		}
		if s.at == start {
			s.skip()
		}
	}
}

// enter is open for what may also be null.
func (s *scanner) enter(bracket, closing byte) bool {
	return !(s.peek() == 'n' && s.literal("null")) && s.open(bracket, closing)
}

// open enters an object or array and reports whether anything is in it.
func (s *scanner) open(bracket, closing byte) bool {
	if s.depth == maxDepth || !s.take(bracket) {
		s.fail()
		return false
	}
	s.depth++
	return !s.closed(closing)
}

func (s *scanner) closed(closing byte) bool {
	if !s.take(closing) {
		return false
	}
	s.depth--
	return true
}

// more steps over a comma, or leaves at the closing bracket.
func (s *scanner) more(closing byte) bool {
	if s.take(',') {
		return true
	}
	if !s.closed(closing) {
		s.fail()
	}
	return false
}

// skip reads any value.
func (s *scanner) skip() {
	ok := true
	switch s.peek() {
	case '"':
		s.quoted()
	case '{':
		for range s.entries {
		}
	case '[':
		for more := s.open('[', ']'); more; more = s.more(']') {
			s.skip()
		}
	case 'n':
		ok = s.literal("null")
	case 't':
		ok = s.literal("true")
	case 'f':
		ok = s.literal("false")
	default:
		ok = s.number()
	}
	if !ok {
		s.fail()
	}
}

// number reads a number by the grammar of RFC 8259, section 6, and reports whether there is one.
func (s *scanner) number() bool {
	s.one('-')
	if !s.one('0') && !s.digits() {
		return false
	}
	if s.one('.') && !s.digits() {
		return false
	}
	if s.one('e') || s.one('E') {
		_ = s.one('+') || s.one('-')
		return s.digits()
	}
	return true
}

// one steps over a byte that must follow at once.
func (s *scanner) one(c byte) bool {
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
