package token_test

import (
	"encoding/json"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// FuzzVerify: a text that verifies is byte for byte a token that was issued.
func FuzzVerify(f *testing.F) {
	issued := map[string]bool{}
	for _, alg := range algorithms {
		text := issue(f, alg, grant()).Text.Reveal()
		issued[text] = true
		f.Add(text)
		f.Add(text + "\n")
		f.Add(text + "=")
		f.Add(text[:len(text)-1])
	}
	f.Add("")
	f.Add("..")
	f.Add(encode(goodHeader(token.ES256)) + "." + encode(goodPayload) + ".")
	v := verifierAt(f, instant)
	f.Fuzz(func(t *testing.T, text string) {
		_, err := v.Verify(t.Context(), text)
		if err == nil && !issued[text] {
			t.Errorf("%q verifies but was not issued", text)
		}
		if err != nil && token.ReasonOf(err) == "" {
			t.Errorf("%q was refused without a reason: %v", text, err)
		}
	})
}

// FuzzVerifySigned: no header or payload under a valid signature causes a panic or verifies with a
// meaning that differs from encoding/json's.
func FuzzVerifySigned(f *testing.F) {
	for _, row := range hostileClaims() {
		f.Add(goodHeader(token.EdDSA), put(f, goodPayload, row.old, row.new))
	}
	f.Add(goodHeader(token.EdDSA), goodPayload)
	f.Add(`{"alg":"none"}`, `{"aud":[],"exp":-0}`)
	f.Add(goodHeader(token.EdDSA), `{"aud":["a"],"roles":[""],"scope":" ","amr":[],"own":[[]]}`)
	v := verifierAt(f, instant)
	f.Fuzz(func(t *testing.T, header, payload string) {
		c, err := v.Verify(t.Context(), sign(t, token.EdDSA, header, payload))
		if err != nil {
			if token.ReasonOf(err) == "" {
				t.Errorf("%q %q: %v", header, payload, err)
			}
			checkClaim(t, payload, err)
			return
		}
		var loose struct {
			Issuer  string `json:"iss"`
			Subject string `json:"sub"`
			Expires int64  `json:"exp"`
		}
		if err := json.Unmarshal([]byte(payload), &loose); err != nil || loose.Issuer != issuer ||
			loose.Subject != string(c.Subject) || loose.Expires != c.Expires.Unix() {
			t.Errorf("%q: Verify reads %+v, encoding/json reads %+v, %v", payload, c, loose, err)
		}
	})
}

// FuzzParseJWKS: a set that ParseJWKS accepts survives a round trip unchanged.
func FuzzParseJWKS(f *testing.F) {
	text, err := json.Marshal(publicKeys(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for _, alg := range algorithms {
		f.Add([]byte(`{"keys":[` + string(signingKeys()[alg].Public().JWK()) + `]}`))
		f.Add([]byte(`{"keys":[` + signingKeys()[alg].JWK().Reveal() + `]}`))
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","use":"enc","kid":"a"},` + foreignJWK(f, token.ES256) + `]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := token.ParseForeignJWKS(data)
		if own, ownErr := token.ParseJWKS(data); ownErr == nil && (err != nil || len(own.Keys()) != len(set.Keys())) {
			t.Fatalf("ParseJWKS accepts %s, ParseForeignJWKS returns %v, %v", data, set.Keys(), err)
		}
		if err != nil {
			return
		}
		once, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		again, err := token.ParseJWKS(once)
		if err != nil {
			t.Fatalf("%s was written as %s: %v", data, once, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
	})
}

// FuzzVerifyOthers: even with several issuers, a token that verifies has the claims that
// encoding/json reads, and its iss is the issuer whose key signed it.
func FuzzVerifyOthers(f *testing.F) {
	header := foreignHeader(token.ES256, `,"typ":"JWT"`)
	f.Add(header, openAuthAccess)
	f.Add(header, put(f, openAuthAccess, openAuth, issuer))
	f.Add(header, put(f, openAuthAccess, openAuth, cognito))
	f.Add(header, put(f, openAuthAccess, `"exp"`, `"iss":"`+issuer+`","exp"`))
	f.Add(foreignHeader(token.ES256, ``), cognitoAccess)
	v := severalAt(f, instant)
	f.Fuzz(func(t *testing.T, header, payload string) {
		c, err := v.Verify(t.Context(), sign(t, token.ES256, header, payload))
		if err != nil {
			if token.ReasonOf(err) == "" {
				t.Errorf("%q %q: %v", header, payload, err)
			}
			return
		}
		var loose struct {
			Issuer string `json:"iss"`
			Mode   string `json:"mode"`
		}
		if err := json.Unmarshal([]byte(payload), &loose); err != nil || loose.Issuer != c.Issuer {
			t.Errorf("%q: Verify reads iss %q, encoding/json reads %q, %v", payload, c.Issuer, loose.Issuer, err)
		}
		if c.Issuer == openAuth && loose.Mode != "access" || c.SessionID != "" && c.Issuer != issuer {
			t.Errorf("%q is taken", payload)
		}
	})
}
