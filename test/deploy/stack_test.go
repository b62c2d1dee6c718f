package deploy_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// stack is a deployed stack, or one to be.
type stack struct {
	*project
	t    *testing.T
	name string

	// What CloudFormation said after the latest deployment.
	id, status string
	outputs    map[string]string
}

func (p *project) stack(t *testing.T, name string) *stack {
	return &stack{project: p, t: t, name: name}
}

func (c *cloud) cloudFormation() *cloudformation.Client {
	return cloudformation.New(cloudformation.Options{
		Region: region, BaseEndpoint: &c.url, HTTPClient: c.client,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// deploy deploys the built template with "sam deploy", with the settings of the stage dev in
// samconfig.toml. Parameters are as in KeyVersion=2.
func (s *stack) deploy(parameters ...string) error {
	err := s.sam(s.t.Context(), slices.Concat([]string{
		"deploy", "--template-file", filepath.Join(s.BuildFolder(), "template.yaml"), "--stack-name", s.name,
		"--config-file", filepath.Join(s.Root, "samconfig.toml"), "--config-env", "dev",
		"--parameter-overrides", "Architecture=" + s.Architecture(),
	}, parameters)...)
	return errors.Join(err, s.describe())
}

// mustDeploy deploys, and ends the test if that fails.
func (s *stack) mustDeploy(parameters ...string) {
	s.t.Helper()
	if err := s.deploy(parameters...); err != nil {
		s.t.Fatal(err)
	}
}

// describe asks CloudFormation about the stack. If the stack is missing, its status is empty.
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

// remove deletes the stack with "sam delete". What the template retains stays.
func (s *stack) remove() {
	s.t.Helper()
	err := s.sam(s.t.Context(), "delete", "--stack-name", s.name, "--region", region, "--no-prompts")
	if err := errors.Join(err, s.describe()); err != nil {
		s.t.Fatal(err)
	}
	s.is("DELETE_COMPLETE")
}

// is checks the status of the stack.
func (s *stack) is(status string) {
	s.t.Helper()
	if s.status != status {
		s.t.Errorf("the stack %s is %s, want %s", s.name, s.status, status)
	}
}

// command runs the command edgeauth with a store, and returns what it prints.
func (s *stack) command(input, args string) (output string, err error) {
	return s.run(s.t.Context(), input, s.edgeauth, append(strings.Fields(args), "--store", "stack:"+s.name)...)
}
