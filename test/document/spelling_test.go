package document_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
	"github.com/edgeauth/edgeauth/test/engine"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(document.Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// expanded returns the commands of SAM CLI that targets of make run.
func expanded(t *testing.T, list []document.Use) (all []document.Use) {
	t.Helper()
	for _, u := range list {
		if len(u.Words) < 3 || !strings.HasPrefix(u.Words[1], "sam-") {
			continue
		}
		c := exec.Command("make", append([]string{"--dry-run", "--no-print-directory"}, u.Words[1:]...)...)
		// Without the flags of the make that runs this test.
		c.Dir, c.Env = document.Root(t), append(os.Environ(), "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %q: %v\n%s", u.At, u.Words, err, out)
			continue
		}
		for _, c := range document.Parse(string(out)).Commands {
			if c[0] == ".cache/sam/bin/sam" {
				all = append(all, document.Use{At: u.At, Words: append(document.Command{"sam"}, c[1:]...)})
			}
		}
	}
	return all
}

// spelled runs test/document/commands.py over commands of aws and sam. It returns a sentence for
// each fault.
func spelled(t *testing.T, list []document.Use) (problems []string) {
	t.Helper()
	python := filepath.Join(document.Root(t), ".cache", "sam", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		engine.LeaveOut(t, "SAM CLI", "make judge")
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "commands.py")
	c.Stdin = bytes.NewReader(in)
	c.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "PYTHONDONTWRITEBYTECODE=1")
	var failed bytes.Buffer
	c.Stderr = &failed
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, &problems)
	}
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &failed)
	}
	return problems
}

// TestSpelling holds every command of aws and sam, of the pages and of what our programs print, to
// what the program accepts: of aws by the models of its services, of sam by SAM CLI itself,
// parameters of a template by the template.
func TestSpelling(t *testing.T) {
	list, printed := document.Uses(t, "aws", "sam"), document.Printed(t, "aws", "sam")
	if len(printed) < 15 {
		t.Errorf("the programs print %d commands", len(printed))
	}
	list = append(list, printed...)
	if _, err := exec.LookPath("make"); err == nil {
		list = append(list, expanded(t, document.Uses(t, "make"))...)
	}
	if len(list) < 80 {
		t.Errorf("the pages have %d commands", len(list))
	}
	real := len(list)
	// What the check must find.
	wrong := []struct{ script, want string }{
		{"aws dynamo list-tables", "no service dynamo"},
		{"aws dynamodb list-table", "no operation list-table"},
		{"aws dynamodb list-tables --name x", "no option --name"},
		{"aws sns subscribe --topic-arn x --protocol email --endpoint x", "no option --endpoint"},
		{"aws dynamodb list-tables x", "x belongs to no option"},
		{"aws dynamodb describe-table", "Missing required parameter in input: \"TableName\""},
		{"aws dynamodb delete-table --table-name a b", "--table-name has 2 values"},
		{"aws dynamodb delete-table --table-name", "--table-name has no value"},
		{"aws dynamodb wait table-exist --table-name x", "wait has no table-exist"},
		{"aws dynamodb update-table --table-name x --no-deletion-protection", "no option --no-deletion-protection"},
		{"aws dynamodb update-table --table-name x --deletion-protection-enabled true", "takes no value"},
		{"aws dynamodb update-time-to-live --table-name x --time-to-live-specification Enabled=yes,AttributeName=e", "want true or false"},
		{"aws dynamodb update-time-to-live --table-name x --time-to-live-specification Enable=true", "the part Enable=true"},
		{"aws secretsmanager list-secrets --filters Key=tags,Values=x", "--filters tags (want description,"},
		{"aws secretsmanager delete-secret --secret-id x --recovery-window-in-days seven", "invalid literal"},
		{"aws sts get-caller-identity --query Accounts", "no member Accounts"},
		{"aws sts get-caller-identity --output txt", "--output txt"},
		{"aws cloudformation describe-stacks --query 'Stacks[0'", "--query Stacks[0: "},
		{"aws cloudformation describe-stacks --query 'Stack[0].Outputs'", "no member Stack"},
		{"aws cloudformation describe-stacks --query 'Stacks.Outputs'", "no member Outputs"},
		{"aws cloudformation describe-stacks --query 'Stacks[0].Outputs[?Key==`x`].OutputValue'", "no member Key"},
		{"aws cloudformation describe-stacks --query 'Stacks[0].Outputs[?OutputKey==`x`].Value'", "no member Value"},
		{"aws cloudformation describe-stacks --query 'Stacks[].[StackName,Status]'", "no member Status"},
		{"aws cloudwatch set-alarm-state --alarm-name x --state-value RED --state-reason x", "--state-value RED (want OK, "},
		{"aws logs tail --since 10m", "takes 1 arguments first"},
		{"aws logs tail x --after 10m", "no option --after"},
		{"aws cloudformation deploy --template-file template.yaml --stack-name x", "51,200 bytes"},
		{"aws cloudformation deploy --template-file examples/deployer/deployer.yaml --stack-name x", "needs --capabilities"},
		{"sam deploi", "no check knows sam deploi"},
		{"sam deploy --parameter-override KeyVersion=2", "No such option"},
		{"sam deploy --parameter-overrides KeyVersion=2 Keys=3", "no parameter Keys"},
		{"sam deploy --parameter-overrides Profile=stricter", "Profile=stricter (want "},
		{"sam deploy --parameter-overrides RequestRate=0", "RequestRate=0"},
		{"sam deploy --config-env production", "no stage production"},
		{"sam build -t no.yaml", "there is no no.yaml"},
		{"sam delete --stack-name", "requires an argument"},
		{"sam delete edgeauth", "takes no edgeauth"},
	}
	for _, row := range wrong {
		for _, c := range document.Parse(row.script).Commands {
			list = append(list, document.Use{At: "wrong: " + row.script, Words: c})
		}
	}
	problems := spelled(t, list)
	for _, row := range wrong {
		if !slices.ContainsFunc(problems, func(p string) bool {
			return strings.HasPrefix(p, "wrong: "+row.script+": ") && strings.Contains(p, row.want)
		}) {
			t.Errorf("nothing is wrong with %s (want %s)", row.script, row.want)
			for _, p := range problems {
				if strings.HasPrefix(p, "wrong: "+row.script+": ") {
					t.Errorf("  but %s", p)
				}
			}
		}
	}
	for _, p := range problems {
		if !strings.HasPrefix(p, "wrong: ") {
			t.Error(p)
		}
	}
	t.Logf("%d commands of aws and sam", real)
}

// wrongMake returns what is wrong with a command of make: the target or a variable is not in the
// makefiles.
func wrongMake(c document.Command, makefiles string) (problems []string) {
	for _, word := range c[1:] {
		name, _, isVariable := strings.Cut(word, "=")
		form := `(?m)^(?:[a-z][-a-z ]* )?` + regexp.QuoteMeta(name) + `(?: [a-z][-a-z ]*)?:(?:[^=]|$)`
		if isVariable {
			form = `\$\(` + regexp.QuoteMeta(name) + `\)`
		}
		if !regexp.MustCompile(form).MatchString(makefiles) {
			problems = append(problems, "the makefiles have no "+name)
		}
	}
	return problems
}

// TestMake holds every command of make to the makefiles.
func TestMake(t *testing.T) {
	makefiles := read(t, "Makefile") + read(t, "sam.mk")
	list := append(document.Uses(t, "make"), document.Printed(t, "make")...)
	for _, u := range list {
		for _, problem := range wrongMake(u.Words, makefiles) {
			t.Errorf("%s: %q: %s", u.At, u.Words, problem)
		}
	}
	if len(list) < 30 {
		t.Errorf("the pages have %d commands of make", len(list))
	}
	for _, c := range []document.Command{{"make", "tests"}, {"make", "run", "ARG=x"}, {"make", "ARCH"}, {"make", "sam"}} {
		if len(wrongMake(c, makefiles)) == 0 {
			t.Errorf("nothing is wrong with %q", c)
		}
	}
}

// goFlags are flags of the command go that the pages use. The value says whether a value follows.
var goFlags = map[string]bool{"-o": true, "-run": true, "-bench": true, "-benchtime": true, "-v": false, "-count": true, "-race": false}

// wrongGo returns what is wrong with a command of go that builds or tests: a package, a flag of it,
// or a pattern of names that names no test.
func wrongGo(t *testing.T, u document.Use) (problems []string) {
	t.Helper()
	folder, flags := filepath.Join(document.Root(t), filepath.FromSlash(u.Folder)), map[string]string{}
	if len(u.Words) < 2 || !slices.Contains([]string{"build", "test"}, u.Words[1]) {
		return []string{"no check knows this command"}
	}
	for i := 2; i < len(u.Words); i++ {
		word := u.Words[i]
		hasValue, known := goFlags[word]
		switch {
		case strings.HasPrefix(word, "./"):
			folder = filepath.Join(folder, filepath.FromSlash(word))
		case !strings.HasPrefix(word, "-"):
			problems = append(problems, word+" is no package")
		case known && !hasValue:
			flags[word] = ""
		case known || i+1 < len(u.Words) && !strings.HasPrefix(u.Words[i+1], "-") && !strings.HasPrefix(u.Words[i+1], "./"):
			if i++; i == len(u.Words) {
				return append(problems, word+" has no value")
			}
			flags[word] = u.Words[i]
		default:
			flags[word] = ""
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		return append(problems, "there is no such package")
	}
	var sources strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	for flag, pattern := range flags {
		kind := map[string]string{"-run": "Test", "-bench": "Benchmark"}[flag]
		if _, known := goFlags[flag]; !known && !regexp.MustCompile(`flag\.\w+\((?:&\w+, )?"`+regexp.QuoteMeta(flag[1:])+`"`).MatchString(sources.String()) {
			problems = append(problems, "the package has no flag "+flag)
		} else if kind != "" && pattern != "^$" {
			first, _, _ := strings.Cut(pattern, "/")
			name, err := regexp.Compile(first)
			if err != nil || !slices.ContainsFunc(regexp.MustCompile(`(?m)^func (`+kind+`\w+)\(`).FindAllStringSubmatch(sources.String(), -1), func(m []string) bool { return name.MatchString(m[1]) }) {
				problems = append(problems, flag+" "+pattern+" names nothing")
			}
		}
	}
	return problems
}

// TestGoCommands holds every command of go to the packages: the folder, the flags, and the tests
// that a pattern names.
func TestGoCommands(t *testing.T) {
	list := document.Uses(t, "go")
	for _, u := range list {
		for _, problem := range wrongGo(t, u) {
			t.Errorf("%s: %q: %s", u.At, u.Words, problem)
		}
	}
	if len(list) < 12 {
		t.Errorf("the pages have %d commands of go", len(list))
	}
	for _, script := range []string{
		"go vet ./...", "go test ./test/nothing", "go test ./test/document -run TestNothing", "go test ./test/document -travellers 3", "go build cmd/edgeauth", "go test ./test/costs -run",
	} {
		if len(wrongGo(t, document.Use{Words: document.Parse(script).Commands[0]})) == 0 {
			t.Errorf("nothing is wrong with %s", script)
		}
	}
}
