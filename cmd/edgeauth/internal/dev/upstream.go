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

// identityPrefix begins the headers in which an upstream finds who is calling: X-Edgeauth-Sub, X-Edgeauth-Sid, ...
const identityPrefix = "X-Edgeauth-"

// Upstream is a developer's own API behind the authorizer.
type Upstream struct {
	url   string // without a password
	proxy *httputil.ReverseProxy
}

// NewUpstream returns the API at an http or https URL.
func NewUpstream(text string) (*Upstream, error) {
	target, err := url.Parse(text)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, fmt.Errorf("an upstream is an http or https URL, as in http://127.0.0.1:3000")
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

// serve passes r on with the identity that the authorizer found.
func (u *Upstream) serve(w http.ResponseWriter, r *http.Request, identity map[string]string) {
	u.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, identity)))
}

// identify replaces what a client says of itself by what the authorizer found. It must be the last to touch the headers:
// a proxy takes off those that the client's Connection header names.
func identify(p *httputil.ProxyRequest) {
	for name := range p.Out.Header {
		if claimsIdentity(name) {
			delete(p.Out.Header, name)
		}
	}
	p.Out.Trailer = nil // they arrive after the headers that they might replace
	identity, _ := p.In.Context().Value(identityKey{}).(map[string]string)
	for claim, value := range identity {
		p.Out.Header.Set(identityPrefix+strings.ReplaceAll(claim, "_", "-"), value)
	}
}

// claimsIdentity finds a client's own copies of the identity headers. Servers that hand headers on as variables make
// "_" of "-", and some of any character that is no letter or digit, so that X_Edgeauth_Sub and X.Edgeauth.Sub would
// arrive there as the same name.
func claimsIdentity(name string) bool {
	folded := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return strings.HasPrefix(http.CanonicalHeaderKey(folded), identityPrefix)
}
