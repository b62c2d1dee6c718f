package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	hash "github.com/edgeauth/edgeauth/pkg/auth/password"
)

// grant is one action on one resource that a role allows.
type grant struct {
	role, action string
	resource     any
}

func (g grant) String() string {
	text, _ := json.Marshal(g.resource) // it was JSON before
	return g.role + " " + g.action + " " + string(text)
}

// isOfLogs reports whether a grant is only for logs. Without this grant, a function works, and only
// its lines are missing.
func (g grant) isOfLogs() bool { return strings.HasPrefix(g.action, "logs:") }

// isOfSlides reports whether a grant is only for the idle end of opaque sessions. The idle end
// moves a minute after the last use at the earliest, and a request succeeds even if the write
// fails. The tests of package session check both.
func (g grant) isOfSlides() bool {
	return g.role == "SessionAuthorizerRole" && g.action == "dynamodb:UpdateItem"
}

// split returns each action on each resource of a statement.
func split(role string, statement object) (grants []grant) {
	if len(statement) != 3 || statement["Effect"] != "Allow" {
		panic(fmt.Sprintf("%s has the statement %v: this test knows Effect: Allow, Action and Resource", role, statement))
	}
	for _, action := range listed(statement["Action"]) {
		for _, resource := range listed(statement["Resource"]) {
			grants = append(grants, grant{role, action.(string), resource})
		}
	}
	return grants
}

// listed returns a list. A single value counts as a list of one.
func listed(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// roles returns the names of the roles of a template that every stack has. Roles with a condition, as of
// the mailer, are not in a stack without parameters; test/template holds their grants.
func (d document) roles() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(d.resources())) {
		r := d.resources()[name].(object)
		if r["Type"] == "AWS::IAM::Role" && r["Condition"] == nil {
			names = append(names, name)
		}
	}
	return names
}

// inlined returns the template with copies of the managed policies that these roles have by default,
// as policies of the roles. Then a grant can be taken from one role alone. With all roles inlined, the
// template is too long for a request to CloudFormation.
func (d document) inlined(roles ...string) document {
	d = d.clone()
	for _, name := range roles {
		role := d.resources()[name].(object)["Properties"].(object)
		policies, _ := role["Policies"].([]any)
		arns, _ := role["ManagedPolicyArns"].([]any)
		for _, arn := range arns {
			if choice, ok := arn.(object)["Fn::If"].([]any); ok {
				arn = choice[2]
			}
			managed := arn.(object)["Ref"].(string)
			if managed == "AWS::NoValue" {
				continue
			}
			policy := d.resources()[managed].(object)["Properties"].(object)["PolicyDocument"]
			policies = append(policies, object{"PolicyName": managed, "PolicyDocument": policy})
		}
		role["Policies"] = policies
		delete(role, "ManagedPolicyArns")
	}
	return d.clone() // the roles share no policy document
}

// policies calls f for the policy documents of the roles of a template, with the name of the role.
func (d document) policies(f func(role string, policy object)) {
	for _, name := range d.roles() {
		policies, _ := d.resources()[name].(object)["Properties"].(object)["Policies"].([]any)
		for _, p := range policies {
			f(name, p.(object)["PolicyDocument"].(object))
		}
	}
}

// grants returns all grants of a template, each once.
func (d document) grants() (all []grant) {
	seen := map[string]bool{}
	d.policies(func(role string, policy object) {
		for _, s := range listed(policy["Statement"]) {
			for _, g := range split(role, s.(object)) {
				if !seen[g.String()] {
					all = append(all, g)
				}
				seen[g.String()] = true
			}
		}
	})
	return all
}

// without returns the template without one grant.
func (d document) without(g grant) document {
	d = d.clone()
	d.policies(func(role string, policy object) {
		var kept []any
		for _, s := range listed(policy["Statement"]) {
			for _, one := range split(role, s.(object)) {
				if one.String() != g.String() {
					kept = append(kept, object{"Effect": "Allow", "Action": one.action, "Resource": one.resource})
				}
			}
		}
		if len(kept) == 0 { // a policy must have a statement
			kept = append(kept, object{"Effect": "Deny", "Action": "*", "Resource": "*"})
		}
		policy["Statement"] = kept
	})
	return d
}

// Every role has exactly the grants on data that its function needs: without any of them, an
// operation of the stack fails.
func TestRoles(t *testing.T) {
	p := open(t)
	t.Run("untouched", func(t *testing.T) {
		t.Parallel()
		if err := everything(t, p.stack(t, "roles"), p.template); err != nil {
			t.Error(err)
		}
	})
	count := 0
	for _, g := range p.template.inlined(p.template.roles()...).grants() {
		if g.isOfLogs() || g.isOfSlides() {
			continue
		}
		count++
		s := p.stack(t, fmt.Sprintf("roles-%d", count))
		t.Run(g.String(), func(t *testing.T) {
			t.Parallel()
			s.t = t
			d := p.template.inlined(g.role).without(g)
			if keys := d.resources()["KeysFunction"].(object)["Properties"].(object); strings.Contains(fmt.Sprint(keys["Role"]), g.role) {
				keys["Timeout"] = 10 // it would wait a minute for the grant, as with a new role
			}
			if err := everything(t, s, d); err == nil {
				t.Error("the stack does all without this grant")
			} else {
				t.Log(err)
			}
		})
	}
	if count < 20 {
		t.Errorf("the template has %d grants of data", count)
	}
}

// everything deploys a template and uses each feature that needs a grant. It returns the first
// failure, and deletes the stack.
func everything(t *testing.T, s *stack, d document) error {
	defer s.drop()
	// The template has no route behind the session authorizer, so the test adds one; discovery
	// answers it with 404.
	d = d.clone()
	d.resources()["CheckedRoute"] = object{"Type": "AWS::ApiGatewayV2::Route", "Properties": object{
		"ApiId": object{"Ref": "Api"}, "RouteKey": "GET /checked", "AuthorizationType": "CUSTOM",
		"AuthorizerId": object{"Ref": "SessionAuthorizer"}, "Target": object{"Fn::Sub": "integrations/${DiscoveryIntegration}"},
	}}
	// The refreshes of a client with this profile are decided before the write. A login of a client with
	// a limit ends sessions. Without a sender, no sign-up is admitted unless the configuration says so.
	if err := s.put(d, s.parameters(`Config={"clients":{"careful":{"profile":"strict"},"single":{"max_sessions":1}},"signup":{"admit":"on"}}`)...); err != nil {
		return err
	}
	if _, err := s.command(imported(), "user import - --yes"); err != nil {
		return err
	}
	ctx, c := t.Context(), s.client()
	if err := s.session(ctx, ada, password); err != nil {
		return err
	}
	if err := s.signUp(ctx); err != nil {
		return err
	}
	if err := c.login(ctx, bob, password); err != nil {
		return fmt.Errorf("a login with an old hash: %w", err)
	}
	if text, err := s.command("", "user export"); err != nil {
		return err
	} else if strings.Contains(text, bcryptHash()) {
		return errors.New("the old hash stays after a login")
	}
	a, err := c.expect(ctx, http.StatusForbidden, "password_change_required", http.MethodPost, "/auth/login",
		object{"email": eve, "password": password}, "")
	if err != nil {
		return err
	}
	if err := s.limit(ctx, a.text("change_token")); err != nil {
		return err
	}
	if err := c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/login",
		object{"email": bob, "password": password, "client_id": "careful"}, "")); err != nil {
		return err
	}
	if err := c.renew(ctx); err != nil {
		return err
	}
	checked, err := c.send(ctx, http.MethodGet, c.url+"/checked", nil, c.access)
	if err == nil && checked.status != http.StatusNotFound {
		err = fmt.Errorf("a route behind the session authorizer: %d %v", checked.status, checked.body)
	}
	return err
}

// limit opens sessions of a client with a limit of one session: by logins of Bob, one of which has
// replaced another session, and by a change of the password that is sent twice. Each new session
// must end the previous session.
func (s *stack) limit(ctx context.Context, changeToken string) error {
	login := object{"email": bob, "password": password, "client_id": "single"}
	change := object{"change_token": changeToken, "new_password": password + "!", "client_id": "single"}
	first, second, third, fourth := s.client(), s.client(), s.client(), s.client()
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"a login", func() error { return first.open(ctx, "/auth/login", login) }},
		{"a step-up", func() error {
			return second.granted(second.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/reauth", object{"password": password}, first.access))
		}},
		{"a login above the limit", func() error { return s.client().open(ctx, "/auth/login", login) }},
		{"the longest idle session", func() error { return second.ended(ctx) }},
		{"the session that it had replaced", func() error { return first.ended(ctx) }},
		{"a required change of password", func() error { return third.open(ctx, "/auth/password", change) }},
		{"the same change", func() error { return fourth.open(ctx, "/auth/password", change) }},
		{"the session of the first change", func() error { return third.ended(ctx) }},
		{"the session of the second change", func() error { return fourth.renew(ctx) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("a client with a limit: %s: %w", step.what, err)
		}
	}
	return nil
}

// open opens a session by a request with this body.
func (c *client) open(ctx context.Context, path string, body object) error {
	return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, path, body, ""))
}

const (
	bob = "bob@example.com"
	eve = "eve@example.com"
)

// imported are users as they come from another system. Bob's login replaces his hash, and Eve must
// set a new password.
var imported = sync.OnceValue(func() string {
	argon, err := new(hash.Hasher).Hash(auth.NewSecret(password))
	if err != nil {
		panic(err)
	}
	var text strings.Builder
	for _, u := range []object{
		{"email": ada, "password_hash": argon.Reveal()},
		{"email": bob, "password_hash": bcryptHash()},
		{"email": eve, "password_hash": argon.Reveal(), "must_change": true},
	} {
		line, err := json.Marshal(u)
		if err != nil {
			panic(err)
		}
		text.Write(append(line, '\n'))
	}
	return text.String()
})

// bcryptHash is of the password that all users have.
var bcryptHash = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(hash)
})
