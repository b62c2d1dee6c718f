package authorizer

import (
	"errors"
	"fmt"
	"slices"
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
	// each means that every policy covers a single request, because IAM has no pattern for exactly
	// one segment, which a {param} needs, and no pattern that ignores case.
	each           bool
	fields, routes bool

	resources, bytes int // the number of patterns that a policy may have, and their length
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
		apis := rule.APIs
		if len(apis) == 0 {
			apis = []string{""}
		}
		for _, api := range apis {
			if err == nil && seen[rule.Route+" "+api] {
				err = errTwice
			}
			seen[rule.Route+" "+api] = true
		}
		if err != nil {
			return rules{}, wrong("routes", i, fmt.Errorf("route %q: %w", rule.Route, err))
		}
		rs.list = append(rs.list, compiledRule{rule, route})
		rs.each = rs.each || route.kind == template
		rs.fields = rs.fields || route.kind == field
		rs.routes = rs.routes || route.kind != field
	}
	rs.each = rs.each || rs.overlap()
	rs.resources, rs.bytes = len(ambiguousPatterns), len(strings.Join(ambiguousPatterns, ""))
	for _, rule := range rs.list {
		rs.resources += len(rule.patterns)
		rs.bytes += len(strings.Join(rule.patterns, ""))
	}
	return rs, nil
}

// overlap reports whether a "/*" covers paths that a router which ignores case may send to the
// route of a stricter rule. A policy that allows the "/*" would allow these paths too.
func (rs *rules) overlap() bool {
	for i := range rs.list {
		for j := range rs.list {
			wide, strict := &rs.list[i], &rs.list[j]
			if i != j && wide.kind == below && strict.demands() && !strict.demandsAsMuch(&wide.Rule) && wide.covers(strict) {
				return true
			}
		}
	}
	return false
}

// covers reports whether r matches a path that the other rule matches, both without regard to case.
func (r *compiledRule) covers(other *compiledRule) bool {
	return slices.ContainsFunc(other.folded, func(pattern string) bool {
		return r.kind.matches(r.folded, pattern)
	})
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
	case isAmbiguous(r.resource) || r.byPolicy && rs.perRequest(r) && !fitsPolicy(r):
		return reasonAmbiguousPath, nil
	}
	if reason, unmet := rs.judgeResource(r.api, r.resource, c, now); reason != "" {
		return reason, unmet
	}
	if _, path, found := strings.Cut(r.resource, "/"); found {
		for _, method := range r.methods {
			if reason, unmet := rs.judgeResource(r.api, method+"/"+path, c, now); reason != "" {
				return reason, unmet
			}
		}
	}
	return "", nil
}

// judgeResource is judge for one method of a request.
func (rs *rules) judgeResource(api, resource string, c *token.Claims, now time.Time) (reason, *Rule) {
	p := path{resource, fold(resource)}
	named := false
	for i := range rs.list {
		rule := &rs.list[i]
		exact := rule.names(p)
		switch {
		case !rule.concerns(api) || !exact && !rule.mayName(p):
			continue
		case rule.kind == template && rs.givesWay(rule, api, p, exact):
			continue
		}
		if reason := rule.unmet(c, now); reason != "" {
			return reason, &rule.Rule
		}
		named = named || exact
	}
	if !named {
		return reasonUnlistedRoute, nil
	}
	return "", nil
}

// perRequest reports whether the policy that answers r covers only this request.
func (rs *rules) perRequest(r request) bool {
	switch {
	case len(rs.list) == 0:
		return false
	case rs.each, r.resource == connectRoute:
		return true
	}
	// This is the length of the longest policy for the stage, with all rules of all APIs.
	return answerBytes+rs.bytes+rs.resources*(len(`"",`)+len(r.stage)) > maxAnswer-contextRoom
}

// fitsPolicy reports whether a policy can name this request exactly. The client chose the path, so
// it must not contain wildcards.
func fitsPolicy(r request) bool {
	return len(r.ARN) <= maxResource && !strings.ContainsAny(r.resource, "*?") && !strings.Contains(r.resource, "${")
}

// patterns returns the decisions of judge for all resources, as the resources of an Allow and a
// Deny statement.
func (rs *rules) patterns(api string, c *token.Claims, now time.Time) (allow, deny []string) {
	wide := false
	for i := range rs.list {
		switch rule := &rs.list[i]; {
		case rule.kind == field || !rule.concerns(api):
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

// givesWay reports whether a literal rule for the same or a more exact method matches the resource
// in the same way as t, which has a {param}: exactly, or without regard to case.
func (rs *rules) givesWay(t *compiledRule, api string, p path, exact bool) bool {
	for i := range rs.list {
		rule := &rs.list[i]
		if rule.kind == literal && rule.concerns(api) && (t.method == rule.method || t.method == anyMethod) &&
			(exact && rule.names(p) || !exact && rule.mayName(p)) {
			return true
		}
	}
	return false
}

// deniedFields returns the fields that the token may not read. A field without a rule is open,
// because the schema is unknown here.
func (rs *rules) deniedFields(api string, c *token.Claims, now time.Time) []string {
	var denied []string
	for i := range rs.list {
		if rule := &rs.list[i]; rule.kind == field && rule.concerns(api) && rule.unmet(c, now) != "" {
			denied = append(denied, rule.Route)
		}
	}
	return denied
}

// fieldsUntil returns when the result of deniedFields changes because a login becomes too old, or
// end if it does not change before end.
func (rs *rules) fieldsUntil(api string, c *token.Claims, now, end time.Time) time.Time {
	for i := range rs.list {
		rule := &rs.list[i]
		if rule.kind == field && rule.concerns(api) && rule.MaxAuthAge > 0 && rule.unmet(c, now) == "" {
			if stale := c.AuthTime.Add(rule.MaxAuthAge); stale.Before(end) {
				end = stale
			}
		}
	}
	return end
}
