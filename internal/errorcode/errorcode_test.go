package errorcode_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/errorcode"
)

// parse returns the files of a folder except tests.
func parse(t *testing.T, folder string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no code in %s", folder)
	}
	return files
}

// TestAll checks that the list has every constant of the package.
func TestAll(t *testing.T) {
	var declared []errorcode.Code
	for _, file := range parse(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared = append(declared, errorcode.Code(text))
			}
			return true
		})
	}
	slices.Sort(declared)
	if all := errorcode.All(); len(declared) == 0 || !slices.Equal(all, declared) {
		t.Errorf("All returns %q\nwant        %q", all, declared)
	}
}

// TestEndpointsUseTheList checks that no package invents a code: an untyped text would compile, and
// would be in no document. The code of a denial is the deployment's own.
func TestEndpointsUseTheList(t *testing.T) {
	isText := func(e ast.Expr) bool {
		literal, ok := e.(*ast.BasicLit)
		return ok && literal.Kind == token.STRING
	}
	uses := 0
	for _, folder := range []string{"../router", "../../pkg/auth/endpoint", "../../pkg/auth/endpoint/discovery", "../../pkg/auth/gateway"} {
		for _, file := range parse(t, folder) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					if key, ok := n.Key.(*ast.Ident); ok && key.Name == "code" && isText(n.Value) {
						t.Errorf("%s: the code %s is not in the list", folder, n.Value.(*ast.BasicLit).Value)
					}
				case *ast.CallExpr:
					name := nameOf(n.Fun)
					if name == "Code" && nameOf(n.Args[0]) != "denial.Code" {
						t.Errorf("%s: a code is made of %s", folder, nameOf(n.Args[0]))
					}
					if (name == "answer.Error" || name == "refusal") && slices.ContainsFunc(n.Args, isText) {
						t.Errorf("%s: %s is called with a text", folder, name)
					}
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "errorcode" {
						uses++
					}
				}
				return true
			})
		}
	}
	if uses < len(errorcode.All()) {
		t.Errorf("%d uses of %d codes: the folders are wrong", uses, len(errorcode.All()))
	}
}

// nameOf returns x, or x.y. A conversion to a Code is named Code.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && x.Name == "errorcode" {
			return e.Sel.Name
		} else if ok {
			return x.Name + "." + e.Sel.Name
		}
	}
	return ""
}
