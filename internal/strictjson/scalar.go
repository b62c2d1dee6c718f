package strictjson

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string and returns its value, which is a slice of the text if there are no
// escapes.
func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.want("a JSON string")
	}
	s.at++
	start := s.at
	if s.plain { // the next quotation mark ends the string
		end := quotationMark(s.text, start)
		if end == len(s.text) {
			s.at = end
			return "", s.fail(ErrSyntax)
		}
		s.at = end + 1
		return s.text[start:end], nil
	}
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], nil
		case c == '\\':
			return s.escaped(s.text[start:s.at])
		case c < ' ':
			return "", s.fail(ErrSyntax)
		}
	}
	return "", s.fail(ErrSyntax)
}

// escaped reads the rest of a string after its first escape.
func (s *scanner) escaped(before string) (string, error) {
	value := []byte(before)
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return string(value), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			value = utf8.AppendRune(value, r)
		case c < ' ':
			return "", s.fail(ErrSyntax)
		default:
			value = append(value, c)
			s.at++
		}
	}
	return "", s.fail(ErrSyntax)
}

// escape reads one escape, or the two escapes of a surrogate pair. An unpaired surrogate is not a
// character. encoding/json replaces it by U+FFFD and other parsers keep it, so two names could be
// equal for one parser only.
func (s *scanner) escape() (rune, error) {
	if s.at+1 == len(s.text) {
		return 0, s.fail(ErrSyntax)
	}
	const letters, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(letters, s.text[s.at+1]); i >= 0 {
		s.at += 2
		return rune(meant[i]), nil
	}
	r, ok := s.unit()
	if !ok {
		return 0, s.fail(ErrSyntax)
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	second, _ := s.unit()
	pair := utf16.DecodeRune(r, second)
	if pair == utf8.RuneError {
		return 0, s.fail(ErrSurrogate)
	}
	return pair, nil
}

// unit reads one \uXXXX. If the text has no \uXXXX here, it returns false and reads nothing.
func (s *scanner) unit() (rune, bool) {
	const length = len(`\uXXXX`)
	if len(s.text)-s.at < length || s.text[s.at:s.at+2] != `\u` {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.text[s.at+2 : s.at+length]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	s.at += length
	return r, true
}

// integer reads a number that consists of digits with an optional minus sign.
func (s *scanner) integer() (int64, error) {
	start := s.at
	if n, end := tenDigits(s.text, start); end > start {
		s.at = end
		return n, nil
	}
	if c := s.peek(); c != '-' && !isDigit(c) {
		return 0, s.want("an integer")
	}
	if err := s.number(); err != nil {
		return 0, err
	}
	spelled := s.text[start:s.at]
	n, err := strconv.ParseInt(spelled, 10, 64)
	if err != nil || spelled == "-0" {
		s.at = start
		return 0, s.want("an integer of 64 bits")
	}
	return n, nil
}

// tenDigits is a fast path for the times in tokens, in seconds: ten digits without a leading zero
// before a comma. In any other case it returns at as end.
func tenDigits(text string, at int) (n int64, end int) {
	const digits = 10
	if len(text)-at <= digits || text[at] == '0' || text[at+digits] != ',' {
		return 0, at
	}
	for _, c := range []byte(text[at : at+digits]) {
		if !isDigit(c) {
			return 0, at
		}
		n = 10*n + int64(c-'0')
	}
	return n, at + digits
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	switch {
	case s.peek() == '0':
		s.at++ // no digit may follow a leading zero
	case !s.digits():
		return s.fail(ErrSyntax)
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	return nil
}

// digits reads digits and reports whether there was at least one.
func (s *scanner) digits() bool {
	start := s.at
	for isDigit(s.peek()) {
		s.at++
	}
	return s.at > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
