package dev_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// authorizer answers as the real authorizer does, according to the text of the token.
type authorizer struct{ asked int }

func (a *authorizer) Invoke(_ context.Context, event []byte) ([]byte, error) {
	a.asked++
	var e events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	switch strings.TrimPrefix(e.Headers["authorization"], "Bearer ") {
	case "good":
		return []byte(`{"isAuthorized":true,"context":{"sub":"u1","client_id":"web","roles":"a b","exp":"1777636800"}}`), nil
	case "error":
		return []byte(`{"isAuthorized":true}`), errors.New("it broke")
	case "not JSON":
		return []byte(`{"isAuthorized":true`), nil
	case "not a boolean":
		return []byte(`{"isAuthorized":"true"}`), nil
	case "null":
		return []byte(`null`), nil
	case "empty":
		return nil, nil
	}
	return []byte(`{"isAuthorized":false,"context":{"sub":"u1"}}`), nil
}

// handler answers with the request that it received.
func handler(name string) standin.Function {
	return gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, known := auth.PrincipalFrom(r.Context())
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s known=%t sub=%s roles=%s body=%d", name, r.Method, known, p.Subject, p.Roles, len(body))
	}))
}

func newAPI(t *testing.T, upstream string) (*httptest.Server, *authorizer) {
	t.Helper()
	asked := &authorizer{}
	api := &dev.API{
		Routes: router.NewMatcher([]route.Row{
			{Pattern: "POST /auth/login", Function: "login", Guard: route.None},
			{Pattern: "GET /me", Function: "me", Guard: route.Session},
			{Pattern: "DELETE /me", Function: "leave", Guard: route.Session},
			{Pattern: "GET /broken", Function: "broken", Guard: route.None},
			{Pattern: "GET /malformed", Function: "malformed", Guard: route.None},
			{Pattern: "GET /things/{id}", Function: "things", Guard: route.Session},
		}),
		Functions: map[string]standin.Function{
			"login": handler("login"), "me": handler("me"), "leave": handler("leave"), "things": handler("things"),
			"broken": func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
				return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "secret"}, errors.New("it broke")
			},
			"malformed": func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
				return events.APIGatewayV2HTTPResponse{StatusCode: 42, Body: "secret"}, nil
			},
		},
		Authorizer: asked,
		Identity:   "authorization",
		Now:        time.Now,
	}
	if upstream != "" {
		var err error
		if api.Upstream, err = dev.NewUpstream(upstream); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server, asked
}

func send(t *testing.T, method, url, token string, header http.Header, body io.Reader) string {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() // it is only read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if ids := answer.Header.Values("Apigw-Requestid"); len(ids) != 1 || ids[0] == "" {
		t.Errorf("%s %s: the request has the ids %q", method, url, ids)
	}
	return fmt.Sprintf("%d %s", answer.StatusCode, text)
}

const (
	unauthorized = `401 {"message":"Unauthorized"}`
	forbidden    = `403 {"message":"Forbidden"}`
	notFound     = `404 {"message":"Not Found"}`
	broken       = `500 {"message":"Internal Server Error"}`
)

// TestRoutes: each route calls the right function, behind the authorizer or not, with and without
// an upstream.
func TestRoutes(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "upstream ", r.Method, " ", r.URL)
	}))
	defer behind.Close()
	for _, row := range []struct {
		name, method, path, token string
		want, wantUpstream        string // equal to want if empty
		asked                     int    // number of authorizer calls without an upstream
	}{
		{"public", "POST", "/auth/login", "", "200 login POST known=false sub= roles=[] body=0", "", 0},
		{"public, with a bad token", "POST", "/auth/login", "Bearer bad", "200 login POST known=false sub= roles=[] body=0", "", 0},
		{"public, another method", "GET", "/auth/login", "", "200 login GET known=false sub= roles=[] body=0", "", 0},
		{"no token", "GET", "/me", "", unauthorized, "", 0},
		{"a bad token", "GET", "/me", "Bearer bad", forbidden, "", 1},
		{"another scheme", "GET", "/me", "Basic Z29vZA==", forbidden, "", 1},
		{"a good token", "GET", "/me", "Bearer good", "200 me GET known=true sub=u1 roles=[a b] body=0", "", 1},
		{"a route's other method", "DELETE", "/me", "Bearer good", "200 leave DELETE known=true sub=u1 roles=[a b] body=0", "", 1},
		{"a method that no route has", "PUT", "/me", "Bearer good", "200 me PUT known=true sub=u1 roles=[a b] body=0", "", 1},
		{"a method that no route has, no token", "PUT", "/me", "", unauthorized, "", 0},
		{"an escaped path is the same route", "GET", "/%6de", "", unauthorized, "", 0},
		{"names that are not UTF-8", "GET", "/me?%ff=1&%fe=2", "Bearer good", `400 {"message":"Bad Request"}`, "", 0},
		{"a query changes no route", "GET", "/me?token=good", "", unauthorized, "", 0},

		{"no route", "GET", "/nowhere", "Bearer good", notFound, "200 upstream GET /nowhere", 0},
		{"no route, no token", "GET", "/nowhere", "", notFound, unauthorized, 0},
		{"no route, a bad token", "GET", "/nowhere", "Bearer bad", notFound, forbidden, 0},
		{"a path below", "GET", "/me/", "Bearer good", notFound, "200 upstream GET /me/", 0},
		{"another case", "POST", "/Auth/login", "", notFound, unauthorized, 0},
		{"a doubled slash", "POST", "//auth/login", "", notFound, unauthorized, 0},
		{"a step up", "POST", "/x/../auth/login", "", notFound, unauthorized, 0},
		{"an encoded slash", "POST", "/auth%2Flogin", "", notFound, unauthorized, 0},
		{"a place in the path", "GET", "/things/a1", "Bearer good", "200 things GET known=true sub=u1 roles=[a b] body=0", "", 1},
		{"a place in the path, no token", "GET", "/things/a1", "", unauthorized, "", 0},
		{"two names in one place", "GET", "/things/a1/b2", "Bearer good", notFound, "200 upstream GET /things/a1/b2", 0},
		{"a query for the upstream", "GET", "/x%2Fy?a=1&a=2", "Bearer good", notFound, "200 upstream GET /x/y?a=1&a=2", 0},
		{"a path in another escape", "GET", "/%61%20b", "Bearer good", notFound, "200 upstream GET /a%20b", 0},
		{"a question mark in a path", "GET", "/a%3Fb", "Bearer good", notFound, "200 upstream GET /a%3Fb", 0},
		{"a dot segment", "GET", "/a/../b", "Bearer good", notFound, `400 {"message":"Bad Request"}`, 0},
		{"a dot segment in an escape", "GET", "/%2e%2e/b", "Bearer good", notFound, `400 {"message":"Bad Request"}`, 0},
		{"a dot segment behind an escaped slash", "GET", "/a%2F..%2Fb", "Bearer good", notFound, `400 {"message":"Bad Request"}`, 0},
		{"dots in a name", "GET", "/.well-known/a..b", "Bearer good", notFound, "200 upstream GET /.well-known/a..b", 0},

		{"authorizer error", "GET", "/me", "Bearer error", broken, "", 1},
		{"authorizer answers no JSON", "GET", "/me", "Bearer not JSON", broken, "", 1},
		{"authorizer answers a text", "GET", "/me", "Bearer not a boolean", broken, "", 1},
		{"authorizer answers nothing", "GET", "/me", "Bearer empty", broken, "", 1},
		{"authorizer answers null", "GET", "/me", "Bearer null", forbidden, "", 1},
		{"function error", "GET", "/broken", "", broken, "", 0},
		{"function answers with no status", "GET", "/malformed", "", broken, "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			api, authorizer := newAPI(t, "")
			if got := send(t, row.method, api.URL+row.path, row.token, nil, nil); got != row.want || authorizer.asked != row.asked {
				t.Errorf("got %s, authorizer asked %d times; want %s, %d", got, authorizer.asked, row.want, row.asked)
			}
			want := row.wantUpstream
			if want == "" {
				want = row.want
			}
			api, _ = newAPI(t, behind.URL)
			if got := send(t, row.method, api.URL+row.path, row.token, nil, nil); got != want {
				t.Errorf("with an upstream: got %s, want %s", got, want)
			}
		})
	}
}

// TestOnlyThisMachine: a page whose host name points at this machine gets no answer.
func TestOnlyThisMachine(t *testing.T) {
	api, _ := newAPI(t, "")
	for host, want := range map[string]int{
		"localhost": 401, "localhost:8080": 401, "127.0.0.1:1": 401, "127.9.9.9": 401, "[::1]:8080": 401, "[::1]": 401,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "192.0.2.1:80": 421,
	} {
		r, err := http.NewRequest(http.MethodGet, api.URL+"/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

func TestLongBodies(t *testing.T) {
	api, _ := newAPI(t, "")
	for _, row := range []struct {
		bytes int
		want  string
	}{
		{standin.MaxBodyBytes, "200 login POST known=false sub= roles=[] body=10485760"},
		{standin.MaxBodyBytes + 1, `413 {"message":"Request Entity Too Large"}`},
	} {
		if got := send(t, "POST", api.URL+"/auth/login", "", nil, bytes.NewReader(make([]byte, row.bytes))); got != row.want {
			t.Errorf("%d bytes: %s", row.bytes, got)
		}
	}
}

// TestCORSOfFailures: a page of a listed origin can read the answers of a gateway that fails.
func TestCORSOfFailures(t *testing.T) {
	cors, err := dev.NewCORS([]string{"http://localhost:5173"})
	if err != nil {
		t.Fatal(err)
	}
	server, _ := newAPI(t, "http://127.0.0.1:1")
	server.Config.Handler.(*dev.API).CORS = cors
	for _, row := range []struct {
		method, path, token string
		body                int
		want                int
	}{
		{"POST", "/auth/login", "", standin.MaxBodyBytes + 1, 413},
		{"GET", "/broken", "", 0, 500},
		{"GET", "/malformed", "", 0, 500},
		{"GET", "/me", "Bearer error", 0, 500},
		{"GET", "/me?%ff=1", "Bearer good", 0, 400},
		{"GET", "/orders/..", "Bearer good", 0, 400},
		{"GET", "/orders", "Bearer good", 0, 503},
	} {
		r, err := http.NewRequest(row.method, server.URL+row.path, bytes.NewReader(make([]byte, row.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Origin": {"http://localhost:5173"}, "Authorization": {row.token}}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header["Access-Control-Allow-Origin"]; answer.StatusCode != row.want || !slices.Equal(got, []string{"http://localhost:5173"}) {
			t.Errorf("%s %s: %d %q, want %d", row.method, row.path, answer.StatusCode, got, row.want)
		}
	}
}

// TestUpstreamIdentity: the identity headers at the upstream are exactly those of the authorizer,
// no matter which headers the client sends.
func TestUpstreamIdentity(t *testing.T) {
	var seen http.Header
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	defer behind.Close()
	identity := []string{"X-Edgeauth-Client-Id: web", "X-Edgeauth-Exp: 1777636800", "X-Edgeauth-Roles: a b", "X-Edgeauth-Sub: u1"}
	for _, row := range []struct {
		name   string
		header http.Header
	}{
		{"none sent", nil},
		{"its own", http.Header{"X-Edgeauth-Sub": {"root"}, "X-Edgeauth-Scope": {"admin"}, "X-Edgeauth-Tenant": {"x"}}},
		{"several values", http.Header{"X-Edgeauth-Sub": {"root", "root"}}},
		{"another case", http.Header{"x-EDGEAUTH-sub": {"root"}, "X-EDGEAUTH-SCOPE": {"admin"}}},
		{"as CGI reads it", http.Header{"x_edgeauth_sub": {"root"}, "X_Edgeauth_Scope": {"admin"}, "X-Edgeauth_Tenant": {"x"}, "x_edgeauth-sid": {"s"}}},
		{"as others read it", http.Header{"X.Edgeauth.Sub": {"root"}, "X~Edgeauth~Scope": {"admin"}}},
		{"named as hop by hop, so that a proxy takes them off", http.Header{"Connection": {"X-Edgeauth-Sub, X-Edgeauth-Roles"}}},
		{"named so and sent", http.Header{"Connection": {"X-Edgeauth-Sub"}, "X-Edgeauth-Sub": {"root"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			seen = nil
			api, _ := newAPI(t, behind.URL)
			if got := send(t, "GET", api.URL+"/orders", "Bearer good", row.header, nil); got != "200 " {
				t.Fatal(got)
			}
			var found []string
			for name, values := range seen {
				if strings.Contains(strings.ToLower(name), "edgeauth") {
					found = append(found, name+": "+strings.Join(values, ","))
				}
			}
			if slices.Sort(found); !slices.Equal(found, identity) {
				t.Errorf("the upstream sees %q\nwant %q", found, identity)
			}
		})
	}
}

func TestUpstreamPassesTheRest(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.URL.Path, r.Header.Get("X-Forwarded-For"), r.Header.Get("Accept"), body)
	}))
	defer behind.Close()
	api, _ := newAPI(t, behind.URL+"/base")
	header := http.Header{"Accept": {"text/plain"}, "X-Forwarded-For": {"198.51.100.1"}}
	got := send(t, "POST", api.URL+"/orders", "Bearer good", header, strings.NewReader("hello"))
	if want := "418 /base/orders 127.0.0.1 text/plain hello"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	behind.Close()
	if got := send(t, "GET", api.URL+"/orders", "Bearer good", nil, nil); got != `503 {"message":"Service Unavailable"}` {
		t.Errorf("the upstream is down: %s", got)
	}
}

func TestNewUpstream(t *testing.T) {
	for text, good := range map[string]bool{
		"http://127.0.0.1:3000": true, "https://api.example.com/v1": true,
		"": false, "127.0.0.1:3000": false, "localhost:3000": false, "ftp://host": false, "http://": false, "http://a b": false,
	} {
		if _, err := dev.NewUpstream(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
