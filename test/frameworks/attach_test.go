package frameworks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
)

// tree is decoded JSON.
type tree = map[string]any

// attached has the settings with which an HTTP API calls edgeauth's authorizer, and the route
// behind it, independent of any tool.
type attached struct {
	URI, Payload, Source string
	IsSimple             bool
	TTL                  float64
	Origins              []any
	MaxAge               float64
	GuardedRoutes        []string
	OpenRoutes           []string
}

// TestAttach: the examples of AWS SAM, of the CDK and of Terraform create the same authorizer, and
// no route is open. Other tests deploy the example of SAM.
func TestAttach(t *testing.T) {
	onlyAsked(t)
	want := bySAM(t)
	if want.URI != "arn:<partition>:apigateway:<region>:lambda:path/2015-03-31/functions/<authorizer>/invocations" ||
		want.Source != "$request.header.Authorization" || !want.IsSimple || want.TTL != 0 || len(want.GuardedRoutes) != 1 || len(want.OpenRoutes) != 0 {
		t.Fatalf("examples/http-api.yaml: %+v", want)
	}
	for name, got := range map[string]attached{"cdk": byCDK(t), "terraform": byTerraform(t)} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("examples/%s: %+v, want as in examples/http-api.yaml %+v", name, got, want)
		}
	}
}

// output runs a program and decodes what it prints.
func output(t *testing.T, into any, program string, arguments ...string) {
	t.Helper()
	c := exec.Command(program, arguments...)
	c.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, into)
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, &stderr)
	}
}

// in returns the value at a path of decoded JSON, or the zero value.
func in[T any](from any, path ...string) T {
	for _, name := range path {
		object, _ := from.(tree)
		from = object[name]
	}
	found, _ := from.(T)
	return found
}

// flat returns a value of CloudFormation, including its functions, as one text.
func flat(template tree, value any) string {
	switch value := value.(type) {
	case string:
		return value
	case tree:
		if name := in[string](value, "Ref"); name != "" {
			if in[string](template, "Parameters", name, "Default") == "/edgeauth/authorizer" {
				return "<authorizer>"
			}
			return "<" + strings.ToLower(strings.TrimPrefix(name, "AWS::")) + ">"
		}
		parts := in[[]any](value, "Fn::Sub")
		if text := in[string](value, "Fn::Sub"); text != "" {
			parts = []any{text, tree{}}
		}
		if len(parts) == 2 {
			text, own := in[string](parts[0]), in[tree](parts[1])
			for name, value := range own {
				text = strings.ReplaceAll(text, "${"+name+"}", flat(template, value))
			}
			return strings.NewReplacer("${AWS::Partition}", "<partition>", "${AWS::Region}", "<region>").Replace(text)
		}
		if parts := in[[]any](value, "Fn::Join"); len(parts) == 2 {
			var text strings.Builder
			for _, part := range in[[]any](parts[1]) {
				text.WriteString(flat(template, part))
			}
			return text.String()
		}
	}
	return fmt.Sprint(value)
}

func bySAM(t *testing.T) (a attached) {
	python := absolute(t, "../../.cache/sam/bin/python")
	if _, err := os.Stat(python); err != nil {
		engine.LeaveOut(t, "AWS SAM's translator", "make judge")
	}
	var template tree
	output(t, &template, python, "../template/translate.py", "cloudformation", "../../examples/http-api.yaml")
	body := in[tree](template, "Resources", "ExampleApi", "Properties", "Body")
	authorizer := in[tree](body, "components", "securitySchemes", "edgeauth", "x-amazon-apigateway-authorizer")
	// The translator inserts the default of the parameter, and the partition.
	a.URI = strings.NewReplacer("/edgeauth/authorizer", "<authorizer>", "arn:aws:", "arn:<partition>:").Replace(flat(template, authorizer["authorizerUri"]))
	a.Payload, a.Source = in[string](authorizer, "authorizerPayloadFormatVersion"), fmt.Sprint(in[[]any](authorizer, "identitySource")...)
	a.IsSimple, a.TTL = in[bool](authorizer, "enableSimpleResponses"), in[float64](authorizer, "authorizerResultTtlInSeconds")
	cors := in[tree](body, "x-amazon-apigateway-cors")
	a.Origins, a.MaxAge = in[[]any](cors, "allowOrigins"), in[float64](cors, "maxAge")
	for i, origin := range a.Origins {
		if in[string](origin, "Ref") == "Origin" {
			a.Origins[i] = in[string](template, "Parameters", "Origin", "Default")
		}
	}
	for path, methods := range in[tree](body, "paths") {
		for method, operation := range methods.(tree) {
			isGuarded := false
			for _, security := range in[[]any](operation, "security") {
				isGuarded = isGuarded || in[[]any](security, "edgeauth") != nil
			}
			a.add(strings.ToUpper(method)+" "+path, isGuarded)
		}
	}
	return a
}

func (a *attached) add(route string, isGuarded bool) {
	if isGuarded {
		a.GuardedRoutes = append(a.GuardedRoutes, route)
	} else {
		a.OpenRoutes = append(a.OpenRoutes, route)
	}
}

func byCDK(t *testing.T) (a attached) {
	node, folder := need(t, "node", "install Node.js 20 or later"), fetched(t, "cdk", "package-lock.json")
	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS("../../examples/cdk")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "node_modules"), filepath.Join(project, "node_modules")); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(node, "app.js")
	c.Dir, c.Env = project, append(os.Environ(), "CDK_OUTDIR=out")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(project, "out/example.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template tree
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	resources := in[tree](template, "Resources")
	for _, r := range resources {
		p := in[tree](r, "Properties")
		switch in[string](r, "Type") {
		case "AWS::ApiGatewayV2::Authorizer":
			a.URI, a.Payload = flat(template, p["AuthorizerUri"]), in[string](p, "AuthorizerPayloadFormatVersion")
			a.Source = fmt.Sprint(in[[]any](p, "IdentitySource")...)
			a.IsSimple, a.TTL = in[bool](p, "EnableSimpleResponses"), in[float64](p, "AuthorizerResultTtlInSeconds")
		case "AWS::ApiGatewayV2::Api":
			a.Origins, a.MaxAge = in[[]any](p, "CorsConfiguration", "AllowOrigins"), in[float64](p, "CorsConfiguration", "MaxAge")
		case "AWS::ApiGatewayV2::Route":
			authorizer := resources[in[string](p, "AuthorizerId", "Ref")]
			a.add(in[string](p, "RouteKey"), in[string](p, "AuthorizationType") == "CUSTOM" && in[string](authorizer, "Type") == "AWS::ApiGatewayV2::Authorizer")
		}
	}
	return a
}

func byTerraform(t *testing.T) (a attached) {
	python := filepath.Join(fetched(t, "hcl", "requirements.txt"), "bin/python")
	var parsed any
	output(t, &parsed, python, "-c", "import hcl2, json, sys; json.dump(hcl2.load(open(sys.argv[1])), sys.stdout)", "../../examples/terraform/main.tf")
	parsed = unquoted(parsed)
	parameter := ""
	for _, block := range in[[]any](parsed, "data") {
		if name := in[string](block, "aws_ssm_parameter", "authorizer", "name"); name != "" {
			parameter = name
		}
	}
	if parameter != "/${var.edgeauth_stack}/authorizer" {
		t.Errorf("examples/terraform reads the parameter %q", parameter)
	}
	references := strings.NewReplacer("${data.aws_partition.current.partition}", "<partition>", "${data.aws_region.current.name}", "<region>",
		"${data.aws_ssm_parameter.authorizer.insecure_value}", "<authorizer>")
	for _, block := range in[[]any](parsed, "resource") {
		for kind, named := range block.(tree) {
			for _, p := range named.(tree) {
				switch kind {
				case "aws_apigatewayv2_authorizer":
					if in[string](p, "authorizer_type") != "REQUEST" {
						t.Error("examples/terraform has another type of authorizer")
					}
					a.URI, a.Payload = references.Replace(in[string](p, "authorizer_uri")), in[string](p, "authorizer_payload_format_version")
					a.Source = fmt.Sprint(in[[]any](p, "identity_sources")...)
					a.IsSimple, a.TTL = in[bool](p, "enable_simple_responses"), in[float64](p, "authorizer_result_ttl_in_seconds")
				case "aws_apigatewayv2_api":
					cors := in[[]any](p, "cors_configuration")
					a.Origins, a.MaxAge = in[[]any](cors[0], "allow_origins"), in[float64](cors[0], "max_age")
				case "aws_apigatewayv2_route":
					a.add(in[string](p, "route_key"), in[string](p, "authorization_type") == "CUSTOM" && in[string](p, "authorizer_id") == "${aws_apigatewayv2_authorizer.edgeauth.id}")
				}
			}
		}
	}
	return a
}

// unquoted removes the quotation marks that the parser leaves around texts and labels.
func unquoted(value any) any {
	switch value := value.(type) {
	case string:
		return strings.Trim(value, `"`)
	case []any:
		for i := range value {
			value[i] = unquoted(value[i])
		}
	case tree:
		plain := tree{}
		for name, member := range value {
			if name != "__is_block__" && name != "__comments__" {
				plain[strings.Trim(name, `"`)] = unquoted(member)
			}
		}
		return plain
	}
	return value
}
