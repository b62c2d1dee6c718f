package deploy_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// stack is a stack that is deployed or will be.
type stack struct {
	*project
	t    *testing.T
	name string

	// The answer of CloudFormation after the latest deployment.
	id, status string
	outputs    map[string]string
}

func (p *project) stack(t *testing.T, name string) *stack {
	return &stack{project: p, t: t, name: name}
}

// deploy deploys template.yaml with "sam deploy", with the settings of the stage dev in
// samconfig.toml. Parameters are as in KeyVersion=2.
func (s *stack) deploy(parameters ...string) error {
	return s.deployFile(packagedFile(s.BuildFolder()), parameters...)
}

func (s *stack) deployFile(template string, parameters ...string) error {
	err := s.sam(s.t.Context(), slices.Concat([]string{
		"deploy", "--template-file", template, "--stack-name", s.name,
		"--config-file", filepath.Join(s.Root, "samconfig.toml"), "--config-env", "dev",
		"--parameter-overrides",
	}, s.parameters(parameters...))...)
	return errors.Join(err, s.describe())
}

// mustDeploy deploys, and ends the test if that fails.
func (s *stack) mustDeploy(parameters ...string) {
	s.t.Helper()
	if err := s.deploy(parameters...); err != nil {
		s.t.Fatal(err)
	}
}

// is checks the status of the stack.
func (s *stack) is(status string) {
	s.t.Helper()
	if s.status != status {
		s.t.Errorf("the stack %s is %s, want %s", s.name, s.status, status)
	}
}

// parameters returns the parameters of a first deployment: the parameters for this machine, and
// more.
func (s *stack) parameters(others ...string) []string {
	return append([]string{"Architecture=" + s.Architecture()}, others...)
}
