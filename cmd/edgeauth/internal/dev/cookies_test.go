package dev

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func newTLSServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// TestCookieNames: over plain http, the browser has edgeauth's cookies under names that it accepts,
// and the programs behind the gateway get the names of a deployment. Over TLS nothing is renamed.
func TestCookieNames(t *testing.T) {
	const set = "__Host-Http-refresh=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
	for _, row := range []struct {
		name      string
		sent, got []string // Cookie
		secure    bool
	}{
		{"ours", []string{"edgeauth-refresh=a; edgeauth-flow-01234567=b"}, []string{"__Host-Http-refresh=a; __Host-Http-flow-01234567=b"}, false},
		{"ours among others", []string{"theme=dark; edgeauth-access=a=b;x=y"}, []string{"theme=dark; __Host-Http-access=a=b; x=y"}, false},
		{"several headers, as in HTTP/2", []string{"edgeauth-access=a", "b=c"}, []string{"__Host-Http-access=a; b=c"}, false},
		{"left from a start with TLS", []string{"__Host-Http-refresh=old; edgeauth-refresh=new"}, []string{"__Host-Http-refresh=new"}, false},
		{"only left ones", []string{"__Host-Http-refresh=old"}, nil, false},
		{"over TLS", []string{"__Host-Http-refresh=a; edgeauth-refresh=b"}, []string{"__Host-Http-refresh=a; edgeauth-refresh=b"}, true},
	} {
		r := httptest.NewRequest("GET", here+"/", nil)
		r.Header["Cookie"] = row.sent
		if row.secure {
			r.TLS = &tls.ConnectionState{}
		}
		sent := slices.Clone(row.sent)
		if got := fromBrowser(r).Header["Cookie"]; !slices.Equal(got, row.got) {
			t.Errorf("%s: %q, want %q", row.name, got, row.got)
		}
		if !slices.Equal(r.Header["Cookie"], sent) {
			t.Errorf("%s: the request itself has changed", row.name)
		}
		lines := []string{set, "a=b; Path=/; Secure", "junk"}
		want := []string{"edgeauth-refresh=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict", "a=b; Path=/; Secure", "junk"}
		if row.secure {
			want = slices.Clone(lines)
		}
		if got := toBrowser(r, lines); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", row.name, got, want)
		}
	}
}

// TestCookiesOfTheUpstream: the upstream gets and sets the cookies as behind a deployed gateway. A
// function and an upstream may set the same cookie.
func TestCookiesOfTheUpstream(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "__Host-Http-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict")
		w.Header().Add("Set-Cookie", "own=1; Secure")
		_, _ = fmt.Fprint(w, r.Header["Cookie"])
	}))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards(nil, []string{"GET /"})
	if err != nil {
		t.Fatal(err)
	}
	l, _, _, err := serveOptions(t, Options{Upstream: upstream, Guards: guards})
	if err != nil {
		t.Fatal(err)
	}
	w := ask(l, "GET", "/", "", http.Header{"Cookie": {"own=1; edgeauth-access=a"}})
	if got := w.Body.String(); got != "[own=1; __Host-Http-access=a]" {
		t.Errorf("the upstream gets %s", got)
	}
	want := []string{"edgeauth-refresh=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", "own=1; Secure"}
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, want) {
		t.Errorf("the browser gets %q, want %q", got, want)
	}
}

// TestAccessCookie: with a cookie among the token sources the authorizer has no identity source, so
// a request that has only the cookie reaches it. The cross-site rule applies.
func TestAccessCookie(t *testing.T) {
	l, password, _, err := serveConfigured(t, `{"token_sources":["header:Authorization","cookie:__Host-Http-access"],"origins":["`+pageOrigin+`"]}`)
	if err != nil {
		t.Fatal(err)
	}
	tokens := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	cookie := "edgeauth-access=" + tokens.Access
	for _, row := range []struct {
		name, method, path, cookie, fetchSite, origin string
		want                                          int
	}{
		{"our page", "GET", "/me", cookie, "same-origin", "", 200},
		{"a link on another site", "GET", "/me", cookie, "cross-site", "", 200},
		{"our page writes", "DELETE", "/auth/sessions/x", cookie, "same-origin", "", 404},
		{"a listed page writes", "DELETE", "/auth/sessions/x", cookie, "cross-site", pageOrigin, 404},
		{"another page writes", "DELETE", "/auth/sessions/x", cookie, "same-site", unknownOrigin, 403},
		{"no token", "GET", "/me", "", "same-origin", "", 403},
		{"the name over TLS", "GET", "/me", "__Host-Http-access=" + tokens.Access, "same-origin", "", 403},
	} {
		header := http.Header{"Sec-Fetch-Site": {row.fetchSite}}
		if row.cookie != "" {
			header.Set("Cookie", row.cookie)
		}
		if w := ask(l, row.method, row.path, row.origin, header); w.Code != row.want {
			t.Errorf("%s: %d %s, want %d", row.name, w.Code, w.Body, row.want)
		}
	}
	if got := getMe(l, tokens.Access); got != http.StatusOK {
		t.Errorf("the header: %d", got)
	}
}

func TestIdentitySource(t *testing.T) {
	for document, want := range map[string]string{
		``: "authorization", `{}`: "authorization", `{"email_claims":true}`: "authorization",
		`{"token_sources":["header:Authorization"]}`:                            "authorization",
		`{"token_sources":["header:Authorization","subprotocol:access_token"]}`: "authorization",
		`{"token_sources":["header:X-Token"]}`:                                  "x-token",
		`{"token_sources":["header:Authorization","header:X-Token"]}`:           "",
		`{"token_sources":["header:Authorization","cookie:a"]}`:                 "",
		`{"token_sources":["cookie:a"]}`:                                        "",
		`{"token_sources":["subprotocol:access_token"]}`:                        "",
	} {
		if got, err := (Options{Config: document}).identity(); got != want || err != nil {
			t.Errorf("%s: %q, %v", document, got, err)
		}
	}
	l, _, _, err := serveConfigured(t, `{"token_sources":["header:X-Token"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"Authorization": 401, "X-Token": 403} {
		if w := ask(l, "GET", "/me", "", http.Header{name: {"Bearer x"}}); w.Code != want {
			t.Errorf("%s: %d %s", name, w.Code, strings.TrimSpace(w.Body.String()))
		}
	}
}

// TestCookieSession: a session whose tokens are only in cookies works in a client that stores
// cookies like a browser, over plain http and over TLS.
func TestCookieSession(t *testing.T) {
	l, password, _, err := serveConfigured(t, `{"token_sources":["header:Authorization","cookie:__Host-Http-access"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		server *httptest.Server
		prefix string
	}{"http": {httptest.NewServer(l), localPrefix}, "https": {httptest.NewTLSServer(l), securePrefix}} {
		t.Run(name, func(t *testing.T) {
			defer row.server.Close()
			client := row.server.Client()
			if client.Jar, err = cookiejar.New(nil); err != nil {
				t.Fatal(err)
			}
			send := func(method, path, body string) (status int, set []string) {
				t.Helper()
				r, err := http.NewRequest(method, row.server.URL+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				answer, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if strings.Contains(string(text), "_token\":") {
					t.Errorf("%s %s: the body has a token", method, path)
				}
				for _, c := range answer.Cookies() {
					set = append(set, c.Name)
					if secure := row.prefix == securePrefix; c.Secure != secure || !c.HttpOnly || c.Path != "/" {
						t.Errorf("%s %s sets %v", method, path, c)
					}
				}
				slices.Sort(set)
				return answer.StatusCode, set
			}
			names := func(rest ...string) (all []string) {
				for _, n := range rest {
					all = append(all, row.prefix+n)
				}
				return all
			}
			for _, step := range []struct {
				method, path, body string
				status             int
				set                []string
			}{
				{"POST", "/auth/login", `{"email":"` + demoEmail + `","password":"` + password + `","delivery":"cookies","device_delivery":"cookie"}`, 200,
					names("access", "device", "refresh")},
				{"GET", "/me", "", 200, nil},
				{"GET", "/auth/sessions", "", 200, nil},
			} {
				if status, set := send(step.method, step.path, step.body); status != step.status || !slices.Equal(set, step.set) {
					t.Errorf("%s %s: %d, sets %q; want %d, %q", step.method, step.path, status, set, step.status, step.set)
				}
			}
		})
	}
}

// TestForeignHandshakes: CORS does not apply to WebSocket handshakes, so a page of another origin, which
// may be another port of this machine, must not open a conversation with the cookies of its visitor.
func TestForeignHandshakes(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards([]string{"GET /checked"}, []string{"GET /public"})
	if err != nil {
		t.Fatal(err)
	}
	l, password, _, err := serveOptions(t, Options{Upstream: upstream, Guards: guards, Config: `{
		"token_sources": ["header:Authorization", "cookie:__Host-Http-access", "cookie:__Host-Http-session"], "origins": ["https://app.example.com"]}`})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body string, header ...string) *http.Response {
		r := httptest.NewRequest(method, here+path, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1234"
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Result()
	}
	cookieOf := func(delivery, name string) string {
		answer := send("POST", "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`","delivery":"`+delivery+`"}`,
			"Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
		for _, c := range answer.Cookies() {
			if c.Name == name {
				return c.Name + "=" + c.Value
			}
		}
		t.Fatalf("a login with delivery %s: %s without the cookie %s", delivery, answer.Status, name)
		return ""
	}
	access, opaque := cookieOf("cookies", "edgeauth-access"), cookieOf("session", "edgeauth-session")
	for _, row := range []struct {
		name   string
		header []string
		want   int
	}{
		{"no handshake", nil, http.StatusOK},
		{"a script of another port reads", []string{"Origin", "http://localhost:5173"}, http.StatusForbidden},
		{"no header", []string{"Upgrade", "websocket"}, http.StatusForbidden},
		{"another port", []string{"Upgrade", "WebSocket", "Origin", "http://localhost:5173", "Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"another site", []string{"Upgrade", "websocket", "Origin", "https://evil.example"}, http.StatusForbidden},
		{"a sandboxed frame", []string{"Upgrade", "websocket", "Origin", "null"}, http.StatusForbidden},
		{"two origins", []string{"Upgrade", "websocket", "Origin", here, "Origin", "https://evil.example"}, http.StatusForbidden},
		{"the own origin", []string{"Upgrade", "websocket", "Origin", here}, http.StatusOK},
		{"the own origin, by fetch metadata", []string{"Upgrade", "websocket", "Origin", here, "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"a listed origin", []string{"Upgrade", "websocket", "Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, http.StatusOK},
	} {
		for path, cookie := range map[string]string{"/checked": opaque, "/unchecked": access} {
			if got := send("GET", path, "", append(row.header, "Cookie", cookie, "Connection", "Upgrade")...); got.StatusCode != row.want {
				t.Errorf("%s: GET %s: %s, want %d", row.name, path, got.Status, row.want)
			}
		}
	}
	if got := send("GET", "/public", "", "Upgrade", "websocket", "Cookie", "theme=dark"); got.StatusCode != http.StatusOK {
		t.Errorf("a public route: %s", got.Status)
	}
}
