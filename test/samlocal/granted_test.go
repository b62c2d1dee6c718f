package samlocal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
)

// TestGranted: the grants that the tests in containers compare with the records are read from the
// real template.
func TestGranted(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	p := Project{Root: root}
	if _, err := os.Stat(p.python()); err != nil {
		engine.LeaveOut(t, "AWS SAM's translator", "make judge")
	}
	template, err := p.Read(t.Context(), filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := granted(t, template)
	for a, want := range map[access]bool{
		{"LoginFunction", "dynamodb:GetItem", "UsersTable"}:                   true,
		{"RefreshFunction", "dynamodb:UpdateItem", "SessionsTable"}:           true,
		{"RefreshFunction", "dynamodb:UpdateItem", "UsersTable"}:              false,
		{"AccountFunction", "dynamodb:UpdateItem", "SessionsTable"}:           true,
		{"LoginFunction", "dynamodb:Query", "SessionsTable"}:                  true,
		{"LoginFunction", "dynamodb:PutItem", "UsersTable"}:                   false,
		{"AuthorizerFunction", "dynamodb:GetItem", "SessionsTable"}:           false,
		{"SessionAuthorizerFunction", "dynamodb:GetItem", "UsersTable"}:       true,
		{"SessionAuthorizerFunction", "dynamodb:GetItem", "SessionsTable"}:    true,
		{"SessionAuthorizerFunction", "dynamodb:UpdateItem", "SessionsTable"}: true, // the idle end of opaque sessions
		{"SessionAuthorizerFunction", "dynamodb:UpdateItem", "UsersTable"}:    false,
		{"DiscoveryFunction", "dynamodb:GetItem", "SessionsTable"}:            false,
		{"SessionsFunction", "dynamodb:UpdateItem", "SessionsTable"}:          true,
		{"SessionsFunction", "dynamodb:UpdateItem", "UsersTable"}:             true,
		{"SessionsFunction", "dynamodb:PutItem", "UsersTable"}:                false,
	} {
		if got[a] != want {
			t.Errorf("%v is granted: %v, want %v", a, got[a], want)
		}
	}
}
