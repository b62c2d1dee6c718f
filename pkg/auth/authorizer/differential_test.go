package authorizer_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestStringsOfEveryLength reads strings of every length up to several steps of the scanner's loop,
// with a special byte at every position.
func TestStringsOfEveryLength(t *testing.T) {
	for _, odd := range []string{
		``, `"`, `\`, `\"`, `\\`, `\\"`, `\u0041`, `\ud83d\ude00`, `\ud800`, `\u00g0`,
		"\n", "\x00", "\x1f", "\x7f", "é", "\u2028", "\x80", "\xff", "!", "#", " ", "[", "]",
	} {
		for length := range 40 {
			for at := range length + 1 {
				inner := strings.Repeat("x", at) + odd + strings.Repeat("~", length-at)
				for _, text := range []string{
					`"` + inner + `"`, `{"` + inner + `":1}`,
					`{"a":"` + inner + `","b":"` + inner + `"}`, `{"a":"` + inner + `","b":"                "}`,
				} {
					compare(t, []byte(text))
				}
			}
		}
	}
}

// FuzzReader compares the scanner with encoding/json: up to the maximum depth both accept the same
// texts and read the same names and strings.
func FuzzReader(f *testing.F) {
	nested := func(opening string, depth int, closing string) string {
		return strings.Repeat(opening, depth) + `1` + strings.Repeat(closing, depth)
	}
	for _, seed := range append(slices.Clone(seeds),
		`{"":"","a":1,"a":2}`, `{"\u0061":1,"a":2}`, `{"a":"\ud800","\ud800":"\ud83d\ude00 \n"}`, ` { "a" : [ ] , "b" : { } } `,
		`{"a\\":"\\\\","b":"\\","c":"c"}`, `{"é":"\u00e9","\u00e9":0}`, "{\"\xff\":\"\xff\"}", `null`, `nullx`, `{"a":-0.0e-0}`,
		`[[[{"a":[{}]}]]]`, `{"a":1}}`, `{"a":1`, `{"a"`, `{"`, `{`,
		nested(`[`, 1000, `]`), nested(`[`, 1001, `]`), nested(`{"a":`, 1000, `}`), nested(`{"a":`, 1001, `}`),
		`{"a":`+nested(`[`, 999, `]`)+`}`, `{"a":`+nested(`[`, 1000, `]`)+`}`,
		strings.ReplaceAll(nested(`[`, 1000, `]`), `1`, `[]`), strings.ReplaceAll(nested(`[`, 1000, `]`), `1`, `{}`),
	) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { compare(t, text) })
}

func compare(t *testing.T, text []byte) {
	t.Helper()
	valid := utf8.Valid(text) && json.Valid(text) && depth(text) <= authorizer.MaxDepth
	if got := authorizer.IsJSON(text); got != valid {
		t.Fatalf("%q: accepted %v, JSON %v", text, got, valid)
	}
	names, values, ok := authorizer.ReadObject(text, false)
	object := bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
	if want := valid && (object || string(bytes.Trim(text, " \t\r\n")) == "null"); ok != want {
		t.Fatalf("%q: an object %v, and %v to encoding/json", text, ok, want)
	}
	if !ok || !object {
		return
	}
	wantNames, wantValues := decoded(t, text)
	if !slices.EqualFunc(names, wantNames, equal) || !slices.EqualFunc(values, wantValues, equal) {
		t.Fatalf("%q is %q: %q, and %q: %q to encoding/json", text, names, values, wantNames, wantValues)
	}
	if slices.ContainsFunc(wantNames, lossy) || len(names) > 64 {
		return // in the other objects the gateway alone chooses the names
	}
	distinct := len(slices.Compact(slices.Sorted(slices.Values(names)))) == len(names)
	if _, _, once := authorizer.ReadObject(text, true); once != distinct {
		t.Fatalf("%q: each name once %v, want %v", text, once, distinct)
	}
}

// depth returns the maximum number of objects and arrays that are open at once.
func depth(text []byte) (deepest int) {
	open := 0
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		switch next, err := d.Token(); {
		case err != nil:
			return deepest
		case next == json.Delim('{') || next == json.Delim('['):
			open++
			deepest = max(deepest, open)
		case next == json.Delim('}') || next == json.Delim(']'):
			open--
		}
	}
}

// decoded returns the names of an object and its string values, in order.
func decoded(t *testing.T, text []byte) (names, values []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for d.More() {
		name, err := d.Token()
		var raw json.RawMessage
		if err == nil {
			err = d.Decode(&raw)
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		names = append(names, name.(string))
		var value string
		if raw[0] == '"' && json.Unmarshal(raw, &value) == nil {
			values = append(values, value)
		}
	}
	return names, values
}

// equal compares a value of the scanner with that of encoding/json. They may differ only for an
// unpaired surrogate.
func equal(got, want string) bool { return got == want || got == "\uFFFD" && lossy(want) }

func lossy(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }
