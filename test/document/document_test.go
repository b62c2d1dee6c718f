package document

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := parse("# A page\n\nintro\n\n## One\n\ntext\n\n| a | b c |\n| --- | --- |\n| `x` | `y`, `z` |\n| 1 |  |\n\n" +
		"```sh\necho '| no | row |'\n## no heading\n```\n\n## Two\n| d |\n| --- |\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Page{Sections: []Section{
		{Text: []string{"# A page", "", "intro", ""}},
		{
			Heading: "One", Text: []string{"", "text", "", "", ""},
			Tables: []Table{{Columns: []string{"a", "b c"}, Rows: []map[string]string{{"a": "x", "b c": "`y`, `z`"}, {"a": "1", "b c": ""}}}},
			Code:   []Block{{"sh", "echo '| no | row |'\n## no heading\n"}},
		},
		{Heading: "Two", Text: []string{""}, Tables: []Table{{Columns: []string{"d"}}}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(got.Tables("a")) != 1 || len(got.Tables("b c")) != 0 {
		t.Errorf("the tables that begin with a and b are %v, %v", got.Tables("a"), got.Tables("b c"))
	}
	if words := Words("`y`, or `z`"); !reflect.DeepEqual(words, []string{"y", "z"}) {
		t.Errorf("words %q", words)
	}
	if _, err := parse("| a | b |\n| --- | --- |\n| x |\n"); err == nil {
		t.Error("a row that is too short passes")
	}
}
