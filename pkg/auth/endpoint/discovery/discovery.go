// Package discovery publishes the public keys and the metadata of the issuer, so that gateways and
// libraries can verify edgeauth's access tokens. It has no secret and no store.
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

// maxPublishedKeys is the maximum number of keys that an Application Load Balancer accepts. A
// deployment publishes three.
const maxPublishedKeys = 10

// cacheControl lets caches keep an answer for 15 minutes. A new key is published three hours before
// it signs, so a verifier behind several caches knows it in time. A dropped key disappears soon.
const cacheControl = "public, max-age=900"

// New returns the handler of the discovery function. It answers GET and HEAD with the public keys
// and the metadata of the authorization server. The answers do not change after New. keys must have
// 1 to 10 keys; otherwise New returns an error.
//
// edgeauth is an OAuth 2.0 token issuer with metadata, and not an OpenID Provider: it has no
// authorization endpoint and issues no ID token. It serves openid-configuration because API
// Gateway's native JWT authorizers and most libraries look only there. OpenID Connect Discovery
// 1.0, section 3, requires authorization_endpoint in it. edgeauth leaves it out, because any value
// would be false and no tested client needs it to verify a token.
//
// If the issuer has a path, the two standards differ. OpenID Connect appends its well-known path to
// the issuer. RFC 8414, section 3.1, inserts it between host and path. An API that is mapped to the
// issuer's path serves the first URL; a CDN in front of the API can route the second URL here.
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

// The URLs in the metadata.
const (
	refreshPath = "/auth/refresh"
	logoutPath  = "/auth/logout"

	keysPath             = "/.well-known/jwks.json"
	serverMetadataPath   = "/.well-known/oauth-authorization-server"
	providerMetadataPath = "/.well-known/openid-configuration"
)

// serverMetadata is the document of RFC 8414, section 2.
type serverMetadata struct {
	Issuer             string   `json:"issuer"`
	KeysURI            string   `json:"jwks_uri"`
	TokenEndpoint      string   `json:"token_endpoint"`
	RevocationEndpoint string   `json:"revocation_endpoint"`
	GrantTypes         []string `json:"grant_types_supported"`
	// RFC 8414, section 2, requires the member, and edgeauth supports no response type. Section 3.2
	// says that "claims with zero elements MUST be omitted", which contradicts section 2. edgeauth
	// sends an empty list.
	ResponseTypes         []string `json:"response_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
}

// providerMetadata holds the members of OpenID Connect Discovery 1.0, section 3, that are true for
// edgeauth. Libraries apply the algorithms of ID tokens to every token under the published keys.
type providerMetadata struct {
	serverMetadata
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
}

func metadataOf(issuer string) serverMetadata {
	// OpenID Connect Discovery 1.0, section 4.1: a final slash of the issuer is removed before a
	// path is appended. The issuer itself is unchanged, because it is compared byte for byte.
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
	// Any page may read public keys. If origins are configured, the gateway replaces this header
	// with its own.
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

// isHeld reports whether the values of If-None-Match contain the document's tag, by the weak
// comparison of RFC 9110, section 13.1.2. The document's tag has no comma and no tag has a
// quotation mark inside, so splitting at commas is safe.
func (d document) isHeld(values []string) bool {
	all := strings.Join(values, ",")
	for tag := range strings.SplitSeq(all, ",") {
		if strings.TrimPrefix(strings.Trim(tag, " \t"), "W/") == d.etag {
			return true
		}
	}
	return strings.Trim(all, " \t") == "*" // "*" is valid only alone
}
