package authorizer

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// string reads a string. null counts as the empty string.
func (s *scanner) string(at int) (value string, behind int) {
	part, at := s.content(at)
	return string(part), at
}

// content reads a string and returns a part of the text, or a copy if the string has escapes.
func (s *scanner) content(at int) (value []byte, behind int) {
	c, at := s.peek(at)
	if c == 'n' {
		return nil, s.pastWord(at, "null")
	}
	end, escaped := s.pastString(at)
	switch {
	case s.bad:
		return nil, end
	case escaped:
		return unescaped(s.text[at:end]), end
	}
	return s.text[at+1 : end-1], end
}

// repeated reports whether the string equals an earlier value. It returns false if the text has
// escapes, because a value may then be spelled in several ways.
func (s *scanner) repeated(at int, earlier []byte) (behind int, ok bool) {
	end := at + 1 + len(earlier)
	ok = !s.escaped && end < len(s.text) && s.text[at] == '"' && s.text[end] == '"' &&
		bytes.Equal(s.text[at+1:end], earlier)
	return end + 1, ok
}

// unescaped decodes a string with escapes.
func unescaped(text []byte) []byte {
	value, err := strictjson.String(text)
	if err != nil {
		// A client may write half a surrogate pair into its GraphQL query. The event is still valid
		// and not a fault. The replacement character equals no value that is compared.
		return []byte("\uFFFD")
	}
	return []byte(value)
}

// pastString steps over a string without decoding its escapes, because few strings are used. Most
// bytes of an event pass through this loop, sixteen at a time, up to the first special byte.
func (s *scanner) pastString(at int) (end int, escaped bool) {
	const step = 16
	text := s.text
	if at >= len(text) || text[at] != '"' {
		return s.fail(), false
	}
	at++
	begin := at
	for ; len(text)-at >= step; at += step {
		both := (*[step]byte)(text[at:])
		first := special(binary.LittleEndian.Uint64(both[:step/2]))
		second := special(binary.LittleEndian.Uint64(both[step/2:]))
		if (first|second)&tops == 0 {
			continue
		}
		if first &= tops; first == 0 {
			first = second & tops
			at += step / 2
		}
		at += bits.TrailingZeros64(first) / 8
		if text[at] == '"' && at < s.escape {
			return at + 1, false
		}
		break
	}
	if at > s.escape {
		at = begin
	}
	return s.pastRest(at)
}

// each has the value 1 in every byte of a word, and tops has the top bit of every byte.
const each, tops = 0x0101010101010101, 0x8080808080808080

// special sets the top bit of the first byte that is a quotation mark, a control character or not
// ASCII, and of no byte before it. The exclusive or swaps 0x22 and 0x20. Every ASCII character from
// 0x21 on is then ordinary, and subtracting 0x21 from a lower one borrows into its top bit.
func special(word uint64) uint64 { return ((word ^ 2*each) - 0x21*each) | word }

// pastRest reads the rest of a string byte by byte.
func (s *scanner) pastRest(at int) (end int, escaped bool) {
	for ; at < len(s.text); at++ {
		switch c := s.text[at]; {
		case c == '"':
			if escaped {
				s.escaped = true
				s.findEscape(at)
			}
			return at + 1, escaped
		case c < ' ':
			return s.fail(), false
		case c == '\\':
			length := escapeLength(s.text[at+1:])
			if length == 0 {
				return s.fail(), false
			}
			at += length
			escaped = true
		case c >= 0x80:
			s.wide = true
		}
	}
	return s.fail(), false
}

// findEscape finds the next backslash. Most events have none.
func (s *scanner) findEscape(at int) {
	s.escape = len(s.text)
	if i := bytes.IndexByte(s.text[at:], '\\'); i >= 0 {
		s.escape = at + i
	}
}

// escapeLength returns the number of bytes after a backslash that belong to its escape, or 0 if the
// escape is invalid.
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
