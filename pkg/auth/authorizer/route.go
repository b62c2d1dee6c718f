package authorizer

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// route is the route of a Rule in the form of an ARN resource: "GET/users/*".
type route struct {
	kind     routeKind
	method   string // or anyMethod; empty for $connect, $default and fields
	patterns []string
	folded   []string // the patterns without regard to case
}

type routeKind uint8

const (
	literal  routeKind = iota // exactly one path
	below                     // ends in /*
	template                  // has a {param}
	field                     // a field of a GraphQL schema
)

const anyMethod = "ANY"

// methods are the methods of API Gateway. A policy lists each of them, because "*" in IAM also
// matches slashes: the pattern */users would match GET/a/users.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// maxPattern is the maximum length of a pattern. Together with the longest stage it fits into a
// Resource.
const maxPattern = 300

var (
	errRoute = errors.New(`a route is "METHOD /path", "$connect", "$default" or "Type.field"; METHOD is ANY or one of ` +
		strings.Join(methods, ", ") + `; the path may have segments "{name}" and end in "/*"`)
	errColon = errors.New(`a segment of a route must not begin with ":", which other routers take for a parameter; write "{name}"`)
	errLong  = fmt.Errorf("a route has at most %d bytes", maxPattern)
)

func parseRoute(text string) (route, error) {
	switch {
	case len(text) > maxPattern:
		return route{}, errLong
	case text == connectRoute || text == "$default":
		return newRoute(literal, "", text), nil
	case isField(text):
		return newRoute(field, "", text), nil
	}
	method, path, _ := strings.Cut(text, " ")
	if strings.Contains(path, "/:") {
		return route{}, errColon
	}
	of := []string{method}
	switch method {
	case anyMethod:
		of = methods
	case http.MethodGet: // routers also serve HEAD with the handler of GET
		of = []string{http.MethodGet, http.MethodHead}
	}
	kind, ok := kindOf(path)
	if !ok || method != anyMethod && !slices.Contains(methods, method) {
		return route{}, errRoute
	}
	var patterns []string
	for _, m := range of {
		patterns = append(patterns, m+path)
		switch head := strings.TrimSuffix(path, "/*"); {
		case kind == literal && path != "/":
			// Many routers, and REST APIs too, ignore a final slash.
			patterns = append(patterns, m+path+"/")
		case kind == below && head != "":
			// Many routers serve what is below a path and the path itself with one handler.
			patterns = append(patterns, m+head)
		}
	}
	return newRoute(kind, method, patterns...), nil
}

func newRoute(kind routeKind, method string, patterns ...string) route {
	r := route{kind: kind, method: method, patterns: patterns}
	for _, p := range patterns {
		r.folded = append(r.folded, fold(p))
	}
	return r
}

// fold maps s so that all case variants become equal, as a router may treat them. Both conversions
// are needed: the lower case of the Kelvin sign is k, and only the upper case of the long s is S.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// isField reports whether s has the form "Type.field" of a GraphQL field.
func isField(s string) bool {
	object, name, found := strings.Cut(s, ".")
	return found && isName(object) && isName(name) && !strings.Contains(s, "-")
}

func kindOf(path string) (routeKind, bool) {
	head, wild := strings.CutSuffix(path, "/*")
	kind := literal
	switch {
	case path == "/":
		return literal, true
	case wild && head == "":
		return below, true
	case wild:
		kind = below
	}
	segments := strings.Split(head, "/")
	if segments[0] != "" || len(segments) == 1 {
		return 0, false
	}
	for _, s := range segments[1:] {
		switch {
		case isParam(s):
			kind = template
		case !isPlain(s):
			return 0, false
		}
	}
	return kind, true
}

func isParam(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' && isName(segment[1:len(segment)-1])
}

// isPlain reports whether a segment is safe: policies and routers both take it literally.
func isPlain(segment string) bool {
	for i := range len(segment) {
		if c := segment[i]; !isName(segment[i:i+1]) && strings.IndexByte(".~!$&'()+,=:@", c) < 0 {
			return false
		}
	}
	return segment != "" && segment != "." && segment != ".."
}

// path is a resource in two forms.
type path struct{ exact, folded string }

// names reports whether the route matches the resource exactly.
func (r *route) names(p path) bool { return r.kind.matches(r.patterns, p.exact) }

// mayName reports whether a router that ignores case may take the resource for this route.
func (r *route) mayName(p path) bool { return r.kind.matches(r.folded, p.folded) }

func (k routeKind) matches(patterns []string, resource string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		switch k {
		case literal:
			return resource == pattern
		case below:
			head, wild := strings.CutSuffix(pattern, "*")
			return wild && strings.HasPrefix(resource, head) || resource == pattern
		case template:
			bare := strings.TrimSuffix(resource, "/")
			head, wild := strings.CutSuffix(pattern, "/*")
			return fits(pattern, resource) || fits(pattern, bare) || wild && fits(head, bare)
		}
		return false
	})
}

// fits compares segment by segment. A {param} matches one non-empty segment.
func fits(pattern, resource string) bool {
	for {
		p, patternRest, patternMore := strings.Cut(pattern, "/")
		if p == "*" && !patternMore {
			return true
		}
		r, resourceRest, resourceMore := strings.Cut(resource, "/")
		if p != r && (!isParam(p) || r == "") || patternMore != resourceMore {
			return false
		}
		if !patternMore {
			return true
		}
		pattern, resource = patternRest, resourceRest
	}
}

// Parts of a path that a router may resolve to another path, inside or outside the route. The first
// list applies anywhere in the resource, the second at its end. If rules exist, a request with an
// ambiguous path is refused.
var (
	ambiguousWithin   = []string{"%", ";", "#", `\`, "//", "/./", "/../"}
	ambiguousAtEnd    = []string{"/.", "/.."}
	ambiguousPatterns = func() (patterns []string) {
		for _, s := range ambiguousWithin {
			patterns = append(patterns, "*"+s+"*")
		}
		for _, s := range ambiguousAtEnd {
			patterns = append(patterns, "*"+s)
		}
		return patterns
	}()
)

func isAmbiguous(resource string) bool {
	contains := func(s string) bool { return strings.Contains(resource, s) }
	ends := func(s string) bool { return strings.HasSuffix(resource, s) }
	return isCut(resource) || slices.ContainsFunc(ambiguousWithin, contains) || slices.ContainsFunc(ambiguousAtEnd, ends)
}

// isCut reports whether a backend may see only a part of the path, because a gateway that decodes
// paths leaves these bytes in them. No IAM pattern matches only these paths, so a policy cannot
// deny them individually.
func isCut(resource string) bool {
	return strings.ContainsFunc(resource, func(r rune) bool { return r == '?' || unicode.IsControl(r) })
}
