package authorizer

import (
	"bytes"
	"slices"

	"github.com/edgeauth/edgeauth/internal/crosssite"
)

// carried holds the parts of a request that may contain the token or name another method.
type carried struct {
	method  string // empty if the event has no method
	connect bool   // the request is a WebSocket handshake
	headers []pair // names in lower case; only the headers in sources.fields
	cookies [][]byte
	query   []pair
	methods []pair // the values that name a method, see otherMethods

	crowded  bool // the request has more headers with a token than are kept
	identity bool // a header is an identity header, which only a gateway may write
}

// pair is a name and a value. The value is a slice of the event.
type pair struct {
	name  string
	value []byte
}

// bearing is the only token of a request, or the reason why there is not exactly one.
type bearing struct {
	token    []byte
	problem  reason
	byCookie bool
	opaque   bool // the token was in the cookie of opaque sessions
}

// add records the content of one place. Two different tokens are an error: otherwise an attacker
// who can add a second place could decide which token counts, and a backend might read the other
// token.
func (b *bearing) add(token []byte, problem reason) {
	switch {
	case problem == reasonNoToken:
	case problem == "" && len(b.token) > 0 && !bytes.Equal(b.token, token):
		b.problem = reasonSeveralTokens
	case problem == "":
		b.token = token
	case b.problem == "":
		b.problem = problem
	}
}

// find returns the token of the request. If the request does not have exactly one token, problem
// says why. opaque says that the token was in the cookie of opaque sessions.
func (s *sources) find(c *carried, origins []string) (token []byte, opaque bool, problem reason) {
	var b bearing
	for _, h := range c.headers {
		switch {
		case h.name == cookieField:
			for cookie := range bytes.SplitSeq(h.value, []byte(";")) {
				s.cookie(&b, cookie)
			}
		case h.name == subprotocolField && c.connect:
			b.add(s.subprotocol(h.value))
		case slices.Contains(s.headers, h.name):
			b.add(credentials(h))
		}
	}
	for _, cookie := range c.cookies {
		s.cookie(&b, cookie)
	}
	if c.connect {
		for _, q := range c.query {
			b.add(bare(q.value))
		}
	}
	switch {
	case b.problem != "":
		return nil, false, b.problem
	case c.crowded:
		return nil, false, reasonSeveralTokens
	case len(b.token) == 0:
		return nil, false, reasonNoToken
	case b.byCookie && !c.fromOurPages(origins):
		return nil, false, reasonCrossSite
	}
	return b.token, b.opaque, ""
}

func credentials(h pair) (token []byte, problem reason) {
	if h.name == authorizationField {
		return bearerToken(h.value)
	}
	return bare(h.value)
}

func bare(value []byte) (token []byte, problem reason) {
	switch {
	case len(value) == 0:
		return nil, reasonNoToken
	case bytes.IndexByte(value, ',') >= 0:
		return nil, reasonSeveralTokens
	}
	return value, ""
}

// cookie reads "name=value". A host under the same registrable domain can set a cookie of the same
// name, unless the name begins with __Host-. The request then carries two tokens and is refused.
func (s *sources) cookie(b *bearing, text []byte) {
	name, value, _ := bytes.Cut(bytes.Trim(text, " \t"), []byte("="))
	if len(value) > 0 && slices.Contains(s.cookies, string(name)) {
		b.byCookie = true
		b.opaque = b.opaque || string(name) == sessionCookie
		b.add(value, "")
	}
}

// subprotocol reads the list that new WebSocket(url, ["access_token", token]) sends. The token is
// the entry after the name of its source.
func (s *sources) subprotocol(list []byte) (token []byte, problem reason) {
	var b bearing
	named := false
	for entry := range bytes.SplitSeq(list, []byte(",")) {
		entry = bytes.Trim(entry, " \t")
		switch {
		case named:
			named = false
			if len(entry) == 0 {
				return nil, reasonMalformedHeader
			}
			b.add(entry, "")
		default:
			named = slices.Contains(s.subprotocols, string(entry))
		}
	}
	switch {
	case named:
		return nil, reasonMalformedHeader
	case b.problem == "" && len(b.token) == 0:
		return nil, reasonNoToken
	}
	return b.token, b.problem
}

// fromOurPages reports whether the request may use its cookie. A WebSocket handshake is a GET but
// counts as unsafe, because it would give a page of another site a whole conversation. A safe
// request that names an unsafe method counts as unsafe too: any page can link to
// /me?_method=DELETE.
func (c *carried) fromOurPages(origins []string) bool {
	unsafe := func(method string) bool { return !crosssite.Safe(method) }
	passes := crosssite.Allowed
	if !unsafe(c.method) && !c.connect && !slices.ContainsFunc(c.otherMethods(), unsafe) {
		passes = crosssite.MayRead
	}
	fetchSite, one := c.header(fetchSiteField)
	origin, only := c.header(originField)
	return one && only && passes(string(fetchSite), string(origin), origins)
}

// header returns the value of a header, and false if the header has several different values.
func (c *carried) header(name string) (value []byte, ok bool) {
	found := false
	for _, h := range c.headers {
		switch {
		case h.name != name:
		case found && !bytes.Equal(h.value, value):
			return nil, false
		default:
			value, found = h.value, true
		}
	}
	return value, true
}
