package authorizer_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// An API in a container: the middleware takes the access tokens of one issuer, whose keys it
// fetches.
func ExampleNew() {
	const issuer = "https://auth.example.com"
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer + "/.well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := authorizer.New(authorizer.Config{
		Verifier: verifier,
		Rules:    []authorizer.Rule{{Route: "GET /orders/{id}", Scopes: []string{"orders:read"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	api := http.NewServeMux()
	api.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprintln(w, "order", r.PathValue("id"), "of", caller.Subject)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", a.Middleware(api)))
}

// An API in a container with access to the tables: on each request the middleware also reads the
// session and the user, so a token ends with its session. The program needs permission to get items
// of two tables, and no secret.
func ExampleNew_sessions() {
	const issuer = "https://auth.example.com"
	keys, err := jwksurl.New(jwksurl.Config{URL: issuer + "/.well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	db := dynamo.New(dynamo.Config{
		Region: "eu-central-1", Tables: dynamo.Tables{Users: "auth-users", Sessions: "auth-sessions"},
		Credentials: dynamo.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: auth.NewSecret(os.Getenv("AWS_SECRET_ACCESS_KEY")),
			SessionToken: auth.NewSecret(os.Getenv("AWS_SESSION_TOKEN")),
		},
	})
	a, err := authorizer.New(authorizer.Config{
		Verifier: verifier,
		Sessions: session.Checker{Store: db.Sessions(), Subjects: &user.Directory{Store: db.Users()}},
	})
	if err != nil {
		log.Fatal(err)
	}
	money := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprintln(w, "paid by", caller.Subject)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", a.Middleware(money)))
}

// ended are sessions in memory. A program uses a session.Checker or a session.Manager instead.
type ended map[string]string

func (e ended) CheckToken(_ context.Context, p auth.Principal) (string, error) {
	return e[p.SessionID], nil
}

// A logout ends the token at once. A refused token gets 401, like an expired token.
func ExampleSessions() {
	sessions := ended{}
	a, err := authorizer.New(authorizer.Config{Verifier: verifier{}, Sessions: sessions})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "paid")
	}))
	ask := func() {
		r := httptest.NewRequest("POST", "/money", nil)
		r.Header.Set("Authorization", "Bearer eyJ...")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	ask()
	sessions[""] = "revoked" // the session of the example's token
	ask()
	// Output:
	// 200 ""
	// 401 "Bearer error=\"invalid_token\""
}
