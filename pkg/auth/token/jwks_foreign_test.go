package token_test

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func foreignJWK(t testing.TB, alg token.Algorithm, changes ...string) string {
	t.Helper()
	return with(t, string(signingKeys()[alg].Public().JWK()), append([]string{"kid", "K", "alg", ""}, changes...)...)
}

func jwkSet(jwks ...string) []byte { return []byte(`{"keys":[` + strings.Join(jwks, ",") + `]}`) }

func TestForeignKeyWithoutAlg(t *testing.T) {
	for _, alg := range algorithms {
		set, err := token.ParseForeignJWKS(jwkSet(foreignJWK(t, alg)))
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if key := set.Keys()[0]; key.Algorithm() != alg || key.ID() != "K" {
			t.Errorf("%s: key %q is for %s", alg, key.ID(), key.Algorithm())
		}
		if _, err := token.ParseJWKS(jwkSet(foreignJWK(t, alg))); err == nil {
			t.Errorf("%s: ParseJWKS accepts it", alg)
		}
	}
}

// Each of these keys appears in the key set of a real identity provider beside its signature keys.
func TestForeignKeysForOtherUsesAreSkipped(t *testing.T) {
	good := foreignJWK(t, token.ES256, "kid", "good")
	for _, row := range []struct{ name, jwk string }{
		{"encryption", foreignJWK(t, token.RS256, "use", "enc", "alg", "RSA-OAEP")},
		{"encryption by use alone", foreignJWK(t, token.RS256, "use", "enc")},
		{"encryption by key_ops", strings.Replace(foreignJWK(t, token.RS256, "use", ""), "{", `{"key_ops":["wrapKey"],`, 1)},
		{"encryption without a kid", foreignJWK(t, token.RS256, "use", "enc", "kid", "")},
		{"the same kid for encryption", foreignJWK(t, token.RS256, "use", "enc", "kid", "good")},
		{"RS512", foreignJWK(t, token.RS256, "alg", "RS512")},
		{"PS256 of 1024 bits", foreignJWK(t, token.RS256, "alg", "PS256", "n", "AQAB")},
		{"P-384", `{"kty":"EC","crv":"P-384","kid":"K","x":"AA","y":"AA"}`},
		{"secp256k1", `{"kty":"EC","crv":"secp256k1","kid":"K","alg":"ES256K","x":"AA","y":"AA"}`},
		{"X25519", `{"kty":"OKP","crv":"X25519","kid":"K","x":"AA"}`},
		{"Ed448", `{"kty":"OKP","crv":"Ed448","kid":"K","x":"AA"}`},
		{"an unknown kty", `{"kty":"AKP","kid":"K","alg":"ML-DSA-65","pub":"AA"}`},
	} {
		set, err := token.ParseForeignJWKS(jwkSet(row.jwk, good))
		if err != nil || len(set.Keys()) != 1 || set.Keys()[0].ID() != "good" {
			t.Errorf("%s: %v, %v", row.name, set.Keys(), err)
		}
		if _, err := token.ParseForeignJWKS(jwkSet(row.jwk)); err == nil || !strings.Contains(err.Error(), "no key for") {
			t.Errorf("%s alone: %v", row.name, err)
		}
		if _, err := token.ParseJWKS(jwkSet(row.jwk)); err == nil {
			t.Errorf("%s: ParseJWKS accepts it", row.name)
		}
	}
}

// An unusable key in another issuer's set leaves the other keys in use (RFC 7517, section 5), and
// is reported.
func TestForeignKeysThatAreSkipped(t *testing.T) {
	good := foreignJWK(t, token.EdDSA, "kid", "good")
	for _, row := range []struct{ name, jwk, want string }{
		{"weak", foreignJWK(t, token.RS256, "n", octets(bits(1024))), `key "K": the modulus has 1024 bits`},
		{"exponent 3", foreignJWK(t, token.RS256, "e", "Aw"), `key "K": the exponent must`},
		{"a leading zero octet", foreignJWK(t, token.RS256, "e", "AAEAAQ"), `key "K": e must be a positive integer without leading zero octets`},
		{"off the curve", foreignJWK(t, token.ES256, "y", strings.Repeat("A", 43)), `key "K": the point`},
		{"no kid", foreignJWK(t, token.ES256, "kid", ""), "number 1: kid must"},
		{"no kty", foreignJWK(t, token.ES256, "kty", ""), `key "K": kty is missing`},
		{"no curve", foreignJWK(t, token.ES256, "crv", ""), `key "K": crv must`},
		{"alg of another kty", foreignJWK(t, token.ES256, "alg", "RS256"), `key "K": alg must be ES256`},
		{"alg a number", strings.Replace(foreignJWK(t, token.ES256), "{", `{"alg":256,`, 1), `key "K": alg must be ES256`},
		{"another use", foreignJWK(t, token.ES256, "use", "x"), `key "K": use must`},
		{"another case", foreignJWK(t, token.ES256, "Alg", "RS512"), "must be spelled"},
		{"encryption", foreignJWK(t, token.RS256, "use", "enc"), `key "K": the key is not for`},
		{"no object", `[]`, "number 1: "},
	} {
		set, err := token.ParseForeignJWKS(jwkSet(row.jwk, good))
		if err != nil || len(set.Keys()) != 1 || set.Keys()[0].ID() != "good" {
			t.Errorf("%s: %v, %v", row.name, set.Keys(), err)
			continue
		}
		if skipped := set.Skipped(); len(skipped) != 1 || !strings.Contains(skipped[0].Error(), row.want) {
			t.Errorf("%s: skipped %v", row.name, skipped)
		}
		if _, err := token.ParseForeignJWKS(jwkSet(row.jwk)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s alone: %v", row.name, err)
		}
		if _, err := token.ParseJWKS(jwkSet(row.jwk, string(signingKeys()[token.EdDSA].Public().JWK()))); err == nil {
			t.Errorf("%s: ParseJWKS accepts it", row.name)
		}
	}
	set, err := token.ParseForeignJWKS(jwkSet(good, foreignJWK(t, token.ES256, "kid", "good")))
	if err != nil || len(set.Keys()) != 1 || set.Keys()[0].Algorithm() != token.EdDSA || len(set.Skipped()) != 1 {
		t.Errorf("a kid twice: %v, %v, skipped %v", set.Keys(), err, set.Skipped())
	}
}

// A published secret makes a foreign set invalid, like a set of this issuer.
func TestForeignKeysThatRefuseTheSet(t *testing.T) {
	secret := members(t, signingKeys()[token.ES256].JWK().Reveal())["d"]
	for _, row := range []struct{ name, jwk, want string }{
		{"private", foreignJWK(t, token.ES256, "d", secret), `"d" is private`},
		{"private in capitals", foreignJWK(t, token.ES256, "D", secret), `"D" is private`},
		{"private, for encryption", foreignJWK(t, token.ES256, "d", secret, "use", "enc"), `"d" is private`},
		{"private, without a kid", foreignJWK(t, token.ES256, "d", secret, "kid", ""), `"d" is private`},
		{"symmetric", `{"kty":"oct","kid":"K","alg":"HS256"}`, `key "K": symmetric keys`},
		{"symmetric, without a kid", `{"kty":"oct"}`, `number 1: symmetric keys`},
		{"symmetric, for encryption", `{"kty":"oct","kid":"K","use":"enc"}`, `key "K": symmetric keys`},
		{"symmetric with its secret", `{"kty":"oct","kid":"K","k":"AQAB"}`, `"k" is private`},
	} {
		_, err := token.ParseForeignJWKS(jwkSet(row.jwk, foreignJWK(t, token.EdDSA, "kid", "good")))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the key", row.name)
		}
	}
	for text, want := range map[string]string{
		`{"keys":[]}`: "no key", `{}`: "missing", `[]`: "a JSON object",
		`{"keys":[],"keys":[]}`: "duplicate", `{"keys":[[]]}`: "number 1",
		`{"keys":[]}` + strings.Repeat(" ", token.MaxJWKSBytes): "more than",
	} {
		if _, err := token.ParseForeignJWKS([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}
