// Package template checks the templates against the code and against known deployment mistakes. It
// checks what CloudFormation receives, after the transform of AWS SAM.
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

// tree is a template, or a part of one, as decoded JSON.
type tree = map[string]any

// document is a template after the transform.
type document struct{ root tree }

func (d document) resources() tree { return at[tree](d.root, "Resources") }

// properties returns the properties of a resource, or nil.
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

// at returns the value at a path, or the zero value if the path has no value of that type.
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

// list returns a list of strings. A single string counts as a list of one.
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

// translated returns what CloudFormation receives for a template of the repository. The parameters
// have the form NAME=VALUE.
func translated(t *testing.T, name string, parameters ...string) document {
	t.Helper()
	return printed(t, "cloudformation", name, parameters...)
}

// printed returns what translate.py prints.
func printed(t *testing.T, verb, name string, parameters ...string) document {
	t.Helper()
	python, err := filepath.Abs("../../.cache/sam/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		engine.LeaveOut(t, "AWS SAM's translator", "make judge")
	}
	path := filepath.Join("..", "..", filepath.FromSlash(name))
	if _, err := os.ReadFile(path); err != nil { // go test must know what the result depends on
		t.Fatal(err)
	}
	c := exec.Command(python, append([]string{"translate.py", verb, path}, parameters...)...)
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

// clone returns a deep copy.
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
