package imports_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ends lists every function that ends a session, and how the end is logged: by an event of the
// audit log that the function writes, or by its callers, which are listed too.
var ends = map[string]string{
	"session.Revoke":         "callers",
	"session.Rules.Decide":   "callers",
	"session.Rules.Refresh":  "nothing: in memory, for the model checker",
	"session.Manager.decide": "callers, by Request.OnTheft before the write",
	"session.Manager.Logout": "callers, by Ended",
	"session.Manager.Revoke": "callers, by Ended, also programs of users of the library",

	"session.Manager.LogoutOpaque": "callers, by Ended",
	"session.Manager.logout":       "callers, by Ended",

	"session.Manager.end":         "callers, by Ended",
	"session.Manager.endReplaced": "callers, by Granted.Ended and Ended.Replaced",

	"session.Manager.EndOthers": "callers",
	"session.Manager.EndAll":    "callers",

	"session.Manager.foresee":           "nothing: it foresees a decision",
	"session.Manager.Refresh":           "callers, by Request.OnTheft and Granted.Ended",
	"session.Manager.rotate":            "callers, by Request.OnTheft and Granted.Ended",
	"session.Manager.prepare":           "callers, by Granted.Ended",
	"session.Manager.permit":            "callers, by Granted.Ended",
	"session.Manager.endBefore":         "callers, by Granted.Ended",
	"endpoint.refreshHandler.refresh":   "callers",
	"endpoint.refreshHandler.ServeHTTP": "authn_token_reuse",

	"session.Manager.evict":      "callers, by Granted.Evicted",
	"session.Manager.evictOne":   "callers, by Ended",
	"session.Manager.endChain":   "callers, by Ended.Replaced",
	"session.Manager.Open":       "callers, by Granted.Evicted, also programs of users of the library",
	"endpoint.Responder.open":    "callers",
	"endpoint.Responder.begin":   "callers",
	"endpoint.loginHandler.open": "callers",
	"endpoint.Login":             "authn_token_revoked",
	"endpoint.Responder.Opens":   "authn_token_revoked",

	"session.Manager.slide":              "callers, by Checked.Ended",
	"session.Manager.CheckOpaque":        "callers, by Checked.Ended, also programs of users of the library",
	"session.Checker.CheckOpaque":        "callers, by Checked.Ended, also programs of users of the library",
	"service.SessionChecker.CheckOpaque": "callers, by OpaqueCheck.Replaced",
	"authorizer.Authorizer.decideOpaque": "callers",
	"authorizer.Authorizer.decide":       "callers",
	"authorizer.Authorizer.Invoke":       "authn_token_revoked",
	"authorizer.Authorizer.Middleware":   "authn_token_revoked",

	"endpoint.callers.findOpaque": "authn_token_revoked, by Checked.Ended",

	"endpoint.sessionsHandler.end":     "callers",
	"endpoint.sessionsHandler.endMany": "callers",
	"endpoint.Sessions":                "authn_token_revoked",

	"endpoint.logoutHandler.logout":    "callers",
	"endpoint.logoutHandler.ServeHTTP": "authn_token_revoked",

	"user.Directory.ReplaceHash":         "callers",
	"user.Directory.RedeemChange":        "callers",
	"user.Directory.ResetPassword":       "callers",
	"flow.verification.effect":           "callers",
	"flow.verification.commit":           "callers",
	"flow.verification.prove":            "callers",
	"flow.Manager.Verify":                "callers, by Verified.Purpose, also programs of users of the library",
	"login.Authenticator.replace":        "callers",
	"login.Authenticator.redeem":         "callers",
	"login.Authenticator.ChangePassword": "callers",
	"login.Authenticator.RedeemChange":   "callers",
	"endpoint.accountHandler.prove":      "callers",
	"endpoint.accountHandler.verifyCode": "authn_password_change, and authn_token_revoked for each by Granted.Evicted",
	"endpoint.accountHandler.change":     "authn_password_change, and authn_token_revoked for each by Granted.Evicted",

	"user.Directory.SetPassword":    "callers: the command line",
	"user.Directory.RemovePassword": "callers: the command line",
	"user.Directory.Disable":        "callers: the command line",
	"user.Directory.Delete":         "callers: the command line",
	"user.Directory.compare":        "nothing: it compares a user in memory",
}

// TestEveryEndOfASession compares the list with the code, without the command line, so that no new
// way to end a session lacks a line in the audit log.
func TestEveryEndOfASession(t *testing.T) {
	m := typeCheck(t)
	found := m.enders()
	for name, position := range found {
		if ends[name] == "" {
			t.Errorf("%s: %s ends a session; write a line of the audit log, and add the function to this list", position, name)
		}
	}
	for name := range ends {
		if found[name].Filename == "" {
			t.Errorf("%s ends no session any more; take it off this list", name)
		}
	}
}

// checked is this module's code with its types, without tests.
type checked struct {
	files *token.FileSet
	info  types.Info
	trees []*ast.File
	names map[*ast.File]string // short names of the packages
	all   []*types.Package
}

func typeCheck(t *testing.T) *checked {
	t.Helper()
	watchSources(t)
	command := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles", module+"/...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	type source struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	exports, own := map[string]string{}, []source(nil)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p source
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if within(p.ImportPath, library) || within(p.ImportPath, module+"/internal") || within(p.ImportPath, module+"/functions") {
			own = append(own, p)
		}
	}
	c := &checked{
		files: token.NewFileSet(), names: map[*ast.File]string{},
		info: types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}},
	}
	// Packages come after their imports, so that each package is checked once and objects are
	// equal.
	done := map[string]*types.Package{}
	fallback := importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	imports := importFunc(func(path string) (*types.Package, error) {
		if p := done[path]; p != nil {
			return p, nil
		}
		return fallback.Import(path)
	})
	for _, p := range own {
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(c.files, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
			c.names[file] = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, library+"/"), module+"/")
		}
		done[p.ImportPath], err = (&types.Config{Importer: imports}).Check(p.ImportPath, c.files, files, &c.info)
		if err != nil {
			t.Fatal(err)
		}
		c.trees, c.all = append(c.trees, files...), append(c.all, done[p.ImportPath])
	}
	return c
}

type importFunc func(path string) (*types.Package, error)

func (f importFunc) Import(path string) (*types.Package, error) { return f(path) }

// enders returns the functions that end a session, by name: those that write a tombstone, raise the
// token version of a user or delete sessions, and the functions that call these functions.
func (c *checked) enders() map[string]token.Position {
	ending := map[types.Object]bool{}
	for _, p := range c.all {
		switch strings.TrimPrefix(p.Path(), library+"/") {
		case "session":
			ending[field(p, "Change", "Revocation")] = true
			ending[field(p, "Raise", "To")] = true
		case "user":
			ending[field(p, "User", "TokenVersion")] = true
		}
	}
	found := map[string]token.Position{}
	for before := -1; before != len(ending); {
		before = len(ending)
		for _, file := range c.trees {
			if slices.Contains([]string{"bolt", "dynamo", "storetest", "authtest"}, c.names[file]) {
				continue // stores carry out an update
			}
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Body == nil || !c.uses(f.Body, ending) {
					continue
				}
				name := c.names[file] + "." + receiver(f) + f.Name.Name
				found[name] = c.files.Position(f.Pos())
				if ends[name] != "" && !strings.HasPrefix(ends[name], "callers") {
					continue // its callers write no line
				}
				o := c.info.Defs[f.Name]
				ending[o] = true
				c.throughInterfaces(o, ending)
			}
		}
	}
	return found
}

// uses reports whether a body calls an ending function, names one as a value, or writes an ending
// field of an item that exists. Reading a field ends nothing, and neither does a new user. Deletions
// are found by their name, because package user has an interface of its own for them.
func (c *checked) uses(body ast.Node, ending map[types.Object]bool) (found bool) {
	written := func(e ast.Expr) bool {
		s, ok := e.(*ast.SelectorExpr)
		return ok && ending[c.info.Uses[s.Sel]]
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IncDecStmt:
			found = found || written(n.X)
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Lhs, written)
		case *ast.KeyValueExpr:
			key, ok := n.Key.(*ast.Ident)
			found = found || ok && (key.Name == "Revocation" || key.Name == "To") && ending[c.info.Uses[key]]
		case *ast.Ident:
			_, isFunc := c.info.Uses[n].(*types.Func)
			found = found || isFunc && (n.Name == "DeleteAll" || ending[c.info.Uses[n]])
		}
		return !found
	})
	return found
}

// throughInterfaces adds the interface methods that a method implements.
func (c *checked) throughInterfaces(o types.Object, ending map[types.Object]bool) {
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return
	}
	for _, p := range c.all {
		for _, name := range p.Scope().Names() {
			i, ok := p.Scope().Lookup(name).Type().Underlying().(*types.Interface)
			if !ok || !types.Implements(f.Signature().Recv().Type(), i) {
				continue
			}
			for m := range i.Methods() {
				if m.Name() == f.Name() {
					ending[m] = true
				}
			}
		}
	}
}

// receiver returns the type of a method's receiver and a dot, or nothing.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	e := f.Recv.List[0].Type
	if pointer, ok := e.(*ast.StarExpr); ok {
		e = pointer.X
	}
	return e.(*ast.Ident).Name + "."
}

func field(p *types.Package, of, name string) types.Object {
	o, _, _ := types.LookupFieldOrMethod(p.Scope().Lookup(of).Type(), true, p, name)
	return o
}

// TestEndsFindsEach: a tombstone, a raised token version and a deletion are found, also through an
// interface, and a mere read is not.
func TestEndsFindsEach(t *testing.T) {
	found := typeCheck(t).enders()
	for _, name := range []string{"session.Revoke", "user.Directory.Disable", "user.Directory.Delete", "login.Authenticator.replace"} {
		if found[name].Filename == "" {
			t.Errorf("%s is not found", name)
		}
	}
	for _, name := range []string{"session.Manager.Check", "session.Manager.StepUp", "user.Directory.Enable", "user.User.Subject"} {
		if found[name].Filename != "" {
			t.Errorf("%s ends no session", name)
		}
	}
	t.Log(slices.Sorted(maps.Keys(found)))
}
