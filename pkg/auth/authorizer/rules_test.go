package authorizer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// holder is a verifier that returns these claims for every text.
type holder token.Claims

func (h holder) VerifyBytes(context.Context, []byte) (token.Claims, error) {
	return token.Claims(h), nil
}

// someone has the scopes read and write and the role ops. The password check is an hour ago.
var someone = holder{
	Subject: "u1", Scope: []string{"read", "write"}, Roles: []string{"ops"},
	AuthTime: now.Add(-time.Hour), Expires: now.Add(15 * time.Minute),
}

func under(tb testing.TB, h holder, rules ...authorizer.Rule) *authorizer.Authorizer {
	return newAuthorizer(tb, h, func(c *authorizer.Config) { c.Rules = rules })
}

const prod = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/"

// ask sends a REST event for a resource of the stage prod.
func ask(tb testing.TB, a *authorizer.Authorizer, resource string) answer {
	tb.Helper()
	return askARN(tb, a, prod+resource)
}

func askARN(tb testing.TB, a *authorizer.Authorizer, arn string) answer {
	tb.Helper()
	event := fmt.Sprintf(`{"type":"TOKEN","methodArn":%q,"authorizationToken":"Bearer x"}`, arn)
	text, err := a.Invoke(context.Background(), []byte(event))
	if err != nil {
		tb.Fatal(err)
	}
	return parseAnswer(tb, text)
}

func TestRules(t *testing.T) {
	rule := func(route string) authorizer.Rule { return authorizer.Rule{Route: route} }
	read, admin := rule("GET /reports"), rule("ANY /admin/*")
	read.Scopes, admin.Roles = []string{"read"}, []string{"admin"}
	fresh := rule("DELETE /account")
	fresh.MaxAuthAge = 15 * time.Minute
	every, mine, user := rule("ANY /*"), rule("GET /users/me"), rule("GET /users/{id}")
	user.Roles = []string{"admin"}

	with := func(change func(*holder)) holder { h := someone; change(&h); return h }
	noAuthTime := with(func(h *holder) { h.AuthTime = time.Time{} })
	justNow := with(func(h *holder) { h.AuthTime = now.Add(-15 * time.Minute) })
	tomorrow := with(func(h *holder) { h.AuthTime = now.Add(24 * time.Hour) })
	administrator := with(func(h *holder) { h.Roles = []string{"ops", "admin"} })

	for _, row := range []struct {
		name     string
		holder   holder
		rules    []authorizer.Rule
		resource string
		want     string
	}{
		{"no rules", someone, nil, "GET/anything", "ok"},
		{"no rules, an odd path", someone, nil, "GET//a/../%2e;x", "ok"},
		{"a scope", someone, []authorizer.Rule{read}, "GET/reports", "ok"},
		{"no scope", holder{Subject: "u1"}, []authorizer.Rule{read}, "GET/reports", "insufficient_scope"},
		{"all scopes", someone, []authorizer.Rule{{Route: "GET /reports", Scopes: []string{"read", "delete"}}}, "GET/reports", "insufficient_scope"},
		{"one of the roles", someone, []authorizer.Rule{{Route: "GET /reports", Roles: []string{"admin", "ops"}}}, "GET/reports", "ok"},
		{"no role", someone, []authorizer.Rule{admin}, "GET/admin/x", "missing_role"},
		{"another method", someone, []authorizer.Rule{read}, "POST/reports", "unlisted_route"},
		{"another path", someone, []authorizer.Rule{read}, "GET/report", "unlisted_route"},
		{"below a literal", someone, []authorizer.Rule{read}, "GET/reports/1", "unlisted_route"},
		{"a slash more", someone, []authorizer.Rule{read}, "GET/reports/", "ok"},
		{"past a rule by a slash", someone, []authorizer.Rule{every, {Route: "GET /x", Roles: []string{"admin"}}}, "GET/x/", "missing_role"},
		{"past a {param} by a slash", someone, []authorizer.Rule{every, user}, "GET/users/5/", "missing_role"},
		{"past a rule by HEAD", someone, []authorizer.Rule{every, {Route: "GET /x", Roles: []string{"admin"}}}, "HEAD/x", "missing_role"},
		{"past a rule by a query that is none", someone, []authorizer.Rule{every, admin}, "GET/admin?/x", "ambiguous_path"},
		{"past a rule by a fragment", someone, []authorizer.Rule{every, admin}, "GET/admin#/x", "ambiguous_path"},
		{"past a rule by a control", someone, []authorizer.Rule{every, admin}, "GET/admin\t", "ambiguous_path"},
		{"another case", someone, []authorizer.Rule{read}, "GET/Reports", "unlisted_route"},
		{"the root", someone, []authorizer.Rule{rule("GET /")}, "GET/", "ok"},
		{"below the root", someone, []authorizer.Rule{every}, "PATCH/a/b/c", "ok"},
		{"an unknown method", someone, []authorizer.Rule{every}, "PROPFIND/a", "unlisted_route"},
		{"the connect route", someone, []authorizer.Rule{rule("$connect")}, "$connect", "ok"},
		{"the connect route has its own rule", someone, []authorizer.Rule{every}, "$connect", "unlisted_route"},
		{"above a /*", administrator, []authorizer.Rule{admin}, "GET/admin", "ok"},
		{"past a /* by leaving out what is below", someone, []authorizer.Rule{every, admin}, "GET/admin", "missing_role"},
		{"and with a slash", someone, []authorizer.Rule{every, admin}, "GET/admin/", "missing_role"},
		{"past a /* by another case", someone, []authorizer.Rule{every, admin}, "GET/ADMIN/x", "missing_role"},
		{"past a /* in capitals by another case", someone, []authorizer.Rule{every, {Route: "ANY /Admin/*", Roles: []string{"admin"}}}, "GET/admin/x", "missing_role"},
		{"past a /* by the Kelvin sign", someone, []authorizer.Rule{every, {Route: "ANY /keys/*", Roles: []string{"admin"}}}, "GET/\u212Aeys/x", "missing_role"},
		{"past a /* by the long s", someone, []authorizer.Rule{every, {Route: "ANY /sums/*", Roles: []string{"admin"}}}, "GET/\u017Fums/x", "missing_role"},
		{"past a literal by another case", someone, []authorizer.Rule{every, {Route: "GET /Reports", Scopes: []string{"delete"}}}, "GET/rePorts", "insufficient_scope"},
		{"past a {param} by another case", someone, []authorizer.Rule{every, user}, "GET/USERS/5", "missing_role"},
		{"another case and the token that is needed", administrator, []authorizer.Rule{every, admin}, "GET/ADMIN/x", "ok"},
		{"another case opens no route", administrator, []authorizer.Rule{admin}, "GET/ADMIN/x", "unlisted_route"},

		{"a rule for this API", someone, []authorizer.Rule{{Route: "GET /x", APIs: []string{"other", "abcdef123"}}}, "GET/x", "ok"},
		{"a rule for another API opens nothing", someone, []authorizer.Rule{{Route: "GET /x", APIs: []string{"other"}}}, "GET/x", "unlisted_route"},
		{"nor closes", someone, []authorizer.Rule{every, {Route: "GET /x", APIs: []string{"other"}, Roles: []string{"admin"}}}, "GET/x", "ok"},
		{"a rule for every API beside one of this", someone, []authorizer.Rule{every, {Route: "GET /x", APIs: []string{"abcdef123"}, Roles: []string{"admin"}}}, "GET/x", "missing_role"},
		{"a literal of another API takes no precedence", someone, []authorizer.Rule{user, {Route: "GET /users/me", APIs: []string{"other"}}}, "GET/users/me", "missing_role"},

		{"a fresh login", justNow, []authorizer.Rule{fresh}, "DELETE/account", "ok"},
		{"an old login", someone, []authorizer.Rule{fresh}, "DELETE/account", "stale_login"},
		{"a login in the future", tomorrow, []authorizer.Rule{fresh}, "DELETE/account", "stale_login"},
		{"no auth_time", noAuthTime, []authorizer.Rule{fresh}, "DELETE/account", "stale_login"},

		{"every rule that names it", someone, []authorizer.Rule{every, admin}, "GET/admin/x", "missing_role"},
		{"in any order", someone, []authorizer.Rule{admin, every}, "GET/admin/x", "missing_role"},
		{"beside it", someone, []authorizer.Rule{every, admin}, "GET/administrators", "ok"},
		{"into a /* by dots", someone, []authorizer.Rule{every, admin}, "GET/x/../admin/x", "ambiguous_path"},
		{"into a /* by an escape", someone, []authorizer.Rule{every, admin}, "GET/%61dmin/x", "ambiguous_path"},
		{"into a /* by two slashes", someone, []authorizer.Rule{every, admin}, "GET//admin/x", "ambiguous_path"},
		{"into a /* by a parameter", someone, []authorizer.Rule{every, admin}, "GET/admin;a=b/x", "ambiguous_path"},
		{"out of a /*", administrator, []authorizer.Rule{admin}, "GET/admin/..", "ambiguous_path"},
		{"a dot in a name", someone, []authorizer.Rule{every}, "GET/.well-known/a..b", "ok"},

		{"a {param}", administrator, []authorizer.Rule{user}, "GET/users/5", "ok"},
		{"a {param} is one segment", administrator, []authorizer.Rule{user}, "GET/users/5/posts", "unlisted_route"},
		{"an empty {param}", administrator, []authorizer.Rule{user}, "GET/users/", "unlisted_route"},
		{"a {param} and a role", someone, []authorizer.Rule{user}, "GET/users/5", "missing_role"},
		{"a {param} gives way to a literal", someone, []authorizer.Rule{user, mine}, "GET/users/me", "ok"},
		{"but not to another method's", someone, []authorizer.Rule{user, rule("ANY /users/me")}, "GET/users/me", "missing_role"},
		{"and not to a /*", someone, []authorizer.Rule{user, rule("GET /users/*")}, "GET/users/me", "missing_role"},
		{"below a {param}", someone, []authorizer.Rule{rule("GET /a/{b}/c/*")}, "GET/a/b/c/d/e", "ok"},
		{"beside what is below a {param}", someone, []authorizer.Rule{rule("GET /a/{b}/c/*")}, "GET/a/b/d/e", "unlisted_route"},
		{"above what is below a {param}", someone, []authorizer.Rule{rule("GET /a/{b}/*")}, "GET/a/b", "ok"},
		{"above a {param} and what is below", someone, []authorizer.Rule{rule("GET /a/{b}/*")}, "GET/a", "unlisted_route"},
		{"a {param} that is a pattern", administrator, []authorizer.Rule{user}, "GET/users/*", "ambiguous_path"},
		{"a {param} that is a variable", administrator, []authorizer.Rule{user}, "GET/users/${aws:username}", "ambiguous_path"},
		{"a {param} too long for a policy", administrator, []authorizer.Rule{user}, "GET/users/" + strings.Repeat("x", 512), "ambiguous_path"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			a := newAuthorizer(t, row.holder, func(c *authorizer.Config) { c.Rules, c.Log = row.rules, &log })
			got := ask(t, a, row.resource)
			if !strings.Contains(log.String(), `"reason":"`+row.want+`"`) {
				t.Errorf("want %s, logged %s", row.want, &log)
			}
			if allowed := got.allows(prod + row.resource); allowed != (row.want == "ok") {
				t.Errorf("the policy says %v: %+v", allowed, got.PolicyDocument)
			}
			if got.Context["sub"] != "u1" {
				t.Errorf("a cached policy may allow another route, whose backend needs the context: %v", got.Context)
			}
		})
	}
}

func TestWrongRules(t *testing.T) {
	long := "GET /" + strings.Repeat("x", 300)
	many := make([]authorizer.Rule, 101)
	for i := range many {
		many[i].Route = fmt.Sprintf("GET /r%d", i)
	}
	for _, row := range []struct {
		name  string
		rules []authorizer.Rule
		tells string
	}{
		{"no route", []authorizer.Rule{{}}, `routes: number 1: route ""`},
		{"the second", []authorizer.Rule{{Route: "GET /"}, {Route: "/x"}}, `routes: number 2: route "/x"`},
		{"twice", []authorizer.Rule{{Route: "GET /"}, {Route: "GET /"}}, "an earlier rule has the same route"},
		{"too long", []authorizer.Rule{{Route: long}}, "at most 300 bytes"},
		{"too many", many, "there are 101 rules"},
		{"twice for one API", []authorizer.Rule{{Route: "GET /", APIs: []string{"a"}}, {Route: "GET /", APIs: []string{"b", "a"}}}, "an earlier rule has the same route"},
		{"an API by its ARN", []authorizer.Rule{{Route: "GET /", APIs: []string{"arn:aws:x"}}}, "api must be the id of an API"},
		{"an API twice", []authorizer.Rule{{Route: "GET /", APIs: []string{"a", "a"}}}, "api must be the id of an API"},
		{"a scope with a space", []authorizer.Rule{{Route: "GET /", Scopes: []string{"a b"}}}, "words"},
		{"an empty scope", []authorizer.Rule{{Route: "GET /", Scopes: []string{""}}}, "words"},
		{"a role twice", []authorizer.Rule{{Route: "GET /", Roles: []string{"a", "a"}}}, "words"},
		{"a negative age", []authorizer.Rule{{Route: "GET /", MaxAuthAge: -1}}, "must be positive"},
	} {
		_, err := authorizer.New(authorizer.Config{Verifier: someone, HTTPResponse: config.ResponseIAM, Rules: row.rules})
		if !errors.Is(err, authorizer.ErrConfig) || !strings.Contains(err.Error(), row.tells) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	for _, route := range []string{
		"GET", "GET ", "GET x", "GET  /x", "get /x", "PROPFIND /x", "* /x", "GET /x ", "GET //x", "GET /x//y", "GET /x/", "GET /./x", "GET /x/..",
		"GET /x*", "GET /*/x", "GET /x/**", "GET *", "GET /{x", "GET /{}", "GET /{x+}", "GET /a{x}", "GET /%61", "GET /x?y", "GET /x;y", `GET /x\y`, "GET /ü",
		"$disconnect", "Query", "Query.", ".a", "Query.a.b", "Query.a-b", "Query.*", "GET /a\n",
	} {
		if _, err := authorizer.New(authorizer.Config{
			Verifier: someone, HTTPResponse: config.ResponseIAM, Rules: []authorizer.Rule{{Route: route}},
		}); err == nil {
			t.Errorf("%q is accepted", route)
		}
	}
}

// draw returns random rules and resources of a few segments, so that they often match.
type draw struct{ *rand.Rand }

func (d draw) of(list ...string) string { return list[d.IntN(len(list))] }

func (d draw) path(segments ...string) string {
	var b strings.Builder
	for range d.IntN(4) {
		b.WriteString("/" + d.of(segments...))
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func (d draw) rules() []authorizer.Rule {
	byRoute := map[string]authorizer.Rule{}
	for range 1 + d.IntN(6) {
		route := d.of("ANY", "GET", "POST") + " "
		if path := d.path("a", "b", "c.d"); d.IntN(2) == 0 {
			route += path
		} else {
			route += strings.TrimSuffix(path, "/") + "/*"
		}
		r := authorizer.Rule{Route: d.of(route, route, route, "$connect")}
		switch d.IntN(4) {
		case 0:
			r.Scopes = []string{d.of("read", "delete")}
		case 1:
			r.Roles = []string{d.of("ops", "admin")}
		case 2:
			r.MaxAuthAge = time.Duration(1+d.IntN(2)) * time.Hour / 2
		}
		byRoute[r.Route] = r
	}
	rules := make([]authorizer.Rule, 0, len(byRoute))
	for _, r := range byRoute {
		rules = append(rules, r)
	}
	return rules
}

func (d draw) resource() string {
	path := d.path("a", "a", "b", "b", "c.d", "c", "..", "", "%61", "a;x", "a#", `\`, ".", "*", "é", "A", "C.d")
	return d.of(d.of("GET", "HEAD", "POST", "DELETE", "PURGE")+path+d.of("", "", "/"), "$connect", "$default")
}

// TestPoliciesSayWhatRulesSay checks that a policy issued for one request gives every other request
// the same answer as a decision about that request. The gateway caches the policy and does not call
// the authorizer again.
func TestPoliciesSayWhatRulesSay(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(1, 2))}
	outcomes := map[bool]int{}
	for range 2000 {
		rules := d.rules()
		policies := under(t, someone, rules...)
		asked := d.resource()
		kept, perRequest := ask(t, policies, asked), policies.PoliciesPerRequest() || asked == "$connect"
		for range 20 {
			resource := d.resource()
			if perRequest && resource != asked {
				if kept.allows(prod + resource) {
					t.Fatalf("%+v\n%s: a policy for %s alone allows it: %+v", rules, resource, asked, kept.PolicyDocument)
				}
				resource = asked
			}
			if perRequest && strings.Contains(resource, "*") {
				continue // a policy cannot name this request alone, so it is refused
			}
			target := `"routeArn":` + fmt.Sprintf("%q", prod+resource)
			simple := newAuthorizer(t, someone, func(c *authorizer.Config) { c.Rules = rules })
			text, _ := simple.Invoke(context.Background(), []byte(`{"version":"2.0","type":"REQUEST",`+target+`,"headers":{"authorization":"Bearer x"}}`))
			decided := parseAnswer(t, text).IsAuthorized
			if kept.allows(prod+resource) != decided {
				t.Fatalf("%+v\n%s: decided %v, the policy says otherwise: %+v", rules, resource, decided, kept.PolicyDocument)
			}
			outcomes[decided]++
		}
	}
	if outcomes[true] < 1000 || outcomes[false] < 1000 {
		t.Errorf("the draw is one-sided: %v", outcomes)
	}
}

// TestPoliciesForOneRequest checks that a policy with a {param} rule opens only one request, even
// if the gateway caches it by mistake.
func TestPoliciesForOneRequest(t *testing.T) {
	a := under(t, someone, authorizer.Rule{Route: "ANY /*"}, authorizer.Rule{Route: "GET /users/{id}", Roles: []string{"admin"}})
	kept := ask(t, a, "GET/home")
	for resource, want := range map[string]bool{"GET/home": true, "GET/users/5": false, "GET/other": false, "POST/home": false} {
		if kept.allows(prod+resource) != want {
			t.Errorf("%s: %+v", resource, kept.PolicyDocument)
		}
	}
}

// FuzzRoute checks that no route text causes a panic, and that an accepted route fits into a policy
// and opens no other stage.
func FuzzRoute(f *testing.F) {
	for _, seed := range []string{
		"GET /", "ANY /*", "GET /a/*", "GET /a/{b}", "GET /a/{b}/*", "$connect", "$default", "Query.users", "GET /{", "GET /*/a", "GET //", "ANY /a?b",
	} {
		f.Add(seed, "GET/a/b")
	}
	f.Add("GET /a/{b}", `GET/a/"*`)
	f.Fuzz(func(t *testing.T, route, resource string) {
		a, err := authorizer.New(authorizer.Config{
			Verifier: someone, HTTPResponse: config.ResponseIAM, Rules: []authorizer.Rule{{Route: route}}, Now: func() time.Time { return now },
		})
		if err != nil {
			return
		}
		d := a.Decide(context.Background(), []byte("x"))
		if d.Outcome == authorizer.Allow {
			t.Fatalf("%q opens what has no route", route)
		}
		if strings.ContainsFunc(resource, func(r rune) bool { return r == '\uFFFD' || r < ' ' || r > '~' }) {
			return // %q would not be valid JSON
		}
		got := ask(t, a, resource)
		for _, s := range got.PolicyDocument.Statement {
			for _, r := range s.Resource {
				if !strings.HasPrefix(r, prod) || len(r) > 512 {
					t.Fatalf("%q: %q", route, r)
				}
				if s.Effect == "Allow" && strings.Contains(strings.TrimSuffix(r, "/*"), "*") {
					t.Fatalf("%q allows %q", route, r)
				}
			}
		}
	})
}
