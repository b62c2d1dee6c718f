package authtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// exampleT stands for the *testing.T of a test, which an example does not get.
type exampleT struct {
	testing.TB
	folder  string
	cleanup []func()
}

func begin() *exampleT {
	folder, err := os.MkdirTemp("", "authtest")
	if err != nil {
		panic(err)
	}
	return &exampleT{folder: folder}
}

func (t *exampleT) end() {
	for i := range t.cleanup {
		t.cleanup[len(t.cleanup)-1-i]()
	}
	_ = os.RemoveAll(t.folder)
}

func (*exampleT) Helper()                       {}
func (t *exampleT) TempDir() string             { return t.folder }
func (t *exampleT) Cleanup(f func())            { t.cleanup = append(t.cleanup, f) }
func (*exampleT) Fatalf(text string, of ...any) { panic(fmt.Sprintf(text, of...)) }

// protect stands for the middleware of the API under test.
func protect(a *authtest.Authority, next http.Handler) http.Handler {
	middleware, err := authorizer.New(authorizer.Config{Verifier: a.Verifier})
	if err != nil {
		panic(err)
	}
	return middleware.Middleware(next)
}

var orders = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "three orders") })

// call sends a request with a token and returns the status of the answer.
func call(api http.Handler, text string) int {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code
}

func ExampleAuthority_Token() {
	t := begin() // in a test, t is the test's own
	defer t.end()
	a := authtest.New(t, authtest.Config{})
	api := protect(a, orders)

	fmt.Println(call(api, a.Token("ada")))
	fmt.Println(call(api, a.Token("bob", func(g *token.Grant) { g.Subject.Roles = []string{"admin"} })))
	// Output:
	// 200
	// 200
}

func ExampleAuthority_BadTokens() {
	t := begin() // in a test, t is the test's own
	defer t.end()
	a := authtest.New(t, authtest.Config{})
	api := protect(a, orders)

	for _, bad := range a.BadTokens("ada") {
		if status := call(api, bad.Text); status != http.StatusUnauthorized {
			fmt.Printf("%s: %d; %s\n", bad.Name, status, bad.Why)
		}
		switch bad.Name {
		case "expired", "alg none", "duplicate claim":
			fmt.Printf("%s: %s\n", bad.Name, bad.Reason)
		}
	}
	// Output:
	// expired: expired
	// alg none: wrong_algorithm
	// duplicate claim: ambiguous_name
}

func ExampleAuthority_Sign() {
	t := begin() // in a test, t is the test's own
	defer t.end()
	a := authtest.New(t, authtest.Config{})

	fmt.Println(call(protect(a, orders), a.Sign("", `{"sub":"ada"}`)))
	// Output: 401
}

func ExampleAuthority_Login() {
	t := begin() // in a test, t is the test's own
	defer t.end()
	a := authtest.New(t, authtest.Config{})
	api := protect(a, orders)
	a.AddUser("ada@example.com", "admin")

	access, _ := a.Login("ada@example.com")
	fmt.Println(call(api, access))
	a.Clock.Advance(15 * time.Minute)
	fmt.Println(call(api, access))
	// Output:
	// 200
	// 401
}

func ExampleNewServer() {
	t := begin() // in a test, t is the test's own
	defer t.end()
	a := authtest.NewServer(t, authtest.Config{})

	// A verifier that begins at the issuer finds the keys there.
	answer, err := http.Get(a.Issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 200 OK
}
