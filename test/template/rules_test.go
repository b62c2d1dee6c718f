package template

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/route"
)

// rule returns the problems of a document, one sentence for each. Each rule must find the mistakes
// in some broken documents, so that a rule that checks nothing cannot pass.
type rule struct {
	name   string
	check  func(document) []string
	broken map[string]func(document)
}

// seconds is the maximum duration of a function: the rules of rotation assume that no answer is
// later.
const seconds = 10

var rules = []rule{
	{"the routes are those of the code, each with its function", routes, map[string]func(document){
		"a route is missing":                    func(d document) { delete(d.resources(), "LoginRoute") },
		"there is one more":                     func(d document) { d.resources()["More"] = routeOf("GET /more", tree{}) },
		"a route goes to another's integration": func(d document) { d.properties("LoginRoute")["Target"] = sub("integrations/${RefreshIntegration}") },
		"an integration calls another function": func(d document) {
			d.properties("LoginIntegration")["IntegrationUri"] = d.properties("RefreshIntegration")["IntegrationUri"]
		},
	}},
	{"a route outside the public ones has the authorizer", protected, map[string]func(document){
		"one says nothing":          func(d document) { d.resources()["More"] = routeOf("GET /more", tree{}) },
		"one says that it has none": func(d document) { d.resources()["More"] = routeOf("GET /more", tree{"AuthorizationType": "NONE"}) },
		"one names no authorizer":   func(d document) { d.resources()["More"] = routeOf("GET /more", tree{"AuthorizationType": "CUSTOM"}) },
		"a public path, but another": func(d document) {
			d.resources()["More"] = routeOf("GET /auth/login", tree{"AuthorizationType": "NONE"})
		},
		"a catch-all": func(d document) { d.resources()["More"] = routeOf("$default", tree{"AuthorizationType": "NONE"}) },
	}},
	{"the gateway calls aliases, and only after it may", permitted, map[string]func(document){
		"an integration does not wait":       func(d document) { delete(d.resources()["LoginIntegration"].(tree), "DependsOn") },
		"it waits for another's permission":  func(d document) { d.resources()["LoginIntegration"].(tree)["DependsOn"] = "RefreshPermission" },
		"the permission is for the function": func(d document) { d.properties("LoginPermission")["FunctionName"] = tree{"Ref": "LoginFunction"} },
		"an authorizer names no alias": func(d document) {
			d.properties("Authorizer")["AuthorizerUri"] = sub("functions/${AuthorizerFunction.Arn}/invocations")
		},
		"an authorizer names it by reference": func(d document) {
			d.properties("Authorizer")["AuthorizerUri"] = tree{"Ref": "AuthorizerFunctionAliaslive"}
		},
	}},
	{"the authorizer answers in its own form, and nothing is cached", authorizers, map[string]func(document){
		"policies":            func(d document) { d.properties("Authorizer")["EnableSimpleResponses"] = false },
		"events of before":    func(d document) { d.properties("Authorizer")["AuthorizerPayloadFormatVersion"] = "1.0" },
		"a cache":             func(d document) { d.properties("Authorizer")["AuthorizerResultTtlInSeconds"] = 300.0 },
		"a cache by default":  func(d document) { delete(d.properties("Authorizer"), "AuthorizerResultTtlInSeconds") },
		"a cache of sessions": func(d document) { d.properties("SessionAuthorizer")["AuthorizerResultTtlInSeconds"] = 1.0 },
		"another header":      func(d document) { d.properties("Authorizer")["IdentitySource"] = []any{"$request.header.X-Token"} },
		"an API may not attach it": func(d document) {
			d.properties("SessionAuthorizerPermission")["SourceArn"] = d.properties("LoginPermission")["SourceArn"]
		},
		"an API may not attach": func(d document) {
			d.properties("AuthorizerPermission")["SourceArn"] = sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/*")
		},
	}},
	{"a new stamp makes new versions", stamped, map[string]func(document){
		"a function is not stamped": func(d document) { delete(variables(d, "LoginFunction"), "EDGEAUTH_STAMP") },
		"a version is not stamped":  func(d document) { delete(d.properties(versionOf(d, "LoginFunction")), "Description") },
		"a function has no alias":   func(d document) { delete(d.resources(), "LoginFunctionAliaslive") },
		"the stamp is of one's own": func(d document) { d.properties(versionOf(d, "LoginFunction"))["Description"] = "1" },
		"the keys have a stamp too": func(d document) { variables(d, "KeysFunction")["EDGEAUTH_STAMP"] = keysStamp },
	}},
	{"the stamp changes with every value that reaches a function", accounted, map[string]func(document){
		"a parameter is left out":    func(d document) { delete(d.properties("Keys"), "IdleTimeout") },
		"the login ring is left out": func(d document) { delete(d.properties("Keys"), "LoginRingArn") },
		"a table is left out":        func(d document) { delete(d.properties("Keys"), "UsersTable") },
		"the address is left out":    func(d document) { delete(d.properties("Keys"), "Issuer"); delete(d.properties("Keys"), "Audience") },
		"a function gets one more":   func(d document) { variables(d, "LoginFunction")["EDGEAUTH_PROFILE"] = tree{"Ref": "LogRetentionDays"} },
		"one hidden in a text":       func(d document) { variables(d, "LoginFunction")["EDGEAUTH_PROFILE"] = sub("x${LogRetentionDays}") },
	}},
	{"what moves and drops keys reaches the keys function", moving, map[string]func(document){
		"a drop is left out":           func(d document) { delete(d.properties("Keys"), "DropKeys") },
		"a drop of refresh-token keys": func(d document) { delete(d.properties("Keys"), "DropRefreshKeys") },
		"a drop of login keys":         func(d document) { delete(d.properties("Keys"), "DropLoginKeys") },
		"a deleted stack":              func(d document) { delete(d.properties("Keys"), "TakeOverStack") },
		"a drop of other keys":         func(d document) { d.properties("Keys")["DropRefreshKeys"] = tree{"Ref": "DropKeys"} },
		"a drop that is always there":  func(d document) { d.properties("Keys")["DropLoginKeys"] = "all" },
		"a drop by default":            func(d document) { at[tree](d.root, "Parameters", "DropRefreshKeys")["Default"] = "all" },
		"another stack by default":     func(d document) { at[tree](d.root, "Parameters", "TakeOverStack")["Default"] = "arn" },
		"a version of its own":         func(d document) { d.properties("Keys")["KeyVersion"] = "1" },
	}},
	{"a build for another processor is refused", processor, map[string]func(document){
		"the keys function is not told":        func(d document) { delete(d.properties("Keys"), "Architecture") },
		"it is told of another":                func(d document) { d.properties("Keys")["Architecture"] = "arm64" },
		"it is not asked at each build":        func(d document) { delete(d.properties("Keys"), "Build") },
		"it is asked at another's build":       func(d document) { d.properties("Keys")["Build"] = tree{"Ref": versionOf(d, "LoginFunction")} },
		"it runs on the processor of the rest": func(d document) { d.properties("KeysFunction")["Architectures"] = []any{tree{"Ref": "Architecture"}} },
		"another function runs where it does":  func(d document) { d.properties("LoginFunction")["Architectures"] = []any{"x86_64"} },
	}},
	{"no function takes longer than the rotation allows", quick, map[string]func(document){
		"one does":                func(d document) { d.properties("RefreshFunction")["Timeout"] = 11.0 },
		"the keys take for ever":  func(d document) { d.properties("KeysFunction")["Timeout"] = 900.0 },
		"one has none of its own": func(d document) { delete(d.properties("RefreshFunction"), "Timeout") },
	}},
	{"a build can be deployed again after its rollback", repeatable, map[string]func(document){
		"a version stays": func(d document) { d.resources()[versionOf(d, "LoginFunction")].(tree)["DeletionPolicy"] = "Retain" },
		"by default":      func(d document) { delete(d.resources()[versionOf(d, "LoginFunction")].(tree), "DeletionPolicy") },
	}},
	{"functions get variables that somebody reads", known, map[string]func(document){
		"attempts of no use": func(d document) { variables(d, "SessionsFunction")["EDGEAUTH_ATTEMPTS_TABLE"] = "x" },
		"one that all others get": func(d document) {
			variables(d, "DiscoveryFunction")["EDGEAUTH_AUDIENCE"] = variables(d, "LoginFunction")["EDGEAUTH_AUDIENCE"]
		},
		"a misspelt one": func(d document) { variables(d, "RefreshFunction")["EDGEAUTH_RESTORED_TILL"] = "" },
	}},
	{"browsers may use the methods of the routes", cors, map[string]func(document){
		"a method is missing": func(d document) {
			at[tree](d.properties("Api")["CorsConfiguration"].(tree)["Fn::If"].([]any)[1])["AllowMethods"] = []any{"GET"}
		},
		"any origin": func(d document) {
			at[tree](d.properties("Api")["CorsConfiguration"].(tree)["Fn::If"].([]any)[1])["AllowOrigins"] = []any{"*"}
		},
	}},
	{"parameters say what they are and take nothing else", parameters, map[string]func(document){
		"one says nothing":        func(d document) { delete(at[tree](d.root, "Parameters", "Issuer"), "Description") },
		"one takes everything":    func(d document) { delete(at[tree](d.root, "Parameters", "Issuer"), "AllowedPattern") },
		"one must be given":       func(d document) { delete(at[tree](d.root, "Parameters", "KeyVersion"), "Default") },
		"a number without bounds": func(d document) { delete(at[tree](d.root, "Parameters", "KeyVersion"), "MaxValue") },
	}},
}

func TestTemplate(t *testing.T) {
	d := translated(t, "template.yaml")
	for _, r := range slices.Concat(rules, accessRules, stateRules, deploymentRules) {
		t.Run(r.name, func(t *testing.T) {
			for _, problem := range r.check(d) {
				t.Error(problem)
			}
			for what, break_ := range r.broken {
				broken := d.clone(t)
				break_(broken)
				if len(r.check(broken)) == 0 {
					t.Errorf("nothing is found where %s", what)
				}
			}
		})
	}
}

func sub(text string) tree { return tree{"Fn::Sub": text} }

func routeOf(key string, more tree) tree {
	p := tree{"ApiId": tree{"Ref": "Api"}, "RouteKey": key, "Target": sub("integrations/${LoginIntegration}")}
	maps.Copy(p, more)
	return tree{"Type": "AWS::ApiGatewayV2::Route", "Properties": p}
}

func variables(d document, function string) tree {
	return at[tree](d.properties(function), "Environment", "Variables")
}

// functionOf returns the function whose alias a URI contains, or "" for any other form.
func functionOf(uri any) string {
	text := at[string](uri, "Fn::Sub")
	_, text, _ = strings.Cut(text, "/functions/${")
	function, rest, _ := strings.Cut(text, ".Arn}")
	if rest != ":live/invocations" {
		return ""
	}
	return function
}

// logicalID returns the logical id of a function, for example SessionAuthorizerFunction for
// session-authorizer.
func logicalID(folder string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(folder, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String() + "Function"
}

func routes(d document) (problems []string) {
	want := map[string]string{}
	for _, r := range route.Table() {
		want[r.Pattern] = logicalID(r.Function)
	}
	got := map[string]string{}
	for _, id := range d.of("AWS::ApiGatewayV2::Route") {
		p := d.properties(id)
		integration := strings.TrimSuffix(strings.TrimPrefix(at[string](p, "Target", "Fn::Sub"), "integrations/${"), "}")
		got[at[string](p, "RouteKey")] = functionOf(d.properties(integration)["IntegrationUri"])
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			problems = append(problems, fmt.Sprintf("%s goes to %q, want %s", key, got[key], want[key]))
		}
		delete(got, key)
	}
	for key := range got {
		problems = append(problems, key+" is no route of the code")
	}
	return problems
}

func protected(d document) (problems []string) {
	var public []string
	for _, r := range route.Table() {
		if r.Guard == route.None {
			public = append(public, r.Pattern)
		}
	}
	for _, id := range d.of("AWS::ApiGatewayV2::Route") {
		p := d.properties(id)
		authorizer := d.resources()[ref(p["AuthorizerId"])]
		switch {
		case slices.Contains(public, at[string](p, "RouteKey")):
		case at[string](p, "AuthorizationType") != "CUSTOM" || at[string](authorizer, "Type") != "AWS::ApiGatewayV2::Authorizer":
			problems = append(problems, id+" is open")
		}
	}
	return problems
}

func permitted(d document) (problems []string) {
	for kind, name := range map[string]string{
		"AWS::ApiGatewayV2::Integration": "IntegrationUri", "AWS::ApiGatewayV2::Authorizer": "AuthorizerUri",
	} {
		for _, id := range d.of(kind) {
			function := functionOf(d.properties(id)[name])
			if function == "" {
				problems = append(problems, id+" names no alias that sam local could resolve")
				continue
			}
			permission := d.properties(at[string](d.resources()[id], "DependsOn"))
			if got := ref(permission["FunctionName"]); got != function+"Aliaslive" {
				problems = append(problems, id+" does not wait until it may call "+function)
			}
		}
	}
	return problems
}

func authorizers(d document) (problems []string) {
	for _, id := range d.of("AWS::ApiGatewayV2::Authorizer") {
		p := d.properties(id)
		function := functionOf(p["AuthorizerUri"])
		if at[bool](p, "EnableSimpleResponses") != (at[string](variables(d, function), "EDGEAUTH_HTTP_RESPONSE") == "simple") ||
			at[string](p, "AuthorizerPayloadFormatVersion") != "2.0" {
			problems = append(problems, id+" speaks another form than its function")
		}
		if ttl, ok := p["AuthorizerResultTtlInSeconds"].(float64); !ok || ttl != 0 {
			problems = append(problems, id+" keeps answers")
		}
		if !slices.Equal(list(p["IdentitySource"]), []string{"$request.header.Authorization"}) {
			problems = append(problems, id+" lets requests without a token through to its function")
		}
	}
	for _, id := range []string{"AuthorizerPermission", "SessionAuthorizerPermission"} {
		if !strings.HasSuffix(at[string](d.properties(id), "SourceArn", "Fn::Sub"), "${AWS::AccountId}:*/authorizers/*") {
			problems = append(problems, id+" does not let another API of the account attach the authorizer")
		}
	}
	return problems
}

// versionOf returns the logical id of a function's version.
func versionOf(d document, function string) string {
	for _, id := range d.of("AWS::Lambda::Version") {
		if ref(d.properties(id)["FunctionName"]) == function {
			return id
		}
	}
	return ""
}

var keysStamp = tree{"Fn::GetAtt": []any{"Keys", "Stamp"}}

func isStamp(in any) bool { return reflect.DeepEqual(in, any(keysStamp)) }

// The keys function has no stamp: it makes the stamp, and would wait for itself.
const keysFunction = "KeysFunction"

func stamped(d document) (problems []string) {
	for _, id := range d.of("AWS::Lambda::Function") {
		if id == keysFunction {
			if slices.Contains(named(variables(d, id)), "Keys") || isStamp(d.properties(versionOf(d, id))["Description"]) {
				problems = append(problems, id+" waits for itself")
			}
			continue
		}
		if !isStamp(variables(d, id)["EDGEAUTH_STAMP"]) {
			problems = append(problems, id+" has no stamp, so Lambda would take its next version for the same")
		}
		version := versionOf(d, id)
		if !isStamp(d.properties(version)["Description"]) {
			problems = append(problems, id+"'s version has no stamp, so CloudFormation would make no next one")
		}
		if attributeOf(d.properties(id + "Aliaslive")["FunctionVersion"]) != version {
			problems = append(problems, id+" has no alias live")
		}
	}
	return problems
}

// processor checks that the keys function, which runs in every build, gets the processor of the
// stack at each build, before another function changes.
func processor(d document) (problems []string) {
	if keys := d.properties("Keys"); ref(keys["Architecture"]) != "Architecture" || ref(keys["Build"]) != versionOf(d, keysFunction) || versionOf(d, keysFunction) == "" {
		problems = append(problems, keysFunction+" does not learn of a build for another processor")
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		architectures := at[[]any](d.properties(id), "Architectures")
		wrong := len(architectures) != 1 || ref(architectures[0]) != "Architecture"
		if id == keysFunction {
			wrong = len(architectures) != 1 || architectures[0] != "x86_64"
		}
		if wrong {
			problems = append(problems, fmt.Sprintf("%s runs on %v", id, architectures))
		}
	}
	return problems
}

func accounted(d document) (problems []string) {
	// The mailer waits for the keys. MailSender decides whether it exists, and the ARN of its
	// alias never changes.
	known := map[string]bool{"AWS::NoValue": true, "AWS::StackId": true, "Keys": true, "MailerFunction": true}
	for _, name := range named(d.properties("Keys")) {
		known[name] = true
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		for _, name := range named(variables(d, id)) {
			if !known[name] {
				problems = append(problems, fmt.Sprintf("%s gets %s, and the stamp does not change with it", id, name))
			}
		}
	}
	return problems
}

// moving checks that each parameter that moves or drops keys is a property of the custom resource
// with the same name, so that CloudFormation calls the keys function when it changes. The function
// includes each property in the stamp. A first deployment drops nothing and takes over no stack.
func moving(d document) (problems []string) {
	emergencies := []string{"DropKeys", "DropRefreshKeys", "DropLoginKeys", "TakeOverStack"}
	for _, name := range append([]string{"KeyVersion", "SigningAlgorithm"}, emergencies...) {
		if ref(d.properties("Keys")[name]) != name {
			problems = append(problems, name+" does not reach the keys function")
		}
	}
	for _, name := range emergencies {
		if at[any](d.root, "Parameters", name, "Default") != "" {
			problems = append(problems, name+" has a default that acts")
		}
	}
	return problems
}

// named returns the parameters and resources that a value refers to.
func named(in any) (names []string) {
	switch in := in.(type) {
	case []any:
		for _, one := range in {
			names = append(names, named(one)...)
		}
	case tree:
		names = append(names, ref(in), attributeOf(in))
		own, text := at[[]any](in, "Fn::Sub"), at[string](in, "Fn::Sub")
		variables := tree{}
		if len(own) == 2 {
			text, _ = own[0].(string)
			variables, _ = own[1].(tree)
		}
		for _, found := range regexp.MustCompile(`\$\{([A-Za-z]+)[.}]`).FindAllStringSubmatch(text, -1) {
			if variables[found[1]] == nil {
				names = append(names, found[1])
			}
		}
		for _, one := range in {
			names = append(names, named(one)...)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// serviceTimeout is the number of seconds that CloudFormation waits for the keys function.
const serviceTimeout = 300

func quick(d document) (problems []string) {
	for _, id := range d.of("AWS::Lambda::Function") {
		timeout := at[float64](d.properties(id), "Timeout")
		if id == keysFunction {
			if timeout == 0 || timeout >= serviceTimeout {
				problems = append(problems, id+" may take longer than CloudFormation waits")
			}
			continue
		}
		if timeout != seconds {
			problems = append(problems, fmt.Sprintf("%s may take other than %d s", id, seconds))
		}
	}
	return problems
}

// repeatable checks that no function version outlives its deployment, because Lambda would not
// create a second version of the same code.
func repeatable(d document) (problems []string) {
	for _, id := range d.of("AWS::Lambda::Version") {
		if at[string](d.resources()[id], "DeletionPolicy") != "Delete" {
			problems = append(problems, id+" stays after a rollback")
		}
	}
	return problems
}

func known(d document) (problems []string) {
	readers := map[string][]string{}
	for folder, variables := range config.Readers() {
		readers[logicalID(folder)] = variables
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		reads := readers[id]
		for name, value := range variables(d, id) {
			if ref(value) == "AWS::NoValue" { // the function does not get it
				continue
			}
			// The stamp is only for Lambda. The other variables belong to the AWS SDK.
			if name != "EDGEAUTH_STAMP" && strings.HasPrefix(name, "EDGEAUTH_") && !slices.Contains(reads, name) {
				problems = append(problems, id+" gets "+name+", which it does not read")
			}
		}
	}
	return problems
}

func cors(d document) (problems []string) {
	var methods []string
	for _, r := range route.Table() {
		methods = append(methods, r.Method())
	}
	slices.Sort(methods)
	choice := at[[]any](d.properties("Api"), "CorsConfiguration", "Fn::If")
	if len(choice) != 3 || choice[0] != "HasOrigins" || ref(choice[2]) != "AWS::NoValue" {
		return []string{"there is CORS where no origin is configured"}
	}
	if got := list(at[any](choice[1], "AllowMethods")); !slices.Equal(got, slices.Compact(methods)) {
		problems = append(problems, fmt.Sprintf("browsers may use %v, want %v", got, slices.Compact(methods)))
	}
	if split := at[[]any](choice[1], "AllowOrigins", "Fn::Split"); len(split) != 2 || ref(split[1]) != "Origins" {
		problems = append(problems, "other origins are allowed than the configured ones")
	}
	return problems
}

func parameters(d document) (problems []string) {
	for id, p := range at[tree](d.root, "Parameters") {
		bounded := at[any](p, "AllowedValues") != nil ||
			at[string](p, "AllowedPattern") != "" && at[string](p, "ConstraintDescription") != "" ||
			at[any](p, "MinValue") != nil && at[any](p, "MaxValue") != nil
		if at[string](p, "Description") == "" || !bounded {
			problems = append(problems, id+" says too little")
		}
		if at[any](p, "Default") == nil {
			problems = append(problems, id+" must be given, and a first deploy takes no parameter")
		}
	}
	return problems
}
