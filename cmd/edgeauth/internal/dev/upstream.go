package dev

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// Upstream is the developer's own API behind the authorizer.
type Upstream struct {
	url   string // without the password
	proxy *httputil.ReverseProxy
}

// NewUpstream returns the API at an http or https URL.
func NewUpstream(text string) (*Upstream, error) {
	target, err := url.Parse(text)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, fmt.Errorf("invalid upstream (want an http or https URL, for example http://127.0.0.1:3000)")
	}
	return &Upstream{target.Redacted(), &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			// The authorizer judged the decoded path. With other escapes, the upstream could read
			// another path.
			p.Out.URL.RawPath = ""
			p.SetURL(target)
			p.SetXForwarded()
			identify(p)
			webSocketOnly(p)
		},
		ModifyResponse: func(answer *http.Response) error {
			f := forwardedOf(answer.Request)
			if f.cors {
				dropCORS(answer.Header)
			}
			if lines := toBrowser(f.in, answer.Header["Set-Cookie"]); len(lines) > 0 {
				answer.Header["Set-Cookie"] = lines
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.Printf("upstream %s: %v", target.Redacted(), err)
			refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
		},
	}}, nil
}

// forwarded is what the gateway knows about a request that the upstream serves.
type forwarded struct {
	in       *http.Request     // as received
	identity map[string]string // from the authorizer; nil on a public route
	cors     bool              // the gateway sets the headers of CORS
}

type forwardedKey struct{}

func forwardedOf(r *http.Request) forwarded {
	f, _ := r.Context().Value(forwardedKey{}).(forwarded)
	return f
}

// serve forwards r. It refuses a path with dot segments, which could leave the path of the
// upstream's URL.
func (u *Upstream) serve(w http.ResponseWriter, r *http.Request, f forwarded) {
	for segment := range strings.SplitSeq(r.URL.Path, "/") {
		if segment == "." || segment == ".." {
			refuse(w, http.StatusBadRequest, "Bad Request")
			return
		}
	}
	u.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), forwardedKey{}, f)))
}

// identify replaces the identity headers of the client by those of the authorizer. It must be the
// last to change the headers, because the proxy removes headers that the client's Connection header
// names.
func identify(p *httputil.ProxyRequest) {
	for name := range p.Out.Header {
		if claim.IsHeader(name) {
			delete(p.Out.Header, name)
		}
	}
	p.Out.Trailer = nil // trailers arrive after the headers and could replace them
	for key, value := range forwardedOf(p.In).identity {
		p.Out.Header.Set(claim.Header(key), value)
	}
}

// webSocketOnly removes a request to upgrade to any protocol except WebSocket. After an upgrade to
// h2c, all further requests of the connection would pass without the authorizer.
func webSocketOnly(p *httputil.ProxyRequest) {
	if isHandshake(p.In) {
		return
	}
	p.Out.Header.Del("Upgrade")
	p.Out.Header.Del("Connection")
	p.Out.Header.Del("Http2-Settings")
}

// isHandshake reports whether the upstream may treat r as a WebSocket handshake.
func isHandshake(r *http.Request) bool {
	upgrade := r.Header.Values("Upgrade")
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket")
}
