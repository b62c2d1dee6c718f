package imports_test

import "slices"

// law lists the packages of this module that each package may import. A package that is missing
// here fails the test: add a new package here first. Names are relative to the module; names under
// pkg/auth and internal omit that folder.
var law = func() map[string][]string {
	pure := []string{"auth", "session", "token", "user", "login", "password", "keyring", "throttle", "mail", "flow"}
	leaves := []string{"strictjson", "crosssite", "bearer", "answer", "errorcode", "requestid", "stopwatch"}
	stores := []string{"auth", "session", "user", "throttle", "flow"}
	front := []string{"service", "gateway", "endpoint", "endpoint/discovery", "authorizer"}
	command := slices.Concat(front, pure, []string{"backend", "config", "deployment", "keyrings", "route", "router", "standin", "web", "loopback"})
	nouns := []string{"cmd/edgeauth/internal/dev", "cmd/edgeauth/internal/importer", "cmd/edgeauth/internal/stack"}

	return map[string][]string{
		// functions, cmd -> service, gateway, endpoint, authorizer; cmd may import the pure
		// packages.
		"functions/authorizer":           front,
		"functions/session-authorizer":   front,
		"functions/login":                front,
		"functions/refresh":              front,
		"functions/sessions":             front,
		"functions/account":              front,
		"functions/discovery":            front,
		"functions/mailer":               front,
		"functions/keys":                 slices.Concat(front, []string{"auth", "token", "awsclient", "keyrings", "secretsmanager", "dynamo", "config", "deployment", "loopback"}),
		"cmd/edgeauth":                   slices.Concat(command, nouns, []string{"audit", "errorcode"}),
		"cmd/edgeauth/internal/dev":      slices.Concat(command, []string{"claim", "crosssite", "outbox"}),
		"cmd/edgeauth/internal/importer": {"auth", "user", "password"},
		"cmd/edgeauth/internal/stack":    {"auth", "config", "keyrings"},
		"examples/whoami":                {}, // a backend without edgeauth code

		"service": slices.Concat(pure,
			[]string{"endpoint", "endpoint/discovery", "authorizer", "backend", "token/jwksurl", "config", "audit", "ses"}),
		"backend": {"auth", "session", "user", "throttle", "flow", "mail", "dynamo", "bolt", "awsclient", "awslambda", "secretsmanager", "ses", "smtp",
			"outbox", "config"},
		"deployment": {"authorizer", "service", "config", "strictjson"},
		"endpoint":   slices.Concat(leaves, []string{"router", "auth", "login", "flow", "throttle", "mail", "session", "token", "user", "password", "audit"}),
		"authorizer": slices.Concat(leaves, []string{"auth", "token", "config", "audit", "claim"}),

		"authorizer/guard": {"authorizer", "config", "token", "token/jwksurl"},

		"authtest": {"auth", "token", "session", "user", "password", "keyring", "keyrings", "bolt", "authorizer", "service", "route", "config"},

		"dynamo":    append([]string{"awsclient", "stopwatch"}, stores...),
		"bolt":      stores,
		"storetest": stores,

		// login -> user -> password -> auth; session, token, keyring (-> token), gateway -> auth
		"flow":           {"auth", "login", "user", "throttle", "sealed", "parallel", "mail"},
		"mail":           {"auth", "user", "throttle", "strictjson", "loopback"},
		"login":          {"auth", "user", "password", "throttle", "sealed", "parallel"},
		"throttle":       {"auth"},
		"user":           {"auth", "password", "claim"},
		"password":       {"auth"},
		"session":        {"auth", "sealed"},
		"sealed":         {"auth"},
		"token":          {"auth", "strictjson", "claim", "loopback"},
		"token/jwksurl":  {"auth", "token", "loopback"},
		"keyring":        {"auth", "token", "keyrings"},
		"keyrings":       {"auth", "token", "strictjson"},
		"secretsmanager": {"auth", "awsclient", "keyrings"},
		"awslambda":      {"auth", "awsclient", "mail"},
		"ses":            {"awsclient", "mail"},
		"smtp":           {"auth", "mail", "loopback"},
		"outbox":         {"mail", "smtp"},
		"gateway":        {"auth", "claim", "errorcode", "requestid"},
		"config":         {"auth", "strictjson", "loopback"},
		"audit":          {"auth", "stopwatch"},

		"router":             {"auth", "route", "answer", "errorcode", "requestid", "stopwatch"},
		"route":              {},
		"endpoint/discovery": {"auth", "answer", "router", "token", "config"},

		"answer":     {"errorcode", "requestid"},
		"awsclient":  {"auth", "config"},
		"auth":       {},
		"bearer":     {},
		"claim":      {},
		"crosssite":  {"loopback"},
		"errorcode":  {},
		"loopback":   {},
		"parallel":   {},
		"requestid":  {},
		"standin":    {},
		"stopwatch":  {},
		"strictjson": {},
		"web":        {},
	}
}()

// tests is the folder of tests and their tools. They may import any package, and no package outside
// imports them.
const tests = "test/"

const sdk = "github.com/aws/aws-sdk-go-v2"

// reach lists what a package must not import, even indirectly.
var reach = func() map[string][]string {

	// The code that finds an operator's credentials and stacks would cost every function megabytes
	// and a part of each start.
	slow := []string{
		sdk + "/config", sdk + "/credentials", sdk + "/service/cloudformation", sdk + "/service/cloudwatch", sdk + "/service/sts", sdk + "/service/sso",
		module + "/cmd",
	}

	return map[string][]string{
		// The authorizer uses no network: it links no code that fetches keys.
		"functions/authorizer":         {sdk, "golang.org/x/net", "golang.org/x/text", module + "/pkg/auth/token/jwksurl", module + "/pkg/auth/authorizer/guard"},
		"functions/discovery":          slices.Concat(slow, []string{sdk, "go.etcd.io/bbolt", module + "/pkg/auth/login", module + "/pkg/auth/session", module + "/pkg/auth/user"}),
		"functions/session-authorizer": slow,
		"functions/login":              slow,
		"functions/refresh":            slow,
		"functions/sessions":           slow,
		"functions/account":            slow,
		"functions/mailer":             slow,
		"functions/keys":               slow,

		"authorizer": {sdk},
		"session":    {"github.com/aws", "net/http"},
		"token":      {"github.com/aws", "net/http"},
		"user":       {"github.com/aws", "net/http"},
		"flow":       {"github.com/aws", "net/http"},
		"mail":       {"github.com/aws", "net/http"},
		"login":      {"github.com/aws", "net/http"},
		"throttle":   {"github.com/aws", "net/http"},
		"sealed":     {"github.com/aws", "net/http"},
		"password":   {"github.com/aws", "net/http"},
		"audit":      {"github.com/aws", "net/http"},
		"config":     {"github.com/aws", "net/http"},
	}
}()

// forTests lists what no program may import, even indirectly: code for tests, which makes weak
// hashes.
var forTests = []string{"testing", "net/http/httptest", module + "/pkg/auth/authtest", module + "/pkg/auth/storetest"}

// only lists packages that just one or two packages may import; an entry also covers the packages
// below.
var only = map[string][]string{
	sdk + "/service/dynamodb":       {"dynamo"},
	sdk + "/service/secretsmanager": {"secretsmanager"},
	sdk + "/service/lambda":         {"awslambda", "cmd/edgeauth/internal/stack"},
	sdk + "/service/sesv2":          {"ses"},
	"github.com/wneessen/go-mail":   {"smtp"},
	sdk + "/service/cloudwatch":     {"cmd/edgeauth/internal/stack"},
	sdk + "/service/cloudformation": {"cmd/edgeauth/internal/stack"},
	sdk + "/config":                 {"cmd/edgeauth/internal/stack"},
	sdk + "/credentials":            {"cmd/edgeauth/internal/stack"},
}

// vague are package names that say nothing.
var vague = []string{"types", "utils", "util", "common", "helpers", "misc", "shared"}
