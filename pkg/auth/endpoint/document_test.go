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
	"testing"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/test/document"
)

// section is the page's section about one endpoint.
type section struct {
	Text     []string // the lines about the endpoint, before the line about the body
	Types    string   // the line about the body; empty if the endpoint reads none
	Fields   []documentedField
	Queries  []documentedField  // of the query string; JSON says whether a parameter is required
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

// ownCode is the page's word for the code of a deployment's own step.
const ownCode = "a code of your own"

var heading = regexp.MustCompile(`^((?:[A-Z]+(?:, )?)+) (/\S+)$`)

// notInAnchor are the characters that the link to a heading leaves out.
var notInAnchor = regexp.MustCompile(`[^a-z0-9_ -]`)

// readPage returns the sections of docs/http.md about endpoints by their patterns, and the section
// about every endpoint under the name "".
func readPage(t testing.TB) map[string]*section {
	t.Helper()
	sections := map[string]*section{}
	for _, part := range document.Read(t, "http.md").Sections {
		m := heading.FindStringSubmatch(part.Heading)
		if m == nil && part.Heading != "Every endpoint" {
			continue
		}
		s := &section{Text: part.Text}
		for _, table := range part.Tables {
			s.take(t, table)
		}
		for _, code := range part.Code {
			s.Examples = append(s.Examples, code.Language)
		}
		if m == nil {
			sections[""] = s
			continue
		}
		if i := slices.IndexFunc(s.Text, func(line string) bool { return strings.HasPrefix(line, "Body: ") }); i >= 0 {
			s.Types, s.Text = s.Text[i], s.Text[:i]
		}
		for method := range strings.SplitSeq(m[1], ", ") {
			pattern := method + " " + m[2]
			if sections[pattern] != nil {
				t.Fatalf("docs/http.md: %s has two sections", pattern)
			}
			sections[pattern] = s
		}
	}
	return sections
}

func (s *section) take(t testing.TB, table document.Table) {
	t.Helper()
	for _, row := range table.Rows {
		switch table.Columns[0] {
		case "field":
			s.Fields = append(s.Fields, documentedField{row["field"], row["JSON"], row["form"], row["what it holds"]})
		case "query":
			s.Queries = append(s.Queries, documentedField{Name: row["query"], JSON: row["needed"], Text: row["what it holds"]})
		case "member":
			s.Members = append(s.Members, documentedMember{row["member"], row["present"], row["what it holds"]})
		case "status":
			s.Answers = append(s.Answers, documentedAnswer{outcome{row["status"], row["error"], row["terminal"], row["Retry-After"]}, row["when"]})
		default:
			t.Fatalf("docs/http.md: unknown table %q", table.Columns)
		}
	}
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

// isDocumented compares an answer, of any test of this package, with the page. pattern is "" if the
// request's path belongs to no endpoint.
func isDocumented(t testing.TB, pattern string, w *httptest.ResponseRecorder) {
	t.Helper()
	o := outcomeOf(w)
	if o.Code == string(errorcode.NotFound) && !strings.Contains(pattern, "{") || o.Code == string(errorcode.MethodNotAllowed) {
		pattern = ""
	}
	s := readPage(t)[pattern]
	if s == nil {
		t.Fatalf("docs/http.md has no section %q", pattern)
	}
	if !slices.ContainsFunc(s.Answers, func(a documentedAnswer) bool { return a.outcome == o }) {
		t.Errorf("docs/http.md, %q: no row has the answer %v", pattern, o)
	}
	if w.Code >= 300 || w.Body.Len() == 0 { // of HEAD
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

// isExplained compares the outcome or the reason of an audit line, of any test of this package,
// with docs/audit.md. The row of the word must name the event of the line.
func isExplained(t testing.TB, column, word, event string) {
	t.Helper()
	if word == "" {
		return
	}
	if column == "outcome" && strings.HasSuffix(event, "_fail") && (word == "second_factor_required" || word == "email_taken") {
		word = ownCode // of the steps in tests
	}
	for _, table := range document.Read(t, "audit.md").Tables(column) {
		for _, row := range table.Rows {
			if row[column] == word && slices.Contains(document.Words(row["events"]), event) {
				return
			}
		}
	}
	t.Errorf("docs/audit.md: no row explains the %s %s of %s", column, word, event)
}

// TestDocumentedRoutes compares the sections of the page with the table of routes.
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

// TestDocumentedList compares the list at the top of the page with its sections: each section has
// one row with a link, in the same order.
func TestDocumentedList(t *testing.T) {
	page := document.Read(t, "http.md")
	var want, have []string
	for _, part := range page.Sections {
		if heading.MatchString(part.Heading) {
			anchor := notInAnchor.ReplaceAllString(strings.ToLower(part.Heading), "")
			want = append(want, "(#"+strings.ReplaceAll(anchor, " ", "-")+")")
		}
	}
	for _, table := range page.Tables("endpoint") {
		for _, row := range table.Rows {
			_, link, _ := strings.Cut(row["endpoint"], "]")
			have = append(have, link)
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("docs/http.md lists the sections\n%q, want\n%q", have, want)
	}
}

// TestDocumentedCodes checks that each code has a row, and each row a code.
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

// codeOf returns the text of every file of this package except tests.
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
