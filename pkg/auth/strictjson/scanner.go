package strictjson

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A scanner reads one text from left to right, by the grammar of RFC 8259. Recursion is bounded by MaxDepth.
type scanner struct {
	text  string
	at    int // offset of the next byte
	depth int // objects and arrays open
}

// begin and finish stand around the reading of one text, which must hold what is read and nothing else. They are two
// functions, because a scanner handed to a function value would cost an allocation for every claim of every token.
func begin(text string) (scanner, error) {
	s := scanner{text: text}
	if !utf8.ValidString(text) {
		return s, ErrUTF8
	}
	s.space()
	return s, nil
}

// finish returns the value, or none for a refused text.
func finish[T any](s *scanner, value T, err error) (T, error) {
	if err == nil {
		s.space()
		if s.at == len(s.text) {
			return value, nil
		}
		err = s.fail(ErrTrailing)
	}
	var none T
	return none, err
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
	for c := s.peek(); c == ' ' || c == '\t' || c == '\r' || c == '\n'; c = s.peek() {
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
		_, err := s.object()
		return err
	case c == '[':
		return s.array(func(string) error { return nil })
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
	err := s.value()
	return s.text[start:s.at], err
}

// open enters the object or array that the next byte must begin.
func (s *scanner) open(bracket byte, kind string) error {
	if s.peek() != bracket {
		return s.want(kind)
	}
	if s.depth == MaxDepth {
		return s.fail(ErrNesting)
	}
	s.depth++
	s.at++
	s.space()
	return nil
}

// more leaves the object or array at its closing bracket, or steps over a comma.
func (s *scanner) more(bracket byte) (bool, error) {
	if s.take(',') {
		return true, nil
	}
	return false, s.close(bracket)
}

func (s *scanner) close(bracket byte) error {
	if s.peek() != bracket {
		return s.fail(ErrSyntax)
	}
	s.at++
	s.depth--
	return nil
}

func (s *scanner) object() ([]Member, error) {
	if err := s.open('{', "an object"); err != nil {
		return nil, err
	}
	if s.peek() == '}' {
		return nil, s.close('}')
	}
	found := names{members: make([]Member, 0, 8)}
	if s.depth == 1 {
		found.members = make([]Member, 0, 16) // an access token's claims, without growing
	}
	for more := true; more; {
		start := s.at
		if s.peek() != '"' {
			return nil, s.fail(ErrSyntax)
		}
		name, err := s.string()
		if err != nil {
			return nil, err
		}
		if found.has(name) {
			s.at = start
			return nil, s.fail(ErrDuplicate)
		}
		if !s.take(':') {
			return nil, s.fail(ErrSyntax)
		}
		raw, err := s.raw()
		if err != nil {
			return nil, err
		}
		found.add(Member{name, raw})
		if more, err = s.more('}'); err != nil {
			return nil, err
		}
	}
	return found.members, nil
}

func (s *scanner) array(each func(raw string) error) error {
	if err := s.open('[', "an array"); err != nil {
		return err
	}
	if s.peek() == ']' {
		return s.close(']')
	}
	for more := true; more; {
		raw, err := s.raw()
		if err != nil {
			return err
		}
		if err = each(raw); err != nil {
			return err
		}
		if more, err = s.more(']'); err != nil {
			return err
		}
	}
	return nil
}
