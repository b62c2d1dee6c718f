// Package route holds the table of edgeauth's routes, for programs that put a gateway in front of
// the functions:
//
//	for _, row := range route.Table() {
//		fmt.Println(row.Pattern, row.Function, row.Guard)
//	}
//
// The rows are strings only. A table of handlers would link every handler into every function.
package route

import "strings"

// Row is one route of the API.
type Row struct {
	// Pattern is a method and a path in the form of http.ServeMux, which is also the route key of
	// an API Gateway HTTP API, as in "GET /auth/sessions/{sid}".
	Pattern string
	// Function names the folder under functions/ whose Lambda function answers.
	Function string
	// Guard is None or Session.
	Guard string
}

// The guards of a route.
const (
	// None lets every request reach the function.
	None = "none"
	// Session puts the authorizer in front: a request without a valid access token does not reach
	// the function.
	Session = "session"
)

// Method returns the method of the row's pattern, as in "GET".
func (r Row) Method() string {
	method, _, _ := strings.Cut(r.Pattern, " ")
	return method
}

// Path returns the path of the row's pattern, as in "/auth/sessions/{sid}".
func (r Row) Path() string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	return path
}

// Table returns every route, in a new slice. Handlers of GET answer HEAD too; a row for HEAD tells
// the gateway to let it through.
func Table() []Row {
	return []Row{
		{"POST /auth/login", "login", None},
		{"POST /auth/refresh", "refresh", None},
		{"POST /auth/logout", "sessions", None},
		{"GET /auth/sessions", "sessions", None},
		{"DELETE /auth/sessions", "sessions", None},
		{"PATCH /auth/sessions/{sid}", "sessions", None},
		{"DELETE /auth/sessions/{sid}", "sessions", None},
		{"POST /auth/password", "account", None},
		{"POST /auth/reauth", "account", None},
		{"POST /auth/code", "account", None},
		{"POST /auth/code/verify", "account", None},
		{"GET /.well-known/jwks.json", "discovery", None},
		{"HEAD /.well-known/jwks.json", "discovery", None},
		{"GET /.well-known/oauth-authorization-server", "discovery", None},
		{"HEAD /.well-known/oauth-authorization-server", "discovery", None},
		{"GET /.well-known/openid-configuration", "discovery", None},
		{"HEAD /.well-known/openid-configuration", "discovery", None},
	}
}
