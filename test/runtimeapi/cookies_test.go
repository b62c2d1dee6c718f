package runtimeapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// TestCookieAuthorizers sends the events of the three examples that take the access token from its
// cookie to the deployed program: an HTTP API, a REST API and a WebSocket API, without an identity
// source.
func TestCookieAuthorizers(t *testing.T) {
	const page, foreign = "https://app.example.com", "https://evil.example.com"
	d := deploy(t, variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}, auth.Balanced, func(all map[string]variables) {
		all["authorizer"][config.Config] = `{"token_sources":["header:Authorization","cookie:__Host-Http-access"],"origins":["` + page + `"]}`
	})
	first, second := d.login(t, d.password), d.login(t, d.password)
	cookie := "__Host-Http-access=" + first.AccessToken
	type headers = map[string]string
	for _, row := range []struct {
		what, method string
		headers      headers
		allowed      bool // by HTTP and REST APIs
		opens        bool // a WebSocket
	}{
		{"no token", "GET", headers{"Sec-Fetch-Site": "same-origin"}, false, false},
		{"the cookie alone", "GET", headers{"Cookie": cookie}, true, false},
		{"our page", "POST", headers{"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}, true, true},
		{"a listed page", "POST", headers{"Cookie": cookie, "Sec-Fetch-Site": "same-site", "Origin": page}, true, true},
		{"a page of another site", "POST", headers{"Cookie": cookie, "Sec-Fetch-Site": "cross-site", "Origin": foreign}, false, false},
		{"a link on another site", "GET", headers{"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}, true, false},
		{"no word of a page", "POST", headers{"Cookie": cookie}, false, false},
		{"an altered cookie", "GET", headers{"Cookie": cookie + "x", "Sec-Fetch-Site": "same-origin"}, false, false},
		{"the refresh token", "GET", headers{"Cookie": "__Host-Http-access=" + first.RefreshToken, "Sec-Fetch-Site": "same-origin"}, false, false},
		{"another cookie", "GET", headers{"Cookie": "access=" + first.AccessToken, "Sec-Fetch-Site": "same-origin"}, false, false},
		{"the same in the header", "GET", headers{"Cookie": cookie, "Authorization": "Bearer " + first.AccessToken, "Sec-Fetch-Site": "same-origin"}, true, true},
		{"another in the header", "GET", headers{"Cookie": cookie, "Authorization": "Bearer " + second.AccessToken, "Sec-Fetch-Site": "same-origin"}, false, false},
	} {
		const arn = "arn:aws:execute-api:eu-central-1:123456789012:f6g7h8i9j0/prod/"
		for api, event := range map[string][]byte{
			"HTTP": httpEvent(t, row.method, row.headers),
			"REST": encode(t, map[string]any{
				"type": "REQUEST", "methodArn": arn + row.method + "/whoami", "resource": "/whoami", "path": "/whoami",
				"httpMethod": row.method, "headers": row.headers, "requestContext": map[string]any{"requestId": "r1", "stage": "prod"},
			}),
			"WebSocket": encode(t, map[string]any{
				"type": "REQUEST", "methodArn": arn + "$connect", "headers": row.headers,
				"requestContext": map[string]any{"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "x", "requestId": "r1", "stage": "prod"},
			}),
		} {
			want := row.allowed
			if api == "WebSocket" {
				want = row.opens
			}
			answer, err := d.gateway.Authorizer.Invoke(t.Context(), event)
			var failed *runtimeapi.Error
			if errors.As(err, &failed) && failed.Message == "Unauthorized" { // a gateway answers 401
				answer, err = []byte("{}"), nil
			}
			if err != nil {
				t.Fatalf("%s API: %s: %v", api, row.what, err)
			}
			if got := allows(t, answer); got != want {
				t.Errorf("%s API: %s: allowed: %t, want %t", api, row.what, got, want)
			}
		}
	}
}

func httpEvent(t *testing.T, method string, headers map[string]string) []byte {
	t.Helper()
	r := httptest.NewRequest(method, "https://api.example.com/whoami", http.NoBody)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	event, err := standin.AuthorizerEventOf(r, standin.Origin{RequestID: "r1", Time: time.Now(), RouteKey: method + " /whoami"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func encode(t *testing.T, event any) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// allows reads a simple answer or a policy.
func allows(t *testing.T, text []byte) bool {
	t.Helper()
	var answer struct {
		IsAuthorized   bool
		PolicyDocument struct {
			Statement []struct{ Effect string }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	statements := answer.PolicyDocument.Statement
	return answer.IsAuthorized || len(statements) > 0 &&
		!slices.ContainsFunc(statements, func(s struct{ Effect string }) bool { return s.Effect != "Allow" })
}
