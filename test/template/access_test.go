package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// accessRules say what each function may do, and which secrets it gets.
var accessRules = []rule{
	{"keys are made inside the account and survive it", secrets, map[string]func(document){
		"they go with the stack":             func(d document) { delete(d.resources()["SigningSecret"].(tree), "DeletionPolicy") },
		"they go when replaced":              func(d document) { d.resources()["RefreshSecret"].(tree)["UpdateReplacePolicy"] = "Delete" },
		"a name of one's own":                func(d document) { d.properties("SigningSecret")["Name"] = "keys" },
		"no stack is named":                  func(d document) { d.properties("RefreshSecret")["Description"] = "keys" },
		"no tags":                            func(d document) { delete(d.properties("LoginSecret"), "Tags") },
		"a value of the template's":          func(d document) { d.properties("SigningSecret")["SecretString"] = "{}" },
		"refresh gets the login ring":        func(d document) { variables(d, "RefreshFunction")["EDGEAUTH_LOGIN_RING"] = "x" },
		"sessions gets the login ring":       func(d document) { variables(d, "SessionsFunction")["EDGEAUTH_LOGIN_RING"] = "x" },
		"account lacks the login ring":       func(d document) { delete(variables(d, "AccountFunction"), "EDGEAUTH_LOGIN_RING") },
		"they stay after a failed creation":  func(d document) { d.resources()["SigningSecret"].(tree)["DeletionPolicy"] = "Retain" },
		"the login ring goes with the stack": func(d document) { delete(d.resources()["LoginSecret"].(tree), "DeletionPolicy") },
		"CloudFormation waits short":         func(d document) { delete(d.properties("Keys"), "ServiceTimeout") },
		"sessions gets what signs":           func(d document) { variables(d, "SessionsFunction")["EDGEAUTH_SIGNING_RING"] = "x" },
		"every caller is allowed":            func(d document) { d.properties("LoginPermission")["FunctionName"] = tree{"Ref": "KeysFunction"} },
		"a secret has a policy":              func(d document) { d.resources()["Policy"] = tree{"Type": "AWS::SecretsManager::ResourcePolicy"} },
		"the keys do not know their stack":   func(d document) { delete(variables(d, "KeysFunction"), "EDGEAUTH_STACK_ID") },
		"they are told of another":           func(d document) { variables(d, "KeysFunction")["EDGEAUTH_STACK_ID"] = "x" },
		"they answer to another host": func(d document) {
			variables(d, "KeysFunction")["AWS_ENDPOINT_URL"] = tree{"Ref": "AWS::NoValue"}
		},
		"late calls":          func(d document) { delete(d.resources(), "KeysFunctionEventInvokeConfig") },
		"late calls at first": func(d document) { delete(d.resources()["Keys"].(tree), "DependsOn") },
		"late calls of CloudFormation": func(d document) {
			d.properties("KeysFunctionEventInvokeConfig")["Qualifier"] = "live"
		},
	}},
	{"a role allows exactly what its function needs", privileges, map[string]func(document){
		"login writes keys": func(d document) { statement(d, "PasswordPolicy", 3)["Action"] = "secretsmanager:PutSecretValue" },
		"sessions reads what signs": func(d document) {
			statement(d, "SessionsRole", 1)["Resource"] = statement(d, "PasswordPolicy", 3)["Resource"]
		},
		"refresh reads the login ring": func(d document) {
			statement(d, "RefreshRole", 1)["Resource"] = statement(d, "PasswordPolicy", 3)["Resource"]
		},
		"sessions cannot read its keys": func(d document) { statement(d, "SessionsRole", 1)["Resource"] = "*" },
		"refresh writes users": func(d document) {
			statement(d, "RefreshRole", 0)["Resource"] = statement(d, "PasswordPolicy", 0)["Resource"]
		},
		"sessions reads a table more": func(d document) {
			statement(d, "SessionsRole", 0)["Resource"] = statement(d, "PasswordPolicy", 2)["Resource"]
		},
		"any resource": func(d document) { statement(d, "PasswordPolicy", 1)["Resource"] = "*" },
		"any action":   func(d document) { statement(d, "PasswordPolicy", 1)["Action"] = "dynamodb:*" },
		"all actions but one": func(d document) {
			s := statement(d, "PasswordPolicy", 1)
			s["NotAction"] = "dynamodb:DeleteTable"
		},
		"the authorizer writes other logs": func(d document) {
			statement(d, "AuthorizerRole", 0)["Resource"] = tree{"Fn::GetAtt": []any{"FunctionLogs", "Arn"}}
		},
		"discovery reads a table": func(d document) { d.properties("DiscoveryRole")["Policies"] = d.properties("RefreshRole")["Policies"] },
		"the session authorizer writes what it reads": func(d document) {
			statement(d, "RevocationsPolicy", 0)["Action"] = []any{"dynamodb:Query", "dynamodb:UpdateItem"}
		},
		"the session authorizer reads users without need": func(d document) {
			statement(d, "RevocationsPolicy", 0)["Resource"] = statement(d, "ReadPolicy", 0)["Resource"]
		},
		"the session authorizer writes": func(d document) {
			d.properties("SessionAuthorizerRole")["ManagedPolicyArns"] = d.properties("AccountRole")["ManagedPolicyArns"]
		},
		"the readers write": func(d document) {
			statement(d, "ReadPolicy", 0)["Action"] = []any{"dynamodb:GetItem", "dynamodb:UpdateItem"}
		},
		"the authorizer decrypts": func(d document) {
			statement(d, "AuthorizerRole", 0)["Action"] = []any{"logs:CreateLogStream", "logs:PutLogEvents", "kms:Decrypt"}
		},
		"the policy of logs is wider": func(d document) {
			at[[]any](d.properties("LogsPolicy"), "PolicyDocument", "Statement")[0].(tree)["Resource"] = "*"
		},
		"a policy reaches another role": func(d document) { d.properties("LogsPolicy")["Roles"] = []any{tree{"Ref": "AuthorizerRole"}} },
		"a policy beside":               func(d document) { d.resources()["More"] = tree{"Type": "AWS::IAM::Policy"} },
		"a policy of AWS":               func(d document) { d.properties("AuthorizerRole")["ManagedPolicyArns"] = []any{"arn"} },
		"the keys function reads items": func(d document) {
			statement(d, "KeysRole", 1)["Action"] = []any{"dynamodb:DescribeTable", "dynamodb:UpdateTable", "dynamodb:GetItem"}
		},
		"login sends mails": func(d document) {
			d.properties("LoginRole")["ManagedPolicyArns"] = d.properties("MailerRole")["ManagedPolicyArns"]
		},
		"login has mails sent": func(d document) {
			d.properties("LoginRole")["ManagedPolicyArns"] = d.properties("AccountRole")["ManagedPolicyArns"]
		},
		"mails from any address": func(d document) { delete(statement(d, "SesPolicy", 0), "Condition") },
		"mails of any identity":  func(d document) { statement(d, "SesPolicy", 0)["Resource"] = "*" },
		"the mailer reads users": func(d document) {
			statement(d, "MailerRole", 0)["Resource"] = statement(d, "PasswordPolicy", 0)["Resource"]
		},
		"another's role": func(d document) {
			d.properties("AuthorizerFunction")["Role"] = tree{"Fn::GetAtt": []any{"LoginRole", "Arn"}}
		},
		"every principal takes it on": func(d document) {
			d.properties("LoginRole")["AssumeRolePolicyDocument"] = tree{"Statement": []any{tree{"Principal": "*"}}}
		},
	}},
	{"no alarm rings for the refusals of an authorizer", alarms, map[string]func(document){
		"one counts the errors of an authorizer": func(d document) {
			alarm(d, tree{"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": []any{tree{"Name": "FunctionName", "Value": tree{"Ref": "AuthorizerFunction"}}}})
		},
		"one counts those of all functions": func(d document) { alarm(d, tree{"Namespace": "AWS/Lambda", "MetricName": "Errors"}) },
		"one counts them in an expression": func(d document) {
			metric := tree{"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": []any{tree{"Name": "FunctionName", "Value": tree{"Ref": "SessionAuthorizerFunction"}}}}
			alarm(d, tree{"Metrics": []any{tree{"Id": "m", "MetricStat": tree{"Metric": metric}}}})
		},
	}},
	{"logs end some day", logs, map[string]func(document){
		"one group's don't": func(d document) { delete(d.properties("FunctionLogs"), "RetentionInDays") },
		"Lambda writes what it likes": func(d document) {
			delete(at[tree](d.properties("LoginFunction"), "LoggingConfig"), "SystemLogLevel")
		},
		"a function has no group": func(d document) { delete(d.properties("LoginFunction"), "LoggingConfig") },
		"the authorizer has no own group": func(d document) {
			d.properties("AuthorizerFunction")["LoggingConfig"] = d.properties("LoginFunction")["LoggingConfig"]
		},
	}},
}

// grants lists the actions that each role allows, by resource, with the default SessionCheck. The
// table is not derived from the template, so that the test notices a function with more permissions
// than it needs.
var grants = map[string]map[string]string{
	"AuthorizerRole": {"AuthorizerLogs": writeLogs},
	"SessionAuthorizerRole": {
		"FunctionLogs": writeLogs,
		"UsersTable":   "dynamodb:GetItem", "SessionsTable": "dynamodb:GetItem dynamodb:UpdateItem",
	},
	"DiscoveryRole": {"FunctionLogs": writeLogs},
	"LoginRole": {
		"FunctionLogs": writeLogs,
		"UsersTable":   "dynamodb:GetItem dynamodb:UpdateItem", "SessionsTable": openSessions, "AttemptsTable": "dynamodb:UpdateItem",
		"SigningSecret": readSecret, "RefreshSecret": readSecret, "LoginSecret": readSecret,
	},
	"AccountRole": {
		"FunctionLogs": writeLogs,
		"UsersTable":   "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", "SessionsTable": openSessions, "AttemptsTable": "dynamodb:PutItem dynamodb:UpdateItem",
		"SigningSecret": readSecret, "RefreshSecret": readSecret, "LoginSecret": readSecret,
	},
	"RefreshRole": {
		"FunctionLogs": writeLogs,
		"UsersTable":   "dynamodb:GetItem", "SessionsTable": "dynamodb:GetItem dynamodb:UpdateItem",
		"SigningSecret": readSecret, "RefreshSecret": readSecret,
	},
	"SessionsRole": {
		"FunctionLogs": writeLogs,
		"UsersTable":   "dynamodb:GetItem dynamodb:UpdateItem", "SessionsTable": "dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem",
		"RefreshSecret": readSecret,
	},
	"MailerRole": {"FunctionLogs": writeLogs, "AttemptsTable": "dynamodb:UpdateItem", "LoginSecret": readSecret},
	"KeysRole": {
		"FunctionLogs":  writeLogs,
		"SigningSecret": moveSecret, "RefreshSecret": moveSecret, "LoginSecret": moveSecret,
		"UsersTable": protectTable, "SessionsTable": protectTable, "AttemptsTable": protectTable,
	},
}

// withMails has the actions that roles need in addition to grants if mails are sent. withSES and
// withSMTP have the actions for the two ways to send mails.
var (
	withMails = map[string]map[string]string{"AccountRole": {`{"Fn::Sub":"${MailerFunction.Arn}:live"}`: "lambda:InvokeFunction"}}
	withSES   = map[string]map[string]string{"MailerRole": {
		`{"Ref":"SesIdentity"}`: sendAsFrom,
		`{"Fn::Sub":"arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${SesConfigurationSet}"}`: sendAsFrom,
	}}
	withSMTP = map[string]map[string]string{"MailerRole": {`{"Ref":"SmtpSecret"}`: readSecret}}
)

// readsRevocations has the actions of the session authorizer in the mode revocations.
var readsRevocations = map[string]string{"FunctionLogs": writeLogs, "SessionsTable": "dynamodb:Query"}

const (
	writeLogs  = "logs:CreateLogStream logs:PutLogEvents"
	readSecret = "secretsmanager:GetSecretValue"
	moveSecret = "secretsmanager:GetSecretValue secretsmanager:PutSecretValue"

	// Mails come only from the address of the parameter.
	sendAsFrom = "ses:SendEmail as MailFrom"

	openSessions = "dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem"
	protectTable = "dynamodb:DescribeTable dynamodb:UpdateTable"
)

// statement returns a statement of a managed policy, or of a role's own policy.
func statement(d document, id string, index int) tree {
	return at[[]any](policies(d, id)[0], "PolicyDocument", "Statement")[index].(tree)
}

// policies returns a managed policy of the stack as a list of one, or the own policies of a role.
func policies(d document, id string) []any {
	if p := d.properties(id); p["PolicyDocument"] != nil {
		return []any{p}
	}
	return at[[]any](d.properties(id), "Policies")
}

// managed returns the ids of the managed policies that a role has if these conditions hold, and no
// others.
func managed(d document, role string, conditions []string) (ids []string) {
	for _, arn := range at[[]any](d.properties(role), "ManagedPolicyArns") {
		if choice := at[[]any](arn, "Fn::If"); len(choice) == 3 {
			condition, _ := choice[0].(string)
			arn = choice[2]
			if slices.Contains(conditions, condition) {
				arn = choice[1]
			}
		}
		if id := ref(arn); id != "AWS::NoValue" {
			ids = append(ids, id)
		}
	}
	return ids
}

// allowed returns the actions that a role allows, by resource, in its own policies and in the
// stack's managed ones.
func allowed(d document, role string, conditions []string) map[string]string {
	all := slices.Clone(policies(d, role))
	for _, id := range managed(d, role, conditions) {
		all = append(all, policies(d, id)...)
	}
	actions := map[string][]string{}
	for _, p := range all {
		for _, s := range at[[]any](p, "PolicyDocument", "Statement") {
			limit := ""
			if condition := at[tree](s, "Condition"); reflect.DeepEqual(condition, fromAddress) {
				limit = " as MailFrom"
			}
			for key := range s.(tree) {
				if !slices.Contains([]string{"Effect", "Action", "Resource"}, key) && !(key == "Condition" && limit != "") {
					actions[key] = append(actions[key], "something that this test does not read")
				}
			}
			resources, ok := at[any](s, "Resource").([]any)
			if !ok {
				resources = []any{at[any](s, "Resource")}
			}
			for _, r := range resources {
				target := targetOf(r)
				if target == "" {
					text, _ := json.Marshal(r)
					target = string(text)
				}
				for _, action := range list(at[any](s, "Action")) {
					actions[target] = append(actions[target], action+limit)
				}
			}
		}
	}
	may := map[string]string{}
	for target, all := range actions {
		slices.Sort(all)
		may[target] = strings.Join(slices.Compact(all), " ")
	}
	return may
}

// fromAddress is the condition of a statement that sends mails.
var fromAddress = tree{"StringEquals": tree{"ses:FromAddress": tree{"Ref": "MailFrom"}}}

// targetOf returns the resource that a name or an ARN belongs to. If the stack can adopt an
// existing resource, it is the one that the stack would make.
func targetOf(in any) string {
	choice := at[[]any](in, "Fn::If")
	if len(choice) != 3 {
		return attributeOf(in)
	}
	made, existing := ref(choice[1]), ref(choice[2])
	if table := attributeOf(choice[1]); table != "" {
		arn := "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${"
		made, existing = table, strings.TrimSuffix(strings.TrimPrefix(at[string](choice[2], "Fn::Sub"), arn), "}")
	}
	if choice[0] != "Makes"+made || existing != "Existing"+made {
		return ""
	}
	return made
}

func privileges(d document) (problems []string) {
	for _, id := range d.of("AWS::Lambda::Function") {
		if role := attributeOf(d.properties(id)["Role"]); role != strings.TrimSuffix(id, "Function")+"Role" {
			problems = append(problems, id+" has the role "+role)
		}
	}
	// The role of CodeDeploy is no role of a function: shifter checks it.
	roles := slices.DeleteFunc(d.of("AWS::IAM::Role"), func(id string) bool { return id == "RolloutRole" })
	for _, id := range roles {
		p := d.properties(id)
		for _, s := range at[[]any](p, "AssumeRolePolicyDocument", "Statement") {
			if at[string](s, "Principal", "Service") != "lambda.amazonaws.com" {
				problems = append(problems, id+" can be taken on by others than Lambda")
			}
		}
		for _, conditions := range [][]string{nil, {"ReadsRevocations"}, {"HasMailer"}, {"HasMailer", "UsesSes"}, {"HasMailer", "HasSmtpSecret"}} {
			for _, policy := range managed(d, id, conditions) {
				if at[string](d.resources()[policy], "Type") != "AWS::IAM::ManagedPolicy" {
					problems = append(problems, id+" has a policy that AWS may widen")
				}
			}
			needs := maps.Clone(grants[id])
			for condition, more := range map[string]map[string]map[string]string{"HasMailer": withMails, "UsesSes": withSES, "HasSmtpSecret": withSMTP} {
				if slices.Contains(conditions, condition) {
					maps.Copy(needs, more[id])
				}
			}
			if slices.Contains(conditions, "ReadsRevocations") && id == "SessionAuthorizerRole" {
				needs = readsRevocations
			}
			if may := allowed(d, id, conditions); !maps.Equal(may, needs) {
				problems = append(problems, fmt.Sprintf("%s may %v, and needs %v", id, may, needs))
			}
		}
	}
	for _, id := range d.of("AWS::IAM::ManagedPolicy") {
		if p := d.properties(id); p["Roles"] != nil || p["Users"] != nil || p["Groups"] != nil {
			problems = append(problems, id+" names its roles itself, where no role shows it")
		}
	}
	if len(roles) != len(grants) || len(d.of("AWS::IAM::Policy")) > 0 {
		problems = append(problems, "there is a role or a policy that this test does not know")
	}
	return problems
}

func secrets(d document) (problems []string) {
	for id, property := range map[string]string{"SigningSecret": "SigningRingArn", "RefreshSecret": "RefreshKeysArn", "LoginSecret": "LoginRingArn"} {
		r, p := at[tree](d.resources(), id), d.properties(id)
		for what, ok := range map[string]bool{
			"does not survive its stack":       r["DeletionPolicy"] == "RetainExceptOnCreate" && r["UpdateReplacePolicy"] == "Retain",
			"is in the way of a second one":    p["Name"] == nil,
			"cannot be told apart":             strings.Contains(at[string](p, "Description", "Fn::Sub"), "${AWS::StackName}") && len(at[[]any](p, "Tags")) == 2,
			"gets its value from the template": p["SecretString"] == nil && p["GenerateSecretString"] == nil,
			"is not what the keys are made in": targetOf(d.properties("Keys")[property]) == id,
		} {
			if !ok {
				problems = append(problems, id+" "+what)
			}
		}
	}
	if at[float64](d.properties("Keys"), "ServiceTimeout") != serviceTimeout {
		problems = append(problems, "CloudFormation waits for an hour")
	}
	for name, secret := range map[string]string{
		"EDGEAUTH_SIGNING_RING": "SigningSecret", "EDGEAUTH_REFRESH_KEYS": "RefreshSecret", "EDGEAUTH_LOGIN_RING": "LoginSecret",
	} {
		for _, id := range d.of("AWS::Lambda::Function") {
			reads := grants[strings.TrimSuffix(id, "Function")+"Role"][secret] == readSecret
			if given := variables(d, id)[name] != nil; given != reads {
				problems = append(problems, id+" should have "+name+" or should not")
			}
		}
	}
	if !reflect.DeepEqual(variables(d, keysFunction), tree{"EDGEAUTH_STACK_ID": tree{"Ref": "AWS::StackId"}}) {
		problems = append(problems, keysFunction+" should know its own stack and nothing else, least of all another host to answer to")
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		if _, set := variables(d, id)["AWS_ENDPOINT_URL"]; set {
			problems = append(problems, id+" is told of an emulator")
		}
	}
	if len(d.of("AWS::SecretsManager::ResourcePolicy")) > 0 {
		problems = append(problems, "a secret has a policy of its own, which lets others in")
	}
	for _, id := range d.of("AWS::Lambda::Permission") {
		if ref(d.properties(id)["FunctionName"]) == keysFunction {
			problems = append(problems, id+" lets others than CloudFormation move the keys")
		}
	}
	invoked := slices.DeleteFunc(d.of("AWS::Lambda::EventInvokeConfig"), func(id string) bool {
		return ref(d.properties(id)["FunctionName"]) != keysFunction
	})
	if len(invoked) != 1 || d.properties(invoked[0])["Qualifier"] != "$LATEST" || at[string](d.resources(), "Keys", "DependsOn") != invoked[0] || at[float64](d.properties(invoked[0]), "MaximumEventAgeInSeconds")+at[float64](d.properties(keysFunction), "Timeout") > serviceTimeout {
		problems = append(problems, "a call may still move the keys when CloudFormation has given up")
	}
	return problems
}

func logs(d document) (problems []string) {
	for _, id := range d.of("AWS::Logs::LogGroup") {
		if ref(d.properties(id)["RetentionInDays"]) != "LogRetentionDays" {
			problems = append(problems, id+" is kept for ever")
		}
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		want := "FunctionLogs"
		if id == "AuthorizerFunction" {
			want = "AuthorizerLogs"
		}
		if at[string](d.properties(id), "LoggingConfig", "SystemLogLevel", "Ref") != "SystemLogLevel" {
			problems = append(problems, id+" has Lambda write lines for each call")
		}
		if got := ref(at[tree](d.properties(id), "LoggingConfig", "LogGroup")); got != want {
			problems = append(problems, fmt.Sprintf("%s logs to %q, want %s", id, got, want))
		}
	}
	return problems
}

// alarm adds an alarm to a template.
func alarm(d document, properties tree) {
	d.resources()["More"] = tree{"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
}

// alarms checks that no alarm counts the errors of an authorizer, alone or among all functions. An
// authorizer of a REST API refuses a bad token by an error, so any stranger could trigger the
// alarm.
func alarms(d document) (problems []string) {
	for _, id := range d.of("AWS::CloudWatch::Alarm") {
		metrics := []any{d.properties(id)}
		for _, m := range at[[]any](d.properties(id), "Metrics") {
			metrics = append(metrics, at[any](m, "MetricStat", "Metric"))
		}
		for _, m := range metrics {
			if at[string](m, "Namespace") != "AWS/Lambda" || at[string](m, "MetricName") != "Errors" {
				continue
			}
			of := named(at[any](m, "Dimensions"))
			if len(of) == 0 || slices.ContainsFunc(of, func(name string) bool { return strings.HasSuffix(name, "AuthorizerFunction") }) {
				problems = append(problems, id+" rings for each bad token at a REST API")
			}
		}
	}
	return problems
}
