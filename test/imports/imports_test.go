// Package imports checks which packages may import which: the law in law_test.go. A change that
// needs another edge changes the law, where a reviewer sees it. Tests may import any package; only
// shipped code is checked.
package imports_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/edgeauth/edgeauth"

// listed is a package as go list prints it.
type listed struct {
	ImportPath, Name string
	Imports, Deps    []string
}

// shortName returns a package's name in the law, or false for a package of another module. The
// names of packages under pkg/auth and internal omit that folder.
func shortName(importPath string) (string, bool) {
	rest, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return "", false
	}
	if rest == "pkg/auth" {
		return "auth", true
	}
	if name, found := strings.CutPrefix(rest, "internal/"); found {
		return name, true
	}
	return strings.TrimPrefix(rest, "pkg/auth/"), true
}

// within reports whether a package is root or lies below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

// violations returns the violations of one package, one sentence each.
func violations(p listed) []string {
	name, ours := shortName(p.ImportPath)
	if !ours {
		return nil
	}
	var found []string
	report := func(format string, args ...any) {
		found = append(found, name+" "+fmt.Sprintf(format, args...))
	}
	if slices.Contains(vague, p.Name) || slices.Contains(vague, path.Base(name)) {
		report("has a vague name")
	}
	for root, owners := range only {
		for _, i := range p.Imports {
			if !slices.Contains(owners, name) && within(i, root) {
				report("imports %s, which only %s may", i, strings.Join(owners, " and "))
			}
		}
	}
	unreachable := reach[name]
	if p.Name == "main" && !strings.HasPrefix(name, tests) {
		unreachable = slices.Concat(unreachable, forTests)
	}
	for _, root := range unreachable {
		for _, d := range p.Deps {
			if within(d, root) {
				report("reaches %s", d)
			}
		}
	}
	if strings.HasPrefix(name, tests) {
		return found
	}
	allowed, drawn := law[name]
	if !drawn {
		report("is not in the law (add it in law_test.go)")
	}
	for _, i := range p.Imports {
		if other, ours := shortName(i); ours && drawn && !slices.Contains(allowed, other) {
			report("imports %s, which is not drawn", other)
		}
	}
	return found
}

func TestLaw(t *testing.T) {
	watchSources(t)
	command := exec.Command("go", "list", "-json=ImportPath,Name,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	count := 0
	for d := json.NewDecoder(bytes.NewReader(out)); ; count++ {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, v := range violations(p) {
			t.Error(v)
		}
	}
	if count < 10 {
		t.Errorf("only %d packages were found", count)
	}
}

// watchSources reads every source folder, so that go test does not use a cached result after a
// source has changed: the cache tracks what this process reads, but not what go list reads.
func watchSources(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".."
		if d.IsDir() && (hidden || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestViolations checks that the checker finds each kind of violation.
func TestViolations(t *testing.T) {
	ours := func(name string) string { return module + "/pkg/auth/" + name }
	for _, row := range []struct {
		name string
		p    listed
		want string // the only violation; empty for no violation
	}{
		{"a drawn edge", listed{ImportPath: ours("authorizer"), Imports: []string{ours("token"), "net/http"}}, ""},
		{"the root", listed{ImportPath: ours("session"), Imports: []string{module + "/pkg/auth"}}, ""},
		{"another module", listed{ImportPath: "example.com/types", Name: "types"}, ""},
		{"a test", listed{ImportPath: module + "/test/e2e", Imports: []string{ours("dynamo"), ours("bolt")}}, ""},
		{
			"an edge that is not drawn", listed{ImportPath: ours("session"), Imports: []string{ours("user")}},
			"session imports user, which is not drawn",
		},
		{
			"an import of a test", listed{ImportPath: ours("bolt"), Imports: []string{module + "/test/fault"}},
			"bolt imports test/fault, which is not drawn",
		},
		{"a package that is not drawn", listed{ImportPath: ours("sessions")}, "sessions is not in the law (add it in law_test.go)"},
		{
			"a way to HTTP", listed{ImportPath: ours("token"), Deps: []string{"net", "net/http/internal"}},
			"token reaches net/http/internal",
		},
		{
			"a way to the SDK", listed{ImportPath: module + "/functions/authorizer", Deps: []string{sdk + "/aws"}},
			"functions/authorizer reaches " + sdk + "/aws",
		},
		{
			"a program with code for tests",
			listed{ImportPath: module + "/cmd/edgeauth", Name: "main", Deps: []string{"net/http", ours("authtest")}},
			"cmd/edgeauth reaches " + ours("authtest"),
		},
		{
			"a program with package testing", listed{ImportPath: module + "/functions/login", Name: "main", Deps: []string{"testing"}},
			"functions/login reaches testing",
		},
		{"a program of a test", listed{ImportPath: module + "/test/samlocal/up", Name: "main", Deps: []string{"testing"}}, ""},
		{
			"another user of DynamoDB", listed{ImportPath: ours("service"), Imports: []string{sdk + "/service/dynamodb/types"}},
			"service imports " + sdk + "/service/dynamodb/types, which only dynamo may",
		},
		{
			"a test that uses DynamoDB", listed{ImportPath: module + "/test/engine", Imports: []string{sdk + "/service/dynamodb"}},
			"test/engine imports " + sdk + "/service/dynamodb, which only dynamo may",
		},
		{
			"another user of Secrets Manager", listed{ImportPath: ours("keyring"), Imports: []string{sdk + "/service/secretsmanager"}},
			"keyring imports " + sdk + "/service/secretsmanager, which only secretsmanager may",
		},
		{
			"a vague name", listed{ImportPath: module + "/test/utils", Name: "utils"},
			"test/utils has a vague name",
		},
		{
			"a vague name in a better folder", listed{ImportPath: module + "/test/tools", Name: "common"},
			"test/tools has a vague name",
		},
	} {
		if got := strings.Join(violations(row.p), "; "); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// TestLawIsAcyclicAndKnown checks that the law has no cycle and names only packages that it lists.
func TestLawIsAcyclicAndKnown(t *testing.T) {
	state := make(map[string]int) // 1: on the way, 2: done
	var visit func(name string)
	visit = func(name string) {
		if state[name] == 2 {
			return
		}
		state[name] = 1
		for _, next := range law[name] {
			if _, drawn := law[next]; !drawn {
				t.Errorf("%s may import %s, which is not drawn", name, next)
			}
			if state[next] == 1 {
				t.Errorf("%s and %s import each other in a cycle", name, next)
				continue
			}
			visit(next)
		}
		state[name] = 2
	}
	for name := range law {
		visit(name)
	}
}
