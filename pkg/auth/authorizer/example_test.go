package authorizer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// verifier accepts every text. A program uses a token.Verifier instead.
type verifier struct{}

func (verifier) VerifyBytes(context.Context, []byte) (token.Claims, error) {
	return token.Claims{Subject: "alice", Roles: []string{"admin"}, Expires: time.Unix(1_700_000_900, 0)}, nil
}

func ExampleAuthorizer_Invoke() {
	a, err := authorizer.New(authorizer.Config{Verifier: verifier{}, HTTPResponse: "simple"})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, _ := a.Invoke(context.Background(), []byte(`{"version":"2.0","type":"REQUEST",
		"routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
		"headers":{"authorization":"Bearer eyJ..."}}`))
	fmt.Println(string(answer))
	// Output: {"isAuthorized":true,"context":{"exp":"1700000900","roles":"admin","sub":"alice"}}
}

// With rules, the policy decides every route of the stage, so the gateway may cache it.
func ExampleAuthorizer_Invoke_rules() {
	a, err := authorizer.New(authorizer.Config{
		Verifier: verifier{}, HTTPResponse: "iam",
		Rules: []authorizer.Rule{
			{Route: "POST /orders"},
			{Route: "POST /audits", Roles: []string{"auditor"}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, _ := a.Invoke(context.Background(), []byte(`{"type":"TOKEN","authorizationToken":"Bearer eyJ...",
		"methodArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/POST/orders"}`))
	fmt.Println(strings.ReplaceAll(string(answer), `{"Action"`, "\n"+`{"Action"`))
	// Output:
	// {"principalId":"alice","policyDocument":{"Version":"2012-10-17","Statement":[
	// {"Action":"execute-api:Invoke","Effect":"Allow","Resource":["arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/POST/orders","arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/POST/orders/"]},
	// {"Action":"execute-api:Invoke","Effect":"Deny","Resource":["arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/POST/audits","arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/POST/audits/"]}]},"context":{"exp":"1700000900","roles":"admin","sub":"alice"}}
}

// Without a gateway, Middleware makes the same decision in front of a handler.
func ExampleAuthorizer_Middleware() {
	a, err := authorizer.New(authorizer.Config{
		Verifier: verifier{},
		Rules:    []authorizer.Rule{{Route: "GET /me"}, {Route: "GET /reports", Scopes: []string{"reports:read"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		_, _ = fmt.Fprint(w, "hello ", p.Subject)
	}))
	for _, path := range []string{"/me", "/reports"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer eyJ...")
		r.Header.Set("X-Request-Id", "r1") // as a proxy in front does
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		fmt.Printf("%d %s %q\n", w.Code, strings.TrimSpace(w.Body.String()), w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 200 hello alice ""
	// 403 {"message":"Forbidden","error":"insufficient_scope","request_id":"r1"} "Bearer error=\"insufficient_scope\", scope=\"reports:read\""
}
