package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// owner are the credentials of the owner of the emulator's account.
var owner = credentials.NewStaticCredentialsProvider("test", "test", "")

func (c *cloud) cloudFormation() *cloudformation.Client {
	return cloudformation.New(cloudformation.Options{Region: region, BaseEndpoint: &c.url, HTTPClient: c.client, Credentials: owner})
}

// document is a template.
type document map[string]any

// clone returns a copy that can be changed.
func (d document) clone() document {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // it was JSON before
	}
	var other document
	if err := json.Unmarshal(text, &other); err != nil {
		panic(err)
	}
	return other
}

func (d document) resources() object { return d["Resources"].(object) }

// packaged returns the template that was built in a folder as "sam package" leaves it, with the
// functions in a bucket.
func (p *project) packaged(ctx context.Context, folder string) (document, error) {
	output := packagedFile(folder)
	err := p.sam(ctx, "package", "--template-file", filepath.Join(folder, "template.yaml"), "--resolve-s3", "--output-template-file", output)
	if err != nil {
		return nil, err
	}
	return p.Read(ctx, output)
}

func packagedFile(folder string) string { return filepath.Join(folder, "packaged.yaml") }

// put creates or updates the stack from a packaged template, without SAM CLI and in a fraction of
// its time. As with SAM CLI, a parameter that is not given keeps its value.
func (s *stack) put(d document, parameters ...string) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	ctx, client, template := s.t.Context(), s.cloudFormation(), string(body)
	given := map[string]string{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		given[name] = value
	}
	capabilities := []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityAutoExpand}
	if s.id == "" {
		_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &s.name, TemplateBody: &template, Parameters: values(given), Capabilities: capabilities,
		})
	} else {
		all := values(given)
		for name := range d["Parameters"].(object) {
			if _, ok := given[name]; !ok {
				all = append(all, types.Parameter{ParameterKey: aws.String(name), UsePreviousValue: aws.Bool(true)})
			}
		}
		_, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &s.name, TemplateBody: &template, Parameters: all, Capabilities: capabilities,
		})
	}
	if err != nil {
		return err
	}
	return s.settle("CREATE_COMPLETE", "UPDATE_COMPLETE")
}

func values(given map[string]string) (all []types.Parameter) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		all = append(all, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(given[name])})
	}
	return all
}

// mustPut puts, and ends the test if that fails.
func (s *stack) mustPut(d document, parameters ...string) {
	s.t.Helper()
	if err := s.put(d, parameters...); err != nil {
		s.t.Fatal(err)
	}
}

// drop deletes the stack, without SAM CLI.
func (s *stack) drop() {
	s.t.Helper()
	_, err := s.cloudFormation().DeleteStack(s.t.Context(), &cloudformation.DeleteStackInput{StackName: &s.name})
	if err := errors.Join(err, s.settle("DELETE_COMPLETE")); err != nil {
		s.t.Fatal(err)
	}
	s.id = ""
}

// settle waits until CloudFormation has done what it was asked to. If that does not end as it
// should, the error contains the reasons.
func (s *stack) settle(wanted ...string) error {
	for {
		if err := s.describe(); err != nil {
			return err
		}
		if !strings.HasSuffix(s.status, "_IN_PROGRESS") {
			break
		}
		select {
		case <-s.t.Context().Done():
			return s.t.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	if slices.Contains(wanted, s.status) {
		return nil
	}
	reasons, err := s.failures()
	return errors.Join(fmt.Errorf("the stack %s is %s: %s", s.name, s.status, strings.Join(reasons, "; ")), err)
}

// describe asks CloudFormation about the stack.
func (s *stack) describe() error {
	name := s.name
	if s.id != "" {
		name = s.id // a deleted stack is only known by its id
	}
	out, err := s.cloudFormation().DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return err
	}
	s.id, s.status, s.outputs = aws.ToString(out.Stacks[0].StackId), string(out.Stacks[0].StackStatus), map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return nil
}

// events returns what happened to the resources of the stack, the earliest first.
func (s *stack) events() (events []types.StackEvent, err error) {
	pages := cloudformation.NewDescribeStackEventsPaginator(s.cloudFormation(), &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			return nil, err
		}
		events = append(events, page.StackEvents...)
	}
	slices.Reverse(events)
	return events, nil
}

// failures returns why resources failed.
func (s *stack) failures() (reasons []string, err error) {
	events, err := s.events()
	for _, e := range events {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			reasons = append(reasons, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return reasons, err
}
