package endpoint_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/route"
)

var update = flag.Bool("update", false, "write docs/openapi.yaml")

// TestOpenAPI compares docs/openapi.yaml with docs/http.md, which other tests compare with the
// code. It writes the file from the tables of the page and the table of routes:
//
//	go test ./pkg/auth/endpoint -run TestOpenAPI -update
func TestOpenAPI(t *testing.T) {
	const path = "../../../docs/openapi.yaml"
	want := openAPI(t)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.yaml is not what docs/http.md says: go test ./pkg/auth/endpoint -run TestOpenAPI -update")
	}
}

// yaml writes YAML, of which JSON is a part.
type yaml struct{ bytes.Buffer }

// line writes "key: value" at a depth. Values are written as JSON; a nil value begins a block.
func (y *yaml) line(depth int, key string, value any) {
	y.WriteString(strings.Repeat("  ", depth) + key + ":")
	if value != nil {
		text := &bytes.Buffer{}
		e := json.NewEncoder(text)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil {
			panic(err) // texts, lists and maps of them always encode
		}
		y.WriteString(" " + strings.TrimSpace(text.String()))
	}
	y.WriteString("\n")
}

const (
	httpDescription = "Errors have a code for programs and the id of the request, which the audit line has too. docs/http.md has the same contract with examples."
	examplePassword = "correct-horse-battery-staple"
)

func openAPI(t *testing.T) []byte {
	t.Helper()
	y := &yaml{}
	y.WriteString("# Written from docs/http.md by a test: go test ./pkg/auth/endpoint -run TestOpenAPI -update\n")
	y.line(0, "openapi", "3.1.0")
	y.line(0, "info", nil)
	y.line(1, "title", "edgeauth")
	y.line(1, "version", "1")
	y.line(1, "summary", "Login for serverless APIs")
	y.line(1, "description", httpDescription)
	y.line(1, "license", map[string]string{"name": "Apache-2.0", "identifier": "Apache-2.0"})
	y.line(0, "servers", []map[string]string{{"url": "http://127.0.0.1:8080", "description": "The local server"}})
	y.line(0, "components", nil)
	y.line(1, "securitySchemes", nil)
	y.line(2, "accessToken", map[string]string{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
	y.line(2, "accessCookie", map[string]string{"type": "apiKey", "in": "cookie", "name": "__Host-Http-access"})
	y.line(0, "paths", nil)
	sections, last := readPage(t), ""
	for _, row := range route.Table() {
		s := sections[row.Pattern]
		if s == nil {
			t.Fatalf("docs/http.md has no section about %s", row.Pattern)
		}
		if row.Path() != last {
			y.line(1, row.Path(), nil)
			last = row.Path()
		}
		y.operation(row, s, sections[""])
	}
	return y.Bytes()
}

func (y *yaml) operation(row route.Row, s, every *section) {
	y.line(2, strings.ToLower(row.Method()), nil)
	y.line(3, "operationId", operationID(row))
	y.line(3, "description", s.description())
	if isListed(row) {
		y.line(3, "security", []map[string][]string{{"accessToken": {}}, {"accessCookie": {}}})
	} else if has(s.Answers, "401") && slices.ContainsFunc(s.Fields, func(f documentedField) bool { return f.Name == "change_token" }) {
		y.line(3, "security", []map[string][]string{{"accessToken": {}}, {"accessCookie": {}}, {}})
	}
	if parameters := parametersOf(row, s); len(parameters) > 0 {
		y.line(3, "parameters", parameters)
	}
	if s.Types != "" {
		y.line(3, "requestBody", nil)
		y.line(4, "required", true)
		y.line(4, "content", nil)
		y.body("application/json", s.Fields, func(f documentedField) string { return f.JSON })
		if strings.HasSuffix(s.Types, "form") {
			y.body("application/x-www-form-urlencoded", s.Fields, func(f documentedField) string { return f.Form })
		}
	}
	y.line(3, "responses", nil)
	answers := slices.Clone(s.Answers)
	for _, a := range every.Answers {
		if a.Status == "500" && !has(answers, "500") {
			answers = append(answers, a)
		}
	}
	for len(answers) > 0 {
		status := answers[0].Status
		other := func(a documentedAnswer) bool { return a.Status != status }
		y.answer(row, s, status, slices.DeleteFunc(slices.Clone(answers), other))
		answers = slices.DeleteFunc(answers, func(a documentedAnswer) bool { return !other(a) })
	}
}

// isListed reports whether a route belongs to the list of sessions. These routes need an access
// token.
func isListed(row route.Row) bool { return strings.HasPrefix(row.Path(), "/auth/sessions") }

func has(answers []documentedAnswer, status string) bool {
	return slices.ContainsFunc(answers, func(a documentedAnswer) bool { return a.Status == status })
}

// parametersOf returns the parameters of the path and of the query string.
func parametersOf(row route.Row, s *section) (all []map[string]any) {
	if strings.HasSuffix(row.Path(), "/{sid}") {
		all = append(all, map[string]any{"name": "sid", "in": "path", "required": true, "schema": map[string]any{"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}})
	}
	for _, q := range s.Queries {
		schema := map[string]any{"type": "string"}
		for key, value := range schemas[q.Name] {
			schema[key] = value
		}
		all = append(all, map[string]any{"name": q.Name, "in": "query", "required": q.JSON == "required", "description": prose(q.Text), "schema": schema})
	}
	return all
}

// operationID is made from the path's last word, as in "login" and "head-jwks". If a word has
// several methods, the method precedes it.
func operationID(row route.Row) string {
	name := row.Path()[strings.LastIndex(row.Path(), "/")+1:]
	name = strings.Trim(strings.TrimSuffix(name, ".json"), "{}")
	if row.Method() == "HEAD" || isListed(row) {
		name = strings.ToLower(row.Method()) + "-" + name
	}
	return name
}

var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// prose returns a text of the page without links and code marks.
func prose(text string) string {
	return strings.ReplaceAll(link.ReplaceAllString(text, "$1"), "`", "")
}

// description returns the paragraphs between the heading and the first table.
func (s *section) description() string {
	text := ""
	for _, line := range s.Text {
		if strings.HasPrefix(line, "200 answers") {
			break
		}
		text += line + " "
	}
	return prose(strings.Join(strings.Fields(text), " "))
}

// schemas are the schemas for what the page says in words about fields.
var schemas = map[string]map[string]any{
	"email":            {"examples": []string{"demo@example.com"}},
	"password":         {"examples": []string{examplePassword}},
	"current_password": {"examples": []string{examplePassword}},
	"new_password":     {"examples": []string{examplePassword + "-2"}},
	"purpose":          {"enum": []string{"signup", "login", "reset"}},
	"reference":        {"pattern": "^[A-Z]{4}$"},
	"delivery":         {"enum": []string{"body", "cookie", "cookies", "session"}},
	"device_delivery":  {"enum": []string{"body", "cookie"}},
	"grant_type":       {"enum": []string{"refresh_token"}},
	"token_type":       {"enum": []string{"Bearer"}},
	"label":            {"minLength": 0, "maxLength": 64},
	"after":            {"pattern": "^[A-Za-z0-9_-]{22}$"},
	"all":              {"enum": []string{"true", "false"}},
	"sessions": {"type": "array", "items": map[string]any{"type": "object", "required": []string{
		"sid", "current", "label", "user_agent", "address", "client_id", "kind", "amr", "created_at", "last_seen_at", "idle_ends_at", "ends_at",
	}}},
}

func schemaOf(name, text string, required bool) map[string]any {
	schema := map[string]any{"type": "string", "description": prose(text)}
	switch {
	case strings.HasSuffix(name, "_in"), name == "store_within", name == "resend_after":
		schema["type"], schema["minimum"] = "integer", 0
	case name == "remember":
		schema["type"] = "boolean"
	case strings.HasSuffix(name, "_supported"):
		schema["type"], schema["items"] = "array", map[string]string{"type": "string"}
	case name == "keys":
		schema["type"], schema["items"], schema["minItems"] = "array", map[string]any{"type": "object", "required": []string{"kid", "kty", "alg", "use"}}, 1
	case required:
		schema["minLength"] = 1
	}
	for key, value := range schemas[name] {
		schema[key] = value
	}
	return schema
}

func (y *yaml) body(contentType string, fields []documentedField, needed func(documentedField) string) {
	y.line(5, contentType, nil)
	y.line(6, "schema", nil)
	y.line(7, "type", "object")
	required, either := []string{}, []map[string][]string{}
	for _, f := range fields {
		switch n := needed(f); {
		case n == "required":
			required = append(required, f.Name)
		case strings.HasPrefix(n, "this or "):
			either = append(either, map[string][]string{"required": {f.Name}})
		}
	}
	y.line(7, "required", required)
	if len(either) > 0 {
		y.line(7, "anyOf", either) // null counts as absent if the other field is present
	}
	y.line(7, "properties", nil)
	for _, f := range fields {
		n := needed(f)
		if n == "–" {
			continue
		}
		schema := schemaOf(f.Name, f.Text, n != "optional")
		if contentType == "application/json" && n != "required" {
			nullable(schema)
		}
		y.line(8, f.Name, schema)
	}
}

// nullable lets a schema of a string or a boolean accept null, which counts as absent.
func nullable(schema map[string]any) {
	schema["type"] = []any{schema["type"], "null"}
	if values, ok := schema["enum"].([]string); ok {
		all := make([]any, len(values), len(values)+1)
		for i, v := range values {
			all[i] = v
		}
		schema["enum"] = append(all, nil)
	}
}

func (y *yaml) answer(row route.Row, s *section, status string, rows []documentedAnswer) {
	y.line(4, fmt.Sprintf("%q", status), nil)
	var when, codes []string
	terminal, own := map[string]bool{}, false
	for _, a := range rows {
		if text := prose(a.When); a.Code == "–" {
			when = append(when, text)
		} else {
			when = append(when, a.Code+": "+text)
		}
		if own = own || a.Code == ownCode; !slices.Contains(codes, a.Code) {
			codes = append(codes, a.Code)
		}
		terminal[a.Terminal] = true
	}
	y.line(5, "description", strings.Join(when, ". "))
	y.headers(row, status, rows)
	if row.Method() == "HEAD" || status == "304" {
		return
	}
	y.line(5, "content", nil)
	y.line(6, "application/json", nil)
	y.line(7, "schema", nil)
	y.line(8, "type", "object")
	if status == "200" || status == "202" {
		y.success(row, s)
		return
	}
	required := []string{"error", "request_id"}
	if isListed(row) && status == "404" {
		// The gateway answers a path that is not in its clean form.
		y.line(8, "anyOf", []map[string][]string{{"required": {"error", "request_id"}}, {"required": {"message"}}})
		required = []string{}
	}
	y.line(8, "properties", nil)
	if own {
		y.line(9, "error", map[string]any{"type": "string", "examples": slices.DeleteFunc(codes, func(c string) bool { return c == ownCode })})
	} else {
		y.line(9, "error", map[string]any{"enum": codes})
	}
	y.line(9, "error_description", map[string]string{"type": "string"})
	if !terminal["–"] {
		required = append(required, "terminal")
		y.line(9, "terminal", map[string]any{"enum": slices.DeleteFunc([]any{false, true}, func(b any) bool { return !terminal[fmt.Sprint(b)] })})
	}
	if slices.Contains(codes, "password_change_required") {
		y.line(9, "change_token", map[string]string{"type": "string"})
	}
	if slices.Contains(codes, "invalid_code") {
		y.line(9, "tries_left", map[string]any{"type": "integer", "minimum": 1})
	}
	if slices.Contains(codes, "insufficient_user_authentication") {
		y.line(9, "max_age", map[string]any{"type": "integer", "minimum": 1})
	}
	y.line(9, "request_id", map[string]any{"type": "string", "minLength": 1})
	y.line(8, "required", required)
}

func (y *yaml) success(row route.Row, s *section) {
	required := []string{}
	if len(s.Members) > 0 {
		y.line(8, "properties", nil)
	}
	for _, m := range s.Members {
		if m.Present == "always" {
			required = append(required, m.Name)
		}
		y.line(9, m.Name, schemaOf(m.Name, m.Text, false))
	}
	y.line(8, "required", required)
	if row.Path() != "/auth/login" {
		return
	}
	y.line(5, "links", nil)
	const refreshToken = "$response.body#/refresh_token"
	y.line(6, "refresh", map[string]any{"operationId": "refresh", "requestBody": map[string]string{"grant_type": "refresh_token", "refresh_token": refreshToken}})
	y.line(6, "logout", map[string]any{"operationId": "logout", "requestBody": map[string]string{"refresh_token": refreshToken, "token": refreshToken}})
}

func (y *yaml) headers(row route.Row, status string, rows []documentedAnswer) {
	names := map[string]map[string]any{}
	if rows[0].RetryAfter != "–" {
		names["Retry-After"] = map[string]any{"type": "integer", "minimum": 1}
	}
	if status == "401" && strings.HasSuffix(row.Path(), "/password") {
		names["WWW-Authenticate"] = map[string]any{"type": "string"}
	}
	if row.Function == "discovery" && (status == "200" || status == "304") {
		names["ETag"] = map[string]any{"type": "string"}
	}
	if len(names) == 0 {
		return
	}
	y.line(5, "headers", nil)
	for _, name := range []string{"ETag", "Retry-After", "WWW-Authenticate"} {
		if schema := names[name]; schema != nil {
			y.line(6, name, map[string]any{"required": true, "schema": schema})
		}
	}
}
