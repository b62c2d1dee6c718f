package authorizer

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// string reads a string, and null as the empty one.
func (s *scanner) string(at int) (value string, behind int) {
	part, at := s.content(at)
	return string(part), at
}

// content is string without a copy: a part of the text where nothing is escaped.
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

// repeated reports whether a string is the same as an earlier one, which need not be read again. Where a text has
// escapes, what was read may not be what is written.
func (s *scanner) repeated(at int, earlier []byte) (behind int, ok bool) {
	end := at + 1 + len(earlier)
	ok = !s.escaped && end < len(s.text) && s.text[at] == '"' && s.text[end] == '"' &&
		bytes.Equal(s.text[at+1:end], earlier)
	return end + 1, ok
}

// unescaped returns what a string with escapes holds.
func unescaped(text []byte) []byte {
	value, err := strictjson.String(text)
	if err != nil {
		// A client may write half a character into its GraphQL query, which must not count as our fault. Nothing that we
		// compare with equals this.
		return []byte("\uFFFD")
	}
	return []byte(value)
}

// pastString steps over a string and leaves its escapes as they stand: few strings are read by anybody. Most bytes of
// an event pass here, sixteen at a time, up to the first that is special.
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

// each and tops hold 1 and the top bit in every byte of a word.
const each, tops = 0x0101010101010101, 0x8080808080808080

// special sets the top bit of the first byte of a word that is a quotation mark, a control character or not ASCII, and
// none before it: exchanging 0x22 and 0x20, all of ASCII from 0x21 on is neither, and subtracting 0x21 borrows into the
// top bit of what lies below.
func special(word uint64) uint64 { return ((word ^ 2*each) - 0x21*each) | word }

// pastRest reads the bytes of a string one by one.
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

// findEscape looks for the next backslash, of which most events have none.
func (s *scanner) findEscape(at int) {
	s.escape = len(s.text)
	if i := bytes.IndexByte(s.text[at:], '\\'); i >= 0 {
		s.escape = at + i
	}
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
