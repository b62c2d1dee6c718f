package authorizer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// rules holds the rules of all routes. Without rules every valid token may use every route.
//
// A request is allowed if at least one rule matches its route and the token meets every matching
// rule; a route below a "/*" must also meet the rule of the "/*". The order of rules does not
// matter, and an additional rule never opens what another rule closes. A policy expresses the same,
// because in IAM a Deny overrides every Allow. One exception exists: a rule with a {param} does not
// apply to the path of a literal rule for the same method, as gateways prefer literal routes.
type rules struct {
	list []compiledRule
	// each means that every policy is for a single request, because a rule has a {param} and IAM
	// has no pattern for one segment.
	each           bool
	fields, routes bool
}

type compiledRule struct {
	Rule
	route
}

// maxRules bounds the length of a policy.
const maxRules = 100

var errTwice = errors.New("an earlier rule has the same route")

func compileRules(list []Rule) (rules, error) {
	if len(list) > maxRules {
		return rules{}, fmt.Errorf("%w: there are %d rules; the maximum is %d", ErrConfig, len(list), maxRules)
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

// judge returns the reason why a valid token may not make this request and the rule that the token
// does not meet, or "" if it may.
func (rs *rules) judge(r request, c *token.Claims, now time.Time) (reason, *Rule) {
	switch {
	case len(rs.list) == 0:
		return "", nil
	case r.graphQL && rs.fields: // deniedFields decides each field
		return "", nil
	case r.graphQL:
		return reasonUnlistedRoute, nil
	case isAmbiguous(r.resource) || rs.each && !fitsPolicy(r):
		return reasonAmbiguousPath, nil
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
		return reasonUnlistedRoute, nil
	}
	return "", nil
}

// fitsPolicy reports whether a policy can name this request exactly. The client chose the path, so
// it must not contain wildcards.
func fitsPolicy(r request) bool {
	return len(r.ARN) <= maxResource && !strings.ContainsAny(r.resource, "*?") && !strings.Contains(r.resource, "${")
}

// patterns returns the decisions of judge for all resources, as the resources of an Allow and a
// Deny statement.
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

// givesWay reports whether a literal rule for the same or a more exact method matches the resource.
// t has a {param}.
func (rs *rules) givesWay(t *compiledRule, resource string) bool {
	for i := range rs.list {
		rule := &rs.list[i]
		if rule.kind == literal && (t.method == rule.method || t.method == anyMethod) && rule.names(resource) {
			return true
		}
	}
	return false
}

// deniedFields returns the fields that the token may not read. A field without a rule is open,
// because the schema is unknown here.
func (rs *rules) deniedFields(c *token.Claims, now time.Time) []string {
	var denied []string
	for i := range rs.list {
		if rule := &rs.list[i]; rule.kind == field && rule.unmet(c, now) != "" {
			denied = append(denied, rule.Route)
		}
	}
	return denied
}

// fieldsUntil returns when the result of deniedFields changes because a login becomes too old, or
// end if it does not change before.
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
