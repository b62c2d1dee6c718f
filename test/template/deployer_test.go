package template

import (
	"slices"
	"strings"
	"testing"
)

// makes has the actions with which CloudFormation creates and removes a resource of each type.
var makes = map[string][]string{
	"AWS::ApiGatewayV2::Api":         {"apigateway:POST", "apigateway:DELETE"},
	"AWS::ApiGatewayV2::ApiMapping":  {"apigateway:POST", "apigateway:DELETE"},
	"AWS::ApiGatewayV2::Authorizer":  {"apigateway:POST", "apigateway:DELETE"},
	"AWS::ApiGatewayV2::DomainName":  {"apigateway:POST", "apigateway:DELETE", "iam:CreateServiceLinkedRole"},
	"AWS::ApiGatewayV2::Integration": {"apigateway:POST", "apigateway:DELETE"},
	"AWS::ApiGatewayV2::Route":       {"apigateway:POST", "apigateway:DELETE"},
	"AWS::ApiGatewayV2::Stage":       {"apigateway:POST", "apigateway:DELETE", "logs:CreateLogDelivery", "logs:PutResourcePolicy"},
	"AWS::CloudWatch::Alarm":         {"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"},
	"AWS::CloudWatch::Dashboard":     {"cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"},
	"AWS::CodeDeploy::Application":   {"codedeploy:CreateApplication", "codedeploy:DeleteApplication"},
	// CloudFormation begins a deployment of the group when it updates an alias.
	"AWS::CodeDeploy::DeploymentGroup": {"codedeploy:CreateDeployment", "codedeploy:CreateDeploymentGroup", "codedeploy:DeleteDeploymentGroup", "codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig", "codedeploy:RegisterApplicationRevision", "codedeploy:StopDeployment", "iam:PassRole"},
	"AWS::DynamoDB::Table":             {"dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive", "dynamodb:DescribeTable"},
	"AWS::IAM::ManagedPolicy":          {"iam:CreatePolicy", "iam:DeletePolicy"},
	"AWS::IAM::Role":                   {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"},
	"AWS::Lambda::Alias":               {"lambda:CreateAlias", "lambda:UpdateAlias", "lambda:DeleteAlias"},
	"AWS::Lambda::EventInvokeConfig":   {"lambda:PutFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig"},
	"AWS::Lambda::Function":            {"lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:DeleteFunction", "iam:PassRole", "s3:GetObject"},
	"AWS::Lambda::Permission":          {"lambda:AddPermission", "lambda:RemovePermission"},
	"AWS::Lambda::Version":             {"lambda:PublishVersion", "lambda:DeleteFunction"},
	"AWS::Logs::LogGroup":              {"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup"},
	"AWS::Route53::RecordSet":          {"route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"},
	"AWS::SSM::Parameter":              {"ssm:PutParameter", "ssm:DeleteParameter"},
	"AWS::SecretsManager::Secret":      {"secretsmanager:CreateSecret", "secretsmanager:TagResource", "secretsmanager:DeleteSecret"},
	"Custom::EdgeauthKeys":             {"lambda:InvokeFunction"},
	"Custom::EdgeauthProtection":       {"lambda:InvokeFunction"},
	"AWS::Events::Rule":                {"events:PutRule", "events:PutTargets", "events:DeleteRule", "events:RemoveTargets", "events:DescribeRule"},
	"AWS::SES::ConfigurationSet":       {"ses:CreateConfigurationSet", "ses:PutConfigurationSetDeliveryOptions", "ses:DeleteConfigurationSet", "ses:GetConfigurationSet"},
	"AWS::SES::ConfigurationSetEventDestination": {
		"ses:CreateConfigurationSetEventDestination", "ses:UpdateConfigurationSetEventDestination", "ses:DeleteConfigurationSetEventDestination",
		"ses:GetConfigurationSetEventDestinations",
	},
}

// TestDeployer: the role that deploys can create and remove every resource of the stack, and cannot
// read a key or an item. It cannot change itself, and with a boundary it cannot create a role
// without the boundary.
func TestDeployer(t *testing.T) {
	d, stack := translated(t, "examples/deployer/deployer.yaml"), translated(t, "template.yaml", "Rollout=Canary10Percent5Minutes")
	for _, problem := range deployer(d, stack) {
		t.Error(problem)
	}
	statements := func(d document) []any {
		return at[[]any](at[[]any](d.properties("Role"), "Policies")[0], "PolicyDocument", "Statement")
	}
	for what, break_ := range map[string]func(d, stack document){
		"it reads keys":  func(d, _ document) { statements(d)[0].(tree)["Action"] = "secretsmanager:GetSecretValue" },
		"it reads items": func(d, _ document) { statements(d)[0].(tree)["Action"] = "dynamodb:Query" },
		"it may do all":  func(d, _ document) { statements(d)[0].(tree)["Action"] = "lambda:*" },
		"any service gets its roles": func(d, _ document) {
			for _, s := range statements(d) {
				delete(s.(tree), "Condition")
			}
		},
		"the stack has another resource": func(_, stack document) { stack.resources()["More"] = tree{"Type": "AWS::SQS::Queue"} },
		"an action is missing":           func(d, _ document) { statements(d)[2].(tree)["Action"] = "lambda:CreateFunction" },
		"it makes unbounded roles":       func(d, _ document) { delete(statements(d)[3].(tree), "Condition") },
		"it may change itself":           func(d, _ document) { statements(d)[5].(tree)["Effect"] = "Allow" },
		"it may remove the boundary":     func(d, _ document) { statements(d)[6] = tree{} },
	} {
		d, stack := d.clone(t), stack.clone(t)
		break_(d, stack)
		if len(deployer(d, stack)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

// boundedGrants are the actions that give permissions to a role. For each of them, IAM compares the
// boundary of the role.
var boundedGrants = []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}

func deployer(d, stack document) (problems []string) {
	var may, notItself, notBounded []string
	for _, s := range at[[]any](at[[]any](d.properties("Role"), "Policies")[0], "PolicyDocument", "Statement") {
		actions := list(at[any](s, "Action"))
		if cases := at[[]any](s, "Fn::If"); len(cases) == 3 && cases[0] == "HasBoundary" && at[string](cases[1], "Effect") == "Deny" {
			notBounded = append(notBounded, list(at[any](cases[1], "Action"))...)
			continue
		}
		if at[string](s, "Effect") == "Deny" {
			notItself = append(notItself, actions...)
			continue
		}
		may = append(may, actions...)
		if bound := at[[]any](s, "Condition", "Fn::If"); slices.ContainsFunc(boundedGrants, func(g string) bool { return slices.Contains(actions, g) }) &&
			(len(bound) != 3 || bound[0] != "HasBoundary" || ref(at[any](bound[1], "StringEquals", "iam:PermissionsBoundary")) != "PermissionsBoundary") {
			problems = append(problems, "it may give permissions to a role without the boundary")
		}
		if slices.Contains(actions, "iam:CreateServiceLinkedRole") && at[string](s, "Condition", "StringEquals", "iam:AWSServiceName") != "ops.apigateway.amazonaws.com" {
			problems = append(problems, "it may make the role of any service")
		}
		if slices.Contains(actions, "iam:PassRole") && !slices.Equal(list(at[any](s, "Condition", "StringEquals", "iam:PassedToService")), []string{"lambda.amazonaws.com", "codedeploy.amazonaws.com"}) {
			problems = append(problems, "it may pass a role to any service")
		}
	}
	for _, action := range append(slices.Clone(boundedGrants), "iam:UpdateAssumeRolePolicy") {
		if !slices.Contains(notItself, action) {
			problems = append(problems, "it may "+action+" of itself")
		}
	}
	for _, action := range []string{"iam:CreatePolicyVersion", "iam:DeleteRolePermissionsBoundary"} {
		if !slices.Contains(notBounded, action) {
			problems = append(problems, "it may "+action+" of the boundary")
		}
	}
	for _, action := range may {
		service, verb, _ := strings.Cut(action, ":")
		reads := service == "dynamodb" && (strings.HasSuffix(verb, "Item") || verb == "Query" || verb == "Scan")
		if reads || verb == "GetSecretValue" || strings.Contains(action, "*") {
			problems = append(problems, "it may "+action)
		}
	}
	for id, r := range stack.resources() {
		kind := at[string](r, "Type")
		if makes[kind] == nil {
			problems = append(problems, id+" is of the type "+kind+", which this test does not know")
		}
		for _, action := range makes[kind] {
			if !slices.Contains(may, action) {
				problems = append(problems, "it needs "+action+" for "+id)
			}
		}
	}
	return problems
}
