package bearer_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/internal/bearer"
)

func TestParse(t *testing.T) {
	for _, row := range []struct {
		value, token string
		problem      bearer.Problem
	}{
		{"Bearer a.b.c", "a.b.c", ""},
		{"bearer a.b.c", "a.b.c", ""},
		{"BEARER a.b.c", "a.b.c", ""},
		{"Bearer a.b.c\t", "a.b.c\t", ""}, // the token's own rules refuse it

		{"", "", bearer.Missing},
		{" ", "", bearer.OtherScheme},
		{" Bearer a.b.c", "", bearer.OtherScheme},
		{"Basic YTpi", "", bearer.OtherScheme},
		{"a.b.c", "", bearer.OtherScheme},
		{"Bearer\ta.b.c", "", bearer.OtherScheme},
		{"Bearera.b.c", "", bearer.OtherScheme},
		{"Bearer a.b.c, Bearer d.e.f", "", bearer.Several},
		{"Bearer a.b.c,", "", bearer.Several},
		{"Bearer", "", bearer.Malformed},
		{"Bearer ", "", bearer.Malformed},
		{"Bearer  a.b.c", "", bearer.Malformed},
		{"Bearer a.b.c ", "", bearer.Malformed},
		{"Bearer a b", "", bearer.Malformed},
	} {
		token, problem := bearer.Parse([]byte(row.value))
		if string(token) != row.token || problem != row.problem {
			t.Errorf("%q: got %q, %q; want %q, %q", row.value, token, problem, row.token, row.problem)
		}
	}
}
