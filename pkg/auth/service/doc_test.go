package service

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
)

// TestDocsListTheVariables checks that go doc lists exactly the variables that each constructor
// reads.
func TestDocsListTheVariables(t *testing.T) {
	for file, functions := range map[string][]string{
		"service.go":                   {"login", "account", "refresh", "sessions", "session-authorizer", "mailer"},
		"../authorizer/environment.go": {"authorizer"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, f := range functions {
			want = append(want, config.Readers()[f]...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		var comments strings.Builder
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "//") {
				comments.WriteString(line)
			}
		}
		got := regexp.MustCompile(`EDGEAUTH_[A-Z_]+`).FindAllString(comments.String(), -1)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s lists %v\nwant %v", file, got, want)
		}
	}
}
