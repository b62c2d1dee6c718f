package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// published is what an authorizer of AWS reads from edgeauth, and its configuration.
type published struct {
	issuer   string   // as configured
	audience []string // as configured
	scopes   []string // of a route
	document answer   // at the issuer's openid-configuration
	keys     answer   // at the jwks_uri of the document
	token    string
	next     string // the first token of the next signing key
	after    []byte // the key set when the next key signs
	now      time.Time
}

// answer is the answer of an endpoint.
type answer struct {
	url    string
	status int
	header http.Header
	body   []byte
	took   time.Duration // the fastest of three
}

func (h *server) published(t *testing.T) *published {
	t.Helper()
	p := &published{
		issuer: h.URL, audience: []string{audience}, scopes: []string{"write"}, token: h.login(t).Access, now: h.clock.now(),
	}
	p.document = h.get(t, p.issuer+"/.well-known/openid-configuration")
	p.keys = h.get(t, p.keysURL())
	moved, err := keyring.LoadSigning(t.Context(), h.ring, 2, h.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	set, err := moved.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.after, err = json.Marshal(set); err != nil {
		t.Fatal(err)
	}
	key, err := moved.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.next = sign(t, key, claimsOf(p.token))
	return p
}

func (h *server) get(t *testing.T, url string) (a answer) {
	t.Helper()
	for i := range 3 {
		start := time.Now()
		r, err := h.Client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		took := time.Since(start)
		if i > 0 {
			took = min(took, a.took)
		}
		a = answer{url, r.StatusCode, r.Header, body, took}
	}
	return a
}

func (p *published) keysURL() string {
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	_ = json.Unmarshal(p.document.body, &document)
	return document.KeysURL
}

// sign returns a token with any claims, signed with key. edgeauth's issuer would not issue these
// tokens.
func sign(t *testing.T, key token.SigningKey, claims map[string]any) string {
	t.Helper()
	var private jose.JSONWebKey
	if err := private.UnmarshalJSON([]byte(key.JWK().Reveal())); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm()), Key: private},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// claimsOf returns the claims without verifying the signature, or nil if the token has no claims.
func claimsOf(text string) (claims map[string]any) {
	if parsed, err := jose.ParseSigned(text, everyAlgorithm); err == nil {
		_ = json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), &claims)
	}
	return claims
}

var everyAlgorithm = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}
