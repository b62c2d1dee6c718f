package authorizer_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

const (
	methodARN  = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET/me"
	connectARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/$connect"
	prodARN    = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/*"

	unauthorized = "!Unauthorized" // stands for errUnauthorized

	uncached = `{"isAuthorized":false,"ttlOverride":0}`
)

var (
	restYes = policy("u1", "Allow", prodARN) + `,"context":` + yesOf + `}`
	restNo  = policy("unauthenticated", "Deny", prodARN) + `}`
	graphQL = `{"isAuthorized":true,"resolverContext":` + yesOf + `,"ttlOverride":600}`
)

// TestPlaces sends raw events of every kind of gateway. $good, $old and $m stand for tokens and an
// ARN.
func TestPlaces(t *testing.T) {
	authority := newAuthority(t)
	tokens := strings.NewReplacer("$good", tokenAt(authority, now), "$old", tokenAt(authority, now.Add(-time.Hour)), "$m", methodARN)
	rest := func(c *authorizer.Config) {}
	deny := func(c *authorizer.Config) { c.Deny = config.DenyPolicy }
	query := func(c *authorizer.Config) {
		c.TokenSources = []string{"header:authorization", "subprotocol:access_token", "query:token", "appsync:lambda "}
	}
	named := func(c *authorizer.Config) { c.TokenSources = []string{"header:X-Token"} }
	cookies := func(c *authorizer.Config) { c.TokenSources = []string{"cookie:__Host-Http-access"} }

	tokenEvent := func(value string) string {
		return `{"type":"TOKEN","methodArn":"$m","authorizationToken":` + value + `}`
	}
	request := func(members string) string { return `{"type":"REQUEST","methodArn":"$m",` + members + `}` }
	connect := func(members string) string {
		return `{"type":"REQUEST","methodArn":"` + connectARN + `",` + members +
			`,"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"x","apiId":"a","requestId":"r1"}}`
	}
	appSync := func(value string) string {
		return `{"authorizationToken":"` + value + `","requestContext":{"apiId":"a","requestId":"r1","variables":` +
			strings.Repeat(`{"a":[`, 100) + strings.Repeat(`]}`, 100) + `,"queryString":"{a(b: \"\ud800\")}"},"requestHeaders":null}`
	}
	for _, row := range []struct {
		name          string
		of            func(*authorizer.Config)
		event, answer string
		reason        string
	}{
		{"TOKEN", rest, tokenEvent(`"Bearer $good"`), restYes, "ok"},
		{"TOKEN, old", rest, tokenEvent(`"Bearer $old"`), unauthorized, "expired"},
		{"TOKEN, old, deny", deny, tokenEvent(`"Bearer $old"`), restNo, "expired"},
		{"TOKEN, bare", rest, tokenEvent(`"$good"`), unauthorized, "not_bearer"},
		{"TOKEN, null", rest, tokenEvent(`null`), unauthorized, "no_token"},
		{"TOKEN, empty, deny", deny, tokenEvent(`""`), restNo, "no_token"},
		{"TOKEN, not a string", rest, tokenEvent(`["Bearer $good"]`), simpleNo, "unknown_event"},
		{"TOKEN of a header of another name", named, tokenEvent(`"$good"`), restYes, "ok"},
		{"TOKEN of a header of another name, bearer", named, tokenEvent(`"Bearer $good"`), unauthorized, "malformed"},
		{"TOKEN without a header to read", cookies, tokenEvent(`"Bearer $good"`), unauthorized, "no_token"},
		{"TOKEN with a version", rest, strings.Replace(tokenEvent(`"Bearer $good"`), `{`, `{"version":"1.0",`, 1), restYes, "ok"},
		{"TOKEN of any stage", rest, strings.Replace(tokenEvent(`"Bearer $good"`), "$m", strings.Replace(methodARN, "prod", "*", 1), 1), simpleNo, "malformed_arn"},
		{"TOKEN of any stage, refused", rest, strings.Replace(tokenEvent(`"x"`), "$m", strings.Replace(methodARN, "prod", "*", 1), 1), unauthorized, "not_bearer"},

		{"REQUEST", rest, request(`"headers":{"AUTHORIZATION":"Bearer $good"}`), restYes, "ok"},
		{"REQUEST, both maps", rest, request(`"headers":{"Authorization":"Bearer $good"},"multiValueHeaders":{"Authorization":["Bearer $good"]}`), restYes, "ok"},
		{"REQUEST, several values", rest, request(`"headers":null,"multiValueHeaders":{"authorization":["Bearer $good"]}`), restYes, "ok"},
		{"REQUEST, two tokens", rest, request(`"headers":{"Authorization":"Bearer $good"},"multiValueHeaders":{"Authorization":["Bearer $old","Bearer $good"]}`), unauthorized, "several_tokens"},
		{"REQUEST, two tokens, deny", deny, request(`"multiValueHeaders":{"Authorization":["Bearer $old","Bearer $good"]}`), restNo, "several_tokens"},
		{"REQUEST, nothing", rest, request(`"headers":{}`), unauthorized, "no_token"},
		{"REQUEST, every map null", rest, request(`"headers":null,"multiValueHeaders":null,"queryStringParameters":null,"multiValueQueryStringParameters":null,"pathParameters":null,"stageVariables":null,"requestContext":null`), unauthorized, "no_token"},
		{"REQUEST, null values", rest, request(`"headers":{"authorization":null},"multiValueHeaders":{"authorization":null,"Authorization":[null]}`), unauthorized, "no_token"},
		{"REQUEST, no subprotocol or query", query, request(`"headers":{"Sec-WebSocket-Protocol":"access_token, $good"},"queryStringParameters":{"token":"$good"}`), unauthorized, "no_token"},
		{"REQUEST, one map of another type", rest, request(`"headers":{"authorization":"Bearer $good"},"multiValueHeaders":[]`), simpleNo, "unknown_event"},

		{"HTTP 1.0", rest, request(`"version":"1.0","headers":{"authorization":"Bearer $good"}`), restYes, "ok"},
		{"HTTP 1.0 is never an error", rest, request(`"version":"1.0","headers":{"authorization":"Bearer $old"}`), restNo, "expired"},
		{"HTTP 1.0, the identity source is nothing", rest, request(`"version":"1.0","identitySource":"Bearer $good","authorizationToken":"Bearer $good"`), restNo, "no_token"},
		{"another version", rest, request(`"version":"3.0","headers":{"authorization":"Bearer $good"}`), simpleNo, "unknown_event"},

		{"WebSocket", rest, connect(`"headers":{"Sec-WebSocket-Protocol":"access_token, $good"}`), restYes, "ok"},
		{"WebSocket, header", rest, connect(`"headers":{"Authorization":"Bearer $good"}`), restYes, "ok"},
		{"WebSocket, both maps", rest, connect(`"headers":{"Sec-WebSocket-Protocol":"access_token,$good"},"multiValueHeaders":{"Sec-WebSocket-Protocol":["access_token,$good"]}`), restYes, "ok"},
		{"WebSocket, among protocols", rest, connect(`"headers":{"sec-websocket-protocol":"graphql-ws, access_token , $good, chat"}`), restYes, "ok"},
		{"WebSocket, other protocols", rest, connect(`"headers":{"sec-websocket-protocol":"graphql-ws, chat"}`), restNo, "no_token"},
		{"WebSocket, the name alone", rest, connect(`"headers":{"sec-websocket-protocol":"access_token"}`), restNo, "malformed_header"},
		{"WebSocket, an empty token", rest, connect(`"headers":{"sec-websocket-protocol":"access_token, "}`), restNo, "malformed_header"},
		{"WebSocket, two tokens", rest, connect(`"headers":{"sec-websocket-protocol":"access_token, $old, access_token, $good"}`), restNo, "several_tokens"},
		{"WebSocket, a token in each place", rest, connect(`"headers":{"Authorization":"Bearer $old","sec-websocket-protocol":"access_token, $good"}`), restNo, "several_tokens"},
		{"WebSocket, the same in each place", rest, connect(`"headers":{"Authorization":"Bearer $good","sec-websocket-protocol":"access_token, $good"}`), restYes, "ok"},
		{"WebSocket, the query string", query, connect(`"queryStringParameters":{"token":"$good"}`), restYes, "ok"},
		{"WebSocket, the query string twice", query, connect(`"queryStringParameters":{"token":"$good"},"multiValueQueryStringParameters":{"token":["$old","$good"]}`), restNo, "several_tokens"},
		{"WebSocket, the query string's other case", query, connect(`"queryStringParameters":{"Token":"$good"}`), restNo, "no_token"},
		{"WebSocket, the query string unasked for", rest, connect(`"queryStringParameters":{"token":"$good","access_token":"$good"}`), restNo, "no_token"},
		{"WebSocket, no context", rest, `{"type":"REQUEST","methodArn":"` + connectARN + `","headers":{"Authorization":"Bearer $good"},"requestContext":null}`, restYes, "ok"},

		{"AppSync, bare", rest, appSync("$good"), graphQL, "ok"},
		{"AppSync, bearer", rest, appSync("Bearer $good"), graphQL, "ok"},
		{"AppSync, prefixed", query, appSync("lambda $good"), graphQL, "ok"},
		{"AppSync, prefixed bearer", query, appSync("lambda Bearer $good"), graphQL, "ok"},
		{"AppSync, an unknown prefix", rest, appSync("lambda $good"), uncached, "not_bearer"},
		{"AppSync, old", rest, appSync("$old"), uncached, "expired"},
		{"AppSync, two tokens", rest, appSync("$good,$good"), uncached, "several_tokens"},
		{"AppSync, no token", rest, appSync(""), simpleNo, "unknown_event"},
		{"AppSync without an API", rest, `{"authorizationToken":"$good","requestContext":{}}`, simpleNo, "unknown_event"},
		{"a function's event", rest, `{"httpMethod":"GET","authorizationToken":"$good","requestContext":{"apiId":"a"}}`, simpleNo, "unknown_event"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { row.of(c); c.Log = &log })
			answer, err := a.Invoke(context.Background(), []byte(tokens.Replace(row.event)))
			got := string(answer)
			if err != nil {
				got += "!" + err.Error()
			}
			if got != row.answer {
				t.Errorf("got  %s\nwant %s", got, row.answer)
			}
			outcome := "unauthenticated"
			switch {
			case row.reason == "ok":
				outcome = "allow"
			case row.reason == "unknown_event" || row.reason == "malformed_arn":
				outcome = "fault"
			}
			checkLine(t, log.Bytes(), outcome, row.reason)
		})
	}
}

// TestCookies checks the cross-site rule for unsafe methods and for WebSocket handshakes.
func TestCookies(t *testing.T) {
	authority := newAuthority(t)
	good, old := tokenAt(authority, now), tokenAt(authority, now.Add(-time.Hour))
	a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) {
		c.TokenSources = []string{"header:Authorization", "cookie:__Host-Http-access"}
		c.Origins = []string{"https://app.example.com"}
		c.HTTPResponse = config.ResponseIAM
	})
	v2 := func(method, cookies, headers string) string {
		return `{"version":"2.0","type":"REQUEST","routeArn":"` + methodARN + `","cookies":` + cookies + `,"headers":{` + headers + `},
			"requestContext":{"http":{"method":` + method + `}}}`
	}
	rest := func(method, headers string) string {
		return `{"type":"REQUEST","methodArn":"` + methodARN + `","version":"1.0","httpMethod":"` + method + `","headers":{` + headers + `}}`
	}
	const cookie, post, get = `["a=1","__Host-Http-access=$good"]`, `"POST"`, `"GET"`
	const sameOrigin, listed, stranger = `"sec-fetch-site":"same-origin"`, `"origin":"https://app.example.com"`, `"sec-fetch-site":"cross-site","origin":"https://evil.example"`
	for _, row := range []struct {
		name, event string
		allowed     bool
	}{
		{"safe", v2(get, cookie, ``), true},
		{"safe, a link from anywhere", v2(get, cookie, `"sec-fetch-site":"cross-site"`), true},
		{"safe, our page", v2(get, cookie, sameOrigin), true},
		{"safe, a listed page", v2(get, cookie, listed), true},
		{"safe, a script of a stranger", v2(get, cookie, stranger), false},
		{"safe, a script of the same site", v2(get, cookie, `"sec-fetch-site":"same-site","origin":"https://x.example.com"`), false},
		{"safe, two origins", v2(get, cookie, listed+`,"Origin":"https://evil.example"`), false},
		{"unsafe", v2(post, cookie, ``), false},
		{"unsafe, our page", v2(post, cookie, sameOrigin), true},
		{"unsafe, a listed page", v2(post, cookie, listed), true},
		{"unsafe, a stranger", v2(post, cookie, stranger), false},
		{"unsafe, two origins", v2(post, cookie, listed+`,"Origin":"https://evil.example"`), false},
		{"unsafe, our page and two origins", v2(post, cookie, sameOrigin+`,`+listed+`,"Origin":"https://evil.example"`), false},
		{"unsafe, a listed page and two sites", v2(post, cookie, listed+`,`+sameOrigin+`,"Sec-Fetch-Site":"cross-site"`), false},
		{"no method", v2(`null`, cookie, ``), false},
		{"a header beside it does not hide it", v2(post, cookie, `"authorization":"Bearer $good"`), false},
		{"the header alone", v2(post, `null`, `"authorization":"Bearer $good"`), true},
		{"another token in the header", v2(get, cookie, `"authorization":"Bearer $old"`), false},
		{"two of one name", v2(get, `["__Host-Http-access=$good","__Host-Http-access=$old"]`, ``), false},
		{"a name in another case", v2(get, `["__host-access=$good"]`, ``), false},
		{"an empty one", v2(get, `["__Host-Http-access="]`, ``), false},
		{"no value", v2(get, `["__Host-Http-access",null,""]`, ``), false},
		{"not a list", v2(get, `{}`, ``), false},
		{"in the header", rest("GET", `"Cookie":"a=1; __Host-Http-access=$good ;b=2"`), true},
		{"in the header, unsafe", rest("DELETE", `"Cookie":"__Host-Http-access=$good"`), false},
		{"in the header, our page", rest("DELETE", `"Cookie":"__Host-Http-access=$good","Sec-Fetch-Site":"same-origin"`), true},
		{"names an unsafe method", `{"queryStringParameters":{"_method":"DELETE"},` + v2(get, cookie, stranger)[1:], false},
		{"names an unsafe method, our page", `{"queryStringParameters":{"_method":"DELETE"},` + v2(get, cookie, sameOrigin)[1:], true},
		{"names a safe method", `{"queryStringParameters":{"_method":"head"},` + v2(get, cookie, `"sec-fetch-site":"cross-site"`)[1:], true},
		{"names two methods", `{"queryStringParameters":{"_method":"GET,PURGE"},` + v2(get, cookie, stranger)[1:], false},
		{"a WebSocket of a stranger", `{"type":"REQUEST","methodArn":"` + connectARN + `","httpMethod":"GET","headers":{"Cookie":"__Host-Http-access=$good","Origin":"https://evil.example"}}`, false},
		{"a WebSocket of a listed page", `{"type":"REQUEST","methodArn":"` + connectARN + `","headers":{"Cookie":"__Host-Http-access=$good","Origin":"https://app.example.com"}}`, true},
	} {
		event := strings.NewReplacer("$good", good, "$old", old).Replace(row.event)
		text, err := a.Invoke(context.Background(), []byte(event))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if got := parseAnswer(t, text).allows(methodARN); got != row.allowed {
			t.Errorf("%s: %s", row.name, text)
		}
	}
}

func TestTokenSources(t *testing.T) {
	authority := newAuthority(t)
	for _, row := range []struct {
		name    string
		sources []string
		ok      bool
	}{
		{"every kind", []string{"header:X-Token", "header:authorization", "cookie:__Host-Http-access", "subprotocol:access_token", "query:t", "appsync:lambda-"}, true},
		{"none", []string{}, false},
		{"a prefix alone", []string{"appsync:x"}, false},
		{"an empty prefix", []string{"header:authorization", "appsync:"}, false},
		{"twice", []string{"cookie:a", "cookie:a"}, false},
		{"no name", []string{"header"}, false},
		{"an empty name", []string{"header:"}, false},
		{"a name with a space", []string{"header: authorization"}, false},
		{"another kind", []string{"body:token"}, false},
		{"a kind in capitals", []string{"Header:authorization"}, false},
		{"all cookies", []string{"header:Cookie"}, false},
		{"the origin", []string{"header:origin"}, false},
		{"an identity header", []string{"header:X-Edgeauth-Token"}, false},
	} {
		_, err := authorizer.New(authorizer.Config{Verifier: authority.Verifier, HTTPResponse: config.ResponseIAM, TokenSources: row.sources})
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
