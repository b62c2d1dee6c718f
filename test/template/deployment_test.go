package template

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var deploymentRules = []rule{
	{"every role has the boundary", bounded, map[string]func(document){
		"one has none":     func(d document) { delete(d.properties("LoginRole"), "PermissionsBoundary") },
		"one has its own":  func(d document) { d.properties("KeysRole")["PermissionsBoundary"] = "arn" },
		"that of rollouts": func(d document) { delete(d.properties("RolloutRole"), "PermissionsBoundary") },
	}},
	{"every log group has its class and its end", loggedAs, map[string]func(document){
		"no class": func(d document) { delete(d.properties("AuthorizerLogs"), "LogGroupClass") },
		"no end":   func(d document) { delete(d.properties("ApiLogs"), "RetentionInDays") },
	}},
	{"a domain of one's own is the address and the issuer", domained, map[string]func(document){
		"the other address stays":    func(d document) { delete(d.properties("Api"), "DisableExecuteApiEndpoint") },
		"there is only that address": func(d document) { d.properties("Api")["DisableExecuteApiEndpoint"] = true },
		"it leads nowhere":           func(d document) { delete(d.resources(), "Mapping") },
		"it accepts old versions of TLS": func(d document) {
			at[[]any](d.properties("Domain"), "DomainNameConfigurations")[0].(tree)["SecurityPolicy"] = "TLS_1_0"
		},
		"a function has another issuer": func(d document) {
			variables(d, "AuthorizerFunction")["EDGEAUTH_ISSUER"] = tree{"Fn::GetAtt": []any{"Api", "ApiEndpoint"}}
		},
		"the stamp stays":        func(d document) { delete(d.properties("Keys"), "Issuer") },
		"others are told of old": func(d document) { d.properties("IssuerParameter")["Value"] = "https://x" },
	}},
	{"a change of the memory makes a new version", remembered, map[string]func(document){
		"the stamp stays": func(d document) { delete(d.properties("Keys"), "Memory") },
		"of another function": func(d document) {
			d.properties("SessionsFunction")["MemorySize"] = tree{"Ref": "RequestRate"}
		},
	}},
	{"CodeDeploy moves aliases of the stack and does no more", shifter, map[string]func(document){
		"it calls functions":             func(d document) { shifts(d)[0].(tree)["Action"] = "lambda:*" },
		"it moves those of other stacks": func(d document) { shifts(d)[0].(tree)["Resource"] = "*" },
		"it does not move one": func(d document) {
			shifts(d)[0].(tree)["Resource"] = at[[]any](shifts(d)[0], "Resource")[1:]
		},
		"one more grant": func(d document) {
			at[tree](at[[]any](d.properties("RolloutRole"), "Policies")[0], "PolicyDocument")["Statement"] = append(shifts(d), tree{})
		},
		"a managed policy": func(d document) { d.properties("RolloutRole")["ManagedPolicyArns"] = []any{"x"} },
		"another service": func(d document) {
			at[[]any](d.properties("RolloutRole"), "AssumeRolePolicyDocument", "Statement")[0].(tree)["Principal"] = tree{"Service": "lambda.amazonaws.com"}
		},
	}},
	{"by default, requests move at once", atOnce, map[string]func(document){
		"by CodeDeploy": func(d document) {
			d.resources()["LoginFunctionAliaslive"].(tree)["UpdatePolicy"] = tree{"CodeDeployLambdaAliasUpdate": tree{}}
		},
		"an alarm is left": func(d document) { delete(d.resources()["RolloutAlarm"].(tree), "Condition") },
	}},
}

// choice reports whether a value is {"Fn::If": [condition, yes, no]}.
func choice(in any, condition string, yes, no any) bool {
	return reflect.DeepEqual(in, any(tree{"Fn::If": []any{condition, yes, no}}))
}

var noValue = tree{"Ref": "AWS::NoValue"}

func bounded(d document) (problems []string) {
	for _, id := range d.of("AWS::IAM::Role") {
		if !choice(d.properties(id)["PermissionsBoundary"], "HasBoundary", tree{"Ref": "PermissionsBoundary"}, noValue) {
			problems = append(problems, id+" is not bounded")
		}
	}
	return problems
}

func loggedAs(d document) (problems []string) {
	for _, id := range d.of("AWS::Logs::LogGroup") {
		if p := d.properties(id); ref(p["LogGroupClass"]) != "LogClass" || ref(p["RetentionInDays"]) != "LogRetentionDays" {
			problems = append(problems, id+" has another class or end than the parameters say")
		}
	}
	return problems
}

// theIssuer is the parameter, or the address of the API without it.
var theIssuer = tree{"Fn::If": []any{"HasIssuer", tree{"Ref": "Issuer"}, theAddress}}

var theAddress = tree{"Fn::If": []any{"HasDomain", sub("https://${DomainName}"), tree{"Fn::GetAtt": []any{"Api", "ApiEndpoint"}}}}

func domained(d document) (problems []string) {
	must := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	must(choice(d.properties("Api")["DisableExecuteApiEndpoint"], "ClosesDefaultEndpoint", true, false), "the API has another address than the parameters say")
	mapping := d.properties("Mapping")
	must(ref(mapping["ApiId"]) == "Api" && ref(mapping["Stage"]) == "Stage" && ref(mapping["DomainName"]) == "Domain" && mapping["ApiMappingKey"] == nil, "the domain does not lead to the API")
	if configurations := at[[]any](d.properties("Domain"), "DomainNameConfigurations"); len(configurations) != 1 ||
		at[string](configurations[0], "SecurityPolicy") != "TLS_1_2" || ref(at[any](configurations[0], "CertificateArn")) != "CertificateArn" {
		problems = append(problems, "the domain has another certificate, or an old version of TLS")
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		if issuer, ok := variables(d, id)["EDGEAUTH_ISSUER"]; ok {
			must(reflect.DeepEqual(issuer, any(theIssuer)), id+" has another issuer")
		}
	}
	must(reflect.DeepEqual(d.properties("Keys")["Issuer"], any(theIssuer)), "the stamp does not change with the issuer")
	must(reflect.DeepEqual(d.properties("IssuerParameter")["Value"], any(theIssuer)), "the parameter for other stacks has another issuer")
	must(reflect.DeepEqual(at[any](d.root, "Outputs", "Issuer", "Value"), any(theIssuer)), "the output has another issuer")
	must(reflect.DeepEqual(at[any](d.root, "Outputs", "ApiEndpoint", "Value"), any(theAddress)), "the output has another address")
	return problems
}

func remembered(d document) (problems []string) {
	stamped := named(d.properties("Keys")["Memory"])
	for _, id := range d.of("AWS::Lambda::Function") {
		if name := ref(d.properties(id)["MemorySize"]); name != "" && !slices.Contains(stamped, name) {
			problems = append(problems, id+" keeps its version when "+name+" changes")
		}
	}
	return problems
}

func shifts(d document) []any {
	return at[[]any](at[[]any](d.properties("RolloutRole"), "Policies")[0], "PolicyDocument", "Statement")
}

func shifter(d document) (problems []string) {
	p := d.properties("RolloutRole")
	trusts := at[[]any](p, "AssumeRolePolicyDocument", "Statement")
	if len(trusts) != 1 || at[string](trusts[0], "Principal", "Service") != "codedeploy.amazonaws.com" {
		problems = append(problems, "RolloutRole can be taken on by others than CodeDeploy")
	}
	var moved []string
	for _, id := range d.of("AWS::Lambda::Function") {
		if id != keysFunction {
			moved = append(moved, "${"+id+".Arn}*")
		}
	}
	slices.Sort(moved)
	want := map[string][]string{
		"lambda:GetAlias lambda:GetProvisionedConcurrencyConfig lambda:UpdateAlias": moved,
		"cloudwatch:DescribeAlarms": {"arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"},
	}
	for _, s := range shifts(d) {
		actions := strings.Join(list(at[any](s, "Action")), " ")
		resources, several := at[any](s, "Resource").([]any)
		if !several {
			resources = []any{at[any](s, "Resource")}
		}
		var names []string
		for _, resource := range resources {
			if choice := at[[]any](resource, "Fn::If"); len(choice) == 3 && choice[0] == "HasMailer" {
				resource = choice[1]
			}
			names = append(names, at[string](resource, "Fn::Sub"))
		}
		if slices.Sort(names); !slices.Equal(names, want[actions]) {
			problems = append(problems, fmt.Sprintf("RolloutRole may %s on %s", actions, names))
		}
	}
	if len(shifts(d)) != len(want) || len(at[[]any](p, "Policies")) != 1 || p["ManagedPolicyArns"] != nil {
		problems = append(problems, "RolloutRole has other grants than two")
	}
	return problems
}

func atOnce(d document) (problems []string) {
	for id, r := range d.resources() {
		if strings.HasPrefix(at[string](r, "Type"), "AWS::CodeDeploy::") || at[any](r, "UpdatePolicy") != nil {
			problems = append(problems, id+" belongs to CodeDeploy")
		}
	}
	for _, id := range []string{"RolloutAlarm", "RolloutCrashAlarm", "RolloutRole"} {
		if at[string](d.resources()[id], "Condition") != "IsGradual" {
			problems = append(problems, id+" is made for nothing")
		}
	}
	return problems
}

// TestRollout: in a gradual deployment, CodeDeploy moves the requests of each function except the
// keys function, and moves them back after a fault of the new version.
func TestRollout(t *testing.T) {
	d := translated(t, "template.yaml", "Rollout=Canary10Percent5Minutes")
	for _, problem := range rollout(d) {
		t.Error(problem)
	}
	group := func(d document, function string) tree { return d.properties(function + "DeploymentGroup") }
	for what, break_ := range map[string]func(document){
		"one function moves at once": func(d document) { delete(d.resources()["RefreshFunctionAliaslive"].(tree), "UpdatePolicy") },
		"the keys function waits": func(d document) {
			d.resources()["KeysFunctionAliaslive"].(tree)["UpdatePolicy"] = tree{"CodeDeployLambdaAliasUpdate": tree{}}
		},
		"nothing moves it back": func(d document) { delete(group(d, "LoginFunction"), "AlarmConfiguration") },
		"another role": func(d document) {
			group(d, "LoginFunction")["ServiceRoleArn"] = tree{"Fn::GetAtt": []any{"LoginRole", "Arn"}}
		},
		"the alarm hears of one function less": func(d document) {
			d.properties("RolloutAlarm")["Metrics"] = slices.DeleteFunc(at[[]any](d.properties("RolloutAlarm"), "Metrics"), func(m any) bool { return at[string](m, "Id") == "refresh" })
		},
		"the alarm hears of the version of before": func(d document) {
			for _, m := range at[[]any](d.properties("RolloutAlarm"), "Metrics") {
				if at[string](m, "Id") == "login" {
					at[[]any](m, "MetricStat", "Metric", "Dimensions")[1].(tree)["Value"] = "1"
				}
			}
		},
	} {
		broken := d.clone(t)
		break_(broken)
		if len(rollout(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// watches returns the functions whose newest version an alarm watches with a metric.
func watches(d document, alarm, metric, function, version string) (watched map[string]bool, problems []string) {
	watched = map[string]bool{}
	for _, m := range at[[]any](d.properties(alarm), "Metrics") {
		if choice := at[[]any](m, "Fn::If"); len(choice) == 3 && choice[0] == "HasMailer" && ref(choice[2]) == "AWS::NoValue" {
			m = choice[1]
		}
		stat := at[tree](m, "MetricStat", "Metric")
		if stat == nil { // the expression
			continue
		}
		by := map[string]any{}
		for _, dimension := range at[[]any](stat, "Dimensions") {
			by[at[string](dimension, "Name")] = at[any](dimension, "Value")
		}
		name := ref(by[function])
		watched[name] = true
		if at[string](stat, "MetricName") != metric || attributeOf(by[version]) != versionOf(d, name) {
			problems = append(problems, alarm+" watches something else than the new version of "+name)
		}
	}
	if len(watched) > 10 {
		problems = append(problems, fmt.Sprintf("%s has %d metrics, and CloudWatch takes 10", alarm, len(watched)))
	}
	return watched, problems
}

func rollout(d document) (problems []string) {
	faults, problems := watches(d, "RolloutAlarm", "faults", "function", "version")
	crashes, more := watches(d, "RolloutCrashAlarm", "Errors", "FunctionName", "ExecutedVersion")
	problems = append(problems, more...)
	for _, id := range d.of("AWS::Lambda::Function") {
		policy := at[tree](d.resources()[id+"Aliaslive"], "UpdatePolicy")
		if id == keysFunction {
			if policy != nil {
				problems = append(problems, id+" has a gradual deployment, and CloudFormation calls it by no alias")
			}
			continue
		}
		group := d.properties(id + "DeploymentGroup")
		if ref(at[any](policy, "CodeDeployLambdaAliasUpdate", "DeploymentGroupName")) != id+"DeploymentGroup" {
			problems = append(problems, id+" moves at once")
		}
		alarms := at[[]any](group, "AlarmConfiguration", "Fn::If")
		var names []string
		if len(alarms) == 3 && alarms[0] == "IsGradual" {
			for _, alarm := range at[[]any](alarms[1], "Alarms") {
				names = append(names, ref(at[any](alarm, "Name")))
			}
		}
		if !slices.Equal(names, []string{"RolloutAlarm", "RolloutCrashAlarm"}) {
			problems = append(problems, "no alarm moves "+id+" back")
		}
		if role := at[[]any](group, "ServiceRoleArn", "Fn::If"); len(role) != 3 || attributeOf(role[1]) != "RolloutRole" {
			problems = append(problems, id+" is moved by another role")
		}
		if hasMetrics := variables(d, id)["EDGEAUTH_METRICS"] != nil; hasMetrics != faults[id] {
			problems = append(problems, fmt.Sprintf("%s writes metrics: %t, and the alarm hears of them: %t", id, hasMetrics, faults[id]))
		}
		// An error of an authorizer is not a crash.
		if fails := strings.HasSuffix(id, "AuthorizerFunction") || id == "MailerFunction"; fails == crashes[id] {
			problems = append(problems, fmt.Sprintf("the alarm hears of crashes of %s: %t", id, crashes[id]))
		}
	}
	return problems
}

// TestCircles: no resource waits for itself, with any values of the parameters. CloudFormation would refuse the
// template. It also waits for what an update policy names, which only gradual deployments have.
func TestCircles(t *testing.T) {
	d := translated(t, "template.yaml", "Rollout=Canary10Percent5Minutes")
	if found := circle(d); found != nil {
		t.Errorf("%v wait for each other", found)
	}
	// The alias of the mailer waits for its deployment group, and so for the alarms and all functions.
	variables(d, "AccountFunction")["EDGEAUTH_MAILER"] = tree{"Ref": "MailerFunctionAliaslive"}
	if circle(d) == nil {
		t.Error("nothing is found where the account function waits for the alias of the mailer")
	}
}

// circle returns resources that wait for each other, or nil.
func circle(d document) []string {
	done := map[string]bool{}
	var visit func(id string, path []string) []string
	visit = func(id string, path []string) []string {
		r := at[tree](d.resources(), id)
		if i := slices.Index(path, id); i >= 0 {
			return path[i:]
		}
		if r == nil || done[id] {
			return nil
		}
		path = append(slices.Clone(path), id)
		for _, other := range slices.Concat(named(r["Properties"]), named(r["UpdatePolicy"]), list(r["DependsOn"])) {
			if found := visit(other, path); found != nil {
				return found
			}
		}
		done[id] = true
		return nil
	}
	for id := range d.resources() {
		if found := visit(id, nil); found != nil {
			return found
		}
	}
	return nil
}

// TestParameterRules: CloudFormation refuses contradictory parameters.
func TestParameterRules(t *testing.T) {
	d := printed(t, "read", "template.yaml") // the translator inserts the defaults of some parameters
	for _, row := range []struct {
		parameters string
		refusal    string // a part of it; "" for no refusal
	}{
		{"", ""},
		{"DomainName=auth.example.com CertificateArn=arn", ""},
		{"DomainName=auth.example.com CertificateArn=arn HostedZoneId=Z1", ""},
		{"DomainName=auth.example.com", "DomainName and CertificateArn"},
		{"CertificateArn=arn", "DomainName and CertificateArn"},
		{"HostedZoneId=Z1", "HostedZoneId needs both"},
		{"LogClass=INFREQUENT_ACCESS", "no alarm would go off"},
		{"LogClass=INFREQUENT_ACCESS Monitoring=metrics", "no alarm would go off"},
		{"LogClass=INFREQUENT_ACCESS Monitoring=none", ""},
		{"MailSender=ses MailFrom=a@example.com SesIdentity=arn", ""},
		{"MailSender=ses MailFrom=a@example.com", "MailSender=ses needs"},
		{"MailSender=ses MailFrom=a@example.com SmtpServer=smtp://smtp.example.com", "MailSender=ses needs"},
		{"MailSender=ses SesIdentity=arn", "MailSender=ses needs"},
		{"MailSender=smtp MailFrom=a@example.com SmtpServer=smtp://smtp.example.com", ""},
		{"MailSender=smtp MailFrom=a@example.com SesIdentity=arn", "MailSender=smtp needs"},
		{"MailSender=smtp SmtpServer=smtp://smtp.example.com", "MailSender=smtp needs"},
		{"Rollout=Canary10Percent5Minutes", ""},
		{"Rollout=Canary10Percent5Minutes Monitoring=metrics", ""},
		{"Rollout=Canary10Percent5Minutes Monitoring=none", "no fault of a new version"},
		{"Rollout=Linear10PercentEvery1Minute DropKeys=all", "must be refused at once"},
		{"Rollout=Linear10PercentEvery1Minute DropRefreshKeys=all", "must be refused at once"},
		{"Rollout=Linear10PercentEvery1Minute DropLoginKeys=all", "must be refused at once"},
		{"DropKeys=all", ""},
	} {
		values := map[string]any{}
		for id, p := range at[tree](d.root, "Parameters") {
			values[id] = at[any](p, "Default")
		}
		for _, p := range strings.Fields(row.parameters) {
			name, value, _ := strings.Cut(p, "=")
			values[name] = value
		}
		var refusals []string
		for _, r := range at[tree](d.root, "Rules") {
			if condition := at[any](r, "RuleCondition"); condition != nil && !holds(t, condition, values) {
				continue
			}
			for _, a := range at[[]any](r, "Assertions") {
				if !holds(t, at[any](a, "Assert"), values) {
					refusals = append(refusals, at[string](a, "AssertDescription"))
				}
			}
		}
		if said := strings.Join(refusals, "; "); (said == "") != (row.refusal == "") || !strings.Contains(said, row.refusal) {
			t.Errorf("%q is answered %q, want %q", row.parameters, said, row.refusal)
		}
	}
}

// holds evaluates the functions that the rules of a template use.
func holds(t *testing.T, in any, values map[string]any) bool {
	t.Helper()
	value := func(in any) any {
		if _, ok := in.(tree); ok {
			return values[ref(in)]
		}
		return in
	}
	if parts := at[[]any](in, "Fn::Equals"); parts != nil {
		return value(parts[0]) == value(parts[1])
	}
	if parts := at[[]any](in, "Fn::Not"); parts != nil {
		return !holds(t, parts[0], values)
	}
	isTrue := func(in any) bool { return holds(t, in, values) }
	if parts := at[[]any](in, "Fn::And"); parts != nil {
		return !slices.ContainsFunc(parts, func(in any) bool { return !isTrue(in) })
	}
	if parts := at[[]any](in, "Fn::Or"); parts != nil {
		return slices.ContainsFunc(parts, isTrue)
	}
	t.Fatalf("an unknown function in a rule: %v", in)
	return false
}
