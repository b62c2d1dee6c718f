package dev

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CORS are the origins whose pages may read the answers of the server, as the parameter Origins of
// template.yaml. The zero CORS has no origins: the server then answers no preflight and sets no
// CORS header.
//
// The origins whose pages may send cookies are in a separate list, the member "origins" of
// EDGEAUTH_CONFIG.
type CORS struct{ origins []string }

// The CorsConfiguration of template.yaml.
var (
	corsMethods = []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost}
	corsHeaders = []string{"authorization", "content-type"}
	corsExposed = []string{"retry-after"}
)

const corsMaxAge = 7200 // seconds

// originForm is the form of one origin in the parameter Origins.
var originForm = regexp.MustCompile(`^https?://[a-z0-9.-]+(:[0-9]{1,5})?$`)

// NewCORS returns the CORS for these origins, each in the form in which browsers send it.
func NewCORS(origins []string) (CORS, error) {
	for _, o := range origins {
		if !originForm.MatchString(o) {
			return CORS{}, fmt.Errorf("%q is not an origin (want for example http://localhost:5173, in lower case and without a path)", o)
		}
		if strings.HasPrefix(o, "http:") && strings.HasSuffix(o, ":80") || strings.HasPrefix(o, "https:") && strings.HasSuffix(o, ":443") {
			return CORS{}, fmt.Errorf("%q has the default port, which browsers omit (want the origin without the port)", o)
		}
	}
	return CORS{origins}, nil
}

// on reports whether the gateway handles CORS.
func (c CORS) on() bool { return len(c.origins) > 0 }

// mark sets the headers of every answer to a page of a listed origin, and reports whether r comes
// from such a page. The answers of the gateway itself need the headers too: without them a page
// cannot distinguish a 401 from a network error.
func (c CORS) mark(h http.Header, r *http.Request) (listed bool) {
	if !c.on() {
		return false
	}
	h.Add("Vary", "Origin") // a cached answer must not serve a page of another origin
	origin := r.Header.Get("Origin")
	// AWS documents that OPTIONS needs both headers of a preflight to get any header of CORS.
	if listed = slices.Contains(c.origins, origin) && (r.Method != http.MethodOptions || isPreflight(r)); listed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		if !isPreflight(r) {
			h.Set("Access-Control-Expose-Headers", strings.Join(corsExposed, ","))
		}
	}
	return listed
}

// isPreflight reports whether r is a CORS preflight.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers a preflight, without the authorizer and without a function. An origin that is
// not listed gets the same 204 without the headers, and the browser then refuses the request.
//
// In a deployment, the upstream is a separate API with its own CorsConfiguration. So a preflight
// for one of its paths gets the method and the headers that it asks for.
func (c CORS) preflight(w http.ResponseWriter, r *http.Request, listed, upstream bool) {
	if listed {
		methods, headers := strings.Join(corsMethods, ","), strings.Join(corsHeaders, ",")
		if upstream {
			methods, headers = r.Header.Get("Access-Control-Request-Method"), r.Header.Get("Access-Control-Request-Headers")
		}
		w.Header().Set("Access-Control-Allow-Methods", methods)
		if headers != "" {
			w.Header().Set("Access-Control-Allow-Headers", headers)
		}
		w.Header().Set("Access-Control-Max-Age", strconv.Itoa(corsMaxAge))
	}
	w.WriteHeader(http.StatusNoContent)
}

// dropCORS removes the CORS headers from an answer: a gateway with a CorsConfiguration ignores the
// CORS headers of its backends.
func dropCORS(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
}
