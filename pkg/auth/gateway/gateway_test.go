package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// invoke sends an event as raw JSON to h.
func invoke(t *testing.T, h http.HandlerFunc, text string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	answer, err := gateway.Handler(h)(context.Background(), e)
	if err != nil {
		t.Fatalf("error: %v", err)
	}
	return answer
}

// describe prints the parts of a request that a handler sees.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s?%s host=%s from=%s length=%d body=%q err=%v",
		r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, r.ContentLength, body, err)
	for _, name := range []string{"Accept", "Cookie", "X-Request-Id", "Host"} {
		if values := r.Header.Values(name); len(values) > 0 {
			_, _ = fmt.Fprintf(w, " %s=%q", name, values)
		}
	}
}

func TestRequest(t *testing.T) {
	for _, row := range []struct{ name, event, want string }{
		{
			"everything",
			`{"version":"2.0","rawPath":"/auth/login","rawQueryString":"a=1&a=2",
			  "cookies":["__Host-Http-refresh=x","b=2"],"headers":{"host":"api.example.com","accept":"a,b"},
			  "requestContext":{"requestId":"r1","stage":"$default",
			    "http":{"method":"POST","sourceIp":"203.0.113.9"}},
			  "body":"{}","isBase64Encoded":false}`,
			`POST /auth/login?a=1&a=2 host=api.example.com from=203.0.113.9:0 length=2 body="{}" err=<nil>` +
				` Accept=["a,b"] Cookie=["__Host-Http-refresh=x; b=2"] X-Request-Id=["r1"]`,
		},
		{
			"every map null",
			`{"rawPath":"/","cookies":null,"headers":null,"queryStringParameters":null,"body":null,
			  "requestContext":{"authorizer":null,"http":{"method":"GET"}}}`,
			`GET /? host= from= length=0 body="" err=<nil>`,
		},
		{
			"base64", `{"rawPath":"/","body":"//4=","isBase64Encoded":true,"requestContext":{"http":{"method":"PUT"}}}`,
			`PUT /? host= from= length=2 body="\xff\xfe" err=<nil>`,
		},
		{
			"cookies and a cookie header", // as sam local sends them
			`{"rawPath":"/","cookies":["a=1","b=2"],"headers":{"Cookie":"a=1; b=2"},
			  "requestContext":{"http":{"method":"GET"}}}`,
			`GET /? host= from= length=0 body="" err=<nil> Cookie=["a=1; b=2"]`,
		},
		{
			"a client's request id", `{"rawPath":"/","headers":{"x-request-id":"forged"},
			  "requestContext":{"http":{"method":"GET"}}}`,
			`GET /? host= from= length=0 body="" err=<nil>`,
		},
		{
			"a client's forwarding header", `{"rawPath":"/","headers":{"x-forwarded-for":"10.0.0.1"},
			  "requestContext":{"http":{"method":"GET","sourceIp":"2001:db8::1"}}}`,
			`GET /? host= from=[2001:db8::1]:0 length=0 body="" err=<nil>`,
		},
		{
			"names that differ in case", `{"rawPath":"/","headers":{"accept":"b","ACCEPT":"a"},
			  "requestContext":{"http":{"method":"GET"}}}`,
			`GET /? host= from= length=0 body="" err=<nil> Accept=["a" "b"]`,
		},
		{
			"a named stage", `{"rawPath":"/prod/me","requestContext":{"stage":"prod","http":{"method":"GET"}}}`,
			`GET /me? host= from= length=0 body="" err=<nil>`,
		},
		{
			"a named stage's root", `{"rawPath":"/prod","requestContext":{"stage":"prod","http":{"method":"GET"}}}`,
			`GET /? host= from= length=0 body="" err=<nil>`,
		},
		{
			"a path like the stage's name", `{"rawPath":"/products","requestContext":{"stage":"prod","http":{"method":"GET"}}}`,
			`GET /products? host= from= length=0 body="" err=<nil>`,
		},
		{
			"a path is not decoded again", `{"rawPath":"/a/%2e%2e/b?c","requestContext":{"http":{"method":"GET"}}}`,
			`GET /a/%2e%2e/b?c? host= from= length=0 body="" err=<nil>`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer := invoke(t, describe, row.event)
			if answer.StatusCode != http.StatusOK || answer.Body != row.want {
				t.Errorf("%d\ngot  %s\nwant %s", answer.StatusCode, answer.Body, row.want)
			}
		})
	}
}

func TestMalformedEvent(t *testing.T) {
	for _, row := range []struct{ name, event string }{
		{"empty", `{}`},
		{"null", `null`},
		{"no method", `{"rawPath":"/","requestContext":{"http":{}}}`},
		{"an id", `{"rawPath":"/","requestContext":{"requestId":"r1","http":{}}}`},
		{"not a method", `{"rawPath":"/","requestContext":{"http":{"method":"G E T"}}}`},
		{"no path", `{"requestContext":{"http":{"method":"GET"}}}`},
		{"relative path", `{"rawPath":"a","requestContext":{"http":{"method":"GET"}}}`},
		{"not base64", `{"rawPath":"/","body":"*","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer := invoke(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }, row.event)
			want := `{"error":"invalid_request"}`
			if strings.Contains(row.event, "r1") {
				want = `{"error":"invalid_request","request_id":"r1"}`
			}
			if answer.StatusCode != http.StatusBadRequest || answer.Body != want {
				t.Errorf("%+v", answer)
			}
		})
	}
}

const get = `{"rawPath":"/","requestContext":{"requestId":"r1","http":{"method":"GET"}}}`

func TestAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{
			"nothing written", func(http.ResponseWriter, *http.Request) {},
			`{"statusCode":200,"headers":{},"multiValueHeaders":null,"body":"","cookies":null}`,
		},
		{
			"status, headers, cookies", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Vary", "Origin")
				w.Header().Add("Vary", "Cookie")
				w.Header().Set("Content-Type", "application/json")
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
				http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusTeapot)
				w.WriteHeader(http.StatusOK)
				w.Header().Set("Late", "lost")
				_, _ = io.WriteString(w, "{}")
			},
			`{"statusCode":418,"headers":{"Content-Type":"application/json","Vary":"Origin,Cookie"},` +
				`"multiValueHeaders":null,"body":"{}","cookies":["a=1","b=2"]}`,
		},
		{
			"bytes that are no text", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				_, _ = w.Write([]byte{0xff, 0xfe})
			},
			`{"statusCode":200,"headers":{"Content-Type":"image/png"},"multiValueHeaders":null,` +
				`"body":"//4=","isBase64Encoded":true,"cookies":null}`,
		},
		{
			"no content", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
					t.Errorf("Write: %v", err)
				}
			},
			`{"statusCode":204,"headers":{},"multiValueHeaders":null,"body":"","cookies":null}`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := json.Marshal(invoke(t, row.handler, get))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		logged  string
	}{
		{"a value", func(http.ResponseWriter, *http.Request) { panic("hunter2") }, `"panic":"string"`},
		{"an error", func(http.ResponseWriter, *http.Request) { panic(errors.New("hunter2")) }, `"panic":"*errors.errorString"`},
		{"after an answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half an ans")
			var none []int
			none[len(none)]++
		}, `"panic":"runtime error: index out of range [0] with length 0"`},
		{"an invalid status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) }, `"panic":"string"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			log.Reset()
			answer := invoke(t, row.handler, get)
			if answer.StatusCode != http.StatusInternalServerError || answer.Body != `{"error":"server_error","request_id":"r1"}` {
				t.Errorf("%+v", answer)
			}
			line := log.String()
			if !strings.Contains(line, row.logged) || !strings.Contains(line, `"request_id":"r1"`) || strings.Contains(line, "hunter2") {
				t.Error(line)
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	const whole = `{"sub":"u1","sid":"s1","client_id":"web","scope":"a b","roles":"admin","auth_time":"1700000000","exp":"1700000900","tv":"18446744073709551615"}`
	for _, row := range []struct{ name, authorizer, want string }{
		{"whole", `{"lambda":` + whole + `}`, "{u1 s1 web [a b] [admin] 1700000000 1700000900 18446744073709551615}"},
		{"the least", `{"lambda":{"sub":"u1","exp":"1"}}`, "{u1   [] [] -62135596800 1 }"},
		{"none", `null`, ""},
		{"no context", `{"lambda":null}`, ""},
		{"another kind", `{"jwt":{"claims":{"sub":"u1","exp":"1"}}}`, ""},
		{"no sub", `{"lambda":{"exp":"1"}}`, ""},
		{"no exp", `{"lambda":{"sub":"u1"}}`, ""},
		{"a number", `{"lambda":{"sub":"u1","exp":1}}`, ""},
		{"a null", `{"lambda":{"sub":null,"exp":"1"}}`, ""},
		{"not a number", `{"lambda":{"sub":"u1","exp":"1e9"}}`, ""},
		{"a wrong auth_time", `{"lambda":{"sub":"u1","exp":"1","auth_time":"x"}}`, ""},
		{"a wrong token version", `{"lambda":{"sub":"u1","exp":"1","tv":"-1"}}`, ""},
		{"control characters", `{"lambda":{"sub":"a\nb","exp":"1"}}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			event := `{"rawPath":"/","headers":{"x-edgeauth-sub":"forged","sub":"forged"},
				"requestContext":{"authorizer":` + row.authorizer + `,"http":{"method":"GET"}}}`
			answer := invoke(t, func(w http.ResponseWriter, r *http.Request) {
				if p, ok := auth.PrincipalFrom(r.Context()); ok {
					_, _ = fmt.Fprintf(w, "{%s %s %s %s %s %d %d %s}", p.Subject, p.SessionID, p.Client,
						p.Scope, p.Roles, p.AuthTime.Unix(), p.Expires.Unix(), p.TokenVersion)
				}
			}, event)
			if answer.Body != row.want {
				t.Errorf("got %q, want %q", answer.Body, row.want)
			}
		})
	}
}

// FuzzHandler checks that no event causes a panic, an error or a 5xx of the package itself.
func FuzzHandler(f *testing.F) {
	for _, seed := range []string{
		get, `null`, `{}`, `{"headers":null,"requestContext":{"http":null}}`,
		`{"rawPath":"/prod/x","rawQueryString":"%zz;a","cookies":[""],"headers":{"":"","host":"a b","cookie":"x"},
		  "requestContext":{"stage":"prod","http":{"method":"post","sourceIp":"::1"},"authorizer":{"lambda":{"sub":"u","exp":"9"}}},
		  "body":"AA==","isBase64Encoded":true}`,
	} {
		f.Add([]byte(seed))
	}
	handler := gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength {
			panic("the body is not as long as ContentLength says")
		}
		w.Header().Set("X-Query", r.URL.Query().Encode())
		_, _ = io.WriteString(w, r.URL.String()+r.RemoteAddr)
	}))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e events.APIGatewayV2HTTPRequest
		if json.Unmarshal(text, &e) != nil {
			return
		}
		answer, err := handler(context.Background(), e)
		if err != nil || answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusBadRequest {
			t.Fatalf("%d %v", answer.StatusCode, err)
		}
	})
}
