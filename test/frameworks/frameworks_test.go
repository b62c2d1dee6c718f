// Package frameworks_test checks that the spelling of a path does not get a request past a rule.
// The same API runs in several web frameworks, each of which reads paths in its own way, behind
// edgeauth. Then no spelling of a closed route may reach its handler:
//
//	handler  route            open to
//	open     GET /open        every user
//	admin    /admin, below    the role admin
//	reports  GET /reports     the role admin
//	report   POST /reports    every user
//	user     GET /users/{id}  the role admin
//	me       GET /users/me    every user
//	file     /files/{name}    every user
//	remove   DELETE of it     the role admin
//
// Each handler puts its name into the header X-Ran of its answer. Go's own router and Gin are in the
// test's process; test/fetch.sh fetches the other frameworks. This is a separate module, so that no
// other module depends on Gin.
package frameworks_test

import (
	"slices"
	"strings"
	"testing"
)

const config = `{"routes": [
	{"route": "ANY /*"},
	{"route": "ANY /admin/*", "roles": ["admin"]},
	{"route": "GET /reports", "roles": ["admin"]},
	{"route": "GET /users/{id}", "roles": ["admin"]},
	{"route": "GET /users/me"},
	{"route": "DELETE /files/{name}", "roles": ["admin"]}
]}`

// closed are the handlers that need the role admin.
var closed = []string{"admin", "reports", "user", "remove"}

// granted are requests that must reach their handlers, so that no test passes because everything is
// refused. The caller is a user without a role if the handler is open, and an administrator
// otherwise.
var granted = []struct {
	attempt
	handler string
}{
	{attempt{"GET", "/open", ""}, "open"},
	{attempt{"GET", "/open?next=/admin/x", ""}, "open"},
	{attempt{"GET", "/users/me", ""}, "me"},
	{attempt{"POST", "/reports", ""}, "report"},
	{attempt{"GET", "/files/a.b", ""}, "file"},
	{attempt{"GET", "/admin", ""}, "admin"},
	{attempt{"GET", "/admin/x", ""}, "admin"},
	{attempt{"POST", "/admin/x/y?z=1", ""}, "admin"},
	{attempt{"GET", "/reports", ""}, "reports"},
	{attempt{"GET", "/users/5", ""}, "user"},
	{attempt{"GET", "/users/" + umlaut, ""}, "user"},
	{attempt{"DELETE", "/files/a.b", ""}, "remove"},
}

// umlaut is a letter that a path can only carry as an escape.
const umlaut = "%C3%BC"

func TestSpellings(t *testing.T) {
	onlyAsked(t)
	tries := attempts()
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			api := f.start(t)
			var reached []string
			for _, a := range tries {
				if slices.Contains(closed, send(t, api, a, "")) {
					reached = append(reached, a.String())
				}
			}
			for _, a := range f.reads {
				if !slices.Contains(reached, a) {
					t.Errorf("without edgeauth, %q does not reach a closed handler", a)
				}
			}
			t.Logf("without edgeauth, %d of %d requests reach a closed handler", len(reached), len(tries))
			for _, front := range []front{localServer(t, api), middleware(t, api)} {
				t.Run(front.name, func(t *testing.T) {
					for _, g := range granted {
						caller := front.user
						if slices.Contains(closed, g.handler) {
							caller = front.admin
						}
						if ran := send(t, front.address, g.attempt, caller); ran != g.handler {
							t.Errorf("%s: %q ran, want %q", g.attempt, ran, g.handler)
						}
					}
					for _, a := range tries {
						if ran := send(t, front.address, a, front.user); slices.Contains(closed, ran) {
							t.Errorf("a user without the role reaches %q with %s", ran, a)
						}
					}
				})
			}
		})
	}
}

// attempt is one request.
type attempt struct{ method, target, header string }

func (a attempt) String() string {
	return strings.TrimSpace(a.method + " " + a.target + "\n" + a.header)
}
