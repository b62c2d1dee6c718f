package document_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/document"
)

// constants returns the texts of all constants of a type, which the package in a folder declares.
func constants(t *testing.T, folder, typeName string) (texts []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(document.Root(t), folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			name, typed := spec.Type.(*ast.Ident)
			literal, isText := spec.Values[0].(*ast.BasicLit)
			if typed && isText && name.Name == typeName {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, text)
			}
			return true
		})
	}
	if len(texts) == 0 {
		t.Fatalf("%s declares no constants of the type %s", folder, typeName)
	}
	return texts
}

// rows returns the rows of the page's table by the cell of its first column.
func rows(t *testing.T, page document.Page, column string) map[string]map[string]string {
	t.Helper()
	tables := page.Tables(column)
	if len(tables) != 1 {
		t.Fatalf("the page has %d tables that begin with %q, want one", len(tables), column)
	}
	all := map[string]map[string]string{}
	for _, row := range tables[0].Rows {
		key := row[column]
		if all[key] != nil {
			t.Errorf("%s %s has two rows", column, key)
		}
		all[key] = row
	}
	return all
}

// same holds the rows of a table to a list of the code.
func same(t *testing.T, what string, rows map[string]map[string]string, want []string) {
	t.Helper()
	for _, word := range want {
		if rows[word] == nil {
			t.Errorf("docs/audit.md has no row for the %s %s", what, word)
		}
	}
	for word := range rows {
		if !slices.Contains(want, word) {
			t.Errorf("docs/audit.md has a row for the %s %s, which the code does not have", what, word)
		}
	}
}

func TestAuditPage(t *testing.T) {
	page := document.Read(t, "audit.md")
	events, outcomes, reasons := rows(t, page, "event"), rows(t, page, "outcome"), rows(t, page, "reason")
	same(t, "event", events, constants(t, "internal/audit", "Name"))
	same(t, "metric", rows(t, page, "metric"), constants(t, "internal/audit", "Metric"))

	session := constants(t, "pkg/auth/session", "Outcome")
	results := slices.Concat(session, constants(t, "pkg/auth/endpoint", "did"), constants(t, "pkg/auth/mail", "Kind"), []string{"allow", "unauthenticated", "forbidden", "fault", "a code of your own"})
	for _, code := range errorcode.All() {
		switch code {
		case errorcode.MethodNotAllowed: // no decision, no line
		case errorcode.InvalidScope: // session.outcomeWiderScope
		default:
			results = append(results, string(code))
		}
	}
	same(t, "outcome", outcomes, results)

	causes := slices.Concat(constants(t, "pkg/auth/login", "Reason"), constants(t, "pkg/auth/token", "Reason"), constants(t, "pkg/auth/session", "RevocationReason"),
		constants(t, "pkg/auth/authorizer", "reason"), constants(t, "internal/bearer", "Problem"),
		constants(t, "pkg/auth/flow", "Reason"), constants(t, "pkg/auth/flow", "Hold"),
		constants(t, "pkg/auth/mail", "Reason"))
	for reason, row := range reasons {
		// A change of the password and a request are refused if their session has ended: in the words
		// of the session.
		asked := strings.Contains(row["events"], "authn_password_change_fail") || strings.Contains(row["events"], "authz_fail")
		if asked && slices.Contains(session, reason) {
			causes = append(causes, reason)
		}
	}
	slices.Sort(causes)
	same(t, "reason", reasons, slices.Compact(causes))

	for _, table := range []map[string]map[string]string{outcomes, reasons} {
		for word, row := range table {
			for _, event := range document.Words(row["events"]) {
				if events[event] == nil {
					t.Errorf("docs/audit.md: %s names the unknown event %q", word, event)
				}
			}
		}
	}
	for _, table := range []map[string]map[string]string{events, outcomes, reasons} {
		for word, row := range table {
			for column, cell := range row {
				if cell == "" {
					t.Errorf("docs/audit.md: %s has nothing under %q", word, column)
				}
			}
		}
	}
}

// TestAuditPageLevels holds the levels and the members of a line to what is written.
func TestAuditPageLevels(t *testing.T) {
	page := document.Read(t, "audit.md")
	for event, row := range rows(t, page, "event") {
		var line bytes.Buffer
		audit.New(&line, nil).Write(t.Context(), audit.Event{Name: audit.Name(event)})
		var got struct{ Level string }
		if err := json.Unmarshal(line.Bytes(), &got); err != nil || got.Level != row["level"] {
			t.Errorf("docs/audit.md: the level of %s is %s, and %s is written: %v", event, row["level"], got.Level, err)
		}
	}
	var line bytes.Buffer
	watched := stopwatch.Start(t.Context())
	stopwatch.Call(watched)()
	time.Sleep(time.Millisecond)
	audit.New(&line, nil).Write(watched, audit.Event{
		Name: audit.AuthzFail, Outcome: "x", Reason: "x", Claim: "x", RequestID: "x", Account: "x", SubjectID: "x", SessionID: "x", ClientID: "x", Network: "x", KnownDevice: new(bool), Signals: auth.Signals(), MailClass: "x",
		Fault: errors.New("x"),
	})
	var members map[string]any
	if err := json.Unmarshal(line.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	documented := rows(t, page, "member")
	for column, cell := range documented["claim"] {
		for _, name := range claim.Registered() {
			if column != "member" && !slices.Contains(document.Words(cell), name) {
				t.Errorf("docs/audit.md: the row of claim does not list %s", name)
			}
		}
	}
	for column, cell := range documented["mail_class"] {
		for _, class := range constants(t, "pkg/auth/flow", "Class") {
			if column != "member" && !slices.Contains(document.Words(cell), class) {
				t.Errorf("docs/audit.md: the row of mail_class does not list %s", class)
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
		t.Errorf("docs/audit.md lists the members %q, and a line has %q", got, want)
	}
}
