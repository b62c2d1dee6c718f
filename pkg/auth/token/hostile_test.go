package token_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// hostileTokens returns every hostile token once.
func hostileTokens(t *testing.T) []hostileText {
	t.Helper()
	all := slices.Concat(hostileTexts(t), hostileSignatures(t))
	for _, row := range hostileClaims() {
		text := sign(t, token.ES256, goodHeader(token.ES256), put(t, goodPayload, row.old, row.new))
		all = append(all, hostileText{row.name, text, row.want})
	}
	for _, row := range hostileHeaders() {
		text := sign(t, token.ES256, put(t, goodHeader(token.ES256), row.old, row.new), goodPayload)
		all = append(all, hostileText{row.name, text, row.want})
	}
	return all
}

// TestWhyTheParserIsOwn justifies package strictjson and the parser of this package: golang-jwt,
// with all its checks switched on, accepts many of the tokens that the profile refuses. If
// golang-jwt ever refuses all of them, this test fails, and golang-jwt's parser can replace this
// parser.
func TestWhyTheParserIsOwn(t *testing.T) {
	lenient := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "ES256", "EdDSA"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience, "other"),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(token.Leeway), jwt.WithStrictDecoding(),
		jwt.WithJSONNumber(), jwt.WithTimeFunc(func() time.Time { return instant }),
	)
	keyOf := func(parsed *jwt.Token) (any, error) {
		for _, alg := range algorithms {
			if parsed.Header["kid"] == signingKeys()[alg].ID() && parsed.Method.Alg() == string(alg) {
				return privateKey(t, signingKeys()[alg].JWK()).Public(), nil
			}
		}
		return nil, errors.New("no such key")
	}
	for _, alg := range algorithms {
		if _, err := lenient.Parse(sign(t, alg, goodHeader(alg), goodPayload), keyOf); err != nil {
			t.Fatalf("golang-jwt refuses a good token: %v", err)
		}
	}
	v := verifierAt(t, instant)
	texts := map[string]bool{}
	ours, theirs := 0, 0
	for _, row := range hostileTokens(t) {
		texts[row.text] = true
		if _, err := v.Verify(t.Context(), row.text); err == nil {
			t.Errorf("%s: token.Verify accepts it", row.name)
			ours++
		}
		if _, err := lenient.Parse(row.text, keyOf); err == nil {
			theirs++
		}
	}
	t.Logf("of %d hostile tokens, token.Verify accepts %d and golang-jwt %d", len(texts), ours, theirs)
	if theirs == 0 {
		t.Error("golang-jwt refuses all of them")
	}
}
