package document

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// CommandBlock is a block of commands in a page, with the mark that it stands under.
type CommandBlock struct {
	Page string // the path from the root
	Line int
	Mark string // without "commands:", such as "run by TestWalk in test/deploy"; empty if there is none
	From int    // the line of the mark
	Text string // without the indentation and the prompts
}

// At returns where the block is, as page:line.
func (b CommandBlock) At() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

var (
	markForm  = regexp.MustCompile(`^ *<!-- commands( of this page)?: (.*) -->$`)
	fenceForm = regexp.MustCompile("^ *```(\\w*)")
)

// otherLanguages are the languages of fenced blocks that are no commands.
var otherLanguages = []string{"csv", "go", "hcl", "html", "java", "js", "json", "python", "text", "ts", "yaml"}

// CommandBlocks returns the blocks of a page that are commands: fenced ones of every language but
// [otherLanguages], and indented ones. A mark is a comment. It holds until the next heading or the
// next mark; a mark "commands of this page" holds for the rest of the page where there is no other.
func CommandBlocks(page, text string) (blocks []CommandBlock) {
	lines := strings.Split(text, "\n")
	var mark, wide CommandBlock
	add := func(from, to int) {
		held := mark
		if held.Mark == "" {
			held = wide
		}
		blocks = append(blocks, CommandBlock{page, from + 1, held.Mark, held.From, unindented(lines[from:to])})
	}
	for i := 0; i < len(lines); i++ {
		if m := markForm.FindStringSubmatch(lines[i]); m != nil {
			if mark = (CommandBlock{Mark: m[2], From: i + 1}); m[1] != "" {
				mark, wide = CommandBlock{}, mark
			}
			continue
		}
		if strings.HasPrefix(lines[i], "#") {
			mark = CommandBlock{}
			continue
		}
		if m := fenceForm.FindStringSubmatch(lines[i]); m != nil {
			end := i + 1
			for end < len(lines) && strings.TrimSpace(lines[end]) != "```" {
				end++
			}
			if !slices.Contains(otherLanguages, m[1]) {
				add(i+1, end)
			}
			i = end
			continue
		}
		if i == 0 || strings.TrimSpace(lines[i-1]) != "" || !strings.HasPrefix(lines[i], "    ") || strings.TrimSpace(lines[i]) == "" {
			continue
		}
		end := i
		for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || strings.HasPrefix(lines[end], "    ")) {
			end++
		}
		add(i, end)
		i = end - 1
	}
	return blocks
}

// unindented removes the indentation that all lines share. If the first line has the prompt "$ ",
// the others without one are output, and are left out.
func unindented(lines []string) string {
	indent := -1
	for _, line := range lines {
		if n := len(line) - len(strings.TrimLeft(line, " ")); strings.TrimSpace(line) != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	var all strings.Builder
	prompts := len(lines) > 0 && strings.HasPrefix(strings.TrimSpace(lines[0]), "$ ")
	for _, line := range lines {
		if line = line[min(max(indent, 0), len(line)):]; prompts {
			var isCommand bool
			if line, isCommand = strings.CutPrefix(line, "$ "); !isCommand {
				continue
			}
		}
		all.WriteString(line + "\n")
	}
	return strings.TrimRight(all.String(), "\n") + "\n"
}

// Pages returns the texts of all pages, by their paths from the root.
func Pages(tb testing.TB) map[string]string {
	tb.Helper()
	root, all := Root(tb), map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "web/*.md", "examples/*.md", "examples/*/*.md", "bench/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				tb.Fatal(err)
			}
			all[filepath.ToSlash(name)] = string(text)
		}
	}
	return all
}

// AllCommands returns the blocks of commands of all pages.
func AllCommands(tb testing.TB) (blocks []CommandBlock) {
	tb.Helper()
	for page, text := range Pages(tb) {
		blocks = append(blocks, CommandBlocks(page, text)...)
	}
	slices.SortFunc(blocks, func(a, b CommandBlock) int { return strings.Compare(a.At(), b.At()) })
	return blocks
}

// span is a code span, which may go on in the next line.
var span = regexp.MustCompile("`([^`]+)`")

// Spans returns the commands in the sentences and tables of all pages but the changelog, which
// tells of the past: code spans that begin with one of these programs and have an argument. Each is
// a block without a mark.
func Spans(tb testing.TB, programs ...string) (blocks []CommandBlock) {
	tb.Helper()
	for page, text := range Pages(tb) {
		if page == "CHANGELOG.md" {
			continue
		}
		outside := regexp.MustCompile("(?sm)^ *```.*?^ *```$").ReplaceAllStringFunc(text, func(block string) string {
			return strings.Repeat("\n", strings.Count(block, "\n"))
		})
		for _, m := range span.FindAllStringSubmatchIndex(outside, -1) {
			words := strings.Fields(outside[m[2]:m[3]])
			if len(words) > 1 && slices.Contains(programs, filepath.Base(words[0])) {
				blocks = append(blocks, CommandBlock{Page: page, Line: 1 + strings.Count(outside[:m[0]], "\n"), Text: strings.Join(words, " ") + "\n"})
			}
		}
	}
	return blocks
}

// Use is a command of a page, and where it runs.
type Use struct {
	At     string  `json:"at"` // page:line
	Words  Command `json:"words"`
	Folder string  `json:"folder"` // the path from the root
	Part   bool    `json:"part"`   // a sentence names the command, perhaps without all that it needs
}

// Uses returns the commands of some programs: in all blocks, in the sentences, and in the comments
// of the examples that begin with "In this folder: ".
func Uses(tb testing.TB, programs ...string) (list []Use) {
	tb.Helper()
	add := func(b CommandBlock, folder string, part bool) {
		for _, c := range Parse(b.Text).Commands {
			switch {
			case c[0] == "cd" && len(c) == 2:
				folder = path.Join(folder, c[1])
			case slices.Contains(programs, c.Program()):
				list = append(list, Use{b.At(), c, folder, part})
			}
		}
	}
	for _, b := range AllCommands(tb) {
		if b.Mark != "none" {
			add(b, "", false)
		}
	}
	for _, b := range Spans(tb, programs...) {
		add(b, "", true)
	}
	for _, pattern := range []string{"examples/*.*", "examples/*/*.*"} {
		files, err := filepath.Glob(filepath.Join(Root(tb), pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			name, err := filepath.Rel(Root(tb), file)
			if err != nil {
				tb.Fatal(err)
			}
			name = filepath.ToSlash(name)
			for _, m := range regexp.MustCompile(`(?m)In this folder: (.*?)(?:\. |$)`).FindAllStringSubmatch(string(text), -1) {
				add(CommandBlock{Page: name, Line: 1, Text: m[1]}, path.Dir(name), false)
			}
		}
	}
	return list
}

// Pasted returns the blocks of a page, by its path from the root, under the mark "pasted by TEST in
// FOLDER" of this test. A page without one fails the test.
func Pasted(tb testing.TB, page string) (blocks []string) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(Root(tb), filepath.FromSlash(page)))
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range CommandBlocks(page, string(text)) {
		if strings.HasPrefix(b.Mark, "pasted by "+tb.Name()+" in ") {
			blocks = append(blocks, b.Text)
		}
	}
	if len(blocks) == 0 {
		tb.Fatalf("no block of %s is marked as pasted by %s", page, tb.Name())
	}
	return blocks
}
