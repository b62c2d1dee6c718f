package authorizer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestMethodOverride sends requests whose headers or query string name another method than the
// request line. Some routers call the handler of that method, so the rules of both methods must
// allow the request, at every kind of gateway that shows these parts to the authorizer.
func TestMethodOverride(t *testing.T) {
	rules := []authorizer.Rule{
		{Route: "ANY /open"}, {Route: "GET /files/*"}, {Route: "POST /files/*"}, {Route: "DELETE /files/*", Roles: []string{"admin"}},
		{Route: "PUT /files/*", Roles: []string{"ops"}},
	}
	for _, row := range []struct {
		request, header string
		allowed         bool
	}{
		{"POST /files/a", "", true},
		{"DELETE /files/a", "", false},
		{"POST /files/a", "X-HTTP-Method-Override: DELETE", false},
		{"POST /files/a", "x-http-method-override: delete", false},
		{"POST /files/a", "X-HTTP-Method: DELETE", false},
		{"POST /files/a", "X-Method-Override: DELETE", false},
		{"POST /files/a", "X-HTTP-Method-Override: PUT, DELETE", false},
		{"POST /files/a", "X-HTTP-Method-Override: ,PUT,  Delete ,", false},
		{"POST /files/a", "X-HTTP-Method: PUT\nX-HTTP-Method-Override: DELETE", false},
		{"POST /files/a", "X-HTTP-Method-Override: DELETE\nX-HTTP-Method: PUT", false},
		{"POST /files/a?_method=DELETE", "", false},
		{"POST /files/a?_method=put&x=1&_method=delete", "", false},
		{"POST /files/a?%5Fmethod=DELETE", "", false},
		{"GET /files/a?_method=DELETE", "", false},
		{"POST /files/a", "X_HTTP_Method_Override: DELETE", false},
		{"POST /files/a", "x_http-method_override: DELETE", false},
		{"POST /files/a", "X_HTTP_METHOD: DELETE", false},
		{"POST /files/a", "X.Method~Override: DELETE", false},
		{"POST /files/a?.method=DELETE", "", false},
		{"POST /files/a?+_method=DELETE", "", false},
		{"POST /files/a?%20%20.method=DELETE", "", false},
		{"POST /files/a?_method%00x=DELETE", "", false},
		{"POST /files/a?x_method=DELETE", "", true},
		{"POST /files/a?_Method=DELETE", "", true},
		{"POST /files/a", "XaHTTP-Method-Override: DELETE", true},
		{"POST /files/a?_method=PUT", "", true},
		{"POST /files/a?method=DELETE", "", true},
		{"POST /files/a", "X-HTTP-Method-Override: GET", true},
		{"POST /files/a", "X-HTTP-Method-Override: ", true},
		{"POST /files/a", "X-HTTP-Method-Override: PURGE", false},
		{"POST /files/a", "X-HTTP-Method-Override: ANY", false},
		{"POST /files/a", "X-HTTP-Method-Override: POST/files/b?", false},
		{"POST /files/a", "X-HTTP-Methods: DELETE", true},
		{"DELETE /files/a", "X-HTTP-Method-Override: GET", false},
		{"POST /open", "X-HTTP-Method-Override: DELETE", true},
		{"POST /open?_method=HEAD", "", true},
	} {
		t.Run(row.request+" "+row.header, func(t *testing.T) {
			method, target, _ := strings.Cut(row.request, " ")
			r := httptest.NewRequest(method, target, nil)
			r.Header.Set("Authorization", "Bearer x")
			for line := range strings.Lines(row.header) {
				name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
				r.Header.Add(name, value)
			}
			a := under(t, someone, rules...)
			arn := prod + method + r.URL.Path
			got := map[string]bool{"middleware": false}
			a.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got["middleware"] = true })).
				ServeHTTP(httptest.NewRecorder(), r)
			simple, err := a.Invoke(context.Background(), fmt.Appendf(nil, `{"version":"2.0","type":"REQUEST","routeArn":%q,"headers":%s,"queryStringParameters":%s}`,
				arn, joined(r.Header), joined(r.URL.Query())))
			if err != nil {
				t.Fatal(err)
			}
			got["HTTP API"] = parseAnswer(t, simple).IsAuthorized
			for name, format := range map[string]string{
				"REST API":           `{"type":"REQUEST","methodArn":%q,"multiValueHeaders":%s,"multiValueQueryStringParameters":%s}`,
				"HTTP API, format 1": `{"version":"1.0","type":"REQUEST","methodArn":%q,"multiValueHeaders":%s,"multiValueQueryStringParameters":%s}`,
			} {
				policy, err := a.Invoke(context.Background(), fmt.Appendf(nil, format, arn, several(r.Header), several(r.URL.Query())))
				if err != nil {
					t.Fatal(err)
				}
				got[name] = parseAnswer(t, policy).allows(arn)
			}
			for where, allowed := range got {
				if allowed != row.allowed {
					t.Errorf("%s: allowed %v, want %v", where, allowed, row.allowed)
				}
			}
		})
	}
}

// joined is a map of an event with one value for each name, as an HTTP API joins them.
func joined(values map[string][]string) string {
	var members []string
	for name, list := range values {
		members = append(members, fmt.Sprintf("%s:%q", quotedName(name), strings.Join(list, ",")))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// several is a map of an event with a list of values for each name.
func several(values map[string][]string) string {
	var members []string
	for name, list := range values {
		quoted := make([]string, len(list))
		for i, value := range list {
			quoted[i] = fmt.Sprintf("%q", value)
		}
		members = append(members, fmt.Sprintf("%s:[%s]", quotedName(name), strings.Join(quoted, ",")))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// quotedName is a name of a parameter as a string of JSON. A NUL has no escape of Go in JSON.
func quotedName(name string) string {
	return strings.ReplaceAll(fmt.Sprintf("%q", name), `\x00`, `\u0000`)
}
