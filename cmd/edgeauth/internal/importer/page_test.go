package importer

import (
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/test/document"
)

const page = "local.md"

// TestPageFields compares the table of fields of docs/local.md with the fields that an import
// accepts.
func TestPageFields(t *testing.T) {
	var fields []string
	for _, table := range document.Read(t, page).Tables("field") {
		for _, row := range table.Rows {
			fields = append(fields, row["field"])
		}
	}
	if !slices.Equal(fields, fieldNames) {
		t.Errorf("docs/%s has the fields %q, want %q", page, fields, fieldNames)
	}
}

// TestPageExample imports the CSV file of docs/local.md.
func TestPageExample(t *testing.T) {
	read := 0
	for _, section := range document.Read(t, page).Sections {
		for _, block := range section.Code {
			if block.Language != "csv" {
				continue
			}
			for r, err := range readCSV(strings.NewReader(block.Text)) {
				if err != nil || r.Err != nil {
					t.Fatalf("%v: %v, %v", r.At, err, r.Err)
				}
				if stored := r.User.Password; stored.Reveal() != "" && password.Importable(stored) != nil {
					t.Errorf("%v: %v", r.At, password.Importable(stored))
				}
				read++
			}
		}
	}
	if read != 2 {
		t.Errorf("docs/%s has %d users, want 2", page, read)
	}
}
