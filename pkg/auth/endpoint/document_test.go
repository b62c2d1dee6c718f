package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/route"
)

// page is docs/http.md: the sections of the endpoints by their patterns, and the section about every
// endpoint under the name "".
var page = sync.OnceValues(func() (map[string]*section, error) {
	text, err := os.ReadFile("../../../docs/http.md")
	if err != nil {
		return nil, err
	}
	return parsePage(string(text))
})

// section is what the page says of one endpoint.
type section struct {
	Patterns []string
	Text     []string // the lines before the first example that are in no table
	Types    string   // the line about the body; empty if the endpoint reads none
	Fields   []documentedField
	Members  []documentedMember // of a successful answer
	Answers  []documentedAnswer
	Examples []string // the languages of the code blocks
}

type documentedField struct{ Name, JSON, Form, Text string }

type documentedMember struct{ Name, Present, Text string }

type documentedAnswer struct {
	outcome
	When string
}

// outcome is the part of an answer that a client can distinguish, in the words of the page.
type outcome struct{ Status, Code, Terminal, RetryAfter string }

// ownCode is the page's word for the code of a step that a deployment adds.
const ownCode = "a code of your own"

var heading = regexp.MustCompile(`^## ((?:[A-Z]+(?:, )?)+) (/\S+)$`)

func parsePage(text string) (map[string]*section, error) {
	sections := map[string]*section{}
	var at *section
	columns := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case line == "## Every endpoint":
			at = &section{}
			sections[""] = at
		case strings.HasPrefix(line, "## "):
			at = nil
			if m := heading.FindStringSubmatch(line); m != nil {
				at = &section{}
				for method := range strings.SplitSeq(m[1], ", ") {
					pattern := method + " " + m[2]
					if sections[pattern] != nil {
						return nil, fmt.Errorf("%s has two sections", pattern)
					}
					at.Patterns, sections[pattern] = append(at.Patterns, pattern), at
				}
			}
		case at == nil:
		case strings.HasPrefix(line, "Body: "):
			at.Types = line
		case strings.HasPrefix(line, "```") && len(line) > 3:
			at.Examples = append(at.Examples, line[3:])
		case !strings.HasPrefix(line, "|"):
			if columns = ""; len(at.Examples) == 0 {
				at.Text = append(at.Text, line)
			}
		case columns == "":
			columns = cells[0]
		case strings.HasPrefix(cells[0], "---"):
		case columns == "field" && len(cells) == 4:
			at.Fields = append(at.Fields, documentedField{plain(cells[0]), cells[1], cells[2], cells[3]})
		case columns == "member" && len(cells) == 3:
			at.Members = append(at.Members, documentedMember{plain(cells[0]), cells[1], cells[2]})
		case columns == "status" && len(cells) == 6:
			at.Answers = append(at.Answers, documentedAnswer{outcome{cells[0], plain(cells[1]), plain(cells[2]), cells[3]}, cells[4]})
		default:
			return nil, fmt.Errorf("the row %q has %d cells under %q", line, len(cells), columns)
		}
	}
	return sections, nil
}

func plain(cell string) string { return strings.Trim(cell, "`") }

// readPage returns the sections of the page.
func readPage(t testing.TB) map[string]*section {
	t.Helper()
	sections, err := page()
	if err != nil {
		t.Fatal(err)
	}
	return sections
}

// outcomeOf returns an answer in the words of the page.
func outcomeOf(w *httptest.ResponseRecorder) outcome {
	o := outcome{fmt.Sprint(w.Code), "–", "–", "–"}
	var body struct {
		Error    string
		Terminal *bool
	}
	if w.Code >= 400 && json.Unmarshal(w.Body.Bytes(), &body) == nil {
		o.Code = body.Error
		if !slices.Contains(errorcode.All(), errorcode.Code(body.Error)) {
			o.Code = ownCode
		}
		if body.Terminal != nil {
			o.Terminal = fmt.Sprint(*body.Terminal)
		}
	}
	switch after := w.Header().Get("Retry-After"); {
	case after != "" && w.Code == http.StatusTooManyRequests:
		o.RetryAfter = "seconds"
	case after != "":
		o.RetryAfter = after
	}
	return o
}

// isDocumented holds an answer, of any test of this package, to the page. pattern is "" if the
// request's path is no endpoint.
func isDocumented(t testing.TB, pattern string, w *httptest.ResponseRecorder) {
	t.Helper()
	o := outcomeOf(w)
	if o.Code == string(errorcode.NotFound) || o.Code == string(errorcode.MethodNotAllowed) {
		pattern = ""
	}
	s := readPage(t)[pattern]
	if s == nil {
		t.Fatalf("docs/http.md has no section %q", pattern)
	}
	if !slices.ContainsFunc(s.Answers, func(a documentedAnswer) bool { return a.outcome == o }) {
		t.Errorf("docs/http.md, %q: no row has the answer %v", pattern, o)
	}
	if w.Code != http.StatusOK || w.Body.Len() == 0 { // of HEAD
		return
	}
	var members map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Members {
		if _, present := members[m.Name]; !present && m.Present == "always" {
			t.Errorf("docs/http.md, %q: %s is always present, but not in %s", pattern, m.Name, w.Body)
		}
		delete(members, m.Name)
	}
	if len(members) > 0 {
		t.Errorf("docs/http.md, %q: no row for the members %v", pattern, members)
	}
}

// TestDocumentedRoutes holds the sections of the page to the table of routes.
func TestDocumentedRoutes(t *testing.T) {
	sections := readPage(t)
	if sections[""] == nil {
		t.Fatal("docs/http.md has no section about every endpoint")
	}
	for _, row := range route.Table() {
		s := sections[row.Pattern]
		if s == nil {
			t.Errorf("docs/http.md has no section about %s", row.Pattern)
			continue
		}
		if !slices.Equal(s.Examples, []string{"sh", "js"}) {
			t.Errorf("docs/http.md, %s: the examples are %q, want one for curl and one for a browser", row.Pattern, s.Examples)
		}
	}
	if endpoints := len(sections) - 1; endpoints != len(route.Table()) {
		t.Errorf("docs/http.md has %d endpoints, and the table %d", endpoints, len(route.Table()))
	}
}

// TestDocumentedCodes holds that each code has a row, and each row a code.
func TestDocumentedCodes(t *testing.T) {
	rows := map[string]bool{}
	for pattern, s := range readPage(t) {
		seen := map[outcome]bool{}
		for _, a := range s.Answers {
			rows[a.Code] = true
			if seen[a.outcome] {
				t.Errorf("docs/http.md, %q: two rows have the answer %v", pattern, a.outcome)
			}
			seen[a.outcome] = true
		}
	}
	for _, code := range errorcode.All() {
		if !rows[string(code)] {
			t.Errorf("docs/http.md has no row with the code %s", code)
		}
		delete(rows, string(code))
	}
	delete(rows, ownCode)
	delete(rows, "–")
	for code := range rows {
		t.Errorf("docs/http.md has a row with the code %s, which is not in the code", code)
	}
}

// codeOf returns the text of every file of this package that is no test.
func codeOf(t testing.TB) (texts []string) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
