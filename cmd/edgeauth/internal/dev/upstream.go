package dev

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// identityPrefix is the prefix of the headers that tell an upstream the caller's identity:
// X-Edgeauth-Sub, X-Edgeauth-Sid, ...
const identityPrefix = "X-Edgeauth-"

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
			p.SetURL(target)
			p.SetXForwarded()
			identify(p)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.Printf("upstream %s: %v", target.Redacted(), err)
			refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
		},
	}}, nil
}

type identityKey struct{}

// serve forwards r with the identity that the authorizer returned.
func (u *Upstream) serve(w http.ResponseWriter, r *http.Request, identity map[string]string) {
	u.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, identity)))
}

// identify replaces the identity headers of the client by those of the authorizer. It must be the
// last to change the headers, because the proxy removes headers that the client's Connection header
// names.
func identify(p *httputil.ProxyRequest) {
	for name := range p.Out.Header {
		if claimsIdentity(name) {
			delete(p.Out.Header, name)
		}
	}
	p.Out.Trailer = nil // trailers arrive after the headers and could replace them
	identity, _ := p.In.Context().Value(identityKey{}).(map[string]string)
	for claim, value := range identity {
		p.Out.Header.Set(identityPrefix+strings.ReplaceAll(claim, "_", "-"), value)
	}
}

// claimsIdentity reports whether a server could read the header as an identity header. Servers that
// pass headers as variables treat "_" as "-", and some of them any character that is not a letter
// or digit, so X_Edgeauth_Sub and X.Edgeauth.Sub arrive under the same name.
func claimsIdentity(name string) bool {
	folded := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return strings.HasPrefix(http.CanonicalHeaderKey(folded), identityPrefix)
}
