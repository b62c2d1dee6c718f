package strictjson

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A scanner reads one text from left to right, by the grammar of RFC 8259. Recursion is bounded by MaxDepth.
type scanner struct {
	text  string
	at    int  // offset of the next byte
	depth int  // objects and arrays open
	plain bool // nothing in text is escaped, or must be, and all is ASCII
}

// begin and end stand around the reading of one text, which must hold what is read and nothing else.
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

// finish returns the value, or none for a refused text.
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

func (s *scanner) fail(err error) error { return fmt.Errorf("%w (at byte %d)", err, s.at) }

func (s *scanner) want(kind string) error {
	return fmt.Errorf("%w: %s is wanted (at byte %d)", ErrType, kind, s.at)
}

// peek returns the next byte, or 0 at the end: NUL begins nothing in JSON.
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

// take consumes c, with the space around it.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.peek() != c {
		return false
	}
	s.at++
	s.space()
	return true
}

// value reads any value and drops it.
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

// open enters the object or array that the next byte must begin, and reports whether anything is in it.
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

// more leaves the object or array at its closing bracket, or steps over a comma.
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

// member reads a name that must differ from those seen, and the colon behind it.
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
	more, err := s.open('{', '}', "an object")
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
	more, err := s.open('[', ']', "an array")
	for more && err == nil {
		if err = s.value(); err == nil {
			more, err = s.more(']')
		}
	}
	return err
}
