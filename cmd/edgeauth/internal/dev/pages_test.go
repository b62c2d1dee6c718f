package dev

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var someFiles = fstest.MapFS{
	"index.html":      {Data: []byte("<title>page</title>")},
	"edgeauth.js":     {Data: []byte("export {}")},
	"edgeauth.d.ts":   {Data: []byte("export {}")},
	"style.css":       {Data: []byte("a{}")},
	"icons/icon.svg":  {Data: []byte("<svg/>")},
	"demo/index.html": {Data: []byte("<title>demo</title>")},
}

// TestPages: exactly the files are served without a token, with their types and a strict policy.
func TestPages(t *testing.T) {
	l, _, _, err := serveOptions(t, Options{Pages: []fs.FS{someFiles}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/index.html": "text/html; charset=utf-8", "/demo/": "text/html; charset=utf-8",
		"/edgeauth.js": "text/javascript; charset=utf-8", "/edgeauth.d.ts": "text/plain; charset=utf-8",
		"/style.css": "text/css; charset=utf-8", "/icons/icon.svg": "image/svg+xml",
		"/demo": "", "/icons/": "", "/icons": "", "/nothing.js": "", "//edgeauth.js": "", "/./edgeauth.js": "", "/icons/../edgeauth.js": "", "/edgeauth%2ejs": "", "/icons%2Ficon.svg": "",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			w := ask(l, method, path, "", nil)
			h := w.Header()
			if want == "" {
				if w.Code != http.StatusNotFound || h.Get("Content-Security-Policy") != "" {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
				continue
			}
			if w.Code != http.StatusOK || h.Get("Content-Type") != want || h.Get("Content-Security-Policy") != policy ||
				h.Get("X-Content-Type-Options") != "nosniff" || (w.Body.Len() > 0) != (method == "GET") {
				t.Errorf("%s %s: %d %v", method, path, w.Code, h)
			}
		}
	}
	if w := ask(l, "POST", "/edgeauth.js", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
	tag := ask(l, "GET", "/edgeauth.js", "", nil).Header().Get("ETag")
	if w := ask(l, "GET", "/edgeauth.js", "", http.Header{"If-None-Match": {tag}}); w.Code != http.StatusNotModified || tag == "" {
		t.Errorf("the same file again: %d, ETag %q", w.Code, tag)
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
}

// TestPagesBesideAnUpstream: the upstream keeps / and every other path.
func TestPagesBesideAnUpstream(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer backend.Close()
	upstream, err := NewUpstream(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	guards, err := NewGuards(nil, []string{"GET /"})
	if err != nil {
		t.Fatal(err)
	}
	l, _, _, err := serveOptions(t, Options{Pages: []fs.FS{someFiles}, Upstream: upstream, Guards: guards})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/edgeauth/": 200, "/edgeauth/edgeauth.js": 200, "/": 418, "/edgeauth.js": 418, "/edgeauth/nothing.js": 418, "/edgeauth": 418} {
		if w := ask(l, "GET", path, "", nil); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestNewPagesRefuses(t *testing.T) {
	if _, err := NewPages("/", fstest.MapFS{"a.exe": {}}); err == nil || !strings.Contains(err.Error(), `a.exe: unknown extension ".exe"`) {
		t.Errorf("%v", err)
	}
}
