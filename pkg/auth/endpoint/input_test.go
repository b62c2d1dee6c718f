package endpoint_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// sized returns a login request as a JSON object of n bytes.
func sized(n int) string {
	open := strings.TrimSuffix(credentials, "}") + `,"padding":"`
	return open + strings.Repeat("x", n-len(open)-2) + `"}`
}

const (
	tooLarge  = `{"error":"request_too_large","error_description":"the body must have at most 8192 bytes"`
	wrongType = `{"error":"unsupported_media_type","error_description":"Content-Type must be application/json`
)

func invalid(description string) string {
	return `400 {"error":"invalid_request","error_description":"` + description + `"}`
}

// TestRequestsRefused checks requests that are refused before the user is looked up.
func TestRequestsRefused(t *testing.T) {
	h := newHarness(t)
	notJSON := func(why string) string { return invalid("the body must be one JSON object: " + why) }
	required := invalid("email and password are required")
	for _, row := range []struct{ name, request, want string }{
		{"no body", loginJSON, notJSON("expected a JSON object (at byte 0)")},
		{"blank", loginJSON + " \r\n", notJSON("expected a JSON object (at byte 3)")},
		{"null", loginJSON + "null", notJSON("expected a JSON object (at byte 0)")},
		{"an array", loginJSON + "[" + credentials + "]", notJSON("expected a JSON object (at byte 0)")},
		{"a string", loginJSON + `"x"`, notJSON("expected a JSON object (at byte 0)")},
		{"a form", loginJSON + "email=a&password=b", notJSON("expected a JSON object (at byte 0)")},
		{"cut off", loginJSON + `{"email":"a`, notJSON("not valid JSON (at byte 11)")},
		{"a second object", loginJSON + credentials + "{}", notJSON("data follows the JSON value (at byte 54)")},
		{"trailing NUL", loginJSON + credentials + "\x00", notJSON("data follows the JSON value (at byte 54)")},
		{"byte order mark", loginJSON + "\ufeff" + credentials, notJSON("expected a JSON object (at byte 0)")},
		{"invalid UTF-8", loginJSON + "{\"email\":\"\xff\",\"password\":\"b\"}", notJSON("not valid UTF-8")},
		{"lone surrogate", loginJSON + `{"email":"\ud800","password":"b"}`, notJSON("unpaired surrogate escape (at byte 16)")},
		{"control character", loginJSON + "{\"email\":\"a\nb\",\"password\":\"b\"}", notJSON("not valid JSON (at byte 11)")},
		{"a name twice", loginJSON + `{"email":"a","password":"b","email":"c"}`, notJSON("duplicate name in an object (at byte 28)")},
		{"a name twice, once escaped", loginJSON + `{"email":"a","password":"b","\u0065mail":"c"}`, notJSON("duplicate name in an object (at byte 28)")},
		{"an unknown name twice", loginJSON + `{"x":1,"x":1}`, notJSON("duplicate name in an object (at byte 7)")},
		{"nested too deeply", loginJSON + `{"x":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + "}", notJSON("nested deeper than 8 levels (at byte 12)")},
		{"nested without end", loginJSON + `{"x":` + strings.Repeat("[", 8000), notJSON("nested deeper than 8 levels (at byte 12)")},

		{"nothing given", loginJSON + "{}", required},
		{"no password", loginJSON + `{"email":"a"}`, required},
		{"empty password", loginJSON + `{"email":"a","password":""}`, required},
		{"empty e-mail", loginJSON + `{"email":"","password":"b"}`, required},
		{"names in another case", loginJSON + `{"Email":"a","PASSWORD":"b"}`, required},
		{"a name with a space", loginJSON + `{"email ":"a","password":"b"}`, required},
		{"in the query string", "POST /auth/login?email=a&password=b\nContent-Type: application/json\n\n{}", required},
		{"e-mail null", loginJSON + `{"email":null,"password":"b"}`, invalid("email and password are required")},
		{"e-mail a number", loginJSON + `{"email":1,"password":"b"}`, invalid("email must be a string")},
		{"password an array", loginJSON + `{"email":"a","password":["b"]}`, invalid("password must be a string")},
		{"password an object", loginJSON + `{"email":"a","password":{"b":1}}`, invalid("password must be a string")},
		{"client_id a boolean", loginJSON + `{"email":"a","password":"b","client_id":true}`, invalid("client_id must be a string")},
		{"all wrong: the first by name is told", loginJSON + `{"password":1,"email":1,"delivery":1,"client_id":1}`, invalid("client_id must be a string")},
		{"delivery cookie", loginJSON + `{"email":"a","password":"b","delivery":"query"}`, invalid("delivery must be body, cookie, cookies or session")},
		{"remember as text", loginJSON + `{"email":"a","password":"b","remember":"false"}`, invalid("remember must be true or false")},
		{"delivery in another case", loginJSON + `{"email":"a","password":"b","delivery":"Body"}`, invalid("delivery must be body, cookie, cookies or session")},
		{"unknown client", loginJSON + `{"email":"a","password":"b","client_id":"web"}`, invalid("client_id is unknown")},
		{"client in another case", loginJSON + `{"email":"a","password":"b","client_id":"Default"}`, invalid("client_id is unknown")},

		{"one byte too many", loginJSON + sized(8193), "413 " + tooLarge + "}"},
		{"too long before its type is looked at", "POST /auth/login\nContent-Type: text/plain\n\n" + sized(8193), "413 " + tooLarge + "}"},
		{"too long without a type", "POST /auth/login\n\n" + strings.Repeat("x", 100_000), "413 " + tooLarge + "}"},

		{"no type", "POST /auth/login\n\n" + credentials, "415 " + wrongType + `"}`},
		{"a form's type", "POST /auth/login\nContent-Type: application/x-www-form-urlencoded\n\n" + credentials, "415 " + wrongType + `"}`},
		{"plain text, which needs no preflight", "POST /auth/login\nContent-Type: text/plain\n\n" + credentials, "415 " + wrongType + `"}`},
		{"another JSON", "POST /auth/login\nContent-Type: application/vnd.api+json\n\n" + credentials, "415 " + wrongType + `"}`},
		{"a list of types", "POST /auth/login\nContent-Type: application/json, text/plain\n\n" + credentials, "415 " + wrongType + `"}`},
		{"another charset", "POST /auth/login\nContent-Type: application/json; charset=iso-8859-1\n\n" + credentials, "415 " + wrongType + `"}`},
		{"two charsets", "POST /auth/login\nContent-Type: application/json; charset=utf-8; charset=utf-16\n\n" + credentials, "415 " + wrongType + `"}`},
		{"a broken type", "POST /auth/login\nContent-Type: application/json; charset\n\n" + credentials, "415 " + wrongType + `"}`},

		{"GET", "GET /auth/login\n\n", `405 Allow: POST {"error":"method_not_allowed"}`},
		{"PUT", "PUT /auth/login\nContent-Type: application/json\n\n" + credentials, `405 Allow: POST {"error":"method_not_allowed"}`},
		{"OPTIONS", "OPTIONS /auth/refresh\n\n", `405 Allow: POST {"error":"method_not_allowed"}`},
		{"DELETE", "DELETE /auth/refresh\n\n", `405 Allow: POST {"error":"method_not_allowed"}`},
		{"a path below", "POST /auth/login/\n\n", `404 {"error":"not_found"}`},
		{"another case", "POST /auth/Login\n\n", `404 {"error":"not_found"}`},
		{"a doubled slash", "POST //auth/login\n\n", `404 {"error":"not_found"}`},
		{"a path below refresh", "POST /auth/refresh/x\n\n", `404 {"error":"not_found"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := h.send(t, row.request); got.text != row.want {
				t.Errorf("got  %s\nwant %s", got.text, row.want)
			}
		})
	}
}

// TestRefreshRequestsRefused does the same for refresh, whose refusals say that the token remains
// valid.
func TestRefreshRequestsRefused(t *testing.T) {
	h := newHarness(t)
	_, refresh := h.login(t)
	refused := func(status, code, description string) string {
		return status + ` {"error":"` + code + `","error_description":"` + description + `","terminal":false}`
	}
	bad := func(description string) string { return refused("400", "invalid_request", description) }
	notJSON := func(why string) string { return bad("the body must be one JSON object: " + why) }
	type415 := "415 " + wrongType + ` or application/x-www-form-urlencoded","terminal":false}`
	const once = "a parameter must not be included more than once"
	for _, row := range []struct{ name, request, want string }{
		{"no body", refreshForm, bad("grant_type is required")},
		{"blank", refreshForm + "&&", bad("grant_type is required")},
		{"JSON in a form", refreshForm + `{"refresh_token":"x"}`, bad("grant_type is required")},
		{"no grant_type", refreshForm + "refresh_token=" + refresh, bad("grant_type is required")},
		{"empty grant_type", refreshForm + "grant_type=&refresh_token=" + refresh, bad("grant_type is required")},
		{"grant_type in another case", refreshForm + "Grant_Type=refresh_token&refresh_token=" + refresh, bad("grant_type is required")},
		{"byte order mark", refreshForm + "\ufeffgrant_type=refresh_token&refresh_token=" + refresh, bad("grant_type is required")},
		{"in the query string", "POST /auth/refresh?grant_type=refresh_token&refresh_token=" + refresh + "\nContent-Type: application/x-www-form-urlencoded\n\n", bad("grant_type is required")},
		{"token in the query string", "POST /auth/refresh?refresh_token=" + refresh + "\nContent-Type: application/json\n\n{}", bad("refresh_token is required")},
		{"password grant", refreshForm + "grant_type=password&refresh_token=" + refresh, refused("400", "unsupported_grant_type", "grant_type must be refresh_token")},
		{"grant in another case", refreshForm + "grant_type=Refresh_Token&refresh_token=" + refresh, refused("400", "unsupported_grant_type", "grant_type must be refresh_token")},
		{"no token", refreshForm + "grant_type=refresh_token", bad("refresh_token is required")},
		{"empty token", formOf("", ""), bad("refresh_token is required")},
		{"a token without =", refreshForm + "grant_type=refresh_token&refresh_token", bad("refresh_token is required")},
		{"token twice", formOf(refresh, "&refresh_token="+refresh), bad(once)},
		{"grant_type twice", formOf(refresh, "&grant_type=refresh_token"), bad(once)},
		{"token twice, once escaped", formOf(refresh, "&%72efresh_token=x"), bad(once)},
		{"client twice, once empty", formOf(refresh, "&client_id=default&client_id="), bad(once)},
		{"an unknown parameter twice", formOf(refresh, "&x=1&x=1"), bad(once)},
		{"a semicolon", formOf(refresh, ";x=1"), bad("the body must be a form")},
		{"a broken escape", formOf(refresh, "&x=%zz"), bad("the body must be a form")},
		{"invalid UTF-8", formOf(refresh, "&x=\xff"), bad("the body must be UTF-8")},
		{"invalid UTF-8, escaped, in a name", formOf(refresh, "&%ff=x"), bad("the body must be UTF-8")},

		{"JSON: no body", refreshJSON, notJSON("expected a JSON object (at byte 0)")},
		{"JSON: an array", refreshJSON + `["` + refresh + `"]`, notJSON("expected a JSON object (at byte 0)")},
		{"JSON: a form", refreshJSON + "refresh_token=x", notJSON("expected a JSON object (at byte 0)")},
		{"JSON: nothing given", refreshJSON + "{}", bad("refresh_token is required")},
		{"JSON: an empty token", refreshJSON + `{"refresh_token":""}`, bad("refresh_token is required")},
		{"JSON: another case", refreshJSON + `{"Refresh_Token":"` + refresh + `"}`, bad("refresh_token is required")},
		{"JSON: null", refreshJSON + `{"refresh_token":null}`, bad("refresh_token is required")},
		{"JSON: several tokens", refreshJSON + `{"refresh_token":["` + refresh + `"]}`, bad("refresh_token must be a string")},
		{"JSON: a scope list", refreshJSON + `{"refresh_token":"` + refresh + `","scope":["read"]}`, bad("scope must be a string")},
		{"JSON: another grant", refreshJSON + `{"refresh_token":"` + refresh + `","grant_type":"password"}`, refused("400", "unsupported_grant_type", "grant_type must be refresh_token")},
		{"JSON: a name twice", refreshJSON + `{"refresh_token":"x","refresh_token":"x"}`, notJSON("duplicate name in an object (at byte 21)")},

		{"too long", formOf(refresh, "&x="+strings.Repeat("x", 8192)), "413 " + tooLarge + `,"terminal":false}`},
		{"too long for any type", "POST /auth/refresh\n\n" + strings.Repeat("x", 8193), "413 " + tooLarge + `,"terminal":false}`},
		{"no type", "POST /auth/refresh\n\nrefresh_token=" + refresh, type415},
		{"multipart", "POST /auth/refresh\nContent-Type: multipart/form-data; boundary=x\n\n--x--", type415},
		{"another charset", "POST /auth/refresh\nContent-Type: application/x-www-form-urlencoded; charset=latin1\n\nrefresh_token=" + refresh, type415},

		{"wider scope", formOf(refresh, "&scope=read+admin"), refused("400", "invalid_scope", "the scope is wider than what the session was granted")},
		{"scope in another case", formOf(refresh, "&scope=Read"), refused("400", "invalid_scope", "the scope is wider than what the session was granted")},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := h.send(t, row.request); got.text != row.want {
				t.Errorf("got  %s\nwant %s", got.text, row.want)
			}
		})
	}
	if got := h.send(t, formOf(refresh, "")); got.line != "session_renewed rotated" {
		t.Errorf("after all of them: %s, %s", got.line, got.text)
	}
}

// TestRequestsTaken checks that every form of request that the standards allow is accepted.
func TestRequestsTaken(t *testing.T) {
	h := newHarness(t)
	_, token := h.login(t)
	for _, row := range []struct{ name, request string }{
		{"8 KB", loginJSON + sized(8192)},
		{"type in another case", "POST /auth/login\nContent-Type: APPLICATION/Json\n\n" + credentials},
		{"with a charset", "POST /auth/login\nContent-Type: application/json;charset=\"UTF-8\"\n\n" + credentials},
		{"with another parameter", "POST /auth/login\nContent-Type: application/json; profile=x\n\n" + credentials},
		{"space around", loginJSON + "\r\n " + credentials + "\t\n"},
		{"escapes", loginJSON + `{"\u0065mail":"ada\u0040example.com","password":"correct\u0020horse"}`},
		{"e-mail in another case, with space", loginJSON + `{"email":" ADA@Example.COM ","password":"` + secret + `"}`},
		{"unknown members", loginJSON + `{"otp":null,"x":{"y":[1.5e3,{"Email":"z"}]},` + credentials[1:]},
		{"the default client, named", loginJSON + `{"client_id":"default",` + credentials[1:]},
		{"empty client and delivery", loginJSON + `{"client_id":"","delivery":"",` + credentials[1:]},
		{"remember is null", loginJSON + `{"remember":null,` + credentials[1:]},
		{"remember without a cookie", loginJSON + `{"remember":false,` + credentials[1:]},
		{"delivery in the body", loginJSON + `{"delivery":"body",` + credentials[1:]},
		{"the query string is not read", "POST /auth/login?client_id=web&delivery=cookie\nContent-Type: application/json\n\n" + credentials},

		{"a form", formOf(token, "")},
		{"unknown parameters", formOf(token, "&resource=x&=&y")},
		{"empty parameters", formOf(token, "&client_id=&scope=")},
		{"a blank scope", formOf(token, "&scope=+")},
		{"the default client in a form", formOf(token, "&client_id=default")},
		{"all of the scope", formOf(token, "&scope=write+read")},
		{"one scope as often as fits", formOf(token, "&scope=read"+strings.Repeat("+read", 1500))},
		{"JSON", refreshJSON + `{"refresh_token":"` + token + `"}`},
		{"JSON with a grant", refreshJSON + `{"refresh_token":"` + token + `","grant_type":"refresh_token"}`},
		{"JSON with empty members", refreshJSON + `{"refresh_token":"` + token + `","grant_type":"","client_id":"","scope":""}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := h.send(t, row.request); got.status != http.StatusOK {
				t.Error(got.text)
			}
		})
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	h := newHarness(t)
	r := httptest.NewRequest("POST", "/auth/login", iotest.TimeoutReader(strings.NewReader(sized(8000))))
	r.Header.Set("Content-Type", "application/json")
	if got := h.serve(t, r); got.text != invalid("the body cannot be read") {
		t.Error(got.text)
	}
}

// noMatch computes no hash, because a fuzzer needs fast answers.
type noMatch struct{}

func (noMatch) Verify(_, _ auth.Secret) (password.Result, error) { return password.Result{}, nil }
func (noMatch) Waste(auth.Secret)                                {}
func (noMatch) Hash(auth.Secret) (auth.Secret, error) {
	return auth.Secret{}, errors.New("no password is set")
}

// FuzzRequests: no request causes a fault. Every answer has a known form and a status below 500.
func FuzzRequests(f *testing.F) {
	h := newHarness(f)
	_, refresh := h.login(f)
	who, err := login.New(login.Config{Users: h.users, Hasher: noMatch{}, Counters: throttle.Unlimited, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	h.replace(f, "/auth/login")(endpoint.Login(h.Responder(), who, h.Sessions(), h.Clients()))

	const form = "application/x-www-form-urlencoded"
	for _, seed := range []struct{ contentType, body string }{
		{"application/json", credentials},
		{"application/json", `{"email":"nobody@example.com","password":"\ud83d\ude00"}`},
		{"application/json", `{"email":"a\u0000b@example.com","password":"\u0000"}`},
		{"application/json", `{"refresh_token":"` + refresh + `","scope":"read read write"}`},
		{"application/json; charset=utf-8", `{"refresh_token":"ert_AAAA","client_id":"web"}`},
		{"application/json", `[[[[[[[[[`},
		{form, "grant_type=refresh_token&refresh_token=" + refresh + "&scope=read&client_id=default"},
		{form, "grant_type=refresh_token&refresh_token=" + refresh + "&client_id=%00%ff"},
		{form, "grant_type=refresh_token&refresh_token=ert_" + strings.Repeat("A", 300)},
		{"multipart/form-data; boundary=x", "--x\r\n\r\n--x--"},
		{"text/plain;;", "\xff\xfe"},
		{"", ""},
	} {
		f.Add(seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for path := range h.handlers {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			if got := h.serve(t, r); got.status >= http.StatusInternalServerError {
				t.Errorf("%s: %s", path, got.text)
			}
		}
	})
}
