package strictjson

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner reads one text from left to right, by the grammar of RFC 8259. Recursion is bounded by MaxDepth.
type scanner struct {
	text  string
	at    int // offset of the next byte
	depth int // objects and arrays open
}

// whole runs one reader over a text, which must hold what it reads and nothing else. A refused text has no value.
func whole[T any](text string, read func(*scanner) (T, error)) (T, error) {
	var none T
	if !utf8.ValidString(text) {
		return none, ErrUTF8
	}
	s := &scanner{text: text}
	s.space()
	value, err := read(s)
	if err != nil {
		return none, err
	}
	s.space()
	if s.at < len(text) {
		return none, s.fail(ErrTrailing)
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

// string reads a string and returns its value: a slice of the text where nothing is escaped.
func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.want("a string")
	}
	s.at++
	start := s.at
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

// escaped reads the rest of a string from its first escape on.
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

// escape reads one escape, or the two of a surrogate pair. A half on its own is no character: encoding/json reads
// U+FFFD, others keep it, and then two names are equal for one reader only.
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

// unit reads one \uXXXX, and nothing where there is none.
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

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	switch {
	case s.peek() == '0':
		s.at++ // no digit may follow; whoever reads on finds no comma
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

// digits consumes digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.at
	for isDigit(s.peek()) {
		s.at++
	}
	return s.at > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// names collects the members of one object. Up to scanned of them are compared one by one, which needs no memory;
// with more, a map keeps a text of thousands of names from costing their square.
type names struct {
	members []Member
	seen    map[string]bool
}

const scanned = 24

func (n *names) has(name string) bool {
	if n.seen != nil {
		return n.seen[name]
	}
	for _, m := range n.members {
		if m.Name == name {
			return true
		}
	}
	return false
}

func (n *names) add(m Member) {
	n.members = append(n.members, m)
	switch {
	case n.seen != nil:
		n.seen[m.Name] = true
	case len(n.members) == scanned:
		n.seen = make(map[string]bool, 2*scanned)
		for _, m := range n.members {
			n.seen[m.Name] = true
		}
	}
}
