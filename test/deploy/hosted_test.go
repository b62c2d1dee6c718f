package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// domain is the domain of a stack. The certificate of the emulator has it.
const domain = "auth.example.com"

// read asks a service for a JSON document.
func (c *cloud) read(ctx context.Context, service, path string, into any) error {
	text, err := c.ask(ctx, service, http.MethodGet, path, "application/json", nil)
	return errors.Join(err, json.Unmarshal(text, into))
}

// query sends a request of the query protocol, and returns the text of the first element of a
// name in the answer.
func (c *cloud) query(ctx context.Context, service, name string, form url.Values) (string, error) {
	text, err := c.ask(ctx, service, http.MethodPost, "/", "application/x-www-form-urlencoded", []byte(form.Encode()))
	return element(text, name), err
}

// element returns the text of the first element of a name in an XML document.
func element(text []byte, name string) string {
	found := regexp.MustCompile("<" + name + ">([^<]*)</" + name + ">").FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// bounds returns the text of a boundary that allows actions.
func bounds(actions string) []string {
	return []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`}
}

// boundary allows what docs/operations.md asks for.
var boundary = bounds(`"dynamodb:*","secretsmanager:*","logs:*"`)

// A stack in an organization's account has a permissions boundary, other memory and cheaper logs. It
// moves to a domain while it is in use, as docs/operations.md says, and no session ends.
func TestHosted(t *testing.T) {
	p := open(t)
	s := p.stack(t, "hosted")
	ctx := t.Context()
	if err := s.put(p.template, s.parameters("LogClass=INFREQUENT_ACCESS")...); err == nil || !strings.Contains(err.Error(), "Use Monitoring=none") {
		t.Errorf("LogClass without Monitoring: %v", err)
	}
	if err := s.put(p.template, s.parameters("DomainName="+domain)...); err == nil || !strings.Contains(err.Error(), "need each other") {
		t.Errorf("DomainName without CertificateArn: %v", err)
	}
	policy, err := s.cloud.query(ctx, "iam", "Arn", url.Values{
		"Action": {"CreatePolicy"}, "Version": {"2010-05-08"}, "PolicyName": {"boundary"}, "PolicyDocument": boundary,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mustPut(p.template, s.parameters("PermissionsBoundary="+policy, "LogClass=INFREQUENT_ACCESS", "LogRetentionDays=30", "Monitoring=none",
		"LoginMemory=1100", "RefreshMemory=600", "AuthorizerMemory=300")...)
	s.hasSettings(policy)
	s.mustCommand(password, "user add "+ada)
	first := s.client() // at the default address
	if err := first.login(ctx, ada, password); err != nil {
		t.Fatal(err)
	}
	issuer := s.outputs["Issuer"]

	// The boundary limits the roles: without the tables, no function decides anything.
	for _, row := range []struct {
		document []string
		status   int
		code     string
	}{{bounds(`"secretsmanager:*","logs:*"`), http.StatusServiceUnavailable, "temporarily_unavailable"}, {boundary, http.StatusOK, ""}} {
		if _, err := s.cloud.query(ctx, "iam", "VersionId", url.Values{
			"Action": {"CreatePolicyVersion"}, "Version": {"2010-05-08"}, "PolicyArn": {policy}, "PolicyDocument": row.document, "SetAsDefault": {"true"},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := first.expect(ctx, row.status, row.code, http.MethodGet, "/auth/sessions", nil, first.access); err != nil {
			t.Errorf("with the boundary %s: %v", row.document, err)
		}
	}

	// Both addresses answer.
	text, err := s.cloud.ask(ctx, "route53", http.MethodPost, "/2013-04-01/hostedzone", "application/xml",
		[]byte(`<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>example.com</Name><CallerReference>hosted</CallerReference></CreateHostedZoneRequest>`))
	if err != nil {
		t.Fatal(err)
	}
	zone := strings.TrimPrefix(element(text, "Id"), "/hostedzone/")
	const certificate = "arn:aws:acm:us-east-1:000000000000:certificate/01234567-89ab-cdef-0123-456789abcdef"
	s.mustDeploy("DomainName="+domain, "CertificateArn="+certificate, "HostedZoneId="+zone, "DefaultEndpoint=enabled", "Issuer="+issuer)
	s.hasSettings(policy)
	s.hasDomain(certificate, zone)
	moved := s.client()
	if moved.url != "https://"+domain || s.outputs["Issuer"] != issuer {
		t.Fatalf("the API is at %s, its issuer is %s", moved.url, s.outputs["Issuer"])
	}
	if err := first.renew(ctx); err != nil {
		t.Errorf("a session at the default address: %v", err)
	}
	moved.access, moved.refresh = first.access, first.refresh
	list := func(status int, code string) {
		t.Helper()
		if _, err := moved.expect(ctx, status, code, http.MethodGet, "/auth/sessions", nil, moved.access); err != nil {
			t.Error(err)
		}
	}
	list(http.StatusOK, "")
	if err := moved.renew(ctx); err != nil {
		t.Errorf("the session at the domain: %v", err)
	}

	// The default address is closed.
	s.mustPut(p.template, "DefaultEndpoint=disabled")
	for _, row := range []struct {
		c      *client
		status int
	}{{first, http.StatusNotFound}, {moved, http.StatusOK}} {
		if _, err := row.c.expect(ctx, row.status, "", http.MethodGet, "/.well-known/jwks.json", nil, ""); err != nil {
			t.Error(err)
		}
	}
	list(http.StatusOK, "")

	// The domain is the issuer. The access tokens end, and the sessions go on.
	s.mustPut(p.template, "Issuer=")
	if s.outputs["Issuer"] != "https://"+domain {
		t.Errorf("the issuer is %s", s.outputs["Issuer"])
	}
	list(http.StatusUnauthorized, "invalid_token")
	if err := moved.renew(ctx); err != nil {
		t.Errorf("the session after the change of the issuer: %v", err)
	}
	if !strings.Contains(moved.claims(), `"iss":"https://`+domain+`"`) {
		t.Errorf("the claims are %s", moved.claims())
	}
	list(http.StatusOK, "")
	if wrong, all := s.doctor(s.between()); len(wrong) > 0 {
		t.Errorf("edgeauth doctor: %s", all)
	}
	if err := s.session(ctx, ada, password); err != nil {
		t.Error(err)
	}

	// The domain leaves with the stack.
	s.drop()
	var domains struct{ Items []struct{ DomainName string } }
	if err := s.cloud.read(ctx, "apigateway", "/v2/domainnames", &domains); err != nil || len(domains.Items) > 0 {
		t.Errorf("after the stack was deleted: %v, %v", domains.Items, err)
	}
}

// hasSettings checks the boundary of every role, the class of every log group and the memory of the
// functions.
func (s *stack) hasSettings(policy string) {
	s.t.Helper()
	ctx := s.t.Context()
	all, err := s.cloudFormation().DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &s.name})
	if err != nil {
		s.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range all.StackResources {
		id, name, kind, got, want := aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType), "", ""
		counts[kind]++
		switch kind {
		case "AWS::IAM::Role":
			want = policy
			got, err = s.cloud.query(ctx, "iam", "PermissionsBoundaryArn", url.Values{"Action": {"GetRole"}, "Version": {"2010-05-08"}, "RoleName": {name}})
		case "AWS::Logs::LogGroup":
			var text []byte
			var groups struct {
				LogGroups []struct {
					LogGroupClass   string
					RetentionInDays int
				}
			}
			text, err = s.cloud.ask(ctx, "logs", http.MethodPost, "/", "application/x-amz-json-1.1", []byte(`{"logGroupNamePrefix":"`+name+`"}`), "Logs_20140328.DescribeLogGroups")
			err = errors.Join(err, json.Unmarshal(text, &groups))
			got, want = fmt.Sprint(groups.LogGroups), "[{INFREQUENT_ACCESS 30}]"
		case "AWS::Lambda::Function":
			var function struct{ MemorySize int }
			err = s.cloud.read(ctx, "lambda", "/2015-03-31/functions/"+name+"/configuration?Qualifier=live", &function)
			memory := map[string]int{
				"AuthorizerFunction": 300, "SessionAuthorizerFunction": 300, "LoginFunction": 1100, "AccountFunction": 1100, "RefreshFunction": 600,
				"SessionsFunction": 256, "DiscoveryFunction": 256, "KeysFunction": 512,
			}[id]
			got, want = fmt.Sprint(function.MemorySize), fmt.Sprint(memory)
		}
		if err != nil || got != want {
			s.t.Errorf("%s has %s, want %s (%v)", id, got, want, err)
		}
	}
	if counts["AWS::IAM::Role"] != 8 || counts["AWS::Logs::LogGroup"] != 3 || counts["AWS::Lambda::Function"] != 8 {
		s.t.Errorf("the stack has %v", counts)
	}
}

// hasDomain checks the domain, its mapping and its record.
func (s *stack) hasDomain(certificate, zone string) {
	s.t.Helper()
	ctx := s.t.Context()
	var name struct {
		DomainNameConfigurations []struct{ ApiGatewayDomainName, CertificateArn, EndpointType, SecurityPolicy string }
	}
	if err := s.cloud.read(ctx, "apigateway", "/v2/domainnames/"+domain, &name); err != nil {
		s.t.Fatal(err)
	}
	want := fmt.Sprintf("[{%s %s REGIONAL TLS_1_2}]", s.outputs["DomainTarget"], certificate)
	if got := fmt.Sprint(name.DomainNameConfigurations); got != want {
		s.t.Errorf("the domain is %s, want %s", got, want)
	}
	var mappings struct {
		Items []struct{ ApiId, ApiMappingKey, Stage string }
	}
	if err := s.cloud.read(ctx, "apigateway", "/v2/domainnames/"+domain+"/apimappings", &mappings); err != nil {
		s.t.Fatal(err)
	}
	if got, want := fmt.Sprint(mappings.Items), "[{"+s.outputs["ApiId"]+"  $default}]"; got != want {
		s.t.Errorf("the domain leads to %s, want %s", got, want)
	}
	text, err := s.cloud.ask(ctx, "route53", http.MethodGet, "/2013-04-01/hostedzone/"+zone+"/rrset", "application/xml", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if !regexp.MustCompile(`<Name>` + domain + `\.</Name><Type>A</Type>.*<DNSName>` + regexp.QuoteMeta(s.outputs["DomainTarget"]) + `\.?</DNSName>`).Match(text) {
		s.t.Errorf("the records are %s", text)
	}
}

// An application's stack contains edgeauth's, which is deployed with it.
func TestNested(t *testing.T) {
	p := open(t)
	ctx := t.Context()
	read, err := p.Read(ctx, filepath.Join("examples", "nested", "nested.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// The functions are those that were built before, for the processor of this machine.
	d := document(read)
	properties := func(id string) object { return d.resources()[id].(object)["Properties"].(object) }
	properties("Edgeauth")["Location"] = filepath.Join(p.BuildFolder(), "template.yaml")
	properties("Edgeauth")["Parameters"].(object)["Architecture"] = p.Architecture()
	properties("WhoamiFunction")["CodeUri"] = filepath.Join(p.Work, "whoami")
	properties("WhoamiFunction")["Architectures"] = []string{p.Architecture()}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	outer := p.stack(t, "nested")
	err = p.sam(ctx, "deploy", "--template-file", file, "--stack-name", outer.name,
		"--config-file", filepath.Join(p.Root, "samconfig.toml"), "--config-env", "dev",
		"--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--parameter-overrides", "Origin=https://app.example.org")
	if err := errors.Join(err, outer.describe()); err != nil {
		reasons, _ := outer.failures()
		t.Fatal(err, reasons)
	}
	inner := p.stack(t, strings.Split(outer.resource("Edgeauth"), "/")[1])
	if err := inner.describe(); err != nil {
		t.Fatal(err)
	}
	if outer.outputs["AuthUrl"] != inner.outputs["ApiEndpoint"] {
		t.Errorf("AuthUrl is %s, want %s", outer.outputs["AuthUrl"], inner.outputs["ApiEndpoint"])
	}
	inner.mustCommand(password, "user add "+ada)
	c := inner.client()
	if err := c.login(ctx, ada, password); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		access string
		status int
	}{{"", http.StatusUnauthorized}, {c.access[:len(c.access)-8] + "AAAAAAAA", http.StatusForbidden}, {c.access, http.StatusOK}} {
		if got := inner.whoami(outer.cloud.emulated(outer.outputs["Url"]), row.access); got.status != row.status {
			t.Errorf("%d %v, want %d", got.status, got.body, row.status)
		}
	}
	if err := inner.session(ctx, ada, password); err != nil {
		t.Error(err)
	}
}
