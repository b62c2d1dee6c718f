package authorizer_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// unset hides our variables for one test.
func unset(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "EDGEAUTH_") {
			t.Setenv(name, "")
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	unset(t)
	w := newWorld(t)
	jwks, err := json.Marshal(map[string]any{"keys": []json.RawMessage{w.key.Public().JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", "https://x.example "+audience)
	t.Setenv("EDGEAUTH_JWKS", string(jwks))
	a, err := authorizer.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	d := a.Decide(context.Background(), authorizer.Request{Token: w.sign(t, time.Now(), audience)})
	if d.Outcome != authorizer.Allow || d.Claims.Subject != "u1" {
		t.Errorf("%+v", d)
	}
}

func TestFromEnvironmentNamesWhatIsMissing(t *testing.T) {
	unset(t)
	_, err := authorizer.FromEnvironment()
	for _, name := range []string{"EDGEAUTH_ISSUER", "EDGEAUTH_AUDIENCE", "EDGEAUTH_JWKS"} {
		if err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", `{"keys":[]}`)
	if _, err := authorizer.FromEnvironment(); err == nil || !strings.Contains(err.Error(), "EDGEAUTH_JWKS") {
		t.Errorf("an empty key set: %v", err)
	}
}
