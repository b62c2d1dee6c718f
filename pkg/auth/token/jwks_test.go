package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func TestJWKSRoundTrip(t *testing.T) {
	set := publicKeys(t)
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 2800 {
		t.Errorf("it has %d bytes", len(text))
	}
	again, err := token.ParseJWKS(text)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(again); err != nil || string(twice) != string(text) {
		t.Errorf("%s became %s, %v", text, twice, err)
	}
	for _, alg := range algorithms {
		key, err := again.Key(t.Context(), signingKeys()[alg].ID())
		if err != nil || key.Algorithm() != alg || key.ID() != signingKeys()[alg].ID() {
			t.Errorf("%s: %v", alg, err)
		}
	}
	if _, err := again.Key(t.Context(), "other"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("an unknown kid: %v", err)
	}
	if strings.Contains(string(text), `"d"`) {
		t.Error("it holds a private member")
	}
}

func TestJWKSIgnoresWhatItDoesNotKnow(t *testing.T) {
	jwk := with(t, string(signingKeys()[token.ES256].Public().JWK()), "x5t", "AA", "use", "")
	jwk = strings.Replace(jwk, "{", `{"key_ops":["verify"],`, 1)
	if _, err := token.ParseJWKS([]byte(`{"keys":[` + jwk + `],"more":1}`)); err != nil {
		t.Error(err)
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	public := func(alg token.Algorithm, changes ...string) string {
		return with(t, string(signingKeys()[alg].Public().JWK()), append([]string{"kid", "K"}, changes...)...)
	}
	adding := func(jwk, member string) string { return strings.Replace(jwk, "{", "{"+member+",", 1) }
	set := func(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }
	member := func(alg token.Algorithm, name string) string { return members(t, public(alg))[name] }
	rsa := func(size uint, e int64) []string {
		return []string{"n", octets(bits(size)), "e", octets(big.NewInt(e))}
	}
	zero := func(text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte("\x00" + decode(t, text)))
	}
	trailing := func(text string) string { // sets the bits that decoding drops
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		return text[:len(text)-1] + string(alphabet[strings.IndexByte(alphabet, text[len(text)-1])|1])
	}
	edwards := func(y *big.Int) string {
		little := y.FillBytes(make([]byte, 32))
		slices.Reverse(little)
		return base64.RawURLEncoding.EncodeToString(little)
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	signed1 := new(big.Int).SetBit(big.NewInt(1), 255, 1)
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)

	type row struct{ name, text, want string }
	sets := []row{
		{"nothing", ``, "object"},
		{"an array", `[]`, "object"},
		{"cut off", `{"keys":[`, "JSON"},
		{"no keys", `{}`, `"keys" is missing`},
		{"keys not an array", `{"keys":{}}`, "a JSON array"},
		{"empty", set(), "no key"},
		{"too long", set(public(token.ES256)) + strings.Repeat(" ", token.MaxJWKSBytes), "more than"},
		{"trailing data", set(public(token.ES256)) + "x", "follows"},
		{"duplicate member of the set", `{"keys":[],"keys":[` + public(token.ES256) + `]}`, "duplicate"},
		{"duplicate member of a key", set(strings.Replace(public(token.ES256), "{", `{"use":"sig",`, 1)), "duplicate"},
		{"no object", set(`"k"`), "number 1: expected a JSON object"},
		{"no kid", set(public(token.ES256, "kid", "")), "number 1: kid"},
		{"empty kid", set(strings.Replace(public(token.ES256), `"kid":"K"`, `"kid":""`, 1)), "number 1: kid"},
		{"kid a number", set(strings.Replace(public(token.ES256), `"kid":"K"`, `"kid":1`, 1)), "number 1: kid"},
		{"kid twice", set(public(token.ES256), public(token.EdDSA)), `"K": the kid is not unique`},
		{"symmetric beside public", set(public(token.ES256, "kid", "L"), `{"kty":"oct","kid":"K","k":"AQAB"}`),
			`key "K": the member "k" is private`},
	}
	keys := []row{
		{"no kty", public(token.ES256, "kty", ""), "kty is missing"},
		{"unknown kty", public(token.ES256, "kty", "AKP"), "kty must be"},
		{"symmetric", `{"kty":"oct","kid":"K","alg":"HS256"}`, "symmetric"},
		{"no alg", public(token.ES256, "alg", ""), "alg must be ES256"},
		{"alg of another kty", public(token.ES256, "alg", "RS256"), "alg must be ES256"},
		{"another alg of the kty", public(token.RS256, "alg", "PS256"), "alg must be RS256"},
		{"alg by its newer name", public(token.EdDSA, "alg", "Ed25519"), "alg must be EdDSA"},
		{"use for encryption", public(token.ES256, "use", "enc"), "use must be"},
		{"key_ops without verify", adding(public(token.ES256), `"key_ops":["sign"]`), "key_ops must"},
		{"key_ops with more", adding(public(token.ES256), `"key_ops":["verify","wrapKey"]`), "key_ops must"},
		{"key_ops a string", public(token.ES256, "key_ops", "verify"), "key_ops must"},
		{"another case", public(token.ES256, "Alg", "none"), "must be spelled"},
		{"Kelvin sign for k", public(token.ES256, "\u212a", "AQAB"), "must be spelled"},
		{"no n", public(token.RS256, "n", ""), "n is missing"},
		{"no e", public(token.RS256, "e", ""), "e is missing"},
		{"2047 bits", public(token.RS256, rsa(2047, 65537)...), "2047 bits"},
		{"1024 bits", public(token.RS256, rsa(1024, 65537)...), "1024 bits"},
		{"8193 bits", public(token.RS256, rsa(8193, 65537)...), "8193 bits"},
		{"even modulus", public(token.RS256, "n", octets(new(big.Int).Lsh(big.NewInt(1), 2047))), "modulus is even"},
		{"even exponent", public(token.RS256, "e", octets(big.NewInt(65538))), "exponent is even"},
		{"exponent 3", public(token.RS256, "e", "Aw"), "exponent must"},
		{"exponent 1", public(token.RS256, "e", "AQ"), "exponent must"},
		{"exponent beyond 31 bits", public(token.RS256, "e", octets(big.NewInt(1<<31+1))), "exponent must"},
		{"n with a leading zero", public(token.RS256, "n", zero(member(token.RS256, "n"))), "leading zero"},
		{"n with padding", public(token.RS256, "n", member(token.RS256, "n")+"=="), "base64url"},
		{"n with a line feed", public(token.RS256, "n", member(token.RS256, "n")+"\n"), "base64url"},
		{"n with trailing bits", public(token.RS256, "n", trailing(member(token.RS256, "n"))), "base64url"},
		{"n a number", adding(public(token.RS256, "n", ""), `"n":5`), "n: expected a JSON string"},
		{"another curve", public(token.ES256, "crv", "P-384"), "crv must be P-256"},
		{"no curve", public(token.ES256, "crv", ""), "crv must be P-256"},
		{"a bitcoin curve", public(token.ES256, "crv", "secp256k1"), "crv must be P-256"},
		{"no y", public(token.ES256, "y", ""), "y is missing"},
		{"off the curve", public(token.ES256, "y", member(token.ES256, "x")), "not on the curve"},
		{"origin", public(token.ES256, "x", strings.Repeat("A", 43), "y", strings.Repeat("A", 43)), "not on the curve"},
		{"x too long", public(token.ES256, "x", zero(member(token.ES256, "x"))), "32 octets"},
		{"x with trailing bits", public(token.ES256, "x", trailing(member(token.ES256, "x"))), "base64url"},
		{"another Edwards curve", public(token.EdDSA, "crv", "Ed448"), "crv must be Ed25519"},
		{"a Montgomery curve", public(token.EdDSA, "crv", "X25519"), "crv must be Ed25519"},
		{"x too short", public(token.EdDSA, "x", "AQAB"), "32 octets"},
		{"off the Edwards curve", public(token.EdDSA, "x", edwards(big.NewInt(2))), "not on the curve"},
		{"y above the prime", public(token.EdDSA, "x", edwards(new(big.Int).Add(p, big.NewInt(1)))), "not canonical"},
		{"order 1", public(token.EdDSA, "x", edwards(big.NewInt(1))), "small order"},
		{"order 1 with a sign", public(token.EdDSA, "x", edwards(signed1)), "not canonical"},
		{"order 2", public(token.EdDSA, "x", edwards(new(big.Int).Sub(p, big.NewInt(1)))), "small order"},
		{"order 4", public(token.EdDSA, "x", edwards(new(big.Int))), "small order"},
		{"order 8", public(token.EdDSA, "x", edwards(order8)), "small order"},
		{"order 8, the other", public(token.EdDSA, "x", edwards(new(big.Int).Sub(p, order8))), "small order"},
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		keys = append(keys, row{"private " + name, public(token.RS256, name, "AQAB"), `"` + name + `" is private`})
	}
	for _, k := range keys {
		sets = append(sets, row{k.name, set(k.text), `JWKS: key "K": `})
		if _, err := token.ParseJWKS([]byte(set(k.text))); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: %v", k.name, err)
		}
	}
	for _, row := range sets {
		if _, err := token.ParseJWKS([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestNewKeySetRefuses(t *testing.T) {
	key := signingKeys()[token.EdDSA].Public()
	for name, keys := range map[string][]token.Key{"none": nil, "an empty key": {{}}, "a kid twice": {key, key}} {
		if _, err := token.NewKeySet(keys...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if text := string(token.Key{}.JWK()); !strings.Contains(text, `"kid":""`) {
		t.Errorf("the zero key's JWK is %s", text)
	}
}

// octets encodes n as a Base64urlUInt.
func octets(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// bits returns the number with n bits that are all set. It is odd.
func bits(n uint) *big.Int {
	return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), n), big.NewInt(1))
}
