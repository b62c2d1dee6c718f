package password

import (
	"slices"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// TestPage compares the table of hashes in docs/local.md with the forms that an import accepts.
func TestPage(t *testing.T) {
	var accepted, documented []string
	for _, f := range slices.Concat(forms, plain) {
		accepted = append(accepted, f.prefix)
	}
	for _, table := range document.Read(t, "local.md").Tables("a hash begins with") {
		for _, row := range table.Rows {
			documented = append(documented, document.Words(row["a hash begins with"])...)
		}
	}
	slices.Sort(accepted)
	slices.Sort(documented)
	if !slices.Equal(documented, accepted) {
		t.Errorf("docs/local.md has the forms %q, want %q", documented, accepted)
	}
}
