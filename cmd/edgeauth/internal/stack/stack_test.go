package stack_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// machine removes all AWS configuration except the given file and variables.
func machine(t *testing.T, configFile string, variables map[string]string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // restored after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	home := t.TempDir()
	path := filepath.Join(home, "config")
	if err := os.WriteFile(path, []byte(configFile), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// standIn stands in for CloudFormation. It gives each answer once and repeats the last one.
func standIn(t *testing.T, answers ...answer) (url string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := answers[min(*asked, len(answers)-1)]
		*asked++
		signed := r.Header.Get("Authorization")
		if r.ParseForm() != nil || r.PostForm.Get("Action") != "DescribeStacks" || r.PostForm.Get("StackName") != "auth" ||
			!strings.Contains(signed, "Credential=AKIDEXAMPLE/") || !strings.Contains(signed, "/eu-central-1/cloudformation/aws4_request") ||
			r.Header.Get("X-Amz-Security-Token") != "sesame" {
			t.Errorf("asked for %v by %s", r.PostForm, signed)
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(now.status)
		_, _ = fmt.Fprint(w, now.body) // the client may have disconnected
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

type answer struct {
	status int
	body   string
}

func refused(status int, code, message string) answer {
	return answer{status, `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>` + message + `</Message></Error><RequestId>5ee4a1ac-0000-0000-0000-000000000000</RequestId></ErrorResponse>`}
}

func described(stacks string) answer {
	return answer{http.StatusOK, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>` +
		stacks + `</Stacks></DescribeStacksResult><ResponseMetadata><RequestId>5ee4a1ac</RequestId></ResponseMetadata></DescribeStacksResponse>`}
}

const (
	head = `<member><StackName>auth</StackName><StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/auth/5ee4a1ac</StackId>` +
		`<CreationTime>2026-01-02T15:04:05.678Z</CreationTime>`
	complete   = `<StackStatus>UPDATE_COMPLETE</StackStatus>`
	underway   = `<StackStatus>UPDATE_COMPLETE_CLEANUP_IN_PROGRESS</StackStatus>`
	creating   = `<StackStatus>CREATE_IN_PROGRESS</StackStatus>`
	parameters = `<Parameters><member><ParameterKey>Profile</ParameterKey><ParameterValue>strict</ParameterValue></member>` +
		`<member><ParameterKey>KeyVersion</ParameterKey><ParameterValue>3</ParameterValue></member></Parameters>`
	outputs = `<Outputs>` +
		`<member><OutputKey>Issuer</OutputKey><OutputValue>https://auth.example.com</OutputValue></member>` +
		`<member><OutputKey>Jwks</OutputKey><OutputValue>https://auth.example.com/.well-known/jwks.json</OutputValue></member>` +
		`<member><OutputKey>AuthorizerArn</OutputKey><OutputValue>arn:authorizer</OutputValue></member>` +
		`<member><OutputKey>SigningSecret</OutputKey><OutputValue>arn:signing</OutputValue></member>` +
		`<member><OutputKey>RefreshSecret</OutputKey><OutputValue>arn:refresh</OutputValue></member>` +
		`<member><OutputKey>LoginSecret</OutputKey><OutputValue>arn:login</OutputValue></member>` +
		`<member><OutputKey>UsersTable</OutputKey><OutputValue>users</OutputValue></member>` +
		`<member><OutputKey>SessionsTable</OutputKey><OutputValue>sessions</OutputValue></member>` +
		`<member><OutputKey>AttemptsTable</OutputKey><OutputValue>attempts</OutputValue></member></Outputs>`
	tail = `</member>`
)

var account = map[string]string{
	"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "sesame",
	"AWS_MAX_ATTEMPTS": "2",
}

// TestOutputs: template.yaml has every output that a stack is read from.
func TestOutputs(t *testing.T) {
	text, err := os.ReadFile("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\nOutputs:\n")
	for _, output := range regexp.MustCompile(`<OutputKey>(\w+)<`).FindAllStringSubmatch(outputs, -1) {
		if !strings.Contains("\n"+section, "\n  "+output[1]+":\n") {
			t.Errorf("template.yaml has no output %s", output[1])
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, row := range []struct {
		name    string
		status  string
		settled bool
	}{
		{"at rest", complete, true},
		{"on its way", underway, false},
		{"failed", `<StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus>`, false},
		{"rolled back", `<StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus>`, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			machine(t, "", account)
			url, _ := standIn(t, described(head+row.status+parameters+outputs+tail))
			t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", url)
			t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
			t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
			s, err := stack.Describe(t.Context(), "auth")
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != "auth" || s.Region != "eu-central-1" || s.Issuer != "https://auth.example.com" || s.KeyVersion != 3 ||
				s.JWKS != "https://auth.example.com/.well-known/jwks.json" || s.SigningSecret != "arn:signing" || s.RefreshSecret != "arn:refresh" || s.LoginSecret != "arn:login" ||
				s.Authorizer != "arn:authorizer" || len(s.Audience) != 1 || s.Audience[0] != s.Issuer ||
				s.Settled() != row.settled || !strings.Contains(row.status, ">"+s.Status+"<") {
				t.Errorf("%+v", s)
			}
			mine := config.AWS{
				Region: "eu-central-1", AccessKeyID: "AKIDEXAMPLE",
				SecretAccess: auth.NewSecret("hunter2"), SessionSecret: auth.NewSecret("sesame"),
			}
			tables := config.DynamoDB{Users: "users", Sessions: "sessions", Attempts: "attempts", Endpoint: "http://127.0.0.1:1", AWS: mine}
			if got := s.Stores(); !same(got.DynamoDB.AWS, mine) || got.BoltPath != "" || got.DynamoDB.Users != tables.Users ||
				got.DynamoDB.Sessions != tables.Sessions || got.DynamoDB.Attempts != tables.Attempts || got.DynamoDB.Endpoint != tables.Endpoint {
				t.Errorf("%+v", got)
			}
			if got := s.Secrets(); !same(got.AWS, mine) || got.Endpoint != "http://127.0.0.1:2" {
				t.Errorf("%+v", got)
			}
			if text := fmt.Sprintf("%+v %#v", s, s); strings.Contains(text, "hunter2") || strings.Contains(text, "sesame") {
				t.Errorf("it shows secrets: %s", text)
			}
		})
	}
}

func same(a, b config.AWS) bool {
	return a.Region == b.Region && a.AccessKeyID == b.AccessKeyID && a.SecretAccess.Equal(b.SecretAccess) && a.SessionSecret.Equal(b.SessionSecret)
}

// TestAnswers: every answer of CloudFormation becomes one clear line.
func TestAnswers(t *testing.T) {
	const (
		arn   = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: cloudformation:DescribeStacks on resource: arn:x"
		again = "AWS is busy (CloudFormation DescribeStacks, Throttling); run this again in a moment"
	)
	for _, row := range []struct {
		name    string
		answers []answer
		want    string // the whole error, or its beginning before *; empty for no error
		asked   int
	}{
		{"a stack", []answer{described(head + complete + parameters + outputs + tail)}, "", 1},
		{"no stack", []answer{refused(400, "ValidationError", "Stack with id auth does not exist")},
			"the stack auth does not exist in eu-central-1 of this account; choose others with AWS_REGION and AWS_PROFILE", 1},
		{"an empty list", []answer{described("")},
			"the stack auth does not exist in eu-central-1 of this account; choose others with AWS_REGION and AWS_PROFILE", 1},
		{"another template", []answer{described(head + complete + `<Outputs><member><OutputKey>Issuer</OutputKey><OutputValue>x</OutputValue></member></Outputs>` + tail)},
			"the stack auth (UPDATE_COMPLETE) lacks these outputs: Jwks, AuthorizerArn, SigningSecret, RefreshSecret, UsersTable, SessionsTable, AttemptsTable; " +
				"either edgeauth's template.yaml did not create it, or its deployment failed", 1},
		{"no KeyVersion", []answer{described(head + complete + outputs + tail)},
			"the stack auth (UPDATE_COMPLETE) has no valid parameter KeyVersion; edgeauth's template.yaml did not create it", 1},
		{"an invalid KeyVersion", []answer{described(head + complete + strings.Replace(parameters, ">3<", ">70000<", 1) + outputs + tail)},
			"the stack auth (UPDATE_COMPLETE) has no valid parameter KeyVersion; *", 1},
		{"a KeyVersion before the first", []answer{described(head + complete + strings.Replace(parameters, ">3<", ">0<", 1) + outputs + tail)},
			"the stack auth (UPDATE_COMPLETE) has no valid parameter KeyVersion; *", 1},
		{"its first deployment", []answer{described(head + creating + parameters + tail)},
			"the stack auth is CREATE_IN_PROGRESS and does not have these outputs yet: Issuer, Jwks, *", 1},
		{"its first deployment failed", []answer{described(head + `<StackStatus>ROLLBACK_COMPLETE</StackStatus>` + parameters + tail)},
			"the stack auth (ROLLBACK_COMPLETE) lacks these outputs: Issuer, *", 1},

		{"no permission", []answer{refused(403, "AccessDenied", arn)},
			"access denied: these AWS credentials may not call CloudFormation DescribeStacks: " + arn + "; required: cloudformation:DescribeStacks on the stack", 1},
		{"a message in lines", []answer{refused(403, "AccessDenied", "a\n\n b")},
			"access denied: these AWS credentials may not call CloudFormation DescribeStacks: a b; required: cloudformation:DescribeStacks on the stack", 1},
		{"expired", []answer{refused(403, "ExpiredToken", "The security token included in the request is expired")},
			`the AWS credentials have expired; get new ones, for example with "aws sso login", and run this again`, 1},
		{"unknown", []answer{refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")},
			"AWS rejects these credentials (CloudFormation DescribeStacks, InvalidClientTokenId); choose others with AWS_PROFILE, or *", 1},
		{"a wrong secret", []answer{refused(403, "SignatureDoesNotMatch", "The canonical string should have been hunter2")},
			"AWS rejects these credentials (CloudFormation DescribeStacks, SignatureDoesNotMatch); *", 1},
		{"another refusal", []answer{refused(400, "ValidationError", "1 validation error detected")},
			"describe stack auth in eu-central-1: operation error CloudFormation: DescribeStacks, *", 1},

		{"throttled once", []answer{refused(400, "Throttling", "Rate exceeded"), described(head + complete + parameters + outputs + tail)}, "", 2},
		{"throttled", []answer{refused(400, "Throttling", "Rate exceeded")}, again, 2},
		{"down once", []answer{{503, "busy"}, described(head + complete + parameters + outputs + tail)}, "", 2},
		{"down", []answer{refused(500, "InternalFailure", "down")}, "describe stack auth in eu-central-1: *", 2},
		{"no XML", []answer{{200, "<html>"}}, "describe stack auth in eu-central-1: *", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			machine(t, "", account)
			url, asked := standIn(t, row.answers...)
			t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", url)
			_, err := stack.Describe(t.Context(), "auth")
			says(t, err, row.want)
			if *asked != row.asked {
				t.Errorf("%d requests", *asked)
			}
		})
	}
}

// says checks that the error is a single line and has the expected text.
func says(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if begin, open := strings.CutSuffix(want, "*"); open && !strings.HasPrefix(got, begin) || !open && got != want {
		t.Errorf("error %q\n want %q", got, want)
	}
	if strings.ContainsAny(got, "\n\r") || strings.Contains(got, "hunter2") || strings.Contains(got, "sesame") {
		t.Errorf("not a single line: %q", got)
	}
}

func TestCredentials(t *testing.T) {
	region := func(more ...string) map[string]string {
		variables := map[string]string{"AWS_REGION": "eu-central-1"}
		for i := 0; i < len(more); i += 2 {
			variables[more[i]] = more[i+1]
		}
		return variables
	}
	const (
		none   = `no AWS credentials; run "aws configure" or "aws sso login", or *`
		signOn = `no AWS credentials: the sign-on session is missing or expired; run "aws sso login"`
		stored = "aws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=hunter2\naws_session_token=sesame\n"
	)
	for _, row := range []struct {
		name, configFile string
		variables        map[string]string
		want             string
	}{
		{"none", "", region(), none},
		{"half of them", "", region("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), none},
		{"a profile", "[profile work]\nregion=eu-central-1\n" + stored, map[string]string{"AWS_PROFILE": "work"}, ""},
		{"the default profile", "[default]\n" + stored, region(), ""},
		{"a program", "[default]\ncredential_process=echo '{\"Version\":1,\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":\"sesame\"}'\n", region(), ""},
		{"a program that fails", "[default]\ncredential_process=false\n", region(), "no AWS credentials: the credential_process of the profile failed; *"},
		{"a program that prints something else", "[default]\ncredential_process=echo SecretAccessKey=hunter2\n", region(),
			"no AWS credentials: the credential_process of the profile failed; *"},
		{"no such profile", "", region("AWS_PROFILE", "work"), `the AWS profile work does not exist; set AWS_PROFILE to one that "aws configure list-profiles" prints`},
		{"no Region", "[default]\n" + stored, nil, "no AWS Region; set AWS_REGION, for example to eu-central-1, or the region of the profile"},
		{"a code", "[default]\nrole_arn=arn:aws:iam::123456789012:role/x\nmfa_serial=arn:aws:iam::123456789012:mfa/x\nsource_profile=base\n[profile base]\n" + stored,
			region(), "the AWS profile requires an MFA code, which this command cannot ask for; *"},
		{"signed out", "[default]\nsso_start_url=https://example.com\nsso_region=eu-central-1\nsso_account_id=123456789012\nsso_role_name=x\n", region(), signOn},
		{"signed out of a session", "[default]\nsso_session=s\nsso_account_id=123456789012\nsso_role_name=x\n" +
			"[sso-session s]\nsso_start_url=https://example.com\nsso_region=eu-central-1\n", region(), signOn},
		{"a web identity without a token", "", region("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"),
			"no AWS credentials: *"},
	} {
		t.Run(row.name, func(t *testing.T) {
			machine(t, row.configFile, row.variables)
			url, asked := standIn(t, described(head+complete+parameters+outputs+tail))
			t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", url)
			_, err := stack.Describe(t.Context(), "auth")
			says(t, err, row.want)
			if want := row.want == ""; want != (*asked == 1) {
				t.Errorf("%d requests", *asked)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]bool{
		"auth": true, "a-1": true, strings.Repeat("a", 128): true, "arn:aws:cloudformation:eu-central-1:123456789012:stack/auth/5ee4a1ac-00": true,
		"": false, "1a": false, "a_b": false, "a b": false, "a\n": false, strings.Repeat("a", 129): false, "arn:aws:s3:::x": false,
	} {
		if got := stack.IsName(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// An error that is not from AWS is unchanged, and an explained error is not explained again.
func TestExplain(t *testing.T) {
	plain := errors.New("plain")
	if got := stack.Explain(plain); got != plain {
		t.Error(got)
	}
	if got := stack.Explain(nil); got != nil {
		t.Error(got)
	}
	machine(t, "", account)
	url, _ := standIn(t, refused(403, "AccessDenied", "no"))
	t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", url)
	_, err := stack.Describe(t.Context(), "auth")
	if outer := fmt.Errorf("outer: %w", err); stack.Explain(outer).Error() != outer.Error() {
		t.Error(stack.Explain(outer))
	}
}
