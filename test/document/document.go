// Package document reads the pages under docs/ for the tests that hold them to the code:
//
//	for _, table := range document.Read(t, "audit.md").Tables("event") {
//		for _, row := range table.Rows {
//			fmt.Println(row["event"])
//		}
//	}
package document

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Page is one page, cut at its headings of the second level.
type Page struct{ Sections []Section }

// Section is a part of a page. The part before the first heading has no heading.
type Section struct {
	Heading string
	Text    []string // the lines that are neither in a table nor in a code block
	Tables  []Table
	Code    []Block
}

// Table is a table, with its rows by the names of the columns. The cells are as they are written,
// except that one without anything but a code span is its text.
type Table struct {
	Columns []string
	Rows    []map[string]string
}

// Block is a code block.
type Block struct{ Language, Text string }

// Tables returns every table of a page that begins with this column.
func (p Page) Tables(column string) (tables []Table) {
	for _, s := range p.Sections {
		for _, t := range s.Tables {
			if t.Columns[0] == column {
				tables = append(tables, t)
			}
		}
	}
	return tables
}

// Root returns the path of the repository, which is above the test's working folder.
func Root(tb testing.TB) string {
	tb.Helper()
	folder, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "docs", "architecture.md")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			tb.Fatal("no docs/architecture.md above the working folder: run the test in the repository")
		}
		folder = parent
	}
}

// Read returns a page of docs/. A malformed table fails the test.
func Read(tb testing.TB, name string) Page {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(Root(tb), "docs", name))
	if err != nil {
		tb.Fatal(err)
	}
	page, err := parse(string(text))
	if err != nil {
		tb.Fatalf("docs/%s: %v", name, err)
	}
	return page
}

func parse(text string) (Page, error) {
	page := Page{Sections: make([]Section, 1)}
	var block *Block
	inTable := false
	for number, line := range strings.Split(text, "\n") {
		s := &page.Sections[len(page.Sections)-1]
		language, fence := strings.CutPrefix(line, "```")
		row := strings.HasPrefix(line, "|")
		switch {
		case block != nil && fence:
			s.Code, block = append(s.Code, *block), nil
		case block != nil:
			block.Text += line + "\n"
		case fence:
			block = &Block{Language: language}
		case strings.HasPrefix(line, "## "):
			page.Sections = append(page.Sections, Section{Heading: line[3:]})
		case !row:
			s.Text = append(s.Text, line)
		case !inTable:
			s.Tables = append(s.Tables, Table{Columns: cells(line)})
		case strings.HasPrefix(line, "| --"):
		default:
			if err := s.Tables[len(s.Tables)-1].add(cells(line)); err != nil {
				return Page{}, fmt.Errorf("line %d: %w", number+1, err)
			}
		}
		inTable = row && block == nil
	}
	return page, nil
}

func (t *Table) add(cells []string) error {
	if len(cells) != len(t.Columns) {
		return fmt.Errorf("a row has %d cells under %d columns", len(cells), len(t.Columns))
	}
	row := make(map[string]string, len(cells))
	for i, cell := range cells {
		row[t.Columns[i]] = cell
	}
	t.Rows = append(t.Rows, row)
	return nil
}

// cells returns the cells of a line "| a | `b` |".
func cells(line string) []string {
	list := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|"), " | ")
	for i, cell := range list {
		cell = strings.TrimSpace(cell)
		if code := strings.Trim(cell, "`"); cell == "`"+code+"`" && !strings.Contains(code, "`") {
			cell = code
		}
		list[i] = cell
	}
	return list
}

// Words returns the code spans of a cell, or the cell itself if it is one word.
func Words(cell string) (words []string) {
	if !strings.Contains(cell, "`") {
		return []string{cell}
	}
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			words = append(words, part)
		}
	}
	return words
}
