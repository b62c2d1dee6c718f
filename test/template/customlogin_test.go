package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
)

// TestCustomLogin: the example of a custom login gets every variable that it reads and the table
// that makes an ID token usable once, and its role allows only the actions of the program.
func TestCustomLogin(t *testing.T) {
	d := translated(t, "examples/customlogin/customlogin.yaml")
	for _, problem := range customLogin(d) {
		t.Error(problem)
	}
	for what, break_ := range map[string]func(document){
		"no table of attempts":     func(d document) { delete(variables(d, "CustomLoginFunction"), config.AttemptsTable) },
		"the login ring":           func(d document) { variables(d, "CustomLoginFunction")[config.LoginRing] = "x" },
		"tokens cannot be spent":   func(d document) { loginGrants(d)[2].(tree)["Action"] = "dynamodb:GetItem" },
		"any table":                func(d document) { loginGrants(d)[1].(tree)["Resource"] = "*" },
		"all actions":              func(d document) { loginGrants(d)[0].(tree)["Action"] = "dynamodb:*" },
		"another secret":           func(d document) { loginGrants(d)[3].(tree)["Resource"] = "*" },
		"the legs of rotation":     func(d document) { d.properties("CustomLoginFunction")["Timeout"] = 30.0 },
		"another route may call":   func(d document) { d.properties("CustomLoginPermission")["SourceArn"] = "*" },
		"the wrong route is open":  func(d document) { d.properties("CustomLoginRoute")["RouteKey"] = "$default" },
		"the keys are not current": func(d document) { variables(d, "CustomLoginFunction")[config.KeyVersion] = "1" },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(customLogin(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// loginGrants returns the statements of the function's role.
func loginGrants(d document) []any {
	policies := at[[]any](d.properties("CustomLoginFunctionRole"), "Policies")
	return at[[]any](policies[0], "PolicyDocument", "Statement")
}

func customLogin(d document) (problems []string) {
	// The variables that service.Opener reads; package service lists them.
	want := []string{
		"OIDC_ISSUER", "OIDC_CLIENT_ID", config.Issuer, config.Audience, config.SigningRing, config.RefreshKeys, config.KeyVersion,
		config.Profile, config.AccessTokenLifetime, config.IdleTimeout, config.AbsoluteTimeout, config.Store, config.UsersTable,
		config.SessionsTable, config.AttemptsTable,
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(variables(d, "CustomLoginFunction"))); !slices.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("its variables are %q, want %q", got, want))
	}
	if version := variables(d, "CustomLoginFunction")[config.KeyVersion]; ref(version) != "KeyVersion" {
		problems = append(problems, "the key version is not the parameter's")
	}
	allowed := []string{
		"dynamodb:GetItem, dynamodb:PutItem on UsersTable", "dynamodb:PutItem on SessionsTable", "dynamodb:UpdateItem on AttemptsTable",
		"secretsmanager:GetSecretValue on SigningSecret, RefreshSecret",
	}
	var got []string
	for _, s := range loginGrants(d) {
		var names []string
		for _, r := range listed(s.(tree)["Resource"]) {
			text, _ := at[any](r, "Fn::Sub").(string)
			_, table, found := strings.Cut(text, ":table/${")
			if !found {
				table = ref(r)
			}
			names = append(names, strings.TrimSuffix(table, "}"))
		}
		var actions []string
		for _, a := range listed(s.(tree)["Action"]) {
			actions = append(actions, a.(string))
		}
		got = append(got, strings.Join(actions, ", ")+" on "+strings.Join(names, ", "))
	}
	if !slices.Equal(got, allowed) {
		problems = append(problems, fmt.Sprintf("the role allows %q, want %q", got, allowed))
	}
	if d.properties("CustomLoginFunction")["Timeout"] != 10.0 {
		problems = append(problems, "an answer may take longer than the rules of rotation allow")
	}
	source, _ := at[any](d.properties("CustomLoginPermission"), "SourceArn", "Fn::Sub").(string)
	if !strings.HasSuffix(source, "${ApiId}/*/POST/auth/oidc") || d.properties("CustomLoginRoute")["RouteKey"] != "POST /auth/oidc" {
		problems = append(problems, "another route than POST /auth/oidc may call the function")
	}
	return problems
}

// listed returns the elements of a list, or a single value as one.
func listed(value any) []any {
	if all, ok := value.([]any); ok {
		return all
	}
	return []any{value}
}
