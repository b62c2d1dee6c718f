package authorizer

import (
	"bytes"
	"slices"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// event holds the fields that distinguish the authorizer events and answer them. A field that is
// missing or null is empty. Byte slices are parts of the text.
type event struct {
	kind          []byte // the member type
	version       []byte
	routeARN      string
	methodARN     string
	authorization []byte // the member authorizationToken
	requestID     string
	apiID         []byte
	carried
}

// readEvent parses an event in one pass. It returns false if the text is not JSON or has a
// duplicate name.
func readEvent(text []byte, s *sources) (e event, ok bool) {
	var in scanner
	in.begin(text)
	if c, _ := in.peek(0); c != '{' { // null has no members either
		return event{}, false
	}
	for name, at, more := in.first(0); more; name, at, more = in.next(at) {
		in.once(name)
		switch string(name) {
		case "type":
			e.kind, at = in.content(at)
		case "version":
			e.version, at = in.content(at)
		case "routeArn":
			e.routeARN, at = in.string(at)
		case "methodArn":
			e.methodARN, at = in.string(at)
		case "authorizationToken":
			e.authorization, at = in.content(at)
		case "httpMethod":
			e.method, at = in.string(at)
		case "requestContext":
			at = e.readContext(&in, at)
		case "headers":
			at = e.readHeaders(&in, at, s, single)
		case "multiValueHeaders":
			at = e.readHeaders(&in, at, s, several)
		case "queryStringParameters":
			at = e.readQuery(&in, at, s, single)
		case "multiValueQueryStringParameters":
			at = e.readQuery(&in, at, s, several)
		case "cookies":
			at = e.readCookies(&in, at, s)
		default:
			at = in.skip(at)
		}
	}
	return e, in.ends(in.behind)
}

func (e *event) readContext(in *scanner, at int) (behind int) {
	for name, at, more := in.first(at); more; name, at, more = in.next(at) {
		in.once(name)
		switch string(name) {
		case "requestId":
			e.requestID, at = in.string(at)
		case "apiId":
			e.apiID, at = in.content(at)
		case "http":
			at = e.readHTTP(in, at)
		default:
			at = in.skip(at)
		}
	}
	return in.behind
}

func (e *event) readHTTP(in *scanner, at int) (behind int) {
	for name, at, more := in.first(at); more; name, at, more = in.next(at) {
		in.once(name)
		if string(name) == "method" {
			e.method, at = in.string(at)
		} else {
			at = in.skip(at)
		}
	}
	return in.behind
}

// maxHeaders is the most headers that are kept of one map of an event.
const maxHeaders = 32

// readHeaders keeps only the headers in sources.fields and the headers that name a method, one or
// two of about thirty. It also records whether the request has an identity header.
//
// A gateway that keeps the spelling of names passes a header once for each spelling. The scanner
// cannot remember an unlimited number of names, and a client must not be able to make an event
// unreadable.
func (e *event) readHeaders(in *scanner, at int, s *sources, of cardinality) (behind int) {
	kept := 0
	for name, at, more := in.first(at); more; name, at, more = in.next(at) {
		switch field := s.field(name); {
		case field != "" && kept == maxHeaders:
			e.crowded = true
			at = in.skip(at)
		case field != "":
			kept++
			in.once(name)
			e.headers, at = in.values(at, e.headers, field, of)
		case isMethodHeader(name):
			e.methods, at = in.values(at, e.methods, "", of)
		default:
			e.identity = e.identity || claim.IsHeader(name)
			at = in.skip(at)
		}
	}
	return in.behind
}

func (e *event) readQuery(in *scanner, at int, s *sources, of cardinality) (behind int) {
	for name, at, more := in.first(at); more; name, at, more = in.next(at) {
		switch {
		case slices.Contains(s.queries, string(name)):
			in.once(name)
			e.query, at = in.values(at, e.query, string(name), of)
		case isMethodParameter(name):
			e.methods, at = in.values(at, e.methods, "", of)
		default:
			at = in.skip(at)
		}
	}
	return in.behind
}

func (e *event) readCookies(in *scanner, at int, s *sources) (behind int) {
	for at, more := in.enter(at, '[', ']'); more; at, more = in.more(at, ']') {
		var cookie []byte
		if cookie, at = in.content(at); len(s.cookies) > 0 {
			e.cookies = append(e.cookies, cookie)
		}
	}
	return in.behind
}

// cardinality says whether a map holds single values or arrays of values.
type cardinality uint8

const (
	single cardinality = iota
	several
)

// values reads the value, or the array of values, of one name in a map.
func (s *scanner) values(at int, to []pair, name string, of cardinality) (all []pair, behind int) {
	if of == single {
		return s.value(at, to, name)
	}
	for at, more := s.enter(at, '[', ']'); more; at, more = s.more(at, ']') {
		to, at = s.value(at, to, name)
	}
	return to, s.behind
}

// value appends the value unless it repeats the last value: a REST event has each value, and
// therefore the token, in two maps.
func (s *scanner) value(at int, to []pair, name string) (all []pair, behind int) {
	last := len(to) - 1
	again := last >= 0 && to[last].name == name
	if again {
		if end, same := s.repeated(at, to[last].value); same {
			return to, end
		}
	}
	value, at := s.content(at)
	if again && bytes.Equal(value, to[last].value) {
		return to, at
	}
	return append(to, pair{name, value}), at
}
