package document_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// needs are what the commands need that no test has. A mark names one of them.
var needs = []string{"an account", "containers", "a quiet machine", "a project of Firebase"}

var runForm = regexp.MustCompile(`^(run|pasted|parsed) by (Test\w+(?:, Test\w+)*) in ([\w/]+)$`)

// The programs that commands of a page may use. tools are part of every system, and held has a
// check for each program. No check of this repository knows the programs in foreign.
var (
	tools   = strings.Fields("base64 cat cd cut date echo grep head openssl printf python3 sed sha256sum shift sleep tail tr wc")
	held    = strings.Fields("aws curl edgeauth go make npm sam")
	foreign = []string{"firebase"}

	curlFlags = strings.Fields("-sS -H -X -b -c -d -o -w --fail --fail-with-body")
)

// testSources returns the source of a test and of all that it uses: functions, variables and types
// of its package's tests, and those of the packages under test/ that it imports. Names decide, so
// it returns too much rather than too little. Between the words of a command stands one space:
// "user", "add" is user add.
func testSources(t *testing.T, folder, test string) (string, error) {
	t.Helper()
	root, files := document.Root(t), token.NewFileSet()
	declared, text := map[string][]ast.Node{}, map[string]string{}
	var read func(pattern string) error
	read = func(pattern string) error {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		for _, name := range names {
			if _, again := text[name]; again {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text[name] = string(source)
			file, err := parser.ParseFile(files, name, source, 0)
			if err != nil {
				return err
			}
			for _, declaration := range file.Decls {
				switch d := declaration.(type) {
				case *ast.FuncDecl:
					declared[d.Name.Name] = append(declared[d.Name.Name], d)
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						switch s := spec.(type) {
						case *ast.ValueSpec:
							for _, name := range s.Names {
								declared[name.Name] = append(declared[name.Name], s)
							}
						case *ast.TypeSpec:
							declared[s.Name.Name] = append(declared[s.Name.Name], s)
						}
					}
				}
			}
			for _, imported := range file.Imports {
				at, err := strconv.Unquote(imported.Path.Value)
				if err != nil {
					return err
				}
				if name, ours := strings.CutPrefix(at, "github.com/edgeauth/edgeauth/test/"); ours && name != "document" {
					if err := read("test/" + name + "/*.go"); err != nil {
						return err
					}
				}
			}
		}
		return err
	}
	if err := read(folder + "/*_test.go"); err != nil {
		return "", err
	}
	if len(declared[test]) != 1 {
		return "", fmt.Errorf("there is no test %s in %s", test, folder)
	}
	var all strings.Builder
	queue, seen := []string{test}, map[string]bool{}
	for len(queue) > 0 {
		name := queue[0]
		if queue = queue[1:]; seen[name] {
			continue
		}
		seen[name] = true
		for _, node := range declared[name] {
			from, to := files.Position(node.Pos()), files.Position(node.End())
			all.WriteString(text[from.Filename][from.Offset:to.Offset] + "\n")
			ast.Inspect(node, func(n ast.Node) bool {
				if identifier, ok := n.(*ast.Ident); ok {
					queue = append(queue, identifier.Name)
				}
				return true
			})
		}
	}
	return regexp.MustCompile(`",\s*"`).ReplaceAllString(all.String(), " "), nil
}

var (
	verbForm = regexp.MustCompile(`^[a-z][-a-z]*$`)
	pathForm = regexp.MustCompile(`^(?:https?://[^/]+|` + document.Unknown + `)(/[\w./-]*)`)
)

// untried returns what of a command the sources of a test do not have: the verb, each flag, each
// parameter of a template, and of curl the path.
func untried(c document.Command, sources string) (missing []string) {
	want := func(form, what string) {
		if !regexp.MustCompile(form).MatchString(sources) {
			missing = append(missing, what)
		}
	}
	name := c.Program()
	switch {
	case name == "aws":
		return []string{"aws (no test runs it)"}
	case !slices.Contains(held, name):
		return nil
	case name == "curl":
		for _, word := range c[1:] {
			if m := pathForm.FindStringSubmatch(word); m != nil {
				want(regexp.QuoteMeta(m[1])+`\b`, m[1])
			}
		}
		return missing
	}
	verb := ""
	for _, word := range c[1:min(3, len(c))] {
		if !verbForm.MatchString(word) {
			break
		}
		verb = strings.TrimSpace(verb + " " + word)
	}
	want(`["\x60\s/]`+regexp.QuoteMeta(verb)+`["\x60\s]`, name+" "+verb)
	for _, word := range c[1:] {
		flag, _, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "-") && word != "--" && word != "-":
			want(`["\x60\s]`+regexp.QuoteMeta(flag)+`["\x60\s=]`, flag)
		case regexp.MustCompile(`^[A-Z]\w*$`).MatchString(flag) && flag != word:
			want(`\b`+flag+`=`, flag+"=")
		}
	}
	return missing
}

// problems returns what is wrong with the mark of a block. sources returns the source of a test.
func problems(b document.CommandBlock, functions []string, sources func(folder, test string) (string, error)) (list []string) {
	script := document.Parse(b.Text)
	bad := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if b.Mark == "none" {
		for _, c := range script.Commands {
			if slices.Contains(held, c.Program()) {
				bad("the mark says that %q is no command", c)
			}
		}
		return list
	}
	if len(script.Commands) == 0 && len(script.Functions) == 0 && !strings.Contains(b.Text, "=") {
		bad("the block has no command")
	}
	for _, c := range script.Commands {
		if name := c.Program(); !slices.Contains(slices.Concat(tools, held, foreign, functions), name) {
			bad("no check knows the program %s of %q", name, c)
		}
		for _, word := range c[1:] {
			if c[0] == "curl" && strings.HasPrefix(word, "-") && !slices.Contains(curlFlags, word) {
				bad("no check knows the flag %s of curl", word)
			}
		}
	}
	need, isNeed := strings.CutPrefix(b.Mark, "need ")
	run := runForm.FindStringSubmatch(b.Mark)
	switch {
	case isNeed && slices.Contains(needs, need):
	case b.Mark == "listed":
		for _, c := range script.Commands {
			if len(c) != 2 || !slices.Contains([]string{"make", "sam"}, c.Program()) {
				bad("a list has no command such as %q", c)
			}
		}
	case run != nil:
		all := ""
		for _, test := range strings.Split(run[2], ", ") {
			text, err := sources(run[3], test)
			if err != nil {
				bad("%v", err)
				return list
			}
			all += text
		}
		if run[1] == "pasted" {
			if !strings.Contains(all, `.Pasted(t, "`+b.Page+`")`) {
				bad("%s does not take the blocks of this page by Pasted of package document", run[2])
			}
			return list
		}
		for _, c := range script.Commands {
			if run[1] == "parsed" {
				served := c.Program() == "edgeauth" || c.Program() == "make" && len(c) == 3 && c[1] == "run"
				if !served && slices.Contains(held, c.Program()) || !strings.Contains(all, `document.Uses(t, "edgeauth`) {
					bad("%s does not parse %q", run[2], c)
				}
				continue
			}
			for _, what := range untried(c, all) {
				bad("%s does not run %s of %q", run[2], what, c)
			}
		}
	default:
		bad("the mark is %q (want <!-- commands: run by TEST in FOLDER -->, pasted by the same, parsed by the same, need %s, listed, or none)", b.Mark, strings.Join(needs, " | "))
	}
	return list
}

// TestCommandsAreRun holds that every block of commands is run by a test, or says what it needs
// that no test has. The mark is a comment before the block, and holds until the next heading or the
// next mark; with "commands of this page", for all blocks of the page that have no mark of their
// own:
//
//	<!-- commands: pasted by TestReadme in test/e2e -->        the test takes the block from the page
//	<!-- commands: run by TestWalk, TestKeys in test/deploy --> the tests contain each verb and each flag
//	<!-- commands: parsed by TestPages in cmd/edgeauth -->     edgeauth reads the arguments and does nothing
//	<!-- commands: need an account -->                         or what else of [needs]
//	<!-- commands: listed -->                                  targets of make, which TestMake holds
//	<!-- commands: none -->                                    no commands, such as lines of a log
//
// Other tests judge each command, under every mark: TestSpelling and TestMake here, and
// TestPages in cmd/edgeauth.
func TestCommandsAreRun(t *testing.T) {
	known := map[string]string{}
	sources := func(folder, test string) (string, error) {
		if text, ok := known[folder+test]; ok {
			return text, nil
		}
		text, err := testSources(t, folder, test)
		if err == nil {
			known[folder+test] = text
		}
		return text, err
	}
	functions, count := map[string][]string{}, map[string]int{}
	blocks := document.AllCommands(t)
	for _, b := range blocks {
		functions[b.Page] = append(functions[b.Page], document.Parse(b.Text).Functions...)
	}
	for _, b := range blocks {
		for _, problem := range problems(b, functions[b.Page], sources) {
			t.Errorf("%s: %s", b.At(), problem)
		}
		kind, _, _ := strings.Cut(b.Mark, " by ")
		count[kind]++
	}
	for page, text := range document.Pages(t) {
		for i, line := range strings.Split(text, "\n") {
			isUsed := func(b document.CommandBlock) bool { return b.Page == page && b.From == i+1 }
			if strings.Contains(line, "<!-- commands") && !slices.ContainsFunc(blocks, isUsed) {
				t.Errorf("%s:%d: no block stands under this mark", page, i+1)
			}
		}
	}
	t.Logf("blocks of commands by their marks: %v", count)

	// What the check must find.
	for _, row := range []struct{ mark, text, want string }{
		{"", "edgeauth doctor", `the mark is ""`},
		{"need luck", "edgeauth doctor", `the mark is "need luck"`},
		{"none", "  x | edgeauth doctor", "is no command"},
		{"listed", "make run ARGS=x", "a list has no command"},
		{"need an account", "awx s3 ls", "no check knows the program awx"},
		{"need an account", "curl --failed https://example.com", "the flag --failed of curl"},
		{"need an account", "# nothing", "has no command"},
		{"run by TestNo in test/deploy", "edgeauth doctor", "there is no test TestNo"},
		{"run by TestWalk in test/deploy", "edgeauth user ad ada@example.com", "edgeauth user ad"},
		{"run by TestWalk in test/deploy", "edgeauth doctor --no-users", "does not run --no-users"},
		{"run by TestWalk in test/deploy", "sam deploy --parameter-overrides KeyVersions=2", "does not run KeyVersions="},
		{"run by TestWalk in test/deploy", "sam deploy --guided", "does not run --guided"},
		{"run by TestWalk in test/deploy", "x=$(curl -sS $api/auth/logon)", "does not run /auth/logon"},
		{"run by TestWalk in test/deploy", "for x in 1; do aws sts get-caller-identity; done", "no test runs it"},
		{"pasted by TestWalk in test/deploy", "edgeauth doctor", "does not take the blocks"},
		{"parsed by TestPages in cmd/edgeauth", "make test", "does not parse"},
		{"parsed by TestUsers in cmd/edgeauth", "edgeauth dev", "does not parse"},
		{"parsed by TestPages in cmd/edgeauth", "make run ARGS='--checked \"GET /me\"'", ""},
		{"run by TestWalk in test/deploy", "printf x | edgeauth user add ada@example.com --store stack:edgeauth", ""},
		{"pasted by TestReadme in test/e2e", "curl http://127.0.0.1:8080/me", ""},
	} {
		got := problems(document.CommandBlock{Page: "README.md", Mark: row.mark, Text: row.text}, nil, sources)
		if wrong := strings.Join(got, "; "); row.want == "" && wrong != "" || !strings.Contains(wrong, row.want) {
			t.Errorf("%s: %s: found %q, want %q", row.mark, row.text, wrong, row.want)
		}
	}
}

// TestMarks: a mark holds until the next heading or mark, and that of a page where there is no
// other.
func TestMarks(t *testing.T) {
	const page = "<!-- commands of this page: a -->\n\n    1\n\n## x\n\n    2\n\n<!-- commands: b -->\n\n```sh\n3\n```\n\n" +
		"    4\n\n### y\n\n    5\n\n- z\n\n      $ 6\n      out\n\n```json\n7\n```\n\n```\n8\n```\n"
	var got []string
	for _, b := range document.CommandBlocks("p.md", page) {
		got = append(got, b.Mark+strings.TrimSpace(b.Text))
	}
	if want := strings.Fields("a1 a2 b3 b4 a5 a6 a8"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if blocks := document.CommandBlocks("p.md", "# x\n\n<!-- commands: b -->\n\n## y\n\n    1\n"); len(blocks) != 1 || blocks[0].Mark != "" {
		t.Errorf("a mark of another section holds: %+v", blocks)
	}
}

func TestParseCommands(t *testing.T) {
	for script, want := range map[string]string{
		"a b 'c d' \"e $f \\\" <the g>\" h\\ i":      `[["a" "b" "c d" "e <unknown> \" <unknown>" "h i"]]`,
		"X=1 a | b; c && d || e & f # g":             `[["a"] ["b"] ["c"] ["d"] ["e"] ["f"]]`,
		"a \\\n  --b # c\nd":                         `[["a" "--b"] ["d"]]`,
		"x=$(a \"$(b c)\" | d) y=2":                  `[["b" "c"] ["a" "<unknown>"] ["d"]]`,
		"f() { a \"$@\"; }\nf 1":                     `[["a"] ["f" "1"]]`,
		"for x in <a> <b c>; do\n  a ${x}y\ndone":    `[["a" "<unknown>y"]]`,
		"cat >x.json <<'END'\n{\"a\": 1}\nEND\na":    `[["cat"] ["a"]]`,
		"(cd x && a) 2>/dev/null & b <x >>y":         `[["cd" "x"] ["a"] ["b"]]`,
		"a --b=<id> C='$(tr -d x <y)'\nwatch -n 2 c": `[["a" "--b=<unknown>" "C=$(tr -d x <y)"] ["c"]]`,
		"if a; then b; fi":                           `[["a"] ["b"]]`,
	} {
		if got := fmt.Sprintf("%q", document.Parse(script).Commands); got != want {
			t.Errorf("%s\n got %s\nwant %s", script, got, want)
		}
	}
}

// TestIncidents: each cure of an incident names the command, or links to the page or section that
// has it. A command of a cure names the stack, because without --store it would change the data of the
// local server.
func TestIncidents(t *testing.T) {
	cure := regexp.MustCompile("`(edgeauth|aws|sam|make) |\\]\\([\\w.]*#")
	if cure.MatchString("set the throttling lower ([http.md](http.md)) with `RequestRate`") {
		t.Error("a cure without a command passes")
	}
	local := regexp.MustCompile("`edgeauth (user|session|doctor|keys) [^`]*`")
	rows, page := 0, document.Read(t, "operations.md")
	for _, section := range page.Sections {
		for _, table := range section.Tables {
			for _, row := range table.Rows {
				for _, command := range local.FindAllString(row["what to do"], -1) {
					if !strings.Contains(command, "--store stack:") {
						t.Errorf("%s acts on the local server", command)
					}
				}
			}
		}
	}
	for _, table := range page.Tables("what happened") {
		for _, row := range table.Rows {
			rows++
			if !cure.MatchString(row["what to do"]) {
				t.Errorf("%s: no command and no section in %q", row["what happened"], row["what to do"])
			}
		}
	}
	if rows < 14 {
		t.Errorf("the page has %d incidents", rows)
	}
}
