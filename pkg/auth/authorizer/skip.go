package authorizer

// maxDepth bounds the recursion. No real client comes near it.
const maxDepth = 1000

// skip steps over a value that is not used.
func (s *scanner) skip(at int) int { return s.past(at, s.names.open) }

// past steps over any value. depth is the number of objects and arrays around it.
func (s *scanner) past(at, depth int) int {
	c, at := s.peek(at)
	switch c {
	case '"':
		at, _ = s.pastString(at)
		return at
	case '{':
		return s.pastObject(at, depth+1)
	case '[':
		return s.pastArray(at, depth+1)
	case 'n':
		return s.pastWord(at, "null")
	case 't':
		return s.pastWord(at, "true")
	case 'f':
		return s.pastWord(at, "false")
	}
	return s.pastNumber(at)
}

// pastObject steps over an object. depth includes the object itself.
func (s *scanner) pastObject(at, depth int) int {
	c, at := s.peek(at + 1)
	if c == '}' && depth <= maxDepth {
		return at + 1
	}
	for depth <= maxDepth {
		at, _ = s.pastString(at)
		if c, at = s.peek(at); c != ':' {
			break
		}
		at = s.past(at+1, depth)
		switch c, at = s.peek(at); c {
		case ',':
			_, at = s.peek(at + 1)
			continue
		case '}':
			return at + 1
		}
		break
	}
	return s.fail()
}

func (s *scanner) pastArray(at, depth int) int {
	c, at := s.peek(at + 1)
	if c == ']' && depth <= maxDepth {
		return at + 1
	}
	for depth <= maxDepth {
		at = s.past(at, depth)
		switch c, at = s.peek(at); c {
		case ',':
			at++
			continue
		case ']':
			return at + 1
		}
		break
	}
	return s.fail()
}

func (s *scanner) pastWord(at int, word string) int {
	end := at + len(word)
	if end > len(s.text) || string(s.text[at:end]) != word {
		return s.fail()
	}
	return end
}

// pastNumber steps over a number by the grammar of RFC 8259, section 6.
func (s *scanner) pastNumber(at int) int {
	if s.is(at, '-') {
		at++
	}
	digits := s.pastDigits(at)
	if s.is(at, '0') {
		digits = at + 1 // no digit may follow a leading zero
	}
	if digits == at {
		return s.fail()
	}
	at = digits
	if s.is(at, '.') {
		if digits = s.pastDigits(at + 1); digits == at+1 {
			return s.fail()
		}
		at = digits
	}
	if s.is(at, 'e') || s.is(at, 'E') {
		at++
		if s.is(at, '+') || s.is(at, '-') {
			at++
		}
		if digits = s.pastDigits(at); digits == at {
			return s.fail()
		}
		at = digits
	}
	return at
}

func (s *scanner) is(at int, c byte) bool { return at < len(s.text) && s.text[at] == c }

// pastDigits returns the offset behind the digits at the offset.
func (s *scanner) pastDigits(at int) int {
	for at < len(s.text) && isDigit(s.text[at]) {
		at++
	}
	return at
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
