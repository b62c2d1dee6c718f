package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// The types of resources that can be inspected.
const (
	functionType = "AWS::Lambda::Function"
	alarmType    = "AWS::CloudWatch::Alarm"
)

// Function is a function of the stack, as callers reach it: by its alias live.
type Function struct {
	LogicalID, Name string
	Missing         bool
	State           string            // as in AWS Lambda: Active, or why it is not
	Environment     map[string]string // without secrets, since the template puts none there
}

// Alarm is an alarm of the stack.
type Alarm struct {
	LogicalID, Name string
	Missing         bool
	State           string // OK, ALARM or INSUFFICIENT_DATA
	Reason          string
	Notifies        bool
}

// Inspect reads the functions and the alarms of the stack. It changes nothing.
func (s Stack) Inspect(ctx context.Context) (functions []Function, alarms []Alarm, err error) {
	pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(s.cfg()), &cloudformation.ListStackResourcesInput{StackName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, Explain(fmt.Errorf("list the resources of the stack %s: %w", s.Name, err))
		}
		for _, r := range page.StackResourceSummaries {
			id, name := aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId)
			switch aws.ToString(r.ResourceType) {
			case functionType:
				functions = append(functions, Function{LogicalID: id, Name: name})
			case alarmType:
				alarms = append(alarms, Alarm{LogicalID: id, Name: name})
			}
		}
	}
	for i := range functions {
		if err := s.function(ctx, &functions[i]); err != nil {
			return nil, nil, err
		}
	}
	return functions, alarms, s.alarms(ctx, alarms)
}

func (s Stack) function(ctx context.Context, f *Function) error {
	status, body, err := s.signed(ctx, "lambda", http.MethodGet, "/2015-03-31/functions/"+url.PathEscape(f.Name)+"/configuration?Qualifier=live", nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		f.Missing = true
		return nil
	case status != http.StatusOK:
		return fmt.Errorf("these AWS credentials may not read the function %s (required: lambda:GetFunctionConfiguration), or AWS Lambda is at fault: status %d", f.Name, status)
	}
	var c struct {
		State       string
		Environment struct{ Variables map[string]string }
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return fmt.Errorf("the function %s: %w", f.Name, err)
	}
	f.State, f.Environment = c.State, c.Environment.Variables
	return nil
}

// alarms sets the states of the alarms, which are at most a hundred.
func (s Stack) alarms(ctx context.Context, alarms []Alarm) error {
	if len(alarms) == 0 {
		return nil
	}
	form := url.Values{"Action": {"DescribeAlarms"}, "Version": {"2010-08-01"}, "MaxRecords": {"100"}}
	for i, a := range alarms {
		form.Set(fmt.Sprintf("AlarmNames.member.%d", i+1), a.Name)
	}
	status, body, err := s.signed(ctx, "monitoring", http.MethodPost, "/", form)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("these AWS credentials may not read the alarms (required: cloudwatch:DescribeAlarms), or CloudWatch is at fault: status %d", status)
	}
	var answer struct {
		Alarms []struct {
			Name    string   `xml:"AlarmName"`
			State   string   `xml:"StateValue"`
			Reason  string   `xml:"StateReason"`
			Enabled string   `xml:"ActionsEnabled"`
			Actions []string `xml:"AlarmActions>member"`
		} `xml:"DescribeAlarmsResult>MetricAlarms>member"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("the alarms of the stack %s: %w", s.Name, err)
	}
	for i := range alarms {
		alarms[i].Missing = true
		for _, a := range answer.Alarms {
			if a.Name == alarms[i].Name {
				alarms[i].Missing, alarms[i].State, alarms[i].Reason = false, a.State, oneLine(a.Reason)
				alarms[i].Notifies = a.Enabled != "false" && len(a.Actions) > 0
			}
		}
	}
	return nil
}

// maxAnswer bounds an answer of AWS.
const maxAnswer = 1 << 20

// signed sends one request to a service of AWS that is asked for a few fields only: the client of the SDK
// for each would add megabytes to the program.
func (s Stack) signed(ctx context.Context, service, method, target string, form url.Values) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	base := aws.ToString(s.cfg().BaseEndpoint)
	if base == "" {
		base = "https://" + service + "." + s.Region + "." + domainOf(s.Region)
	}
	body := []byte(form.Encode())
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	credentials, err := s.cfg().Credentials.Retrieve(ctx)
	if err != nil {
		return 0, nil, withoutCredentials(err)
	}
	sum := sha256.Sum256(body)
	if err := signer.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, s.Region, time.Now()); err != nil {
		return 0, nil, err
	}
	var client aws.HTTPClient = http.DefaultClient
	if s.cfg().HTTPClient != nil { // with the certificates of AWS_CA_BUNDLE
		client = s.cfg().HTTPClient
	}
	got, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	return got.StatusCode, answer, err
}

// domainOf returns the domain of the services in a Region.
func domainOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
