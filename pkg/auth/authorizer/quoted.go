package authorizer

import (
	"bytes"
	"slices"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

func (s *scanner) string() string { return string(s.optional()) }

// optional reads a string, and null as the empty one.
func (s *scanner) optional() []byte {
	if s.peek() == 'n' && s.literal("null") {
		return nil
	}
	return s.content()
}

// content reads the string that begins at the next byte. It is a part of the text where nothing is escaped.
func (s *scanner) content() []byte {
	start := s.at
	raw, escaped := s.quoted()
	if !escaped {
		return raw
	}
	value, err := strictjson.String(s.text[start:s.at])
	if err != nil {
		// A client may write half a character into its GraphQL query, which must not count as our fault. Nothing that we
		// compare with equals this.
		return []byte("\uFFFD")
	}
	return []byte(value)
}

// quoted reads the string that begins at the next byte, and leaves its escapes as they stand: few strings are read by
// anybody. Most bytes of an event pass here, and as many at once as the processor can compare.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		s.fail()
		return nil, false
	}
	begin := s.at + 1
	length := bytes.IndexByte(s.text[begin:], '"')
	end := begin + length
	switch {
	case length >= 0 && s.escape < end: // the quotation mark may be escaped
		end = s.escapedEnd()
		escaped = true
	case length < 0 || !s.plain && slices.ContainsFunc(s.text[begin:end], isControlByte):
		end = -1
	}
	if end < 0 {
		s.fail()
		return nil, false
	}
	s.at = end + 1
	if escaped {
		s.findEscape()
	}
	return s.text[begin:end], escaped
}

func isControlByte(c byte) bool { return c < ' ' }

// findEscape looks for the next backslash, of which most events have none.
func (s *scanner) findEscape() {
	s.escape = len(s.text)
	if i := bytes.IndexByte(s.text[s.at:], '\\'); i >= 0 {
		s.escape = s.at + i
	}
}

// escapedEnd returns the offset of the quotation mark that ends the string at the next byte, or -1 where there is none
// or an escape is none of JSON's.
func (s *scanner) escapedEnd() int {
	for i := s.at + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			return i
		case isControlByte(c):
			return -1
		case c == '\\':
			length := escapeLength(s.text[i+1:])
			if length == 0 {
				return -1
			}
			i += length
		}
	}
	return -1
}

// escapeLength returns how many bytes belong to the backslash before text, or 0 where it begins no escape.
func escapeLength(text []byte) int {
	const length = len("uXXXX")
	switch {
	case len(text) == 0:
	case bytes.IndexByte([]byte(`"\/bfnrt`), text[0]) >= 0:
		return 1
	case text[0] == 'u' && len(text) >= length && !slices.ContainsFunc(text[1:length], isNoHex):
		return length
	}
	return 0
}

func isNoHex(c byte) bool { return !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') }
