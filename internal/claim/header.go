package claim

import "strings"

// HeaderPrefix begins the names of the identity headers: X-Edgeauth-Sub, X-Edgeauth-Roles, ... A
// gateway that forwards requests to an HTTP server writes the context of the authorizer into them.
const HeaderPrefix = "X-Edgeauth-"

var inHeader = strings.NewReplacer("_", "-", ":", "-")

// Header returns the name of the identity header for a claim. The letters after the prefix have the
// case of the claim; names of headers are case-insensitive.
func Header(name string) string { return HeaderPrefix + inHeader.Replace(name) }

// IsHeader reports whether a server could read a header of this name as an identity header. Servers
// that pass headers as variables treat "_" as "-" (RFC 3875, section 4.1.18), and some of them every
// character that is not a letter or digit, so X_Edgeauth_Sub and X.Edgeauth.Sub arrive there under
// the name of X-Edgeauth-Sub.
func IsHeader[T string | []byte](name T) bool {
	if len(name) < len(HeaderPrefix) {
		return false
	}
	for i := range len(HeaderPrefix) {
		if folded(name[i]) != folded(HeaderPrefix[i]) {
			return false
		}
	}
	return true
}

func folded(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		return c
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return '-'
}
