package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// buildFor builds template.yaml for an architecture, in the words of Go, and returns it packaged.
func (p *project) buildFor(t *testing.T, arch string) document {
	t.Helper()
	build := p.Project
	build.Arch, build.Work = arch, filepath.Join(t.TempDir(), arch)
	if err := build.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := p.packaged(t.Context(), build.BuildFolder())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A build for another processor than the stack's is refused, with a clear message, before it
// changes a function.
func TestProcessor(t *testing.T) {
	p := open(t)
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[p.Arch]
	foreign := p.buildFor(t, other)
	refused := func(s *stack, err error, status string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "Keys: Architecture is ") || !strings.Contains(err.Error(), `make sam-build ARCH=`) {
			t.Errorf("%s: %v", s.name, err)
		}
		s.is(status)
	}

	first := p.stack(t, "processor-first")
	refused(first, first.put(foreign, first.parameters()...), "ROLLBACK_COMPLETE")
	if left := first.left(); len(left) > 0 {
		t.Errorf("left behind are %v", left)
	}

	// A deployment that names no parameter keeps Architecture.
	s := p.stack(t, "processor")
	s.mustPut(p.template, s.parameters()...)
	s.mustCommand(password, "user add "+ada)
	refused(s, s.put(foreign), "UPDATE_ROLLBACK_COMPLETE")
	events, err := s.events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.ResourceStatus == "UPDATE_COMPLETE" && strings.HasSuffix(*e.LogicalResourceId, "Function") && *e.LogicalResourceId != "KeysFunction" {
			t.Errorf("%s was updated before the deployment was refused", *e.LogicalResourceId)
		}
	}
	if err := s.session(t.Context(), ada, password); err != nil {
		t.Error(err)
	}
	s.mustPut(p.nextBuild(t)) // another build for the same processor
}
