package template

import (
	"os"
	"strings"
	"testing"
)

// TestExamples holds every example to what makes an authorizer worth having: no route without it, nothing cached, and
// for REST APIs, refusals that a browser can read.
func TestExamples(t *testing.T) {
	for name, output := range map[string]string{
		"http-api": "AttachHttpApi", "rest-token": "AttachRestToken", "rest-request": "AttachRestRequest",
	} {
		t.Run(name, func(t *testing.T) {
			file := "examples/" + name + ".yaml"
			d := translated(t, file)
			for _, problem := range example(d) {
				t.Error(problem)
			}
			for what, break_ := range map[string]func(document){
				"a route is open":      func(d document) { delete(operation(d), "security") },
				"answers are kept":     func(d document) { gatewayAuthorizer(d)["authorizerResultTtlInSeconds"] = 300.0 },
				"it asks someone else": func(d document) { gatewayAuthorizer(d)["authorizerUri"] = sub("another") },
			} {
				broken := d.clone(t)
				break_(broken)
				if len(example(broken)) == 0 {
					t.Errorf("nothing is found where %s", what)
				}
			}
			pasted(t, file, output, map[string]string{"Authorizer": "!Ref AuthorizerArn"}, func(_ string, value any) bool {
				return ref(value) == "AuthorizerFunctionAliaslive"
			})
		})
	}
}

// TestNativeExample holds the example without any function of ours: the gateway's own JWT authorizer, on every route, for
// our issuer and audience.
func TestNativeExample(t *testing.T) {
	const file = "examples/native-http-api.yaml"
	d := translated(t, file)
	for _, problem := range native(d) {
		t.Error(problem)
	}
	for what, break_ := range map[string]func(document){
		"the route is open":   func(d document) { delete(operation(d), "security") },
		"any audience":        func(d document) { delete(jwt(d), "audience") },
		"another audience":    func(d document) { jwt(d)["audience"] = []any{"other"} },
		"another issuer":      func(d document) { jwt(d)["issuer"] = "https://evil.example" },
		"the token elsewhere": func(d document) { gatewayAuthorizer(d)["identitySource"] = "$request.querystring.token" },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(native(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
	isOurs := func(value any) bool {
		choice := at[[]any](value, "Fn::If")
		return len(choice) == 3 && ref(choice[1]) == "Issuer" && attributeOf(choice[2]) == "Api"
	}
	pasted(t, file, "AttachNative", map[string]string{"Issuer": "!Ref Issuer", "Audience": "!Ref Issuer"}, func(name string, value any) bool {
		if name == "Issuer" {
			return isOurs(value)
		}
		// The first of several audiences, where there are any of one's own.
		choice := at[[]any](value, "Fn::If")
		return len(choice) == 3 && choice[0] == "HasAudience" && at[[]any](choice[1], "Fn::Select")[0] == 0.0 && isOurs(choice[2])
	})
}

func jwt(d document) tree { return at[tree](gatewayAuthorizer(d), "jwtConfiguration") }

func native(d document) (problems []string) {
	isIssuer := func(value any) bool { return ref(value) == "Issuer" || value == "/edgeauth/issuer" }
	if security := at[[]any](operation(d), "security"); len(security) != 1 || at[[]any](security[0], "edgeauth") == nil {
		problems = append(problems, "the route is open")
	}
	if a := gatewayAuthorizer(d); a["type"] != "jwt" || a["identitySource"] != "$request.header.Authorization" {
		problems = append(problems, "the gateway does not check the header's token itself")
	}
	if audience := at[[]any](jwt(d), "audience"); !isIssuer(jwt(d)["issuer"]) || len(audience) != 1 || !isIssuer(audience[0]) {
		problems = append(problems, "the issuer is not the one of the parameter")
	}
	return problems
}

func body(d document) tree { return at[tree](d.properties("ExampleApi"), "Body") }

func operation(d document) tree { return at[tree](body(d), "paths", "/whoami", "get") }

// gatewayAuthorizer returns the only authorizer of an API's definition, wherever its kind keeps it.
func gatewayAuthorizer(d document) tree {
	for _, schemes := range []tree{at[tree](body(d), "components", "securitySchemes"), at[tree](body(d), "securityDefinitions")} {
		if a := at[tree](schemes, "edgeauth", "x-amazon-apigateway-authorizer"); a != nil {
			return a
		}
	}
	return nil
}

func example(d document) (problems []string) {
	if security := at[[]any](operation(d), "security"); len(security) != 1 || at[[]any](security[0], "edgeauth") == nil {
		problems = append(problems, "the route is open")
	}
	a := gatewayAuthorizer(d)
	if ttl, ok := a["authorizerResultTtlInSeconds"].(float64); !ok || ttl != 0 {
		problems = append(problems, "answers are kept")
	}
	uri := at[[]any](a, "authorizerUri", "Fn::Sub")
	if len(uri) != 2 || !isParameter(at[any](uri[1], "__FunctionArn__")) {
		problems = append(problems, "the authorizer is not the one of the parameter")
	}
	if len(d.of("AWS::ApiGateway::RestApi")) == 0 {
		return problems
	}
	for _, name := range []string{"UNAUTHORIZED", "ACCESS_DENIED"} {
		header := "gatewayresponse.header.Access-Control-Allow-Origin"
		if at[any](body(d), "x-amazon-apigateway-gateway-responses", name, "responseParameters", header) == nil {
			problems = append(problems, "a browser cannot read "+name)
		}
	}
	if at[any](body(d), "paths", "/whoami", "options", "security") != nil {
		problems = append(problems, "a preflight would need a token")
	}
	return problems
}

// isParameter tells whether a value is the parameter AuthorizerArn, in whose place the transform may put its default.
func isParameter(value any) bool {
	return ref(value) == "AuthorizerArn" || value == "/edgeauth/authorizer"
}

// pasted holds an output of template.yaml, which people paste, to the example that was tried. Each variable in it stands
// for what the example refers to, and names what it should.
func pasted(t *testing.T, file, output string, variables map[string]string, names func(variable string, value any) bool) {
	t.Helper()
	example, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(example)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	value := at[[]any](translated(t, "template.yaml").root, "Outputs", output, "Value", "Fn::Sub")
	if len(value) != 2 {
		t.Fatalf("the output %s has no variables", output)
	}
	var fill []string
	for variable, reference := range variables {
		if !names(variable, at[any](value[1], variable)) {
			t.Fatalf("the output %s names another %s", output, variable)
		}
		fill = append(fill, "${"+variable+"}", reference)
	}
	var block []string
	for line := range strings.Lines(value[0].(string)) {
		block = append(block, strings.NewReplacer(fill...).Replace(strings.TrimSpace(line)))
	}
	if !strings.Contains(strings.Join(lines, "\n"), strings.Join(block, "\n")) {
		t.Errorf("the output %s is not what stands in %s:\n%s", output, file, strings.Join(block, "\n"))
	}
}
