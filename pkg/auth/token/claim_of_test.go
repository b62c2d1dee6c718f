package token_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ofAClaim are the reasons that are about one claim.
var ofAClaim = []token.Reason{
	token.ReasonMissingClaim, token.ReasonInvalidClaim, token.ReasonWrongIssuer, token.ReasonWrongAudience, token.ReasonWrongValue,
	token.ReasonWrongLifetime, token.ReasonExpired, token.ReasonIssuedAhead, token.ReasonNotYetValid,
}

// checkClaim checks that a refusal names a claim of the closed list exactly if the refusal is about
// one claim.
func checkClaim(t *testing.T, what string, err error) {
	t.Helper()
	name, reason := token.ClaimOf(err), token.ReasonOf(err)
	switch {
	case slices.Contains(ofAClaim, reason) && name == "":
		t.Errorf("%s: the refusal %v names no claim", what, err)
	case name != "" && !slices.Contains(ofAClaim, reason) && reason != token.ReasonAmbiguousName:
		t.Errorf("%s: the refusal %v names %q", what, err, name)
	case name != "" && !slices.Contains(append(claim.Registered(), "token_use", "mode"), name): // others() names the two
		t.Errorf("%s: the refusal names %q, which may be text of the token", what, name)
	}
}

func TestClaimOf(t *testing.T) {
	for _, row := range hostileTokens(t) {
		_, err := verifierAt(t, instant).Verify(t.Context(), row.text)
		checkClaim(t, row.name, err)
	}
	const own, cog, open = 0, 1, 2
	for _, row := range []struct {
		issuer         int
		old, new, want string
	}{
		{own, `"jti":"j",`, ``, "jti"},
		{own, `"jti":"j"`, `"jti":7`, "jti"},
		{own, `"jti":"j"`, `"jti":"j","Roles":[]`, "roles"}, // the registered name, not the token's spelling
		{own, `"jti":"j"`, `"jti":"j","roles":[""]`, "roles"},
		{own, `"iss":"https://auth.example.com"`, `"iss":"https://evil.example.com"`, "iss"},
		{own, `"aud":"https://api.example.com"`, `"aud":"https://evil.example.com"`, "aud"},
		{own, `"exp":1700000900`, `"exp":1700000000`, "exp"},
		{own, `"iat":1700000000`, `"iat":1700000100`, "iat"},
		{own, `"jti":"j"`, `"jti":"j","nbf":1700000100`, "nbf"},
		{own, `"jti":"j"`, `"jti":"j","mine":1,"mine":2`, ""}, // a private name is text of the token
		{own, `"jti":"j"`, `"jti":"j",`, ""},
		{cog, `"client_id":"` + clientID + `"`, `"client_id":"evil"`, "client_id"}, // where Cognito has the audience
		{cog, `"token_use":"access"`, `"token_use":"id"`, "token_use"},
		{open, `"mode":"access"`, `"mode":"refresh"`, "mode"},
		{open, `"sub":"user:0123456789abcdef"`, `"sub":" "`, "sub"},
	} {
		text := map[int]func(string) string{
			own:  func(p string) string { return sign(t, token.ES256, goodHeader(token.ES256), p) },
			cog:  func(p string) string { return sign(t, token.RS256, foreignHeader(token.RS256, ""), p) },
			open: func(p string) string { return sign(t, token.ES256, foreignHeader(token.ES256, `,"typ":"JWT"`), p) },
		}[row.issuer]
		payload := put(t, []string{goodPayload, cognitoAccess, openAuthAccess}[row.issuer], row.old, row.new)
		_, err := severalAt(t, instant).Verify(t.Context(), text(payload))
		if got := token.ClaimOf(err); err == nil || got != row.want {
			t.Errorf("%s for %s: %v names %q, want %q", row.new, row.old, err, got, row.want)
		}
		checkClaim(t, row.new, err)
	}
	if got := token.ClaimOf(errors.New("boom")); got != "" {
		t.Errorf("another error names %q", got)
	}
}
