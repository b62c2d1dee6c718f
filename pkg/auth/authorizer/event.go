package authorizer

import "slices"

// event holds the fields of all authorizer events by which they are told apart and answered. Each may be missing or
// null in the text, and is empty then. What is only looked at is a part of the text.
type event struct {
	kind          []byte // its name in the text is type
	version       []byte
	routeARN      string
	methodARN     string
	authorization string // its name in the text is authorizationToken
	requestID     string
	apiID         []byte
	carried
}

// readEvent reads an event in one pass, and reports false for a text with two readings or none.
func readEvent(text []byte, s *sources) (*event, bool) {
	var in scanner
	in.begin(text)
	if in.bad || in.peek() != '{' { // null has no members either
		return nil, false
	}
	var e event
	for name := range in.members {
		switch string(name) {
		case "type":
			e.kind = in.optional()
		case "version":
			e.version = in.optional()
		case "routeArn":
			e.routeARN = in.string()
		case "methodArn":
			e.methodARN = in.string()
		case "authorizationToken":
			e.authorization = in.string()
		case "httpMethod":
			e.method = in.string()
		case "requestContext":
			e.readContext(&in)
		case "headers":
			e.readHeaders(&in, s, single)
		case "multiValueHeaders":
			e.readHeaders(&in, s, several)
		case "queryStringParameters":
			e.readQuery(&in, s, single)
		case "multiValueQueryStringParameters":
			e.readQuery(&in, s, several)
		case "cookies":
			for range in.elements {
				if cookie := in.string(); len(s.cookies) > 0 {
					e.cookies = append(e.cookies, cookie)
				}
			}
		}
	}
	in.peek()
	return &e, !in.bad && in.at == len(text)
}

func (e *event) readContext(in *scanner) {
	for name := range in.members {
		switch string(name) {
		case "requestId":
			e.requestID = in.string()
		case "apiId":
			e.apiID = in.optional()
		case "http":
			for name := range in.members {
				if string(name) == "method" {
					e.method = in.string()
				}
			}
		}
	}
}

// readHeaders keeps the headers that somebody reads: of thirty it is one or two.
func (e *event) readHeaders(in *scanner, s *sources, of cardinality) {
	for name := range in.entries {
		if field := s.field(name); field != "" {
			in.once(name)
			e.headers = in.values(e.headers, field, of)
		}
	}
}

func (e *event) readQuery(in *scanner, s *sources, of cardinality) {
	for name := range in.entries {
		if slices.Contains(s.queries, string(name)) {
			in.once(name)
			e.query = in.values(e.query, string(name), of)
		}
	}
}

// cardinality tells a map of single values from one of arrays.
type cardinality uint8

const (
	single cardinality = iota
	several
)

// values reads what stands under a name of a map.
func (s *scanner) values(to []pair, name string, of cardinality) []pair {
	if of == single {
		return s.value(to, name)
	}
	for range s.elements {
		to = s.value(to, name)
	}
	return to
}

// value appends a value that is not just there: a REST event has each in both of its maps.
func (s *scanner) value(to []pair, name string) []pair {
	value := s.optional()
	if last := len(to) - 1; last >= 0 && to[last].name == name && to[last].value == string(value) {
		return to
	}
	return append(to, pair{name, string(value)})
}
