package authorizer

// appendString appends s as a JSON string.
func appendString(to []byte, s string) []byte {
	return append(appendEscaped(append(to, '"'), s), '"')
}

// appendEscaped appends s with JSON escapes but without quotation marks. s must be valid UTF-8; the
// source of s was checked.
func appendEscaped(to []byte, s string) []byte {
	for i := range len(s) {
		if isEscaped(s[i]) {
			return appendEscapes(to, s)
		}
	}
	return append(to, s...)
}

func isEscaped(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

func appendEscapes(to []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case isEscaped(c):
			to = append(to, '\\', c)
		default:
			to = append(to, c)
		}
	}
	return to
}
