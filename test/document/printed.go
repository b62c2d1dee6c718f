package document

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The commands in what a program says: after a colon or at the beginning up to the end of the part
// of the sentence, or in quotation marks. "make" is a word of sentences too, so it counts only in
// them.
var (
	saidForm   = regexp.MustCompile(`(?m)(?:^|: |\n *|\()((?:aws|sam) [a-z][a-z0-9-]* [^;"\n]*?|edgeauth [a-z]+ [a-z-]+ <[^;"\n]*?)(?:, |[;"\n]|$)`)
	quotedForm = regexp.MustCompile(`["(]((?:aws|sam|make|edgeauth) [a-z][^"$)]*)[")]`)
	open       = regexp.MustCompile(`%(?:\[\d+\])?[a-z]|\b(?:NAME|VALUE|ARN)\b`)
)

// Printed returns the commands in the texts that our own programs print, as they stand in the
// sources of cmd and functions. What the text gets while the program runs is [Unknown], and so is
// what the reader fills in. Each may be a part of a command.
func Printed(tb testing.TB, programs ...string) (list []Use) {
	tb.Helper()
	for _, pattern := range []string{"cmd/*/*.go", "cmd/*/internal/*/*.go", "functions/*/*.go"} {
		paths, err := filepath.Glob(filepath.Join(Root(tb), filepath.FromSlash(pattern)))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				tb.Fatal(err)
			}
			name, err := filepath.Rel(Root(tb), path)
			if err != nil {
				tb.Fatal(err)
			}
			for position, text := range texts(file) {
				text = open.ReplaceAllString(text, Unknown)
				for _, form := range []*regexp.Regexp{saidForm, quotedForm} {
					for _, m := range form.FindAllStringSubmatch(text, -1) {
						for _, c := range Parse(m[1]).Commands {
							if slices.Contains(programs, c.Program()) {
								at := fmt.Sprintf("%s:%d", filepath.ToSlash(name), files.Position(position).Line)
								list = append(list, Use{At: at, Words: c, Part: true})
							}
						}
					}
				}
			}
		}
	}
	return list
}

// texts returns the texts in a file, by where each begins. Texts that are joined by + are one. A
// name is what was assigned to it in the same file, if that was a text.
func texts(file *ast.File) map[token.Pos]string {
	known := map[string]string{}
	var value func(e ast.Expr) (text string, isText bool)
	value = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(e.Value)
			return text, err == nil && e.Kind == token.STRING
		case *ast.BinaryExpr:
			left, isText := value(e.X)
			right, alsoText := value(e.Y)
			return left + right, e.Op == token.ADD && (isText || alsoText)
		case *ast.Ident:
			if text, ok := known[e.Name]; ok {
				return text, true
			}
		}
		return Unknown, false
	}
	all := map[token.Pos]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && len(a.Lhs) == 1 && len(a.Rhs) == 1 {
			if name, ok := a.Lhs[0].(*ast.Ident); ok {
				if text, isText := value(a.Rhs[0]); isText {
					known[name.Name] = text
				}
			}
		}
		if e, ok := n.(ast.Expr); ok {
			if _, isName := e.(*ast.Ident); !isName {
				if text, isText := value(e); isText {
					all[e.Pos()] = text
					return false
				}
			}
		}
		return true
	})
	return all
}
