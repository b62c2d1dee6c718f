package template

import (
	"slices"
	"testing"
)

// TestExamples checks that in every example no route lacks the authorizer, nothing is cached, and
// browsers can read the refusals of REST APIs.
func TestExamples(t *testing.T) {
	for _, name := range []string{"http-api", "http-proxy", "session-http-api", "rest-token", "rest-request", "cookie-http-api", "cookie-rest-api"} {
		t.Run(name, func(t *testing.T) {
			d := translated(t, "examples/"+name+".yaml")
			for _, problem := range slices.Concat(example(d), deployable(d)) {
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
		})
	}
}

// TestNested: the example with edgeauth's stack inside its own sets parameters and reads outputs that
// the template has, and attaches the authorizer of that stack.
func TestNested(t *testing.T) {
	d, inner := translated(t, "examples/nested/nested.yaml"), printed(t, "read", "template.yaml")
	check := func(d document) (problems []string) {
		for name := range at[tree](d.properties("Edgeauth"), "Parameters") {
			if at[any](inner.root, "Parameters", name) == nil {
				problems = append(problems, "the template has no parameter "+name)
			}
		}
		if security := at[[]any](operation(d), "security"); len(security) != 1 || at[[]any](security[0], "edgeauth") == nil {
			problems = append(problems, "the route is open")
		}
		if ttl, ok := gatewayAuthorizer(d)["authorizerResultTtlInSeconds"].(float64); !ok || ttl != 0 {
			problems = append(problems, "answers are kept")
		}
		uri := at[[]any](gatewayAuthorizer(d), "authorizerUri", "Fn::Sub")
		if len(uri) != 2 {
			return append(problems, "the authorizer has no function")
		}
		output := at[[]any](uri[1], "__FunctionArn__", "Fn::GetAtt")
		if len(output) != 2 || output[0] != "Edgeauth" || output[1] != "Outputs.AuthorizerArn" {
			problems = append(problems, "the authorizer is not the one of the nested stack")
		}
		for _, name := range []string{"AuthorizerArn", "ApiEndpoint"} {
			if at[any](inner.root, "Outputs", name) == nil {
				problems = append(problems, "the template has no output "+name)
			}
		}
		return problems
	}
	for _, problem := range slices.Concat(check(d), deployable(d)) {
		t.Error(problem)
	}
	for what, break_ := range map[string]func(document){
		"an unknown parameter": func(d document) { at[tree](d.properties("Edgeauth"), "Parameters")["Origin"] = "x" },
		"a route is open":      func(d document) { delete(operation(d), "security") },
		"answers are kept":     func(d document) { gatewayAuthorizer(d)["authorizerResultTtlInSeconds"] = 300.0 },
		"another authorizer":   func(d document) { gatewayAuthorizer(d)["authorizerUri"] = sub("another") },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(check(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// TestDeployable introduces mistakes into the examples that only a real account would reveal.
func TestDeployable(t *testing.T) {
	for _, row := range []struct {
		what, example string
		break_        func(document)
	}{
		{"a route may be missing", "http-api", func(d document) { delete(d.properties("ExampleApi"), "FailOnWarnings") }},
		{"a route may be missing", "native-http-api", func(d document) { delete(d.properties("ExampleApi"), "FailOnWarnings") }},
		{"there is a second stage", "rest-token", func(d document) {
			d.properties(d.of("AWS::ApiGateway::Deployment")[0])["StageName"] = "Stage"
		}},
		{"a logging role is needed", "rest-token", func(d document) {
			d.properties(d.of("AWS::ApiGateway::Stage")[0])["AccessLogSetting"] = tree{"DestinationArn": "arn"}
		}},
		{"a logging role is needed", "rest-request", func(d document) {
			settings := at[[]any](d.properties(d.of("AWS::ApiGateway::Stage")[0]), "MethodSettings")
			settings[0].(tree)["LoggingLevel"] = "ERROR"
		}},
	} {
		d := translated(t, "examples/"+row.example+".yaml")
		row.break_(d)
		if len(deployable(d)) == 0 {
			t.Errorf("%s: nothing is found where %s", row.example, row.what)
		}
	}
}

// deployable returns the parts that would fail in a deployment to a fresh account, or have an
// unintended effect.
func deployable(d document) (problems []string) {
	for _, id := range d.of("AWS::ApiGatewayV2::Api") {
		if d.properties(id)["FailOnWarnings"] != true {
			problems = append(problems, id+" leaves out a route that the gateway cannot make, without a word")
		}
	}
	for _, id := range d.of("AWS::ApiGateway::Deployment") {
		if d.properties(id)["StageName"] != nil {
			problems = append(problems, id+" makes a second public stage")
		}
	}
	for _, id := range d.of("AWS::ApiGateway::Stage") {
		p := d.properties(id)
		for _, s := range at[[]any](p, "MethodSettings") {
			if at[any](s, "LoggingLevel") != nil || at[any](s, "DataTraceEnabled") != nil {
				problems = append(problems, id+" needs the account's logging role")
			}
		}
		if p["AccessLogSetting"] != nil {
			problems = append(problems, id+" needs the account's logging role")
		}
	}
	return problems
}

// TestNativeExample checks the example without Lambda authorizer: the gateway's own JWT authorizer
// is on every route, with edgeauth's issuer and audience.
func TestNativeExample(t *testing.T) {
	d := translated(t, "examples/native-http-api.yaml")
	for _, problem := range slices.Concat(native(d), deployable(d)) {
		t.Error(problem)
	}
	for what, break_ := range map[string]func(document){
		"the route is open":          func(d document) { delete(operation(d), "security") },
		"any audience":               func(d document) { delete(jwt(d), "audience") },
		"another audience":           func(d document) { jwt(d)["audience"] = []any{"other"} },
		"another issuer":             func(d document) { jwt(d)["issuer"] = "https://evil.example" },
		"the token in another place": func(d document) { gatewayAuthorizer(d)["identitySource"] = "$request.querystring.token" },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(native(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
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

// operation returns the GET of the only path, or of /whoami.
func operation(d document) tree {
	if proxied := at[tree](body(d), "paths", "/{proxy+}", "get"); proxied != nil {
		return proxied
	}
	return at[tree](body(d), "paths", "/whoami", "get")
}

// gatewayAuthorizer returns the authorizer with the name edgeauth.
func gatewayAuthorizer(d document) tree { return schemeOf(d, "edgeauth") }

// schemeOf returns an authorizer of an API's definition, at the place that its kind of API uses.
func schemeOf(d document, name string) tree {
	for _, schemes := range []tree{at[tree](body(d), "components", "securitySchemes"), at[tree](body(d), "securityDefinitions")} {
		if a := at[tree](schemes, name, "x-amazon-apigateway-authorizer"); a != nil {
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
	problems = append(problems, checkedExample(d)...)
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

// checkedExample checks the session authorizer of the examples that have one: it is on the route
// for money, it is not the stateless authorizer, and the gateway does not cache its answers.
func checkedExample(d document) (problems []string) {
	money := at[tree](body(d), "paths", "/money", "post")
	if money == nil {
		return nil
	}
	if security := at[[]any](money, "security"); len(security) != 1 || at[[]any](security[0], "edgeauth-session") == nil {
		problems = append(problems, "the route for money lacks the session authorizer")
	}
	a := schemeOf(d, "edgeauth-session")
	if ttl, ok := a["authorizerResultTtlInSeconds"].(float64); !ok || ttl != 0 {
		problems = append(problems, "answers of the session authorizer are kept")
	}
	uri := at[[]any](a, "authorizerUri", "Fn::Sub")
	if len(uri) != 2 {
		return append(problems, "the session authorizer has no function")
	}
	if arn := at[any](uri[1], "__FunctionArn__"); ref(arn) != "SessionAuthorizerArn" && arn != "/edgeauth/session-authorizer" {
		problems = append(problems, "the session authorizer is not the one of the parameter")
	}
	return problems
}

// TestCheckedExample introduces mistakes that would let a stolen token through after its logout.
func TestCheckedExample(t *testing.T) {
	d := translated(t, "examples/session-http-api.yaml")
	money := func(d document) tree { return at[tree](body(d), "paths", "/money", "post") }
	for what, break_ := range map[string]func(document){
		"the route is open":           func(d document) { delete(money(d), "security") },
		"the route has the other one": func(d document) { money(d)["security"] = operation(d)["security"] },
		"answers are kept":            func(d document) { schemeOf(d, "edgeauth-session")["authorizerResultTtlInSeconds"] = 1.0 },
		"answers are kept by default": func(d document) { delete(schemeOf(d, "edgeauth-session"), "authorizerResultTtlInSeconds") },
		"it is the other one under its name": func(d document) {
			schemeOf(d, "edgeauth-session")["authorizerUri"] = schemeOf(d, "edgeauth")["authorizerUri"]
		},
	} {
		broken := d.clone(t)
		break_(broken)
		if len(checkedExample(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// TestCookieExamples checks the examples that accept the cookie: an identity source would refuse a
// request that has only the cookie, and a page of another origin needs CORS with credentials.
func TestCookieExamples(t *testing.T) {
	sourceless := func(a tree, name string) bool {
		list, isList := a[name].([]any)
		return a != nil && (a[name] == nil || isList && len(list) == 0)
	}
	for _, name := range []string{"cookie-http-api", "cookie-rest-api"} {
		d := translated(t, "examples/"+name+".yaml")
		if !sourceless(gatewayAuthorizer(d), "identitySource") {
			t.Errorf("%s: the authorizer has an identity source", name)
		}
		allowed := at[any](body(d), "x-amazon-apigateway-cors", "allowCredentials") == true
		preflight := at[any](body(d), "paths", "/whoami", "options", "x-amazon-apigateway-integration", "responses", "default",
			"responseParameters", "method.response.header.Access-Control-Allow-Credentials")
		if !allowed && preflight != "'true'" {
			t.Errorf("%s: CORS is without credentials", name)
		}
	}
	d := translated(t, "examples/cookie-websocket-api.yaml")
	if !sourceless(d.properties("ExampleAuthorizer"), "IdentitySource") {
		t.Error("the WebSocket API's authorizer has an identity source")
	}
	if p := d.properties("ConnectRoute"); p["AuthorizationType"] != "CUSTOM" || ref(p["AuthorizerId"]) != "ExampleAuthorizer" {
		t.Error("the handshake lacks the authorizer")
	}
}

// isParameter reports whether a value is the parameter AuthorizerArn. The transform may replace it
// by its default.
func isParameter(value any) bool {
	return ref(value) == "AuthorizerArn" || value == "/edgeauth/authorizer"
}
