package token_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func TestThumbprints(t *testing.T) {
	for _, row := range []struct{ name, jwk, want string }{
		{"RFC 7638, section 3.1", `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtV` +
			`T86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0` +
			`h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-` +
			`bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB",` +
			`"alg":"RS256","kid":"2011-04-29"}`, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037, appendix A.3", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",` +
			`"alg":"EdDSA","kid":"a"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		set, err := token.ParseJWKS([]byte(`{"keys":[` + row.jwk + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if got := set.Keys()[0].Thumbprint(); got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

// The private key of RFC 8037, appendix A.1, with the required alg added.
const rfc8037 = `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",` +
	`"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func TestSigningKeyRoundTrip(t *testing.T) {
	for _, alg := range algorithms {
		key := signingKeys()[alg]
		again, err := token.ParseSigningKey(key.JWK())
		if err != nil {
			t.Fatal(err)
		}
		if !again.JWK().Equal(key.JWK()) || again.ID() != key.ID() || again.Algorithm() != alg {
			t.Errorf("%s: the key changed", alg)
		}
		if key.ID() != key.Public().Thumbprint() || key.ID() != key.Public().ID() {
			t.Errorf("%s: kid %s is not the thumbprint", alg, key.ID())
		}
	}
	key, err := token.ParseSigningKey(auth.NewSecret(rfc8037))
	if err != nil || key.ID() != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("%s, %v", key.ID(), err)
	}
	if _, err := token.GenerateSigningKey("HS256", rand.Reader); err == nil {
		t.Error("a symmetric key was generated")
	}
}

func TestParseSigningKeyRefuses(t *testing.T) {
	jwk := func(alg token.Algorithm, changes ...string) string {
		return with(t, signingKeys()[alg].JWK().Reveal(), changes...)
	}
	other := members(t, rfc8037)
	for _, row := range []struct{ name, jwk, want string }{
		{"nothing", ``, "object"},
		{"not JSON", `{"kty"`, "JSON"},
		{"no d", jwk(token.EdDSA, "d", ""), "d is missing"},
		{"no d of EC", jwk(token.ES256, "d", ""), "d is missing"},
		{"no prime", jwk(token.RS256, "q", ""), "q is missing"},
		{"no alg", jwk(token.EdDSA, "alg", ""), "alg must be EdDSA"},
		{"another alg", jwk(token.EdDSA, "alg", "RS256"), "alg must be EdDSA"},
		{"another kid", jwk(token.EdDSA, "kid", "x"), "kid must be"},
		{"another use", jwk(token.EdDSA, "use", "enc"), "use must be"},
		{"another d", jwk(token.EdDSA, "d", other["d"]), "do not match"},
		{"another d of EC", jwk(token.ES256, "d", other["d"]), "do not match"},
		{"another dp", jwk(token.RS256, "dp", "AQAB"), "do not match"},
		{"another d of RSA", jwk(token.RS256, "d", "AQAB"), "do not match"},
		{"another prime", jwk(token.RS256, "p", "AQAB"), "do not match"},
		{"more primes", jwk(token.RS256, "oth", "x"), "two primes"},
		{"d of zero", jwk(token.ES256, "d", strings.Repeat("A", 43)), "do not match"},
		{"d too short", jwk(token.ES256, "d", "AQAB"), "32 octets"},
		{"symmetric", `{"kty":"oct","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}`, "symmetric"},
		{"in another case", jwk(token.EdDSA, "D", other["d"]), "must be spelled"},
	} {
		_, err := token.ParseSigningKey(auth.NewSecret(row.jwk))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		text, d := err.Error(), members(t, jwk(token.EdDSA))["d"]
		if strings.Contains(text, d) || strings.Contains(text, other["d"]) {
			t.Errorf("%s: the error shows the key: %v", row.name, err)
		}
	}
}

func TestSigningKeyIsNeverPrinted(t *testing.T) {
	type exported struct{ K token.SigningKey }
	type hidden struct{ k token.SigningKey }
	for _, alg := range algorithms {
		key := signingKeys()[alg]
		printed := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for name, v := range map[string]any{
				"key": key, "pointer": &key, "field": exported{key}, "hidden": hidden{key}, "slice": []token.SigningKey{key},
			} {
				printed[name+" "+verb] = fmt.Sprintf(verb, v)
			}
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "key", key, "hidden", hidden{key})
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "key", key, "field", exported{key})
		printed["slog"] = log.String()
		text, err := json.Marshal(exported{key})
		if err != nil {
			t.Fatal(err)
		}
		printed["json"] = string(text)
		jwk := members(t, key.JWK().Reveal())
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
			if jwk[name] == "" {
				continue
			}
			raw := decode(t, jwk[name])
			for how, got := range printed {
				for _, form := range []string{
					jwk[name], raw, fmt.Sprintf("%x", raw), strings.Trim(fmt.Sprint([]byte(raw)), "[]"),
				} {
					if strings.Contains(got, form) {
						t.Errorf("%s, %s shows %s", alg, how, name)
					}
				}
			}
		}
		if got := fmt.Sprint(key); got != "signing key "+key.ID()+" [redacted]" {
			t.Errorf("Sprint = %s", got)
		}
	}
}

func TestAlgorithmNames(t *testing.T) {
	for _, alg := range algorithms {
		if got, err := token.ParseAlgorithm(string(alg)); err != nil || got != alg {
			t.Errorf("%s: %v", alg, err)
		}
	}
	for _, name := range []string{"", "none", "HS256", "rs256", "ES384", "Ed25519"} {
		if _, err := token.ParseAlgorithm(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestTheZeroKeyVerifiesNothing(t *testing.T) {
	for _, sig := range [][]byte{nil, {}, make([]byte, 64), make([]byte, 256)} {
		if err := token.VerifySignature(token.Key{}, nil, sig, true); err == nil {
			t.Errorf("it verifies %x", sig)
		}
	}
}
