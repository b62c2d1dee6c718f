package document_test

import (
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/edgeauth/edgeauth/test/document"
)

// No cookie travels between the addresses that docs/browser.md lists: each of them is a site of its
// own, because the rest of the address is a public suffix.
func TestDefaultAddressesArePublicSuffixes(t *testing.T) {
	addresses := 0
	for _, table := range document.Read(t, "browser.md").Tables("host") {
		for _, row := range table.Rows {
			want, ok := strings.CutPrefix(row["default address"], "<id>.")
			suffix, icann := publicsuffix.PublicSuffix("id." + want)
			// The rule of a list that does not have the address is its last label.
			if !ok || suffix != want || icann || !strings.Contains(suffix, ".") {
				t.Errorf("%s: the public suffix is %s", row["default address"], suffix)
			}
			addresses++
		}
	}
	if addresses < 5 {
		t.Errorf("docs/browser.md lists %d addresses", addresses)
	}
}
