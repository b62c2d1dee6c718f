package requestid

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEnsure(t *testing.T) {
	for _, row := range []struct {
		name  string
		given []string
		kept  bool
	}{
		{"of API Gateway", []string{"JKJaXmPLvHcESHA="}, true},
		{"a UUID", []string{"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}, true},
		{"as long as can be", []string{strings.Repeat("x", 128)}, true},
		{"too long", []string{strings.Repeat("x", 129)}, false},
		{"missing", nil, false},
		{"empty", []string{""}, false},
		{"two", []string{"a", "b"}, false},
		{"a space", []string{"a b"}, false},
		{"a line feed", []string{"a\nb"}, false},
		{"not ASCII", []string{"é"}, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		for _, id := range row.given {
			r.Header.Add(Header, id)
		}
		named := Ensure(r)
		id := Of(named)
		if row.kept != (named == r) || row.kept != (len(row.given) == 1 && id == row.given[0]) {
			t.Errorf("%s: got the id %q", row.name, id)
		}
		if !wellFormed(id) || Of(Ensure(named)) != id {
			t.Errorf("%s: the id %q does not last", row.name, id)
		}
		if !row.kept && id == Of(Ensure(r)) {
			t.Errorf("%s: two requests have the id %q", row.name, id)
		}
		if got := r.Header.Values(Header); len(got) != len(row.given) {
			t.Errorf("%s: the request that was given has changed: %q", row.name, got)
		}
	}
}
