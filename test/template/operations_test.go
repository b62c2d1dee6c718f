package template

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOperations: the page about a stack names parameters, outputs and resources that exist, and
// removes everything that survives a stack.
func TestOperations(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	page, d := string(text), translated(t, "template.yaml")
	parameters, outputs := at[tree](d.root, "Parameters"), at[tree](d.root, "Outputs")
	named := regexp.MustCompile(`\b([A-Z][a-z][A-Za-z]*)=[^=]`).FindAllStringSubmatch(page, -1)
	var ours int
	for _, m := range named {
		if parameters[m[1]] != nil {
			ours++
		} else if !slices.Contains([]string{"Enabled", "AttributeName", "PointInTimeRecoveryEnabled", "Key", "Values", "MaxReadRequestUnits", "MaxWriteRequestUnits"}, m[1]) {
			t.Errorf("the page names %s, which is no parameter", m[1])
		}
	}
	if ours < 10 {
		t.Errorf("the page names %d parameters, want 10 or more", ours)
	}
	for _, m := range regexp.MustCompile("(?:output|log group) `?([A-Z][A-Za-z]+)`?").FindAllStringSubmatch(page, -1) {
		if outputs[m[1]] == nil && d.resources()[m[1]] == nil && m[1] != "RoleArn" {
			t.Errorf("the page names %s, which does not exist", m[1])
		}
	}
	_, remove, _ := strings.Cut(page, "## Remove everything")
	for id, r := range d.resources() {
		if policy := at[string](r, "DeletionPolicy"); strings.HasPrefix(policy, "Retain") && !strings.Contains(remove, "<"+id+">") {
			t.Errorf("%s survives the stack, and the page does not remove it", id)
		}
	}
}
