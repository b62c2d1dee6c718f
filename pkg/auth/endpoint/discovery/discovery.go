// Package discovery publishes the public keys and the metadata of the issuer, so that gateways and libraries can check our
// access tokens. It holds no secret and knows no store:
//
//	h, err := discovery.FromEnvironment() // the whole discovery function
//	gateway.Serve(h)
package discovery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// maxPublishedKeys is how many keys an Application Load Balancer accepts in a key set. A deployment publishes three.
const maxPublishedKeys = 10

// cacheControl lets caches keep an answer for a quarter of an hour. A new key is published three hours before it signs, so
// a verifier behind several caches still knows it in time. A dropped key is soon forgotten.
const cacheControl = "public, max-age=900"

// New returns the handler of the discovery function, which answers GET and HEAD with the public keys and with the metadata
// of the authorization server. The answers are fixed at the start. The error says that keys holds no key or more than 10.
//
// edgeauth is an OAuth 2.0 token issuer with metadata, and not an OpenID Provider: it has no authorization endpoint and
// issues no ID token. It serves openid-configuration because API Gateway's native JWT authorizers and most libraries look
// only there. OpenID Connect Discovery 1.0, section 3, requires authorization_endpoint in it. The member is left out: a
// value would be false, and no client that was tried needs it to check a token.
//
// If the issuer has a path, the two standards differ. OpenID Connect appends its well-known path to the issuer; RFC 8414,
// section 3.1, inserts it between host and path. An API that is mapped to the issuer's path serves the first. The second is
// another address of the host, and a CDN in front can send it here.
func New(issuer string, keys token.KeySet) (http.Handler, error) {
	published := keys.Keys()
	if len(published) == 0 || len(published) > maxPublishedKeys {
		return nil, fmt.Errorf("%d public keys (want 1 to %d)", len(published), maxPublishedKeys)
	}
	server := metadataOf(issuer)
	provider := providerMetadata{serverMetadata: server, SubjectTypes: []string{"public"}}
	for _, k := range published {
		if alg := string(k.Algorithm()); !slices.Contains(provider.SigningAlgorithms, alg) {
			provider.SigningAlgorithms = append(provider.SigningAlgorithms, alg)
		}
	}
	handlers := router.Handlers{}
	contents := map[string]any{keysPath: keys, serverMetadataPath: server, providerMetadataPath: provider}
	for path, content := range contents {
		body, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		sum := sha256.Sum256(body)
		d := document{append(body, '\n'), `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
		handlers["GET "+path], handlers["HEAD "+path] = d, d
	}
	return router.New("discovery", handlers)
}

// The addresses that the metadata names.
const (
	refreshPath = "/auth/refresh"
	logoutPath  = "/auth/logout"

	keysPath             = "/.well-known/jwks.json"
	serverMetadataPath   = "/.well-known/oauth-authorization-server"
	providerMetadataPath = "/.well-known/openid-configuration"
)

// serverMetadata is RFC 8414, section 2.
type serverMetadata struct {
	Issuer             string   `json:"issuer"`
	KeysURI            string   `json:"jwks_uri"`
	TokenEndpoint      string   `json:"token_endpoint"`
	RevocationEndpoint string   `json:"revocation_endpoint"`
	GrantTypes         []string `json:"grant_types_supported"`
	// The member is required (section 2), and there is no response type. Section 3.2 says that "claims with zero elements
	// MUST be omitted", which would leave a required member out; so the list is there and empty.
	ResponseTypes         []string `json:"response_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
}

// providerMetadata is OpenID Connect Discovery 1.0, section 3, as far as it is true here. Libraries apply the algorithms of
// ID tokens to every token that the keys sign.
type providerMetadata struct {
	serverMetadata
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
}

func metadataOf(issuer string) serverMetadata {
	// OpenID Connect Discovery 1.0, section 4.1: a slash at the issuer's end is removed before a path is appended. The
	// issuer itself stays as it is: it is compared byte for byte.
	base, public := strings.TrimSuffix(issuer, "/"), []string{"none"}
	return serverMetadata{
		Issuer: issuer, KeysURI: base + keysPath,
		TokenEndpoint: base + refreshPath, RevocationEndpoint: base + logoutPath,
		GrantTypes: []string{"refresh_token"}, ResponseTypes: []string{},
		TokenAuthMethods: public, RevocationAuthMethods: public,
	}
}

// document is the answer at one path.
type document struct {
	body []byte
	etag string
}

func (d document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", cacheControl)
	h.Set("ETag", d.etag)
	// Every page may read public keys. If origins are configured, the gateway replaces this header with its own.
	h.Set("Access-Control-Allow-Origin", "*")
	if d.isHeld(r.Header.Values("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", answer.JSONType)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(d.body)
	}
}

// isHeld tells whether the values of If-None-Match name this document, by the weak comparison of RFC 9110, section 13.1.2.
// The tag holds no comma, and no tag holds a quotation mark, so cutting at commas cannot produce it.
func (d document) isHeld(values []string) bool {
	all := strings.Join(values, ",")
	for tag := range strings.SplitSeq(all, ",") {
		if strings.TrimPrefix(strings.Trim(tag, " \t"), "W/") == d.etag {
			return true
		}
	}
	return strings.Trim(all, " \t") == "*" // only alone; within a list it is part of a tag
}
