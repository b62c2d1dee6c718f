package imports_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// library is the root of the packages that users of the library import.
const library = module + "/pkg/auth"

// loader type-checks packages from the export data that go list names.
type loader struct {
	exports map[string]string // import path to file
	types.Importer
}

func newLoader(t *testing.T) *loader {
	t.Helper()
	watchSources(t)
	command := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", library+"/...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{exports: make(map[string]string)}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		l.exports[p.ImportPath] = p.Export
	}
	l.Importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(l.exports[path])
	})
	return l
}

// library returns the packages that users of the library can import, by path.
func (l *loader) library(t *testing.T) []*types.Package {
	t.Helper()
	var all []*types.Package
	for _, path := range slices.Sorted(maps.Keys(l.exports)) {
		if !within(path, library) || isInternal(path) {
			continue
		}
		p, err := l.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// isInternal reports whether an importer outside this module cannot name the package.
func isInternal(path string) bool {
	return slices.Contains(strings.Split(path, "/"), "internal")
}

// exported returns the exported names of a package: top-level names, methods of exported types,
// and methods of exported interfaces. Fields of structs are not counted.
func exported(p *types.Package) (names []types.Object) {
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		names = append(names, o)
		named, ok := o.Type().(*types.Named)
		if _, isType := o.(*types.TypeName); !isType || !ok {
			continue
		}
		for m := range named.Methods() {
			if m.Exported() {
				names = append(names, m)
			}
		}
		if i, ok := named.Underlying().(*types.Interface); ok {
			for m := range i.ExplicitMethods() {
				if m.Exported() {
					names = append(names, m)
				}
			}
		}
	}
	return names
}

// internalTypes returns the internal types that a caller meets in the exported names of p: in
// signatures, fields, variables, constants and underlying types.
func internalTypes(p *types.Package) (found []string) {
	for _, o := range exported(p) {
		seen := make(map[types.Type]bool)
		report := func(t types.Type, name *types.TypeName) {
			if pkg := name.Pkg(); pkg != nil && isInternal(pkg.Path()) {
				found = append(found, fmt.Sprintf("%s.%s names %s", p.Path(), o.Name(), types.TypeString(t, nil)))
			}
		}
		var visit func(t types.Type)
		visit = func(t types.Type) {
			if seen[t] {
				return
			}
			seen[t] = true
			switch t := t.(type) {
			case *types.Alias:
				report(t, t.Obj())
				visit(t.Rhs())
			case *types.Named:
				report(t, t.Obj())
				for a := range t.TypeArgs().Types() {
					visit(a)
				}
			case *types.Pointer:
				visit(t.Elem())
			case *types.Slice:
				visit(t.Elem())
			case *types.Array:
				visit(t.Elem())
			case *types.Chan:
				visit(t.Elem())
			case *types.Map:
				visit(t.Key())
				visit(t.Elem())
			case *types.Tuple:
				for v := range t.Variables() {
					visit(v.Type())
				}
			case *types.Signature:
				visit(t.Params())
				visit(t.Results())
			case *types.Struct:
				for f := range t.Fields() {
					if f.Exported() || f.Embedded() {
						visit(f.Type())
					}
				}
			case *types.Interface:
				for m := range t.Methods() {
					visit(m.Type())
				}
			}
		}
		visit(o.Type())
		if _, isType := o.(*types.TypeName); isType {
			visit(o.Type().Underlying())
		}
	}
	return found
}

// budget is the maximum number of exported names of the library. A name is a promise: before you
// add to the budget, unexport a name that only its own package uses, or move it to internal/. A
// feature that needs more names has its own row.
var budget = []struct {
	feature string
	names   int
}{
	{"the core", 449},
	{"keys by URL for programs without a gateway", 2},
	{"a login of one's own counts and spends", 1},
	{"the claim that a token is refused for", 1},
	{"step-up", 5},
	{"sign-up, login and reset by a code", 78},
	{"who may sign up, and the length of passwords", 18},
	{"codes that an operator hands over", 2},
	{"messages: how they are handed over, rendered and sent", 40},
	{"ends of all sessions, and their list", 12},
	{"token versions in access tokens", 4},
	{"access tokens that end with their session", 6},
	{"the end of the sessions of a restored table", 1},
	{"tables are protected when a stack is whole", 1}, // dynamo.DB.Protect
	{"how a session ended, for the audit log", 1},
	{"the states of sessions in a list", 1},
	{"one key for the spellings of an e-mail's domain", 12},
	{"the forms of users' hashes", 10},
	{"limits of sessions per client", 1}, // session.RevocationEvicted
	{"a list of revocations in memory", 8},
	{"the list of revocations", 19},
	{"tokens in cookies", 11}, // auth.Delivery
	{"opaque sessions", 17},
	{"signals of a refresh", 27},
	{"the configuration's rules for commands on users", 1}, // service.ReadConfig
	{"an operator ends the suppression of an address", 2},  // mail.Suppressions.Lift, throttle.Once.Forget
	{"which limit of mails a request counts on", 6},        // flow.Class
	{"the state of the tables", 2},                         // dynamo.DB.Inspect, dynamo.TableState
}

// publishedTests are packages that the tests of other modules use. They are counted separately.
var publishedTests = []string{"authtest", "storetest"}

// TestExportedNames counts the exported names, for each package and in total.
func TestExportedNames(t *testing.T) {
	total := 0
	for _, p := range newLoader(t).library(t) {
		name, _ := shortName(p.Path())
		n := len(exported(p))
		if slices.Contains(publishedTests, name) {
			t.Logf("%5d  %s, for tests", n, name)
			continue
		}
		t.Logf("%5d  %s", n, name)
		total += n
	}
	most := 0
	for _, row := range budget {
		most += row.names
	}
	t.Logf("%5d  in all, of %d", total, most)
	if total > most {
		t.Errorf("the library has %d exported names (want at most %d)", total, most)
	}
}

// TestExportedNamesNoInternalType checks that a program of another module can write down the type
// of everything that it may call.
func TestExportedNamesNoInternalType(t *testing.T) {
	for _, p := range newLoader(t).library(t) {
		for _, f := range internalTypes(p) {
			t.Error(f)
		}
	}
}

// TestInternalTypes checks that the checker finds an internal type at each place.
func TestInternalTypes(t *testing.T) {
	l := newLoader(t)
	const internal = module + "/internal/strictjson.Member"
	for _, row := range []struct{ source, want string }{
		{`func F(strictjson.Member) {}`, "x.F names " + internal},
		{`func F() (_ []*strictjson.Member, _ error) { return }`, "x.F names " + internal},
		{`type T struct{}; func (T) M(map[string]strictjson.Member) {}`, "x.M names " + internal},
		{`type T struct{ F chan [2]strictjson.Member }`, "x.T names " + internal},
		{`type T struct{ strictjson.Member }`, "x.T names " + internal},
		{`type T interface{ M(f func(strictjson.Member)) }`, "x.T names " + internal + "; x.M names " + internal},
		{`type T = strictjson.Member`, "x.T names " + internal},
		{`type g[E any] struct{}; func F(g[strictjson.Member]) {}`, "x.F names " + internal},
		{`var V strictjson.Member`, "x.V names " + internal},
		{`var v strictjson.Member; func f(strictjson.Member) {}; type T struct{ f strictjson.Member }; type u struct{}; func (u) M(strictjson.Member) {}`, ""},
	} {
		files := token.NewFileSet()
		source := "package x; import \"" + module + "/internal/strictjson\"; " + row.source
		file, err := parser.ParseFile(files, "x.go", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := (&types.Config{Importer: l}).Check("x", files, []*ast.File{file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(internalTypes(p), "; "); got != row.want {
			t.Errorf("%s: got %q, want %q", row.source, got, row.want)
		}
	}
}
