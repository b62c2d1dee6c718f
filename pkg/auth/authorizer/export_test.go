package authorizer

// MaxDepth is how deep a value may be nested.
const MaxDepth = maxDepth

// IsJSON reads a text as what nobody asks for.
func IsJSON(text []byte) bool {
	var s scanner
	s.begin(text)
	return s.ends(s.skip(0))
}

// ReadObject reads the names of an object and those values that are strings. Once refuses a name that comes again.
func ReadObject(text []byte, once bool) (names, values []string, ok bool) {
	var s scanner
	s.begin(text)
	for name, at, more := s.first(0); more; name, at, more = s.next(at) {
		if once {
			s.once(name)
		}
		names = append(names, string(name))
		if c, _ := s.peek(at); c == '"' {
			var value string
			value, at = s.string(at)
			values = append(values, value)
		} else {
			at = s.skip(at)
		}
	}
	return names, values, s.ends(s.behind)
}
