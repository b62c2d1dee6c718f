package claim_test

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
)

func TestIsHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Edgeauth-Sub": true, "x-edgeauth-roles": true, "X-EDGEAUTH-SCOPE": true, "X-Edgeauth-": true,
		"X_Edgeauth_Sub": true, "x_edgeauth-sub": true, "X.Edgeauth.Sub": true, "X~Edgeauth~Scope": true, "x\xffedgeauth\x00sub": true,
		"X-Edgeauth": false, "XX-Edgeauth-Sub": false, "X-EdgeauthSub": false, "X0Edgeauth-Sub": false, "X-Edgeauth1Sub": false,
		"X-Edgeaut\x08-Sub": false, "My-X-Edgeauth-Sub": false, "Authorization": false, "": false,
	} {
		if got := claim.IsHeader(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
		if got := claim.IsHeader([]byte(name)); got != want {
			t.Errorf("%q as bytes: %v", name, got)
		}
	}
	// A client must not send a header that the gateway writes.
	for _, name := range append(claim.Registered(), "cognito:groups", "email_verified", "x") {
		header := claim.Header(name)
		if !claim.IsHeader(header) || strings.ContainsAny(header, "_:") {
			t.Errorf("%s: %s", name, header)
		}
	}
}
