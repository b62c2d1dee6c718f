package authorizer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestEventsAreJSON puts a value into a part of the event that is not used. The event is accepted
// exactly if the value is JSON.
func TestEventsAreJSON(t *testing.T) {
	a := under(t, someone)
	for _, value := range []string{
		`0`, `-0`, `12`, `-1.50`, `1e9`, `2E-3`, `0.1e+2`, `true`, `false`, `null`, `""`, `"a b"`, `"\"\\\/\b\f\n\r\t\u00e9"`, `"\ud83d\ude00"`,
		`"\ud800"`, `"` + "\x7f\u2028" + `"`, `[]`, `[ ]`, `{}`, `{ }`, `[1, [2], {"a": [null]}]`, `{"a":1,"a":2}`, " \t\r\n1 \t\r\n",
		strings.Repeat("[", 900) + strings.Repeat("]", 900),

		``, `01`, `-`, `+1`, `1.`, `.1`, `1e`, `1e+`, `0x1`, `1_0`, `NaN`, `True`, `nul`, `nulll`, `'a'`, `"a`, `a"`, `"\x"`, `"\u12"`, `"\`, `"\ud800\x"`, `"` + "\n" + `"`,
		`"` + "\x00" + `"`, "\"\xff\"", `[`, `]`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{`, `}`, `{1:2}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a" 1}`, `{null:1}`, `{a:1}`,
		`1,`, `1 2`, `1}{`, `// a` + "\n1", "\v1", "\ufeff1",
	} {
		text := `{"x":` + value + `,"type":"TOKEN","methodArn":"` + methodARN + `","authorizationToken":"Bearer x"}`
		raw, err := a.Invoke(context.Background(), []byte(text))
		if err != nil {
			t.Errorf("%q: %v", value, err)
		}
		if got, want := parseAnswer(t, raw).allows(methodARN), utf8.ValidString(text) && json.Valid([]byte(text)); got != want {
			t.Errorf("%q: allowed %v, JSON %v", value, got, want)
		}
	}
	for name, text := range map[string]string{
		"a second value that only begins as the first": event(`{"authorization":"a\"b","Authorization":"a"b"}`),
		"a second value that goes on behind the first": event(`{"authorization":"Bearer x","Authorization":"Bearer x"x}`),
	} {
		if raw, err := a.Invoke(context.Background(), []byte(text)); err != nil || string(raw) != simpleNo {
			t.Errorf("%s: %v %s", name, err, raw)
		}
	}
	deep := `{"x":` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `}`
	if raw, err := a.Invoke(context.Background(), []byte(deep)); err != nil || string(raw) != simpleNo {
		t.Errorf("%v %s", err, raw)
	}
}

// TestNamesOfNestedObjects reads more distinct names than the scanner remembers at once, in nested
// objects.
func TestNamesOfNestedObjects(t *testing.T) {
	members := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `"n%d":"type",`, i)
		}
		return b.String()
	}
	a := under(t, someone)
	for again, allowed := range map[string]bool{`"n50":1`: true, `"n0":1`: false, `"n49":1`: false, `"n\u0030":1`: false} {
		text := `{` + members(0, 3) + `"requestContext":{` + members(0, 30) +
			`"http":{` + members(0, 25) + `"method":"GET"},` + members(30, 50) + again + `},` +
			`"http":1,"type":"TOKEN","methodArn":"` + methodARN + `","authorizationToken":"Bearer x"}`
		raw, err := a.Invoke(context.Background(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := parseAnswer(t, raw).allows(methodARN); got != allowed {
			t.Errorf("%s: %v", again, got)
		}
	}
}

// TestManySpellingsOfAHeader sends a header in many spellings, each with the same token. A gateway
// that keeps the client's spelling passes all of them. A client must not be able to cause a fault.
func TestManySpellingsOfAHeader(t *testing.T) {
	for _, n := range []int{1, 32, 33, 64, 1000} {
		var spellings []string
		for i := range n {
			name := []byte("authorization")
			for j := range name {
				if i>>j&1 == 1 {
					name[j] -= 'a' - 'A'
				}
			}
			spellings = append(spellings, fmt.Sprintf(`%q:"Bearer x"`, name))
		}
		var log bytes.Buffer
		a, err := authorizer.New(authorizer.Config{Verifier: someone, Log: &log, Deny: config.DenyPolicy})
		if err != nil {
			t.Fatal(err)
		}
		headers := "{" + strings.Join(spellings, ",") + "}"
		answer, err := a.Invoke(t.Context(), fmt.Appendf(nil,
			`{"type":"REQUEST","methodArn":%q,"headers":%s,"multiValueHeaders":%s}`, prod+"GET/x", headers, strings.ReplaceAll(headers, `"Bearer x"`, `["Bearer x"]`)))
		if err != nil {
			t.Fatal(err)
		}
		if got := parseAnswer(t, answer).allows(prod + "GET/x"); got != (n <= 32) {
			t.Errorf("%d spellings: allowed %v", n, got)
		}
		if strings.Contains(log.String(), "fault") || n > 32 && !strings.Contains(log.String(), `"several_tokens"`) {
			t.Errorf("%d spellings: %s", n, &log)
		}
	}
}
