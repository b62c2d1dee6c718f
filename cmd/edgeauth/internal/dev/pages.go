package dev

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// Pages are files that the server serves without a token: a page to try edgeauth, and the browser
// client. The server serves only the files, and no listing of a folder. index.html is the answer
// for its folder.
type Pages struct {
	prefix string // "/" or "/edgeauth/"
	files  map[string]file
}

type file struct {
	content     []byte
	etag, media string
}

// media maps the extensions of Pages to media types. The machine's own list could lack a type, and
// a browser runs no script with a wrong type.
var media = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".ts":    "text/plain; charset=utf-8", // as in edgeauth.d.ts
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".json":  "application/json",
	".map":   "application/json",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// policy is the Content-Security-Policy of Pages: scripts, styles and requests only of this origin,
// and no inline code.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// NewPages returns the files of file systems, at / or below the prefix. Every file needs an
// extension that media has.
func NewPages(prefix string, systems ...fs.FS) (*Pages, error) {
	p := &Pages{prefix: prefix, files: map[string]file{}}
	for _, files := range systems {
		if err := p.add(files); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Pages) add(files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, known := media[path.Ext(name)]
		if !known {
			return fmt.Errorf("%s: unknown extension %q", name, path.Ext(name))
		}
		content, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(content)
		p.files[name] = file{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, kind}
		return err
	})
}

// find returns the file of a request. The path must be that of the file, byte for byte.
func (p *Pages) find(r *http.Request) (file, bool) {
	if p == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return file{}, false
	}
	name, below := strings.CutPrefix(r.URL.EscapedPath(), p.prefix)
	if !below {
		return file{}, false
	}
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	f, found := p.files[name]
	return f, found
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache") // another build may be at the same address
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, a browser sends "Origin: null" to edgeauth itself
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// prefix returns the path below which the server serves Pages.
func (o Options) prefix() string {
	if o.Upstream != nil {
		return "/edgeauth/" // the upstream has a page at / of its own
	}
	return "/"
}
