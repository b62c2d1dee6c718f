package authorizer

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// scanner reads an event once, from left to right, and keeps slices of it. It takes nothing that is not JSON, and
// remembers that it met such: everything it returns from then on is empty.
//
// Package strictjson, which reads the tokens, would refuse events that a gateway sends: an AppSync event holds the
// client's GraphQL variables, nested as deep as the client likes. What nobody reads is only checked for being JSON.
type scanner struct {
	text     string
	controls bool // somewhere in it, if only between the values
	at       int  // offset of the next byte
	depth    int  // objects and arrays open
	bad      bool
}

func scan(text []byte) scanner {
	return scanner{text: string(text), controls: hasControls(text), bad: !utf8.Valid(text)}
}

// hasControls looks for bytes below the space, which no string may hold, eight at a time: subtracting 0x20 from each
// borrows into the top bit of those below, and of those that have it already.
func hasControls(text []byte) bool {
	const each, top = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		if x := binary.LittleEndian.Uint64(text); (x-' '*each)&^x&top != 0 {
			return true
		}
	}
	return slices.ContainsFunc(text, func(c byte) bool { return c < ' ' })
}

// maxDepth bounds the recursion. No client of a real schema comes near it.
const maxDepth = 1000

// fail leaves nothing to read, so that every later step fails as well.
func (s *scanner) fail() { s.bad, s.at = true, len(s.text) }

// peek steps over white space and returns the byte there, or 0 at the end.
func (s *scanner) peek() byte {
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

func (s *scanner) literal(word string) bool {
	s.peek()
	if !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// entries ranges over the names of an object, and of null as of an empty one. The body reads the value or leaves it.
func (s *scanner) entries(yield func(name string) bool) {
	if s.literal("null") || !s.open('{', '}') {
		return
	}
	for more := true; more; more = s.more('}') {
		s.peek()
		name := s.quoted()
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
}

// members ranges over an object whose names the gateway chooses: a few, and each once.
func (s *scanner) members(yield func(name string) bool) {
	var seen names
	for name := range s.entries {
		s.once(&seen, name)
		if !yield(name) {
			return
		}
	}
}

// names are those of one object that were read. None of our objects has more.
type names struct {
	all   [64]string
	count int
}

// once fails where a name was there before: the text would have two readings.
func (s *scanner) once(seen *names, name string) {
	if seen.count == len(seen.all) || slices.Contains(seen.all[:seen.count], name) {
		s.fail()
		return
	}
	seen.all[seen.count] = name
	seen.count++
}

// elements ranges over an array, and over null as over an empty one. The body reads the element or leaves it.
func (s *scanner) elements(yield func() bool) {
	if s.literal("null") || !s.open('[', ']') {
		return
	}
	for more := true; more; more = s.more(']') {
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
	switch c := s.peek(); {
	case c == '{':
		for range s.entries {
		}
	case c == '[':
		for range s.elements {
		}
	case c == '"':
		s.quoted()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	case s.literal("true"), s.literal("false"), s.literal("null"):
	default:
		s.fail()
	}
}

// string reads a string, and null as the empty one.
func (s *scanner) string() string {
	if s.literal("null") {
		return ""
	}
	s.peek()
	return s.quoted()
}

// quoted reads the string that begins at the next byte: a slice of the text where nothing is escaped. Most bytes of an
// event pass here, and as many at once as the processor can compare.
func (s *scanner) quoted() string {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		s.fail()
		return ""
	}
	value, _, found := strings.Cut(s.text[s.at+1:], `"`)
	switch {
	case strings.IndexByte(value, '\\') >= 0:
		return s.escaped()
	case !found || s.controls && strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }):
		s.fail()
		return ""
	}
	s.at += len(value) + len(`""`)
	return value
}

// escaped reads a string that has escapes, of which one may be its first quotation mark.
func (s *scanner) escaped() string {
	for i := s.at + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			raw := s.text[s.at : i+1]
			s.at = i + 1
			return s.unescape(raw)
		case c == '\\':
			i++ // the byte behind it does not end the string
		}
	}
	s.fail()
	return ""
}

func (s *scanner) unescape(raw string) string {
	value, err := strictjson.String(raw)
	switch {
	case errors.Is(err, strictjson.ErrSurrogate) && json.Valid([]byte(raw)):
		// A client may write half a character into its GraphQL query, which must not count as our fault. Nothing that we
		// compare with equals this.
		return "\uFFFD"
	case err != nil:
		s.fail()
		return ""
	}
	return value
}

// number reads a number by the grammar of RFC 8259, section 6.
func (s *scanner) number() {
	s.one("-")
	if !s.one("0") && !s.digits() {
		s.fail()
	}
	if s.one(".") && !s.digits() {
		s.fail()
	}
	if s.one("eE") {
		s.one("+-")
		if !s.digits() {
			s.fail()
		}
	}
}

func (s *scanner) one(of string) bool {
	if s.at == len(s.text) || strings.IndexByte(of, s.text[s.at]) < 0 {
		return false
	}
	s.at++
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.one("0123456789") {
	}
	return s.at > start
}
