package endpoint_test

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/endpoint/discovery"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestPublishedKeys verifies issued access tokens with the published key set.
func TestPublishedKeys(t *testing.T) {
	h := newHarness(t)
	keys, err := h.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	published, err := discovery.New(issuer, keys)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	published.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	read, err := token.ParseJWKS(w.Body.Bytes())
	if err != nil || !reflect.DeepEqual(read.Keys(), keys.Keys()) {
		t.Errorf("%s: %v", w.Body, err)
	}
	access, _ := h.login(t)
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: read, Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), access); err != nil {
		t.Error(err)
	}
}
