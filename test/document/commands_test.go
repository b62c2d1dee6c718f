package document_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// commandBlock is a block of commands in a page, and the mark that it stands under.
type commandBlock struct {
	page  string
	line  int
	lines []string
	mark  string
}

var (
	markForm  = regexp.MustCompile(`^ *<!-- commands: (.*) -->$`)
	runForm   = regexp.MustCompile(`^run by (Test\w+) in ([\w/]+)$`)
	fenceForm = regexp.MustCompile("^ *```(\\w*)")
)

// needs are what the commands need that no test has. A mark names one of them.
var needs = []string{"an account", "containers", "a quiet machine"}

// notCommands marks blocks that are no commands, such as lines of a log.
const notCommands = "none"

// runByCheck marks targets of make, of which continuous integration runs all or what they are made of.
const runByCheck = "run by make check"

// commandBlocks returns the blocks of commands of a page: fenced ones in sh, and indented ones. A mark
// holds for all blocks until the next mark.
func commandBlocks(page, text string) (blocks []commandBlock) {
	lines, mark := strings.Split(text, "\n"), ""
	for i := 0; i < len(lines); i++ {
		if m := markForm.FindStringSubmatch(lines[i]); m != nil {
			mark = m[1]
			continue
		}
		if m := fenceForm.FindStringSubmatch(lines[i]); m != nil {
			end := i + 1
			for end < len(lines) && strings.TrimSpace(lines[end]) != "```" {
				end++
			}
			if m[1] == "sh" {
				blocks = append(blocks, commandBlock{page, i + 1, lines[i+1 : end], mark})
			}
			i = end
			continue
		}
		isStart := i > 0 && strings.TrimSpace(lines[i-1]) == "" && strings.HasPrefix(lines[i], "    ") && strings.TrimSpace(lines[i]) != ""
		if !isStart {
			continue
		}
		end := i
		for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || strings.HasPrefix(lines[end], "    ")) {
			end++
		}
		blocks = append(blocks, commandBlock{page, i + 1, lines[i:end], mark})
		i = end - 1
	}
	return blocks
}

// sources returns the text of the tests of a package, and of what they read beside them.
func sources(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(document.Root(t), folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		if slices.Contains([]string{".go", ".mjs", ".py", ".sh"}, filepath.Ext(file)) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// own matches a command of edgeauth: its words and its flags.
var own = regexp.MustCompile(`\bedgeauth((?: +[a-z][-a-z]*){1,2})([^|&;#]*)`)

// untried returns what of the commands in a block the sources of a test do not have: each command of
// edgeauth with its flags, unless the test reads the page itself.
func (b commandBlock) untried(sources string) (missing []string) {
	if strings.Contains(sources, `"`+filepath.Base(b.page)+`"`) || strings.Contains(sources, b.page+`"`) {
		return nil // the test takes the commands from the page
	}
	for _, m := range own.FindAllStringSubmatch(strings.Join(b.lines, "\n"), -1) {
		words := strings.Fields(m[1])
		if command := strings.Join(words, " "); !strings.Contains(sources, command) && !strings.Contains(sources, words[0]+`", "`+words[len(words)-1]) {
			missing = append(missing, "edgeauth "+command)
		}
	}
	return missing
}

// TestCommandsAreRun holds that every block of commands is run by a test, or says what it needs that no
// test has. The mark stands in a comment before the block, and holds for those that follow:
//
//	<!-- commands: run by TestWalk in test/deploy -->
//	<!-- commands: run by make check -->
//	<!-- commands: need an account -->
//	<!-- commands: none -->
func TestCommandsAreRun(t *testing.T) {
	root := document.Root(t)
	makefile := ""
	for _, name := range []string{"Makefile", "sam.mk"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		makefile += string(text)
	}
	ran, needed := 0, 0
	for page, text := range pages(t) {
		for _, b := range commandBlocks(page, text) {
			at := fmt.Sprintf("%s:%d", b.page, b.line)
			// A target of make that does not exist is wrong under every mark.
			for _, m := range regexp.MustCompile(`(?m)^ *make ([a-z][-a-z]*)`).FindAllStringSubmatch(strings.Join(b.lines, "\n"), -1) {
				if !regexp.MustCompile(`(?m)^(\.PHONY:.* )?`+regexp.QuoteMeta(m[1])+`\b.*:`).MatchString(makefile) && !strings.Contains(makefile, m[1]) {
					t.Errorf("%s: there is no target %s", at, m[1])
				}
			}
			need, isNeed := strings.CutPrefix(b.mark, "need ")
			run := runForm.FindStringSubmatch(b.mark)
			switch {
			case b.mark == notCommands, b.mark == runByCheck:
			case isNeed && slices.Contains(needs, need):
				needed++
			case run != nil:
				ran++
				text := sources(t, run[2])
				if !strings.Contains(text, "func "+run[1]+"(") {
					t.Errorf("%s: there is no test %s in %s", at, run[1], run[2])
				} else if missing := b.untried(text); len(missing) > 0 {
					t.Errorf("%s: the tests in %s do not run %q", at, run[2], missing)
				}
			default:
				t.Errorf("%s: the mark of these commands is %q (want <!-- commands: run by TEST in FOLDER -->, <!-- commands: need %s --> or <!-- commands: none -->):\n%s",
					at, b.mark, strings.Join(needs, " | "), strings.Join(b.lines, "\n"))
			}
		}
	}
	t.Logf("%d blocks of commands are run by a test, %d need what no test has", ran, needed)
}
