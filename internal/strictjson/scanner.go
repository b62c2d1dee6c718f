package strictjson

import (
	"strings"
	"unicode/utf8"
)

// scanner reads one text from left to right by the grammar of RFC 8259. MaxDepth bounds the
// recursion.
type scanner struct {
	text  string
	at    int  // offset of the next byte
	depth int  // number of open objects and arrays
	plain bool // the text is ASCII without control characters and escapes
}

// begin starts and end finishes the reading of one text. Nothing may follow the value.
func begin(text string) (scanner, error) {
	s := scanner{text: text, plain: IsPlain([]byte(text)) && strings.IndexByte(text, '\\') < 0}
	if !s.plain && !utf8.ValidString(text) {
		return s, ErrUTF8
	}
	s.space()
	return s, nil
}

func (s *scanner) end() error {
	s.space()
	if s.at < len(s.text) {
		return s.fail(ErrTrailing)
	}
	return nil
}

// finish returns the value if nothing follows it, and the zero value with an error otherwise.
func finish[T any](s *scanner, value T, err error) (T, error) {
	if err == nil {
		err = s.end()
	}
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}

func (s *scanner) fail(err error) error { return &placedError{err, s.at} }

func (s *scanner) want(kind string) error { return s.fail(typeError("expected " + kind)) }

// peek returns the next byte, or 0 at the end. No JSON token begins with NUL.
func (s *scanner) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) space() {
	for c := s.peek(); c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n'); c = s.peek() {
		s.at++
	}
}

// take reads c with the white space around it. It returns false if the next byte is not c.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.peek() != c {
		return false
	}
	s.at++
	s.space()
	return true
}

// value reads and discards any value.
func (s *scanner) value() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	}
	for _, literal := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.at:], literal) {
			s.at += len(literal)
			return nil
		}
	}
	return s.fail(ErrSyntax)
}

// raw reads any value and returns its text.
func (s *scanner) raw() (string, error) {
	start := s.at
	if err := s.value(); err != nil {
		return "", err
	}
	return s.text[start:s.at], nil
}

// open enters an object or array and reports whether it has elements.
func (s *scanner) open(bracket, closing byte, kind string) (bool, error) {
	if s.peek() != bracket {
		return false, s.want(kind)
	}
	if s.depth == MaxDepth {
		return false, s.fail(ErrNesting)
	}
	s.depth++
	s.at++
	s.space()
	if s.peek() == closing {
		return false, s.close(closing)
	}
	return true, nil
}

// more steps over a comma, or leaves the object or array at its closing bracket.
func (s *scanner) more(closing byte) (bool, error) {
	if s.take(',') {
		return true, nil
	}
	return false, s.close(closing)
}

func (s *scanner) close(bracket byte) error {
	if s.peek() != bracket {
		return s.fail(ErrSyntax)
	}
	s.at++
	s.depth--
	return nil
}

// member reads a name, which must not be in seen, and the colon behind it.
func (s *scanner) member(seen *names) (span, error) {
	if s.peek() != '"' {
		return span{}, s.fail(ErrSyntax)
	}
	start := s.at
	name, err := s.string()
	if err != nil {
		return span{}, err
	}
	at := span{start + len(`"`), s.at - len(`"`)}
	if !seen.add(s, name, at) {
		s.at = start
		return span{}, s.fail(ErrDuplicate)
	}
	if !s.take(':') {
		return span{}, s.fail(ErrSyntax)
	}
	return at, nil
}

func (s *scanner) object() error {
	var seen names
	more, err := s.open('{', '}', "a JSON object")
	for more && err == nil {
		if _, err = s.member(&seen); err == nil {
			err = s.value()
		}
		if err == nil {
			more, err = s.more('}')
		}
	}
	return err
}

func (s *scanner) array() error {
	more, err := s.open('[', ']', "a JSON array")
	for more && err == nil {
		if err = s.value(); err == nil {
			more, err = s.more(']')
		}
	}
	return err
}
