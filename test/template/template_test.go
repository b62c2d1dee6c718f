// Package template holds the templates to what the code says and to what went wrong elsewhere. It judges what
// CloudFormation gets, after the transform of AWS SAM.
package template

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
)

// tree is a template, or any part of one, as JSON has it.
type tree = map[string]any

// document is a template after the transform.
type document struct{ root tree }

func (d document) resources() tree { return at[tree](d.root, "Resources") }

// properties returns those of a resource, nil where there is none.
func (d document) properties(id string) tree { return at[tree](d.resources(), id, "Properties") }

// of returns the ids of the resources of a type.
func (d document) of(kind string) []string {
	var ids []string
	for id, r := range d.resources() {
		if at[string](r, "Type") == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// at returns what stands at a path, or the zero value where nothing of that type does.
func at[T any](in any, path ...string) T {
	for _, name := range path {
		next, ok := in.(tree)
		if !ok {
			break
		}
		in = next[name]
	}
	found, _ := in.(T)
	return found
}

// ref returns the id in {"Ref": id}.
func ref(in any) string { return at[string](in, "Ref") }

// attributeOf returns the id in {"Fn::GetAtt": [id, ...]}.
func attributeOf(in any) string {
	if list := at[[]any](in, "Fn::GetAtt"); len(list) > 0 {
		id, _ := list[0].(string)
		return id
	}
	return ""
}

// list returns the texts of a list, or the one text that stands in its place.
func list(in any) []string {
	all, ok := in.([]any)
	if !ok {
		all = []any{in}
	}
	var texts []string
	for _, one := range all {
		text, _ := one.(string)
		texts = append(texts, text)
	}
	return texts
}

// translated returns what CloudFormation gets of a template in the repository.
func translated(t *testing.T, name string) document {
	t.Helper()
	python, err := filepath.Abs("../../.cache/sam/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		engine.LeaveOut(t, "AWS SAM's translator", "make judge")
	}
	path := filepath.Join("..", "..", filepath.FromSlash(name))
	if _, err := os.ReadFile(path); err != nil { // so that go test knows what the result depends on
		t.Fatal(err)
	}
	c := exec.Command(python, "translate.py", "cloudformation", path)
	c.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var d document
	if err := json.Unmarshal(out, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// clone returns a copy that shares nothing.
func (d document) clone(t *testing.T) document {
	t.Helper()
	text, err := json.Marshal(d.root)
	if err != nil {
		t.Fatal(err)
	}
	var c document
	if err := json.Unmarshal(text, &c.root); err != nil {
		t.Fatal(err)
	}
	return c
}
