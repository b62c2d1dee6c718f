package deploy_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// nextBuild returns the template with different binaries of the same behaviour.
func (p *project) nextBuild(t *testing.T) document {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(p.BuildFolder())); err != nil {
		t.Fatal(err)
	}
	changed := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "bootstrap" {
			return err
		}
		changed++
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("next") // behind all that is loaded
		return errors.Join(err, f.Close())
	})
	if err != nil || changed == 0 {
		t.Fatalf("%d binaries were changed: %v", changed, err)
	}
	d, err := p.packaged(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// failing returns the template with a resource that fails after the aliases of all functions moved:
// it depends on the permissions, which depend on the aliases.
func failing(d document) document {
	d = d.clone()
	var last []string
	for name, r := range d.resources() {
		if r.(object)["Type"] == "AWS::Lambda::Permission" {
			last = append(last, name)
		}
	}
	d.resources()["Fails"] = object{
		"Type": "Custom::Fails", "DependsOn": last,
		// The keys function refuses a request for a resource of an unknown type.
		"Properties": object{"ServiceToken": object{"Fn::GetAtt": "KeysFunction.Arn"}, "ServiceTimeout": 60},
	}
	protection := d.resources()["Protection"].(object) // waits for every other resource
	protection["DependsOn"] = append(protection["DependsOn"].([]any), "Fails")
	return d
}

// moved counts the aliases that the latest deployment moved before the resource Fails failed.
func (s *stack) moved() (count int) {
	s.t.Helper()
	events, err := s.events()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range events {
		switch status := string(e.ResourceStatus); {
		case aws.ToString(e.LogicalResourceId) == "Fails" && strings.HasSuffix(status, "_FAILED"):
			return count
		case aws.ToString(e.ResourceType) == "AWS::Lambda::Alias" && status == "UPDATE_COMPLETE":
			count++
		}
	}
	return 0
}

// A deployment of another build fails after the aliases moved. It is rolled back, and the same
// build can be deployed again.
func TestRollback(t *testing.T) {
	p := open(t)
	s := p.stack(t, "rollback")
	s.mustPut(p.template, s.parameters()...)
	s.mustCommand(password, "user add "+ada)
	c := s.client()
	if err := c.login(t.Context(), ada, password); err != nil {
		t.Fatal(err)
	}

	next := p.nextBuild(t)
	if err := s.put(failing(next)); err == nil || !strings.Contains(err.Error(), "Fails: ") {
		t.Fatalf("the deployment that should fail: %v", err)
	}
	s.is("UPDATE_ROLLBACK_COMPLETE")
	if moved := s.moved(); moved < 6 {
		t.Errorf("%d aliases moved before the deployment failed, want 6 or more", moved)
	}
	if err := c.renew(t.Context()); err != nil {
		t.Errorf("after the rollback: %v", err)
	}

	if err := s.put(next); err != nil {
		t.Fatalf("the same build again: %v", err)
	}
	if err := c.renew(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.session(t.Context(), ada, password); err != nil {
		t.Error(err)
	}
}

// A value that would stop a function fails the deployment, with a message that names its parameter.
// The API continues as before.
func TestWrongValues(t *testing.T) {
	p := open(t)
	s := p.stack(t, "wrong")
	s.mustPut(p.template, s.parameters()...)
	s.mustCommand(password, "user add "+ada)
	for _, row := range []struct{ name, value string }{
		{"Config", `{"clients":{"web":{"profile":"lax"}}}`},
		{"Issuer", "https://user@auth.example.com"},
		{"IdleTimeout", "1m"},
		{"AbsoluteTimeout", "9000h"},
		{"RestoredUntil", "2026-99-99T00:00:00Z"},
		{"SessionsNotBefore", "2999-01-01T00:00:00Z"},
	} {
		err := s.put(p.template, row.name+"="+row.value)
		if err == nil || !strings.Contains(err.Error(), "Keys: ") || !strings.Contains(err.Error(), row.name) {
			t.Errorf("%s=%s: %v", row.name, row.value, err)
		}
		s.is("UPDATE_ROLLBACK_COMPLETE")
	}
	if err := s.session(t.Context(), ada, password); err != nil {
		t.Error(err)
	}
}
