package dev

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// templateText returns template.yaml.
func templateText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCORSOfTemplate compares the CORS of the local server with the CORS of a deployment.
func TestCORSOfTemplate(t *testing.T) {
	found := regexp.MustCompile(`(?s)CorsConfiguration: !If\n.*?- !Ref AWS::NoValue`).FindString(templateText(t))
	want := map[string]string{
		"AllowOrigins":     "!Split [',', !Ref Origins]",
		"AllowMethods":     "[" + strings.Join(corsMethods, ", ") + "]",
		"AllowHeaders":     "[" + strings.Join(corsHeaders, ", ") + "]",
		"AllowCredentials": "true",
		"ExposeHeaders":    "[" + strings.Join(corsExposed, ", ") + "]",
		"MaxAge":           strconv.Itoa(corsMaxAge),
	}
	members := regexp.MustCompile(`(\w+): (.+)\n`).FindAllStringSubmatch(found, -1)
	for _, m := range members[1:] { // behind the !If
		if want[m[1]] != m[2] {
			t.Errorf("template.yaml has %s: %s, and the local server %q", m[1], m[2], want[m[1]])
		}
		delete(want, m[1])
	}
	if len(want) > 0 {
		t.Errorf("template.yaml lacks %v", want)
	}
}

// TestNewCORS: the parameter Origins and the local server accept the same origins, without default
// ports.
func TestNewCORS(t *testing.T) {
	m := regexp.MustCompile(`(?s)\n  Origins:\n.*?AllowedPattern: (\S+)\n`).FindStringSubmatch(templateText(t))
	if m == nil {
		t.Fatal("template.yaml has no pattern of Origins")
	}
	parameter := regexp.MustCompile(m[1])
	for origin, good := range map[string]bool{
		"http://localhost:5173": true, "https://app.example.com": true, "http://192.168.1.5:5173": true, "https://app.example.com:8443": true,
		"": false, "null": false, "*": false, "https://*.example.com": false, "https://App.example.com": false, "https://app.example.com/": false,
		"app.example.com": false, "https://a.example,https://b.example": false, "https://a.example\nb": false, "ftp://a.example": false,
	} {
		if _, err := NewCORS([]string{origin}); (err == nil) != good {
			t.Errorf("%q: %v", origin, err)
		}
		if good != parameter.MatchString(origin) && origin != "" && !strings.Contains(origin, ",") {
			t.Errorf("the parameter Origins differs about %q", origin)
		}
	}
	for _, origin := range []string{"http://a.example:80", "https://a.example:443"} {
		if _, err := NewCORS([]string{origin}); err == nil || !strings.Contains(err.Error(), "default port") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

const (
	pageOrigin    = "http://localhost:5173"
	unknownOrigin = "http://localhost:5174"
)

// corsOf returns the headers of CORS in an answer.
func corsOf(h http.Header) []string {
	var lines []string
	for name, values := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			lines = append(lines, strings.TrimPrefix(name, "Access-Control-")+": "+strings.Join(values, "|"))
		}
	}
	slices.Sort(lines)
	return lines
}

func ask(h http.Handler, method, path, origin string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, here+path, nil)
	r.RemoteAddr = "127.0.0.1:1234"
	for name, values := range header {
		r.Header[name] = values
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// serveCORS serves pageOrigin, with and without an upstream that has its own CORS. calls counts the
// requests that reach it.
func serveCORS(t *testing.T, origins ...string) (alone, before http.Handler, calls *int) {
	t.Helper()
	calls = new(int)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*calls++
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Max-Age", "1")
		w.Header().Set("Vary", "Accept")
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(backend.Close)
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	cors, err := NewCORS(origins)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards(nil, []string{"GET /health"})
	if err != nil {
		t.Fatal(err)
	}
	one, _, _, err := serveOptions(t, Options{CORS: cors})
	if err != nil {
		t.Fatal(err)
	}
	two, _, _, err := serveOptions(t, Options{CORS: cors, Upstream: upstream, Guards: guards})
	if err != nil {
		t.Fatal(err)
	}
	return one, two, calls
}

// TestPreflight: a preflight needs no token, and reaches no function and no upstream.
func TestPreflight(t *testing.T) {
	alone, before, calls := serveCORS(t, pageOrigin, "https://app.example.com")
	ours := []string{
		"Allow-Credentials: true", "Allow-Headers: authorization,content-type", "Allow-Methods: DELETE,GET,HEAD,PATCH,POST",
		"Allow-Origin: " + pageOrigin, "Max-Age: 7200",
	}
	theirs := []string{"Allow-Credentials: true", "Allow-Headers: x-mine", "Allow-Methods: PUT", "Allow-Origin: " + pageOrigin, "Max-Age: 7200"}
	asks := func(method string) http.Header {
		return http.Header{"Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"x-mine"}}
	}
	for _, row := range []struct {
		name, path, origin string
		header             http.Header
		alone, before      []string // headers of CORS
	}{
		{"a route that needs a token", "/auth/sessions", pageOrigin, asks("GET"), ours, ours},
		{"a public route", "/auth/login", pageOrigin, asks("POST"), ours, ours},
		{"a path of the upstream", "/orders", pageOrigin, asks("PUT"), ours, theirs},
		{"an origin that is not listed", "/auth/login", unknownOrigin, asks("POST"), nil, nil},
		{"a sandboxed page", "/auth/login", "null", asks("POST"), nil, nil},
		{"a listed origin in capitals", "/auth/login", strings.ToUpper(pageOrigin), asks("POST"), nil, nil},
		{"OPTIONS without a method to ask for", "/auth/login", pageOrigin, nil, nil, nil},
		{"OPTIONS without an origin", "/auth/login", "", asks("POST"), nil, nil},
	} {
		for name, h := range map[string]http.Handler{"alone": alone, "before an upstream": before} {
			want := row.alone
			if h == before {
				want = row.before
			}
			w := ask(h, http.MethodOptions, row.path, row.origin, row.header)
			if got := corsOf(w.Header()); w.Code != http.StatusNoContent || w.Body.Len() > 0 || !slices.Equal(got, want) || w.Header().Get("Vary") != "Origin" {
				t.Errorf("%s, %s: %d %q %v\nwant 204 %v", row.name, name, w.Code, w.Body, w.Header(), want)
			}
		}
	}
	if *calls > 0 {
		t.Errorf("the upstream was asked %d times", *calls)
	}
	if w := ask(before, http.MethodOptions, "/orders", pageOrigin, nil); w.Code != http.StatusUnauthorized {
		t.Errorf("OPTIONS that is no preflight for the upstream: %d", w.Code)
	}
}

// TestCORSOnEveryAnswer: a page of a listed origin can read every answer, including the gateway's
// own answers. The headers of the upstream are ignored.
func TestCORSOnEveryAnswer(t *testing.T) {
	alone, before, _ := serveCORS(t, pageOrigin)
	bad := http.Header{"Authorization": {"Bearer x"}}
	for _, row := range []struct {
		name, method, path string
		header             http.Header
		handler            http.Handler
		status             int
	}{
		{"a function", "POST", "/auth/login", nil, alone, 415},
		{"no token", "GET", "/auth/sessions", nil, alone, 401},
		{"a bad token", "GET", "/auth/sessions", bad, alone, 401},
		{"no route", "GET", "/nowhere", nil, alone, 404},
		{"no token for the upstream", "GET", "/orders", nil, before, 401},
		{"a bad token for the upstream", "GET", "/orders", bad, before, 403},
		{"the upstream", "GET", "/health", nil, before, 418},
	} {
		want := []string{"Allow-Credentials: true", "Allow-Origin: " + pageOrigin, "Expose-Headers: retry-after"}
		w := ask(row.handler, row.method, row.path, pageOrigin, row.header)
		if got := corsOf(w.Header()); w.Code != row.status || !slices.Equal(got, want) || !slices.Contains(w.Header()["Vary"], "Origin") {
			t.Errorf("%s: %d %v, want %d %v", row.name, w.Code, w.Header(), row.status, want)
		}
		for _, origin := range []string{"", unknownOrigin} {
			if w := ask(row.handler, row.method, row.path, origin, row.header); w.Code != row.status || len(corsOf(w.Header())) > 0 {
				t.Errorf("%s, origin %q: %d %v", row.name, origin, w.Code, w.Header())
			}
		}
	}
}

// TestNoCORS: without an origin, the gateway has no CORS, and forwards the CORS headers of the
// upstream.
func TestNoCORS(t *testing.T) {
	alone, before, _ := serveCORS(t)
	asks := http.Header{"Access-Control-Request-Method": {"POST"}}
	if w := ask(alone, http.MethodOptions, "/auth/login", pageOrigin, asks); w.Code < 400 || len(corsOf(w.Header())) > 0 || w.Header().Get("Vary") != "" {
		t.Errorf("a preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(before, http.MethodOptions, "/orders", pageOrigin, asks); w.Code != http.StatusUnauthorized {
		t.Errorf("a preflight for the upstream: %d %v", w.Code, w.Header())
	}
	if got := corsOf(ask(before, "GET", "/health", pageOrigin, nil).Header()); !slices.Equal(got, []string{"Allow-Origin: *", "Max-Age: 1"}) {
		t.Errorf("the upstream's own: %v", got)
	}
}
