package authorizer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// rules are the rules of all routes. Without any, every good token passes everywhere.
//
// A request passes if a rule names its route and the token meets every rule that does: what stands below a "/*" must
// meet that rule as well. So the order of rules means nothing, a rule more never opens what another closes, and a policy
// says exactly the same, since a Deny of IAM beats every Allow. Only a {param} gives way, to a literal route of the same
// method, as it does when a gateway picks the route of a request.
type rules struct {
	list []compiledRule
	// each says that a policy is for one request alone: there is a {param} among the routes, for which IAM has no word.
	each           bool
	fields, routes bool
}

type compiledRule struct {
	Rule
	route
}

// maxRules bounds a policy's length.
const maxRules = 100

var errTwice = errors.New("another rule has this route")

func compileRules(list []Rule) (rules, error) {
	if len(list) > maxRules {
		return rules{}, fmt.Errorf("%w: there are %d rules, and at most %d can be", ErrConfig, len(list), maxRules)
	}
	var rs rules
	seen := make(map[string]bool, len(list))
	for i, rule := range list {
		route, err := parseRoute(rule.Route)
		if err == nil {
			err = rule.check()
		}
		if err == nil && seen[rule.Route] {
			err = errTwice
		}
		if err != nil {
			return rules{}, fmt.Errorf("%w: rule %d, route %q: %w", ErrConfig, i+1, rule.Route, err)
		}
		seen[rule.Route] = true
		rs.list = append(rs.list, compiledRule{rule, route})
		rs.each = rs.each || route.kind == template
		rs.fields = rs.fields || route.kind == field
		rs.routes = rs.routes || route.kind != field
	}
	return rs, nil
}

// judge returns why a good token may not make this request, with the rule it does not meet, or "".
func (rs *rules) judge(r Request, c *token.Claims, now time.Time) (Reason, *Rule) {
	switch {
	case len(rs.list) == 0:
		return "", nil
	case r.graphQL && rs.fields: // its fields are denied one by one
		return "", nil
	case r.graphQL:
		return ReasonUnlistedRoute, nil
	case isAmbiguous(r.resource) || rs.each && !fitsPolicy(r):
		return ReasonAmbiguousPath, nil
	}
	named := false
	for i := range rs.list {
		rule := &rs.list[i]
		if !rule.names(r.resource) || rule.kind == template && rs.givesWay(rule, r.resource) {
			continue
		}
		if reason := rule.unmet(c, now); reason != "" {
			return reason, &rule.Rule
		}
		named = true
	}
	if !named {
		return ReasonUnlistedRoute, nil
	}
	return "", nil
}

// fitsPolicy reports whether a policy can name this one request: whether its path, which the client chose, is no pattern.
func fitsPolicy(r Request) bool {
	return len(r.ARN) <= maxResource && !strings.ContainsAny(r.resource, "*?") && !strings.Contains(r.resource, "${")
}

// patterns returns what judge decides for every resource at once, as the resources of an Allow and a Deny.
func (rs *rules) patterns(c *token.Claims, now time.Time) (allow, deny []string) {
	wide := false
	for i := range rs.list {
		switch rule := &rs.list[i]; {
		case rule.kind == field:
		case rule.unmet(c, now) != "":
			deny = append(deny, rule.patterns...)
		default:
			allow = append(allow, rule.patterns...)
			wide = wide || rule.kind == below
		}
	}
	if wide { // a literal route is never ambiguous
		deny = append(deny, ambiguousPatterns...)
	}
	return allow, deny
}

// givesWay reports whether a literal route at least as exact as this one, which has a {param}, names the resource.
func (rs *rules) givesWay(t *compiledRule, resource string) bool {
	for i := range rs.list {
		rule := &rs.list[i]
		if rule.kind == literal && (t.method == rule.method || t.method == anyMethod) && rule.names(resource) {
			return true
		}
	}
	return false
}

// deniedFields returns the fields of a GraphQL schema that a token may not read. Those without a rule are open: we know
// no schema.
func (rs *rules) deniedFields(c *token.Claims, now time.Time) []string {
	var denied []string
	for i := range rs.list {
		if rule := &rs.list[i]; rule.kind == field && rule.unmet(c, now) != "" {
			denied = append(denied, rule.Route)
		}
	}
	return denied
}

// fieldsUntil returns when the first answer of deniedFields changes by time alone, if that is before end.
func (rs *rules) fieldsUntil(c *token.Claims, now, end time.Time) time.Time {
	for i := range rs.list {
		rule := &rs.list[i]
		if rule.kind == field && rule.MaxAuthAge > 0 && rule.unmet(c, now) == "" {
			if stale := c.AuthTime.Add(rule.MaxAuthAge); stale.Before(end) {
				end = stale
			}
		}
	}
	return end
}
