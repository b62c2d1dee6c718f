package standin_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

var origin = standin.Origin{
	RouteKey:   "GET /me",
	RequestID:  "r1",
	Time:       time.UnixMilli(1583348638390),
	Authorizer: map[string]string{"sub": "u1", "exp": "1583349000"},
}

func newRequest(method, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.9:51234"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// asJSON decodes an event without edgeauth's types, like a function in another language.
func asJSON(t *testing.T, event any) map[string]any {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEventOf(t *testing.T) {
	r := newRequest("GET", "http://api.example.com:8080/my%20path?a=1&b=x%20y&a=2", "", "")
	r.Header["Accept"] = []string{"text/html", "text/plain"}
	r.Header["Cookie"] = []string{"a=1; b=2", "c=3"}
	r.Header.Set("X-Forwarded-For", "10.0.0.1")
	r.Header.Set("User-Agent", "curl/8")
	e, err := standin.EventOf(r, origin)
	if err != nil {
		t.Fatal(err)
	}
	got := asJSON(t, e)
	var want map[string]any
	if err := json.Unmarshal([]byte(`{
		"version": "2.0", "routeKey": "GET /me", "rawPath": "/my path", "rawQueryString": "a=1&b=x%20y&a=2",
		"cookies": ["a=1", "b=2", "c=3"],
		"headers": {"accept": "text/html,text/plain", "host": "api.example.com:8080", "user-agent": "curl/8",
			"x-forwarded-for": "10.0.0.1, 203.0.113.9", "x-forwarded-port": "8080", "x-forwarded-proto": "http"},
		"queryStringParameters": {"a": "1,2", "b": "x y"},
		"requestContext": {
			"routeKey": "GET /me", "accountId": "123456789012", "stage": "$default", "requestId": "r1", "apiId": "local",
			"domainName": "api.example.com", "domainPrefix": "api",
			"time": "04/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390,
			"authorizer": {"lambda": {"sub": "u1", "exp": "1583349000"}},
			"http": {"method": "GET", "path": "/my path", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl/8"}
		},
		"isBase64Encoded": false}`), &want); err != nil {
		t.Fatal(err)
	}
	delete(got["requestContext"].(map[string]any), "authentication") // aws-lambda-go writes it empty, the gateway null
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestEventOfBodies(t *testing.T) {
	for _, row := range []struct {
		name, contentType, body, want string
		base64                        bool
	}{
		{"json", "application/json", `{}`, `{}`, false},
		{"json with a parameter", "Application/JSON; charset=utf-8", `{}`, `{}`, false},
		{"text", "text/csv", "a,b", "a,b", false},
		{"a form", "application/x-www-form-urlencoded", "a=1", "YT0x", true},
		{"no type", "", "a", "YQ==", true},
		{"no type and no body", "", "", "", false},
		{"json that is no text", "application/json", "\xff", "/w==", true},
		{"a type that is none", "json/", "{}", "e30=", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, err := standin.EventOf(newRequest("POST", "/", row.contentType, row.body), origin)
			if err != nil {
				t.Fatal(err)
			}
			if e.Body != row.want || e.IsBase64Encoded != row.base64 {
				t.Errorf("%q %v", e.Body, e.IsBase64Encoded)
			}
		})
	}
}

func TestEventOfRefusals(t *testing.T) {
	tooLarge := newRequest("POST", "/", "text/plain", strings.Repeat("x", standin.MaxBodyBytes+1))
	nowhere := newRequest("GET", "/", "", "")
	nowhere.RemoteAddr = "pipe"
	broken := newRequest("POST", "/", "", "")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), errReader{}))
	for _, row := range []struct {
		name string
		r    *http.Request
		want error
	}{
		{"too large", tooLarge, standin.ErrBodyTooLarge},
		{"no address", nowhere, standin.ErrMalformedRequest},
		{"a broken body", broken, io.ErrUnexpectedEOF},
	} {
		if _, err := standin.EventOf(row.r, origin); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAuthorizerEventOf(t *testing.T) {
	r := newRequest("POST", "http://localhost:8080/me?a=1", "application/json", `{"kept":true}`)
	r.Header.Add("Authorization", "Bearer a")
	r.Header.Add("Authorization", "Bearer b")
	o := origin
	o.Authorizer = nil
	text, err := standin.AuthorizerEventOf(r, o, "authorization")
	if err != nil {
		t.Fatal(err)
	}
	got := asJSON(t, json.RawMessage(text))
	for key, want := range map[string]any{
		"version": "2.0", "type": "REQUEST", "routeKey": "GET /me", "rawPath": "/me", "rawQueryString": "a=1",
		"routeArn":       "arn:aws:execute-api:us-east-1:123456789012:local/$default/POST/me",
		"identitySource": []any{"Bearer a,Bearer b"},
	} {
		if !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s: got %v, want %v", key, got[key], want)
		}
	}
	if body, _ := io.ReadAll(r.Body); string(body) != `{"kept":true}` {
		t.Errorf("the body is left as %q", body)
	}
	r.Header.Del("Authorization")
	if _, err := standin.AuthorizerEventOf(r, o, "authorization"); !errors.Is(err, standin.ErrNoIdentity) {
		t.Errorf("without the header: %v", err)
	}
}

// TestRoundTrip checks that the events between a client and a handler do not change the request or
// the answer.
func TestRoundTrip(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("Cookie"), r.Host}, " "))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
	}
	for _, row := range []struct{ name, method, target, contentType, body string }{
		{"text", "POST", "/auth/login?x=1", "application/json", `{"a":"ü"}`},
		{"a form", "POST", "/auth/refresh", "application/x-www-form-urlencoded", "grant_type=refresh_token"},
		{"bytes", "PUT", "/", "application/octet-stream", "\x00\xff"},
		{"empty", "DELETE", "/auth/sessions/x%20y%2Fz", "", ""},
		{"head", "HEAD", "/", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			ask := func(h http.Handler) *http.Response {
				r := newRequest(row.method, row.target, row.contentType, row.body)
				r.Header.Set("Cookie", "c=3; d=4")
				r.URL.RawPath = "" // which the gateway loses
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Result()
			}
			direct := ask(http.HandlerFunc(handler))
			through := ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				e, err := standin.EventOf(r, origin)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				var received events.APIGatewayV2HTTPRequest
				if err := json.Unmarshal(text, &received); err != nil {
					t.Fatal(err)
				}
				answer, err := gateway.Handler(http.HandlerFunc(handler))(r.Context(), received)
				if err != nil {
					t.Fatal(err)
				}
				if err := standin.WriteAnswer(w, answer); err != nil {
					t.Fatal(err)
				}
			}))
			if direct.StatusCode != through.StatusCode || read(t, direct) != read(t, through) {
				t.Errorf("status %d, want %d", through.StatusCode, direct.StatusCode)
			}
			for _, name := range []string{"X-Seen", "Set-Cookie"} {
				if got, want := through.Header.Values(name), direct.Header.Values(name); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestWriteAnswerRefusals(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer events.APIGatewayV2HTTPResponse
	}{
		{"no status", events.APIGatewayV2HTTPResponse{}},
		{"an informational status", events.APIGatewayV2HTTPResponse{StatusCode: 101}},
		{"not base64", events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "*", IsBase64Encoded: true}},
	} {
		w := httptest.NewRecorder()
		if err := standin.WriteAnswer(w, row.answer); !errors.Is(err, standin.ErrMalformedAnswer) || len(w.Header()) > 0 {
			t.Errorf("%s: %v, %v", row.name, err, w.Header())
		}
	}
}
