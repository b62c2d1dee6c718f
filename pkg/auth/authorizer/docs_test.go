package authorizer_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestDocumentedConfiguration starts an authorizer with every configuration block in
// docs/authorizer.md.
func TestDocumentedConfiguration(t *testing.T) {
	unset(t)
	page, err := os.ReadFile("../../../docs/authorizer.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", newAuthority(t).JWKS())
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 4 {
		t.Fatalf("the page has %d blocks of configuration", len(blocks))
	}
	for _, block := range blocks {
		t.Setenv("EDGEAUTH_CONFIG", string(block[1]))
		if _, err := authorizer.FromEnvironment(); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}
