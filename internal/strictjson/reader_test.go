package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// read reads each member with the method that the member's name selects. It reads other members
// with Raw.
func read(text string) (string, error) {
	var b strings.Builder
	r := strictjson.Read(text)
	for r.Next() {
		switch name := r.Name(); name {
		case "text":
			fmt.Fprintf(&b, "%s=%q ", name, r.Text())
		case "integer":
			fmt.Fprintf(&b, "%s=%d ", name, r.Integer())
		case "list":
			fmt.Fprintf(&b, "%s=%v%q ", name, r.IsArray(), r.Strings([]string{"x"}))
		case "skipped":
		default:
			fmt.Fprintf(&b, "%s=%s ", name, r.Raw())
		}
	}
	if r.Next() {
		return "", errors.New("the reader goes on behind the end")
	}
	return b.String(), r.Err()
}

func TestReader(t *testing.T) {
	for _, row := range []struct {
		name, text, want string
		err              error
	}{
		{"empty", ` { } `, ``, nil},
		{"every kind", ` {"text" : "a\u0062" , "integer":-7,"list":[ "a" , "b" ],"skipped":[{}],"other":{"a": 1} }`,
			`text="ab" integer=-7 list=true["x" "a" "b"] other={"a": 1} `, nil},
		{"an empty list", `{"list":[]}`, `list=true["x"] `, nil},
		{"the last is skipped", `{"skipped":1}`, ``, nil},

		{"space behind a later name", `{"other":1,"text" : "a","list": ["b"],"integer": 7}`, `other=1 text="a" list=true["x" "b"] integer=7 `, nil},
		{"ten digits", `{"other":1,"integer":1700000900,"text":""}`, `other=1 integer=1700000900 text="" `, nil},
		{"ten digits at the end", `{"other":1,"integer":1700000900}`, `other=1 integer=1700000900 `, nil},
		{"nine digits", `{"integer":170000090,"text":"a"}`, `integer=170000090 text="a" `, nil},
		{"eleven digits", `{"integer":17000009000,"text":"a"}`, `integer=17000009000 text="a" `, nil},
		{"ten bytes below 0", `{"integer":-170000090,"text":"a"}`, `integer=-170000090 text="a" `, nil},

		{"ten digits of which one is a letter", `{"integer":170000x900,"text":"a"}`, `integer=170000 `, strictjson.ErrSyntax},
		{"ten digits from zero", `{"integer":0700000900,"text":"a"}`, `integer=0 `, strictjson.ErrSyntax},
		{"no colon", `{"other":1,"text";"a"}`, `other=1 `, strictjson.ErrSyntax},
		{"no value", `{"other":1,"text":}`, `other=1 text="" `, strictjson.ErrSyntax},
		{"cut off behind a colon", `{"other":1,"text":`, `other=1 text="" `, strictjson.ErrSyntax},
		{"cut off in a name", `{"other":1,"text`, `other=1 `, strictjson.ErrSyntax},
		{"text of another type", `{"text":[1]}`, `text="" `, strictjson.ErrType},
		{"text and no JSON", `{"text":'a'}`, `text="" `, strictjson.ErrSyntax},
		{"integer of another type", `{"integer":"7"}`, `integer=0 `, strictjson.ErrType},
		{"integer with a fraction", `{"integer":7.0}`, `integer=0 `, strictjson.ErrType},
		{"integer and no JSON", `{"integer":07}`, `integer=0 `, strictjson.ErrSyntax},
		{"integer and no number of JSON", `{"integer":+7}`, `integer=0 `, strictjson.ErrSyntax},
		{"list of another type", `{"list":"a"}`, `list=false["x"] `, strictjson.ErrType},
		{"list with another type", `{"list":["a",1]}`, `list=true["x"] `, strictjson.ErrType},
		{"list cut off", `{"list":["a"`, `list=true["x"] `, strictjson.ErrSyntax},
		{"skipped and no JSON", `{"skipped":tru}`, ``, strictjson.ErrSyntax},
		{"other and no JSON", `{"other":[1,]}`, `other= `, strictjson.ErrSyntax},
		{"nothing behind an error", `{"list":1,"text":"a"}`, `list=false["x"] `, strictjson.ErrType},
		{"no object", `"text"`, ``, strictjson.ErrType},
		{"nothing", ``, ``, strictjson.ErrType},
		{"trailing data", `{"text":"a"},`, `text="a" `, strictjson.ErrTrailing},
		{"a name twice", `{"text":"a","t\u0065xt":"b"}`, `text="a" `, strictjson.ErrDuplicate},
		{"a name twice deeper", `{"skipped":{"a":1,"a":2}}`, ``, strictjson.ErrDuplicate},
		{"invalid UTF-8 behind the end", "{\"text\":\"a\"}\xff", ``, strictjson.ErrUTF8},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := read(row.text)
			if got != row.want || !errors.Is(err, row.err) || (err == nil) != (row.err == nil) {
				t.Errorf("got  %s, %v\nwant %s, %v", got, err, row.want, row.err)
			}
		})
	}
}

func TestReaderFindsDuplicatesAmongMany(t *testing.T) {
	names := make([]string, 60)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	object := func(names []string) string { return `{"` + strings.Join(names, `":1,"`) + `":1}` }
	if _, err := read(object(names)); err != nil {
		t.Error(err)
	}
	for _, again := range []int{0, 22, 23, 24, 25, 58} {
		if _, err := read(object(append(slices.Clone(names), names[again]))); !errors.Is(err, strictjson.ErrDuplicate) {
			t.Errorf("name %d again: %v", again, err)
		}
	}
}

func TestReaderValuesAreReadOnce(t *testing.T) {
	r := strictjson.Read(`{"a":"1","b":"2"}`)
	if r.Text() != "" || r.IsArray() {
		t.Error("there is a value before the first member")
	}
	for r.Next() {
		if first, second := r.Raw(), r.Text(); first == "" || second != "" {
			t.Errorf("%s: %q, then %q", r.Name(), first, second)
		}
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestReaderNeedsNoMemory(t *testing.T) {
	const text = `{"alg":"ES256","n":7,"own":{"a":{"b":[1,{}]}},"list":["a","b"]}`
	list := make([]string, 0, 2)
	if n := testing.AllocsPerRun(100, func() {
		r := strictjson.Read(text)
		for r.Next() {
			switch r.Name() {
			case "n":
				r.Integer()
			case "list":
				list = r.Strings(list[:0])
			default:
				r.Raw()
			}
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestReaderStringsOfEveryLength reads names and values of every length up to several loop steps,
// with bytes that look like the end of the string.
func TestReaderStringsOfEveryLength(t *testing.T) {
	for length := range 40 {
		for at := range length + 1 {
			for _, odd := range []string{"", "!", "#", " ", "~", ":", ",", "é", `\\`, `\"`} {
				inner := strings.Repeat("x", at) + odd + strings.Repeat("y", length-at)
				text := `{"first":1,"` + inner + `":"` + inner + `","text":"` + inner + `"}`
				var want map[string]any
				if err := json.Unmarshal([]byte(text), &want); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				r := strictjson.Read(text)
				read := map[string]any{}
				for r.Next() {
					if r.Name() == "first" {
						read["first"] = float64(r.Integer())
					} else {
						read[r.Name()] = r.Text()
					}
				}
				if err := r.Err(); err != nil || !maps.Equal(read, want) {
					t.Fatalf("%s is %v, %v", text, read, err)
				}
			}
		}
	}
}

// FuzzReader checks that a value means the same to Reader and to the functions of the package, and
// that both refuse the same texts.
func FuzzReader(f *testing.F) {
	f.Add(`{"a":"b","c":7,"d":["e","\u00e9"],"f":{"g":[null]}}`)
	f.Add(` { "a" : -0 , "b" : [ ] , "c" : [ 1 ] , "d" : "\ud83d\ude00" } `)
	f.Add(`{"a":1,"\u0061":2}`)
	f.Add(`{"a":+1,"b":[tru],"c":"` + "\xff" + `"}`)
	f.Fuzz(func(t *testing.T, text string) {
		members, refused := strictjson.Members(text)
		for i := range 3 {
			r := strictjson.Read(text)
			at := 0
			for ; r.Next(); at++ {
				var got, want string
				var err error
				switch i {
				case 0:
					got = r.Text()
				case 1:
					got = fmt.Sprint(r.Integer())
				case 2:
					got = fmt.Sprintf("%q", r.Strings(nil))
				}
				if refused != nil {
					continue
				}
				switch raw := members[at].Raw; i {
				case 0:
					want, err = strictjson.String(raw)
				case 1:
					var n int64
					n, err = strictjson.Integer(raw)
					want = fmt.Sprint(n)
				case 2:
					var list []string
					list, err = strictjson.Strings(raw)
					want = fmt.Sprintf("%q", list)
				}
				if r.Name() != members[at].Name || got != want || (r.Err() == nil) != (err == nil) {
					t.Fatalf("%q: member %d, %q, is %s, %v; alone it is %s, %v", text, at, r.Name(), got, r.Err(), want, err)
				}
			}
			if r.Err() == nil && (refused != nil || at != len(members)) {
				t.Fatalf("%q is read to the end, and not by Members: %v", text, refused)
			}
			if refused == nil && r.Err() != nil && !errors.Is(r.Err(), strictjson.ErrType) {
				t.Fatalf("%q is refused: %v", text, r.Err())
			}
		}
	})
}
