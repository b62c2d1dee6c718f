package authorizer

import (
	"bytes"
	"slices"
	"strings"
)

// methodParameter is the parameter of a query string by which some routers let a client choose
// another method.
const methodParameter = "_method"

// isMethodHeader reports whether some routers take the method from the header instead of the
// request line.
func isMethodHeader(name []byte) bool {
	switch len(name) {
	case len("X-HTTP-Method"):
		return strings.EqualFold(string(name), "X-HTTP-Method")
	case len("X-Method-Override"):
		return strings.EqualFold(string(name), "X-Method-Override")
	case len("X-HTTP-Method-Override"):
		return strings.EqualFold(string(name), "X-HTTP-Method-Override")
	}
	return false
}

// otherMethods returns the methods that the request names beside its own. Each of them may be the
// one that the backend serves, so the rules must allow them all. The result ends with the first
// method that API Gateway does not have, because no rule allows that one.
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
