// Package requestid holds the id of a request. The audit line and every error answer have the same
// id, so that an operator can find the line of an answer.
package requestid

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// Header holds the id of a request. Package gateway sets it to API Gateway's id. A server without
// package gateway in front gets the header from its own proxy, or from the client.
const Header = "X-Request-Id"

// maxBytes bounds an id: answers and audit lines repeat it.
const maxBytes = 128

// Of returns the id of a request, or "" without an id.
func Of(r *http.Request) string { return r.Header.Get(Header) }

// Ensure returns a request that has one well-formed id: r itself, or a copy of r with a new id.
// An id is well-formed if it has 1 to 128 visible characters of ASCII.
func Ensure(r *http.Request) *http.Request {
	if ids := r.Header.Values(Header); len(ids) == 1 && wellFormed(ids[0]) {
		return r
	}
	named := *r
	named.Header = r.Header.Clone()
	if named.Header == nil {
		named.Header = make(http.Header)
	}
	named.Header.Set(Header, rand.Text())
	return &named
}

func wellFormed(id string) bool {
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	return id != "" && len(id) <= maxBytes && !strings.ContainsFunc(id, invisible)
}
