package authorizer

import (
	"bytes"
	"slices"

	"github.com/edgeauth/edgeauth/internal/crosssite"
)

// carried is what a request carries where its token may stand.
type carried struct {
	method  string // empty where the event does not say
	connect bool   // the handshake of a WebSocket
	headers []pair // names in lower case, and only those of sources.fields
	cookies [][]byte
	query   []pair
}

// pair holds a value where it stands in the event.
type pair struct {
	name  string
	value []byte
}

// bearing is the one token of a request, or why there is none.
type bearing struct {
	token    []byte
	problem  Reason
	byCookie bool
}

// add takes note of what one place holds. Choosing one of two tokens would let whoever adds a place choose for us, and
// a backend may choose the other.
func (b *bearing) add(token []byte, problem Reason) {
	switch {
	case problem == ReasonNoToken:
	case problem == "" && len(b.token) > 0 && !bytes.Equal(b.token, token):
		b.problem = ReasonSeveralTokens
	case problem == "":
		b.token = token
	case b.problem == "":
		b.problem = problem
	}
}

// find returns the token of a request, and a problem where there is not exactly one.
func (s *sources) find(c *carried, origins []string) (token []byte, problem Reason) {
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
		return nil, b.problem
	case len(b.token) == 0:
		return nil, ReasonNoToken
	case b.byCookie && !c.fromOurPages(origins):
		return nil, ReasonCrossSite
	}
	return b.token, ""
}

func credentials(h pair) (token []byte, problem Reason) {
	if h.name == authorizationField {
		return bearerToken(h.value)
	}
	return bare(h.value)
}

func bare(value []byte) (token []byte, problem Reason) {
	switch {
	case len(value) == 0:
		return nil, ReasonNoToken
	case bytes.IndexByte(value, ',') >= 0:
		return nil, ReasonSeveralTokens
	}
	return value, ""
}

// cookie reads "name=value". A neighbour's host can add a cookie of the same name for the whole domain, unless the name
// begins with __Host-; then there are two tokens.
func (s *sources) cookie(b *bearing, text []byte) {
	name, value, _ := bytes.Cut(bytes.Trim(text, " \t"), []byte("="))
	if len(value) > 0 && slices.Contains(s.cookies, string(name)) {
		b.byCookie = true
		b.add(value, "")
	}
}

// subprotocol reads the list that new WebSocket(url, ["access_token", token]) sends: the token is the entry behind the
// name of its source.
func (s *sources) subprotocol(list []byte) (token []byte, problem Reason) {
	var b bearing
	named := false
	for entry := range bytes.SplitSeq(list, []byte(",")) {
		entry = bytes.Trim(entry, " \t")
		switch {
		case named:
			named = false
			if len(entry) == 0 {
				return nil, ReasonMalformedHeader
			}
			b.add(entry, "")
		default:
			named = slices.Contains(s.subprotocols, string(entry))
		}
	}
	switch {
	case named:
		return nil, ReasonMalformedHeader
	case b.problem == "" && len(b.token) == 0:
		return nil, ReasonNoToken
	}
	return b.token, b.problem
}

// fromOurPages reports whether a request may act on its cookie. The handshake of a WebSocket is a GET by which a
// stranger's page would get a whole conversation, so it counts as unsafe.
func (c *carried) fromOurPages(origins []string) bool {
	if crosssite.Safe(c.method) && !c.connect {
		return true
	}
	fetchSite, one := c.header(fetchSiteField)
	origin, only := c.header(originField)
	return one && only && crosssite.Allowed(string(fetchSite), string(origin), origins)
}

// header returns a header's value, and false where it has several.
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
