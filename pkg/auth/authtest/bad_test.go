package authtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var algorithms = []token.Algorithm{token.RS256, token.ES256, token.EdDSA}

// The verifier refuses each bad token for the reason that the list names, and accepts the valid
// token.
func TestBadTokens(t *testing.T) {
	for _, alg := range algorithms {
		a := authtest.New(t, authtest.Config{Algorithm: alg})
		if c, err := a.Verifier.Verify(t.Context(), a.Token("ada")); err != nil || c.Subject != "ada" {
			t.Errorf("%s: the good token: %+v, %v", alg, c, err)
		}
		var names, texts []string
		for _, bad := range a.BadTokens("ada") {
			_, err := a.Verifier.Verify(t.Context(), bad.Text)
			if got := token.ReasonOf(err); got != bad.Reason || got == "" {
				t.Errorf("%s, %s: %q, want %q", alg, bad.Name, got, bad.Reason)
			}
			if bad.Why == "" {
				t.Errorf("%s: no reason why", bad.Name)
			}
			names, texts = append(names, bad.Name), append(texts, bad.Text)
		}
		if n := len(texts); n < 30 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != n ||
			len(slices.Compact(slices.Sorted(slices.Values(texts)))) != n {
			t.Errorf("%s: %d tokens, some of them twice: %q", alg, n, names)
		}
	}
}

// Every reason of the verifier has a bad token, except the reason that only other issuers' tokens
// have.
func TestBadTokensHaveEveryReason(t *testing.T) {
	found := map[token.Reason]bool{}
	for _, bad := range authtest.New(t, authtest.Config{Algorithm: token.EdDSA}).BadTokens("ada") {
		found[bad.Reason] = true
	}
	for _, reason := range []token.Reason{
		token.ReasonTooLong, token.ReasonMalformed, token.ReasonAmbiguousName, token.ReasonForbiddenHeader, token.ReasonWrongType, token.ReasonUnknownKey,
		token.ReasonWrongAlgorithm, token.ReasonBadSignature, token.ReasonMissingClaim, token.ReasonInvalidClaim, token.ReasonWrongIssuer,
		token.ReasonWrongAudience, token.ReasonWrongLifetime, token.ReasonExpired, token.ReasonIssuedAhead, token.ReasonNotYetValid,
	} {
		if !found[reason] {
			t.Errorf("no token is refused for %s", reason)
		}
	}
}

// Strict is true for the tokens that golang-jwt accepts with every check switched on and with a key
// function that checks kid and typ.
func TestStrict(t *testing.T) {
	for _, alg := range algorithms {
		a := authtest.New(t, authtest.Config{Algorithm: alg})
		library := jwt.NewParser(
			jwt.WithValidMethods([]string{string(alg)}), jwt.WithIssuer(a.Issuer), jwt.WithAudience(a.Audience...),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(a.Clock.Now),
		)
		keys := publicKeys(t, a)
		keyOf := func(of *jwt.Token) (any, error) {
			if kid, _ := of.Header["kid"].(string); of.Header["typ"] == token.Type && keys[kid] != nil {
				return keys[kid], nil
			}
			return nil, errors.New("another kid or typ")
		}
		if _, err := library.Parse(a.Token("ada"), keyOf); err != nil {
			t.Fatalf("%s: the good token: %v", alg, err)
		}
		for _, bad := range a.BadTokens("ada") {
			if _, err := library.Parse(bad.Text, keyOf); (err == nil) != bad.Strict {
				t.Errorf("%s, %s: Strict is %v, golang-jwt says %v", alg, bad.Name, bad.Strict, err)
			}
		}
	}
}

// Every bad token can be sent, even in an HTTP header.
func TestBadTokensCanBeSent(t *testing.T) {
	a := authtest.NewServer(t, authtest.Config{Algorithm: token.EdDSA})
	for _, bad := range a.BadTokens("ada") {
		r, err := http.NewRequest(http.MethodGet, a.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+bad.Text)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", bad.Name, err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", bad.Name, answer.StatusCode)
		}
	}
}

func TestSign(t *testing.T) {
	for _, alg := range algorithms {
		a := authtest.New(t, authtest.Config{Algorithm: alg})
		now := a.Clock.Now().Unix()
		text := a.Sign("", fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"ada","client_id":"c","jti":"j","iat":%d,"exp":%d}`, a.Issuer, a.Issuer, now, now+60))
		if c, err := a.Verifier.Verify(t.Context(), text); err != nil || c.ClientID != "c" {
			t.Errorf("%s: %+v, %v", alg, c, err)
		}
		if _, err := a.Verifier.Verify(t.Context(), a.Sign(`{"alg":"none"}`, `{}`)); token.ReasonOf(err) != token.ReasonWrongType {
			t.Errorf("%s: another header: %v", alg, err)
		}
	}
}

// The hasher of a deployment refuses a hash from a test.
func TestHashIsMarked(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	u := a.AddUser("ada@example.com")
	if _, err := productionHasher.Verify(u.Password, auth.NewSecret(authtest.Password)); !errors.Is(err, errUnreadable) {
		t.Errorf("package password says %v of %q", err, u.Password.Reveal())
	}
}

// publicKeys reads the JWKS into the keys of Go's library.
func publicKeys(t *testing.T, a *authtest.Authority) map[string]any {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(a.JWKS()), &set); err != nil {
		t.Fatal(err)
	}
	keys := map[string]any{}
	for _, jwk := range set.Keys {
		keys[jwk["kid"]] = publicKey(t, jwk)
	}
	return keys
}
