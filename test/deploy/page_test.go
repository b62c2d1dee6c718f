package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	page "github.com/edgeauth/edgeauth/test/document"
)

// docs/deployment.md has a row for each test of this package that deploys, and no other row.
func TestPage(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests, rows []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`func [Tt](est\w+)\(t \*testing\.T.*\) \{\n\tp := open\(t\)`).FindAllSubmatch(text, -1) {
			tests = append(tests, "T"+string(match[1])) // testX has the body of each case of TestX
		}
	}
	for _, table := range page.Read(t, "deployment.md").Tables("tried") {
		for _, row := range table.Rows {
			rows = append(rows, row["by"])
		}
	}
	slices.Sort(tests)
	slices.Sort(rows)
	if len(tests) == 0 || !slices.Equal(tests, rows) {
		t.Errorf("the page lists %v, the tests are %v", rows, tests)
	}
}
