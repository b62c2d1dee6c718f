package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

func TestObject(t *testing.T) {
	deep := func(levels int) string {
		return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
	}
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"n%d":%d,`, i, i)
		}
		return "{" + b.String() + last + "}"
	}
	for _, row := range []struct {
		name, text string
		want       error
	}{
		{"empty object", `{}`, nil},
		{"every kind of value", `{"a":null,"b":[true,false,[]],"c":{"d":{}},"e":-1.5e+3,"f":"x"}`, nil},
		{"space everywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", nil},
		{"a surrogate pair", `{"a":"\ud83d\ude00"}`, nil},
		{"the deepest", deep(8), nil},
		{"one name at two depths", `{"a":{"a":1}}`, nil},
		{"a hundred names", many(`"z":1`), nil},

		{"nothing", ``, strictjson.ErrType},
		{"an array", `[]`, strictjson.ErrType},
		{"null", `null`, strictjson.ErrType},
		{"a byte order mark", "\ufeff{}", strictjson.ErrType},
		{"cut off", `{"a":1`, strictjson.ErrSyntax},
		{"cut off in a name", `{"a`, strictjson.ErrSyntax},
		{"cut off in an escape", `{"a\`, strictjson.ErrSyntax},
		{"cut off in a code unit", `{"a\u00`, strictjson.ErrSyntax},
		{"no colon", `{"a" 1}`, strictjson.ErrSyntax},
		{"no value", `{"a":}`, strictjson.ErrSyntax},
		{"no name", `{:1}`, strictjson.ErrSyntax},
		{"a bare name", `{a:1}`, strictjson.ErrSyntax},
		{"single quotes", `{'a':1}`, strictjson.ErrSyntax},
		{"a comma at the end", `{"a":1,}`, strictjson.ErrSyntax},
		{"a comma at an array's end", `{"a":[1,]}`, strictjson.ErrSyntax},
		{"a comment", `{"a":1/**/}`, strictjson.ErrSyntax},
		{"wrong bracket", `{"a":[1}}`, strictjson.ErrSyntax},
		{"unknown literal", `{"a":NaN}`, strictjson.ErrSyntax},
		{"literal in capitals", `{"a":True}`, strictjson.ErrSyntax},
		{"leading zero", `{"a":01}`, strictjson.ErrSyntax},
		{"leading plus", `{"a":+1}`, strictjson.ErrSyntax},
		{"bare minus", `{"a":-}`, strictjson.ErrSyntax},
		{"empty fraction", `{"a":1.}`, strictjson.ErrSyntax},
		{"empty exponent", `{"a":1e}`, strictjson.ErrSyntax},
		{"a form feed as space", "{\f}", strictjson.ErrSyntax},
		{"a line feed in a string", "{\"a\":\"\n\"}", strictjson.ErrSyntax},
		{"a control after an escape", "{\"a\":\"\\n\x01\"}", strictjson.ErrSyntax},
		{"unknown escape", `{"a":"\x41"}`, strictjson.ErrSyntax},
		{"escape without digits", `{"a":"\u00g0"}`, strictjson.ErrSyntax},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", strictjson.ErrUTF8},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", strictjson.ErrUTF8},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", strictjson.ErrUTF8},
		{"lone high surrogate", `{"a":"\ud83d"}`, strictjson.ErrSurrogate},
		{"lone low surrogate", `{"a":"\ude00"}`, strictjson.ErrSurrogate},
		{"high before no surrogate", `{"a":"\ud83d\u0041"}`, strictjson.ErrSurrogate},
		{"lone surrogate in a name", `{"\ud83d":1}`, strictjson.ErrSurrogate},
		{"duplicate name", `{"a":1,"a":1}`, strictjson.ErrDuplicate},
		{"duplicate once unescaped", `{"a":1,"\u0061":2}`, strictjson.ErrDuplicate},
		{"duplicate deeper", `{"x":[{"a":1,"b":2,"a":3}]}`, strictjson.ErrDuplicate},
		{"duplicate among a hundred", many(`"n99":0`), strictjson.ErrDuplicate},
		{"duplicate early among a hundred", many(`"n0":0`), strictjson.ErrDuplicate},
		{"too deep", deep(9), strictjson.ErrNesting},
		{"too deep in arrays", `{"a":` + strings.Repeat("[", 1e6), strictjson.ErrNesting},
		{"two objects", `{}{}`, strictjson.ErrTrailing},
		{"NUL at the end", "{}\x00", strictjson.ErrTrailing},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := strictjson.Object([]byte(row.text))
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Fatalf("got %v, %v; want %v", got, err, row.want)
			}
		})
	}
}

func TestNamesAreExact(t *testing.T) {
	got, err := strictjson.Object([]byte(`{"Role":"a","role":"b","r\u006fle ":[ 1 ]}`))
	want := map[string]string{"Role": `"a"`, "role": `"b"`, "role ": `[ 1 ]`}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%q, %v", got, err)
	}
	for name, raw := range want {
		if string(got[name]) != raw {
			t.Errorf("%q is %q, want %q", name, got[name], raw)
		}
	}
}

func TestMembersKeepTheirOrder(t *testing.T) {
	got, err := strictjson.Members(`{"b":1,"a":{"c":2}}`)
	want := []strictjson.Member{{Name: "b", Raw: "1"}, {Name: "a", Raw: `{"c":2}`}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestString(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                                  "",
		` "a" `:                               "a",
		`"\"\\\/\b\f\n\r\t"`:                  "\"\\/\b\f\n\r\t",
		`"\u00e9 \uD83D\uDE00 \u0000 \ufffd"`: "é 😀 \x00 \ufffd",
	} {
		if got, err := strictjson.String(raw); err != nil || got != want {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	for raw, want := range map[string]error{
		``: strictjson.ErrType, `1`: strictjson.ErrType, `null`: strictjson.ErrType, `["a"]`: strictjson.ErrType,
		`"a""b"`: strictjson.ErrTrailing, `"\ud800"`: strictjson.ErrSurrogate, "\"\xff\"": strictjson.ErrUTF8,
	} {
		if got, err := strictjson.String(raw); !errors.Is(err, want) || got != "" {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	if _, err := strictjson.String(json.RawMessage(nil)); !errors.Is(err, strictjson.ErrType) {
		t.Errorf("a missing member: %v", err)
	}
}

func TestStringsAndArray(t *testing.T) {
	if got, err := strictjson.Strings(` [ "a" , "\u0062" ] `); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := strictjson.Strings(`[]`); err != nil || got == nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	for _, raw := range []string{``, `"a"`, `["a",1]`, `[["a"]]`, `[null]`, `{}`} {
		if got, err := strictjson.Strings(raw); !errors.Is(err, strictjson.ErrType) || got != nil {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	got, err := strictjson.Array(json.RawMessage(`[1, {"a" : 2}]`))
	if err != nil || len(got) != 2 || string(got[1]) != `{"a" : 2}` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := strictjson.Array(`{}`); !errors.Is(err, strictjson.ErrType) {
		t.Errorf("an object as an array: %v", err)
	}
}

func TestInteger(t *testing.T) {
	for raw, want := range map[string]int64{
		`0`: 0, `7`: 7, `-7`: -7, `9223372036854775807`: math.MaxInt64, `-9223372036854775808`: math.MinInt64,
	} {
		if got, err := strictjson.Integer(raw); err != nil || got != want {
			t.Errorf("%s: %d, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		``, `1.0`, `1e3`, `1E0`, `-0`, `01`, `+1`, `"1"`, `null`, `true`, `1 2`, `0x10`, `1_000`,
		`9223372036854775808`, `-9223372036854775809`,
	} {
		if got, err := strictjson.Integer(raw); err == nil || got != 0 {
			t.Errorf("%s was read as %d", raw, got)
		}
	}
}

// FuzzObject checks that every accepted text has the same meaning for encoding/json, and that a
// round trip does not change it.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":null,"b":[true,false,[]],"c":{"d":{}},"e":-1.5e+3,"f":"x"}`, `{"a":"\ud83d\ude00\u00E9"}`,
		`{"a":1,"\u0061":2}`, `{"a":01}`, "{\"a\":\"\xff\"}", `{"a":[[[[[[[[1]]]]]]]]}`, `{"a":1} x`, `{"<":"&"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Object(data)
		if err != nil {
			return
		}
		var loose map[string]json.RawMessage
		if err := json.Unmarshal(data, &loose); err != nil || len(loose) != len(got) {
			t.Fatalf("%q: read %q, encoding/json read %q, %v", data, got, loose, err)
		}
		for name, raw := range got {
			if string(loose[name]) != string(raw) {
				t.Fatalf("%q: %q is %q, encoding/json says %q", data, name, raw, loose[name])
			}
			var want string
			if value, err := strictjson.String(raw); err == nil && (json.Unmarshal(raw, &want) != nil || value != want) {
				t.Fatalf("%q is %q, encoding/json says %q", raw, value, want)
			}
		}
		once := marshal(t, got)
		again, err := strictjson.Object(once)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", data, once, err)
		}
		if twice := marshal(t, again); string(twice) != string(once) {
			t.Fatalf("%q was written as %q, then as %q", data, once, twice)
		}
	})
}

func marshal(t *testing.T, object map[string]json.RawMessage) []byte {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
