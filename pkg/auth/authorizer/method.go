package authorizer

import (
	"bytes"
	"slices"
	"strings"
)

// methodHeaders are the headers by which some routers let a client choose another method.
var methodHeaders = []string{"x-http-method", "x-method-override", "x-http-method-override"}

// isMethodHeader reports whether some routers take the method from the header instead of the
// request line. Servers that pass headers as variables, such as WSGI, Rack and PHP servers, give
// X-HTTP-Method and X_HTTP_Method the same name. Some of them accept any character between the
// words.
func isMethodHeader(name []byte) bool {
	for _, known := range methodHeaders {
		if len(known) == len(name) && isVariable(name, known) {
			return true
		}
	}
	return false
}

// isVariable reports whether a server that passes headers as variables may give the header the same
// variable as known. known is in lower case and has the same length.
func isVariable(name []byte, known string) bool {
	for i, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case !('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
			c = '-'
		}
		if c != known[i] {
			return false
		}
	}
	return true
}

// isMethodParameter reports whether some routers take the method from this parameter of the query
// string: _method, and what PHP makes of the name. PHP skips leading spaces, reads a dot as "_" and
// ends the name at a NUL.
func isMethodParameter(name []byte) bool {
	name = bytes.TrimLeft(name, " ")
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return string(name) == "_method" || string(name) == ".method"
}

// otherMethods returns the methods that the request names in addition to its own method. The
// backend may serve any of them, so the rules must allow all of them. The result ends with the
// first method that API Gateway does not have, because no rule allows that method.
func (c *carried) otherMethods() (found []string) {
	for _, p := range c.methods {
		for name := range bytes.SplitSeq(p.value, []byte(",")) {
			method := strings.ToUpper(string(bytes.TrimSpace(name)))
			if method == "" || slices.Contains(found, method) {
				continue
			}
			if found = append(found, method); !slices.Contains(methods, method) {
				return found
			}
		}
	}
	return found
}
