package authorizer_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// answer holds the parts of an authorizer's answer that any gateway reads.
type answer struct {
	IsAuthorized    bool
	Context         map[string]string
	ResolverContext map[string]string
	DeniedFields    []string
	TTLOverride     *int
	PrincipalID     string
	PolicyDocument  struct {
		Version   string
		Statement []statement
	}
}

type statement struct {
	Action, Effect string
	Resource       resources
}

// resources is a string or a list of strings, as in IAM.
type resources []string

func (r *resources) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*r = resources{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(r))
}

func parseAnswer(t testing.TB, text []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// allows evaluates a policy as IAM does: a Deny overrides every Allow, and the default is to deny.
func (a answer) allows(arn string) bool {
	allowed := false
	for _, s := range a.PolicyDocument.Statement {
		if s.Action != "execute-api:Invoke" || !slices.ContainsFunc(s.Resource, func(p string) bool { return like(p, arn) }) {
			continue
		}
		if s.Effect != "Allow" {
			return false
		}
		allowed = true
	}
	return allowed
}

// like matches as IAM does: * matches any characters, including slashes, and ? matches any one
// character.
func like(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if len(s) < len(head) {
		return false
	}
	for i := range len(head) {
		if head[i] != '?' && head[i] != s[i] {
			return false
		}
	}
	s = s[len(head):]
	if !star {
		return s == ""
	}
	for i := range len(s) + 1 {
		if like(rest, s[i:]) {
			return true
		}
	}
	return false
}

func TestLike(t *testing.T) {
	for _, row := range []struct {
		pattern, s string
		want       bool
	}{
		{"a/*", "a/", true}, {"a/*", "a/b/c", true}, {"a/*", "a", false}, {"a/*", "ba/c", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"*%*", "a%b", true}, {"*%*", "ab", false},
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxcyyb", false},
	} {
		if like(row.pattern, row.s) != row.want {
			t.Errorf("%q %q", row.pattern, row.s)
		}
	}
}
