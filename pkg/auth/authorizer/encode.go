package authorizer

// appendString appends s as a JSON string.
func appendString(to []byte, s string) []byte {
	return append(appendEscaped(append(to, '"'), s), '"')
}

// appendEscaped appends s as it stands within a JSON string. It is valid UTF-8, as the text was that it comes from.
func appendEscaped(to []byte, s string) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, s[start:i]...)
		start = i + 1
		if c < ' ' {
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			to = append(to, '\\', c)
		}
	}
	return append(to, s[start:]...)
}
