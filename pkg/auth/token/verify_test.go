package token_test

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func TestVerifyTakes(t *testing.T) {
	v := verifierAt(t, instant)
	for _, row := range []struct{ name, old, new string }{
		{"the required claims", `"jti":"j"`, `"jti":"j"`},
		{"space and another order", `{"iss":`, ` { "jti2" : 1 , "iss" : `},
		{"several audiences", `"aud":"https://api.example.com"`, `"aud":["x","https://api.example.com"]`},
		{"an escape", `"sub":"1b`, `"sub":"\u0031b`},
		{"every optional claim", `"jti":`,
			`"nbf":1700000030,"sid":"s","auth_time":1,"scope":"a b","roles":["r"],"amr":["pwd"],"jti":`},
		{"the longest lifetime", `"iat":1700000000`, `"iat":1699997300`},
		{"iat at the leeway", `"iat":1700000000`, `"iat":1700000030`},
		{"an own claim", `"jti":`, `"tenant":{"id":[1,2.5e3,null]},"jti":`},
		{"an own claim that begins like another", `"jti":`, `"subs":"x","expo":1,"jti":`},
	} {
		for _, alg := range algorithms {
			text := sign(t, alg, goodHeader(alg), put(t, goodPayload, row.old, row.new))
			if c, err := v.Verify(t.Context(), text); err != nil || c.Subject != subject {
				t.Errorf("%s, %s: %v", row.name, alg, err)
			}
		}
	}
	header := put(t, goodHeader(token.ES256), `{"alg"`, `{"x":{"unknown":["member"]},"alg"`)
	if _, err := v.Verify(t.Context(), sign(t, token.ES256, header, goodPayload)); err != nil {
		t.Errorf("an unknown header member: %v", err)
	}
}

func TestVerifyReadsEveryClaim(t *testing.T) {
	payload := put(t, goodPayload, `"jti":"j"`, `"jti":"j","sid":"s","auth_time":1699999000,"scope":"a b",`+
		`"roles":["r","w"],"amr":["pwd","otp"],"tenant": {"id" : 7},"Plan":"x"`)
	c, err := verifierAt(t, instant).Verify(t.Context(), sign(t, token.EdDSA, goodHeader(token.EdDSA), payload))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s %d %d %d %s %s %s %s %s %s %s", c.Issuer, c.Subject, c.Audience, c.Expires.Unix(),
		c.IssuedAt.Unix(), c.AuthTime.Unix(), c.ID, c.ClientID, c.SessionID, c.Scope, c.Roles, c.AMR, c.Own)
	want := "https://auth.example.com 1b671a64-40d5-491e-99b0-da01ff1f3341 [https://api.example.com] 1700000900 " +
		`1700000000 1699999000 j default s [a b] [r w] [pwd otp] map[Plan:"x" tenant:{"id" : 7}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Each row changes one thing in a token that is signed all the same.
func TestVerifyRefuses(t *testing.T) {
	const iss, aud = `"iss":"https://auth.example.com"`, `"aud":"https://api.example.com"`
	deep := strings.Repeat("[", 8) + strings.Repeat("]", 8)
	payloads := []struct {
		name, old, new string
		want           token.Reason
	}{
		{"no object", goodPayload, `"` + subject + `"`, token.Malformed},
		{"syntax", `"jti":"j"`, `"jti":'j'`, token.Malformed},
		{"a comma too many", `"default"}`, `"default",}`, token.Malformed},
		{"trailing data", `"default"}`, `"default"}{}`, token.Malformed},
		{"nesting", `"jti":`, `"own":` + deep + `,"jti":`, token.Malformed},
		{"invalid UTF-8", `"jti":"j"`, "\"jti\":\"\xff\"", token.Malformed},
		{"a lone surrogate", `"jti":"j"`, `"jti":"\ud800"`, token.Malformed},
		{"a lone surrogate in a name", `"jti":`, `"\udfff":1,"jti":`, token.Malformed},

		{"duplicate claim", `"jti":`, `"sub":"admin","jti":`, token.AmbiguousName},
		{"duplicate by an escape", `"jti":`, `"s\u0075b":"admin","jti":`, token.AmbiguousName},
		{"duplicate deeper", `"jti":`, `"own":{"a":1,"a":2},"jti":`, token.AmbiguousName},
		{"another case", `"jti":`, `"Sub":"admin","jti":`, token.AmbiguousName},
		{"another case alone", `"sub":`, `"SUB":`, token.AmbiguousName},
		{"another case by an escape", `"jti":`, `"\u0053ub":"admin","jti":`, token.AmbiguousName},
		{"long s for s", `"jti":`, `"ſub":"admin","jti":`, token.AmbiguousName},
		{"long s by an escape", `"jti":`, `"role\u017f":["admin"],"jti":`, token.AmbiguousName},
		{"case of an optional claim", `"jti":`, `"Auth_Time":1,"jti":`, token.AmbiguousName},
		{"case of nbf", `"jti":`, `"NBF":1,"jti":`, token.AmbiguousName},

		{"no iss", `"iss":"https://auth.example.com",`, ``, token.MissingClaim},
		{"no exp", `"exp":1700000900,`, ``, token.MissingClaim},
		{"no aud", `"aud":"https://api.example.com",`, ``, token.MissingClaim},
		{"no sub", `"sub":"` + subject + `",`, ``, token.MissingClaim},
		{"no client_id", `,"client_id":"default"`, ``, token.MissingClaim},
		{"no iat", `"iat":1700000000,`, ``, token.MissingClaim},
		{"no jti", `"jti":"j",`, ``, token.MissingClaim},
		{"empty iss", iss, `"iss":""`, token.MissingClaim},
		{"empty aud", aud, `"aud":""`, token.MissingClaim},
		{"no audience in aud", aud, `"aud":[]`, token.MissingClaim},
		{"empty sub", `"sub":"` + subject + `"`, `"sub":""`, token.MissingClaim},
		{"empty client_id", `"client_id":"default"`, `"client_id":""`, token.MissingClaim},
		{"empty jti", `"jti":"j"`, `"jti":""`, token.MissingClaim},

		{"iss null", iss, `"iss":null`, token.InvalidClaim},
		{"sub a number", `"sub":"` + subject + `"`, `"sub":7`, token.InvalidClaim},
		{"sub with a line feed", `"sub":"`, `"sub":"a\n`, token.InvalidClaim},
		{"sub with NUL", `"sub":"`, `"sub":"\u0000`, token.InvalidClaim},
		{"sub with a C1 control", `"sub":"`, `"sub":"` + "\u0085", token.InvalidClaim},
		{"sub too long", `"sub":"`, `"sub":"` + strings.Repeat("x", 64), token.InvalidClaim},
		{"aud an object", aud, `"aud":{"a":"https://api.example.com"}`, token.InvalidClaim},
		{"aud with a number", aud, `"aud":["https://api.example.com",1]`, token.InvalidClaim},
		{"aud with an empty entry", aud, `"aud":["https://api.example.com",""]`, token.InvalidClaim},
		{"aud nested", aud, `"aud":[["https://api.example.com"]]`, token.InvalidClaim},
		{"exp a string", `"exp":1700000900`, `"exp":"1700000900"`, token.InvalidClaim},
		{"exp with a fraction", `"exp":1700000900`, `"exp":1700000900.0`, token.InvalidClaim},
		{"exp with an exponent", `"exp":1700000900`, `"exp":17000009e2`, token.InvalidClaim},
		{"exp beyond 64 bits", `"exp":1700000900`, `"exp":18446744075409552516`, token.InvalidClaim},
		{"exp beyond time", `"exp":1700000900`, `"exp":9223372036854775807`, token.InvalidClaim},
		{"iat negative", `"iat":1700000000`, `"iat":-9223372036854775808`, token.InvalidClaim},
		{"iat minus zero", `"iat":1700000000`, `"iat":-0`, token.InvalidClaim},
		{"iat null", `"iat":1700000000`, `"iat":null`, token.InvalidClaim},
		{"nbf a string", `"jti":`, `"nbf":"1","jti":`, token.InvalidClaim},
		{"jti a number", `"jti":"j"`, `"jti":1`, token.InvalidClaim},
		{"jti with a control", `"jti":"j"`, `"jti":"\r"`, token.InvalidClaim},
		{"client_id an array", `"client_id":"default"`, `"client_id":["default"]`, token.InvalidClaim},
		{"client_id with a control", `"client_id":"`, `"client_id":"\u007f`, token.InvalidClaim},
		{"sid a number", `"jti":`, `"sid":1,"jti":`, token.InvalidClaim},
		{"sid empty", `"jti":`, `"sid":"","jti":`, token.InvalidClaim},
		{"sid with a control", `"jti":`, `"sid":"\t","jti":`, token.InvalidClaim},
		{"auth_time with a fraction", `"jti":`, `"auth_time":1.5,"jti":`, token.InvalidClaim},
		{"scope an array", `"jti":`, `"scope":["api"],"jti":`, token.InvalidClaim},
		{"scope empty", `"jti":`, `"scope":"","jti":`, token.InvalidClaim},
		{"scope with two spaces", `"jti":`, `"scope":"a  b","jti":`, token.InvalidClaim},
		{"scope with a tab", `"jti":`, `"scope":"a\tb","jti":`, token.InvalidClaim},
		{"scope with a quote", `"jti":`, `"scope":"a\"b","jti":`, token.InvalidClaim},
		{"scope beyond ASCII", `"jti":`, `"scope":"é","jti":`, token.InvalidClaim},
		{"roles a string", `"jti":`, `"roles":"admin","jti":`, token.InvalidClaim},
		{"roles with a number", `"jti":`, `"roles":[1],"jti":`, token.InvalidClaim},
		{"a role with a space", `"jti":`, `"roles":["reader admin"],"jti":`, token.InvalidClaim},
		{"an empty role", `"jti":`, `"roles":[""],"jti":`, token.InvalidClaim},
		{"amr a string", `"jti":`, `"amr":"pwd","jti":`, token.InvalidClaim},
		{"amr null", `"jti":`, `"amr":null,"jti":`, token.InvalidClaim},

		{"another issuer", iss, `"iss":"https://evil.example.com"`, token.WrongIssuer},
		{"issuer with a slash", iss, `"iss":"https://auth.example.com/"`, token.WrongIssuer},
		{"issuer in capitals", iss, `"iss":"https://AUTH.example.com"`, token.WrongIssuer},
		{"another audience", aud, `"aud":"https://api.example.org"`, token.WrongAudience},
		{"part of our audience", aud, `"aud":["https://api.example","api"]`, token.WrongAudience},
		{"audience in capitals", aud, `"aud":"OTHER"`, token.WrongAudience},
		{"above an hour", `"iat":1700000000`, `"iat":1699997299`, token.WrongLifetime},
		{"a lifetime of nothing", `"exp":1700000900`, `"exp":1700000000`, token.WrongLifetime},
		{"exp before iat", `"exp":1700000900`, `"exp":1699999999`, token.WrongLifetime},
		{"forever", `"exp":1700000900`, `"exp":253402300799`, token.WrongLifetime},
		{"iat 31 s ahead", `"iat":1700000000`, `"iat":1700000031`, token.IssuedAhead},
		{"nbf 31 s ahead", `"jti":`, `"nbf":1700000031,"jti":`, token.NotYetValid},
	}
	headers := []struct {
		name, old, new string
		want           token.Reason
	}{
		{"header syntax", `{"alg"`, `{alg`, token.Malformed},
		{"header not an object", goodHeader(token.ES256), `[]`, token.Malformed},
		{"header empty", goodHeader(token.ES256), ``, token.Malformed},
		{"header with trailing data", `"at+jwt"}`, `"at+jwt"} 1`, token.Malformed},
		{"header nesting", `{"alg"`, `{"x":` + deep + `,"alg"`, token.Malformed},
		{"header invalid UTF-8", `{"alg"`, "{\"x\":\"\xff\",\"alg\"", token.Malformed},
		{"alg a number", `"alg":"ES256"`, `"alg":256`, token.Malformed},
		{"typ null", `"typ":"at+jwt"`, `"typ":null`, token.Malformed},
		{"kid an array", `"kid":"`, `"kid":[],"x":"`, token.Malformed},
		{"duplicate header", `{"alg"`, `{"alg":"none","alg"`, token.AmbiguousName},
		{"header in another case", `{"alg"`, `{"Alg":"none","alg"`, token.AmbiguousName},
		{"Kelvin sign for k", `{"alg"`, `{"Kid":"x","alg"`, token.AmbiguousName},
		{"forbidden header in another case", `{"alg"`, `{"CRIT":[],"alg"`, token.AmbiguousName},
		{"no alg", `"alg":"ES256",`, ``, token.WrongAlgorithm},
		{"alg none", `"alg":"ES256"`, `"alg":"none"`, token.WrongAlgorithm},
		{"alg in another case", `"alg":"ES256"`, `"alg":"es256"`, token.WrongAlgorithm},
		{"alg of another key", `"alg":"ES256"`, `"alg":"RS256"`, token.WrongAlgorithm},
		{"alg symmetric", `"alg":"ES256"`, `"alg":"HS256"`, token.WrongAlgorithm},
		{"unknown kid", `"kid":"`, `"kid":"x`, token.UnknownKey},
		{"empty kid", `"kid":"` + signingKeys()[token.ES256].ID(), `"kid":"`, token.UnknownKey},
		{"no kid", `"kid":`, `"key":`, token.UnknownKey},
		{"kid of another key", signingKeys()[token.ES256].ID(), signingKeys()[token.RS256].ID(), token.WrongAlgorithm},
		{"no typ", `,"typ":"at+jwt"`, ``, token.WrongType},
		{"typ JWT", `"typ":"at+jwt"`, `"typ":"JWT"`, token.WrongType},
		{"typ in capitals", `"typ":"at+jwt"`, `"typ":"AT+JWT"`, token.WrongType},
		{"typ in full", `"typ":"at+jwt"`, `"typ":"application/at+jwt"`, token.WrongType},
	}
	for _, name := range []string{
		`"crit":["exp"]`, `"crit":[]`, `"b64":true`, `"b64":false`, `"jku":"https://evil.example.com/jwks"`,
		`"jwk":` + string(signingKeys()[token.ES256].Public().JWK()), `"x5u":"https://evil.example.com/x"`,
		`"x5c":["MA"]`, `"x5t":"AA"`, `"x5t#S256":"AA"`, `"zip":"DEF"`, `"cty":"JWT"`,
	} {
		headers = append(headers, struct {
			name, old, new string
			want           token.Reason
		}{name, `{"alg"`, `{` + name + `,"alg"`, token.ForbiddenHeader})
	}
	for _, row := range payloads {
		for _, alg := range algorithms {
			payload := put(t, goodPayload, row.old, row.new)
			t.Run(row.name+"/"+string(alg), func(t *testing.T) {
				refused(t, sign(t, alg, goodHeader(alg), payload), row.want)
			})
		}
	}
	for _, row := range headers {
		t.Run(row.name, func(t *testing.T) {
			refused(t, sign(t, token.ES256, put(t, goodHeader(token.ES256), row.old, row.new), goodPayload), row.want)
		})
	}
}

func TestVerifyRefusesTexts(t *testing.T) {
	const alg = token.EdDSA
	good := sign(t, alg, goodHeader(alg), goodPayload)
	if _, err := verifierAt(t, instant).Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	header, payload, sig := parts[0], parts[1], parts[2]
	own := func(size int) string {
		payload := func(fill int) string {
			return put(t, goodPayload, `"jti":`, `"own":"`+strings.Repeat("x", fill)+`","jti":`)
		}
		fill := 0
		for len(header)+len(encode(payload(fill)))+len(sig)+2 < size {
			fill++
		}
		return sign(t, alg, goodHeader(alg), payload(fill))
	}
	if text := own(8191); len(text) > token.MaxBytes {
		t.Fatalf("the largest has %d bytes", len(text))
	} else if _, err := verifierAt(t, instant).Verify(t.Context(), text); err != nil {
		t.Errorf("a token of %d bytes: %v", len(text), err)
	}
	unsigned := encode(`{"alg":"none","kid":"`+signingKeys()[alg].ID()+`","typ":"at+jwt"}`) + "." + payload + "."
	for _, row := range []struct {
		name, text string
		want       token.Reason
	}{
		{"empty", "", token.Malformed},
		{"one dot", header + "." + payload, token.Malformed},
		{"three dots", good + ".", token.Malformed},
		{"five segments", header + ".." + payload + "..", token.Malformed},
		{"only dots", "..", token.Malformed},
		{"above 8 KB", own(8193), token.TooLong},
		{"8 KB of junk", strings.Repeat("x", 8193), token.TooLong},
		{"padding of the signature", good + "==", token.Malformed},
		{"padding under the signature", signText(t, alg, header+"="+"."+payload), token.Malformed},
		{"line feed at the end", good + "\n", token.Malformed},
		{"line feed within", header + "." + payload + "." + sig[:40] + "\n" + sig[40:], token.Malformed},
		{"line feed under the signature", signText(t, alg, header+".\n"+payload), token.Malformed},
		{"carriage return under the signature", signText(t, alg, header[:8]+"\r"+header[8:]+"."+payload), token.Malformed},
		{"space before", " " + good, token.Malformed},
		{"NUL at the end", good + "\x00", token.Malformed},
		{"the other alphabet", header + "." + payload + "." + strings.Repeat("+/", 43), token.Malformed},
		{"beyond ASCII", signText(t, alg, header+"."+payload+"é"), token.Malformed},
		{"a scheme before", "Bearer " + good, token.Malformed},
		{"JSON serialization", `{"payload":"` + payload + `"}`, token.Malformed},
		{"no signature", header + "." + payload + ".", token.BadSignature},
		{"signature cut", good[:len(good)-2], token.BadSignature},
		{"signature and more", good + "AAAA", token.BadSignature},
		{"unsigned", unsigned, token.WrongAlgorithm},
		{"another payload", header + "." + encode(put(t, goodPayload, subject, "admin")) + "." + sig, token.BadSignature},
		{"signature before claims", header + "." + encode("{") + "." + sig, token.BadSignature},
	} {
		t.Run(row.name, func(t *testing.T) { refused(t, row.text, row.want) })
	}
}

func TestVerifyRefusesSignatures(t *testing.T) {
	text := func(alg token.Algorithm, change func(sig []byte) []byte) string {
		signed := encode(goodHeader(alg)) + "." + encode(goodPayload)
		return signed + "." + base64.RawURLEncoding.EncodeToString(change(signature(t, alg, signed)))
	}
	order := elliptic.P256().Params().N
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	for _, row := range []struct {
		name   string
		alg    token.Algorithm
		change func([]byte) []byte
	}{
		{"RSA shorter by a zero", token.RS256, func(s []byte) []byte { return s[1:] }},
		{"RSA with a zero before", token.RS256, func(s []byte) []byte { return append([]byte{0}, s...) }},
		{"RSA with a zero behind", token.RS256, func(s []byte) []byte { return append(s, 0) }},
		{"RSA of zeros", token.RS256, func(s []byte) []byte { return make([]byte, len(s)) }},
		{"RSA plus the modulus", token.RS256, func(s []byte) []byte {
			n := number([]byte(decode(t, members(t, signingKeys()[token.RS256].JWK().Reveal())["n"])))
			return new(big.Int).Add(n, number(s)).FillBytes(make([]byte, len(s)+1))
		}},
		{"high s", token.ES256, func(s []byte) []byte {
			new(big.Int).Sub(order, number(s[32:])).FillBytes(s[32:])
			return s
		}},
		{"r plus the order", token.ES256, func(s []byte) []byte {
			r := new(big.Int).Add(order, number(s[:32]))
			return append(r.FillBytes(make([]byte, 33)), s[32:]...)
		}},
		{"r and s of zero", token.ES256, func(s []byte) []byte { return make([]byte, 64) }},
		{"ECDSA in ASN.1", token.ES256, func(s []byte) []byte {
			return slices.Concat([]byte{0x30, 68, 2, 32}, s[:32], []byte{2, 32}, s[32:])
		}},
		{"Ed25519 of zeros", token.EdDSA, func(s []byte) []byte { return make([]byte, 64) }},
		{"Ed25519 with S plus the order", token.EdDSA, func(s []byte) []byte {
			l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			scalar := slices.Clone(s[32:])
			slices.Reverse(scalar)
			plus := new(big.Int).Add(l, number(scalar)).FillBytes(make([]byte, 32))
			slices.Reverse(plus)
			return append(s[:32:32], plus...)
		}},
	} {
		t.Run(row.name, func(t *testing.T) { refused(t, text(row.alg, row.change), token.BadSignature) })
	}
}

// Changing any bit of the last character of a segment, or any character to any other, never verifies.
func TestNoTwoTextsVerifyAsOneToken(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	v := verifierAt(t, instant)
	for _, alg := range algorithms {
		good := issue(t, alg, grant()).Text.Reveal()
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(good, ".")
		for i, part := range parts {
			for _, c := range alphabet {
				other := slices.Clone(parts)
				other[i] = part[:len(part)-1] + string(c)
				if text := strings.Join(other, "."); text != good {
					if _, err := v.Verify(t.Context(), text); token.ReasonOf(err) == "" {
						t.Errorf("%s: segment %d ends in %c for %c: %v", alg, i, c, part[len(part)-1], err)
					}
				}
			}
		}
		for at := range good {
			text := good[:at] + "A" + good[at+1:]
			if _, err := v.Verify(t.Context(), text); text != good && err == nil {
				t.Errorf("%s: byte %d was changed", alg, at)
			}
		}
	}
}

func TestExpiryHasNoLeeway(t *testing.T) {
	text := sign(t, token.EdDSA, goodHeader(token.EdDSA), goodPayload)
	end := instant.Add(900 * time.Second)
	for _, row := range []struct {
		name string
		now  time.Time
		want token.Reason
	}{
		{"a nanosecond before", end.Add(-1), ""},
		{"at exp", end, token.Expired},
		{"a second after", end.Add(time.Second), token.Expired},
		{"a clock 30 s behind", instant.Add(-30 * time.Second), ""},
		{"a clock more than 30 s behind", instant.Add(-30*time.Second - 1), token.IssuedAhead},
	} {
		_, err := verifierAt(t, row.now).Verify(t.Context(), text)
		if (err == nil) != (row.want == "") || token.ReasonOf(err) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestErrorsHoldSentinels(t *testing.T) {
	wants := map[token.Reason]error{
		token.TooLong: jwt.ErrTokenMalformed, token.Malformed: jwt.ErrTokenMalformed,
		token.AmbiguousName: jwt.ErrTokenMalformed, token.ForbiddenHeader: jwt.ErrTokenUnverifiable,
		token.WrongType: jwt.ErrTokenUnverifiable, token.UnknownKey: jwt.ErrTokenUnverifiable,
		token.WrongAlgorithm: jwt.ErrTokenSignatureInvalid, token.BadSignature: jwt.ErrTokenSignatureInvalid,
		token.MissingClaim: jwt.ErrTokenRequiredClaimMissing, token.InvalidClaim: jwt.ErrTokenInvalidClaims,
		token.WrongIssuer: jwt.ErrTokenInvalidIssuer, token.WrongAudience: jwt.ErrTokenInvalidAudience,
		token.WrongLifetime: jwt.ErrTokenInvalidClaims, token.Expired: jwt.ErrTokenExpired,
		token.IssuedAhead: jwt.ErrTokenUsedBeforeIssued, token.NotYetValid: jwt.ErrTokenNotValidYet,
	}
	for reason, want := range wants {
		err := fmt.Errorf("wrapped: %w", &token.Error{Reason: reason})
		if !errors.Is(err, want) || token.ReasonOf(err) != reason {
			t.Errorf("%s does not wrap %v", reason, want)
		}
	}
	if got := token.ReasonOf(auth.ErrUnavailable); got != "" {
		t.Errorf("the reason of another error is %q", got)
	}
}

// keysFunc is a key source of one function.
type keysFunc func(kid string) (token.Key, error)

func (f keysFunc) Key(_ context.Context, kid string) (token.Key, error) { return f(kid) }

func TestKeySourceErrorsSayNothingAboutTheToken(t *testing.T) {
	text := sign(t, token.EdDSA, goodHeader(token.EdDSA), goodPayload)
	for _, row := range []struct {
		name   string
		err    error
		reason token.Reason
	}{
		{"unavailable", fmt.Errorf("source: %w", auth.ErrUnavailable), ""},
		{"internal", errors.New("bug"), ""},
		{"not found", fmt.Errorf("source: %w", auth.ErrNotFound), token.UnknownKey},
		{"an empty key", nil, token.WrongAlgorithm},
	} {
		v, err := token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Now: clock,
			Keys: keysFunc(func(string) (token.Key, error) { return token.Key{}, row.err }),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(t.Context(), text)
		if err == nil || token.ReasonOf(err) != row.reason {
			t.Errorf("%s: %v", row.name, err)
		}
		if row.reason == "" && !errors.Is(err, row.err) {
			t.Errorf("%s: %v does not wrap it", row.name, err)
		}
	}
}

func TestNewVerifierNamesWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*token.VerifierConfig)
		want   string
	}{
		{"no issuer", func(c *token.VerifierConfig) { c.Issuer = "" }, "Issuer must"},
		{"plain http", func(c *token.VerifierConfig) { c.Issuer = "http://auth.example.com" }, "Issuer must"},
		{"a query", func(c *token.VerifierConfig) { c.Issuer += "?" }, "Issuer must"},
		{"a fragment", func(c *token.VerifierConfig) { c.Issuer += "#" }, "Issuer must"},
		{"a user", func(c *token.VerifierConfig) { c.Issuer = "https://u@auth.example.com" }, "Issuer must"},
		{"no host", func(c *token.VerifierConfig) { c.Issuer = "https:auth" }, "Issuer must"},
		{"no audience", func(c *token.VerifierConfig) { c.Audience = nil }, "Audience must"},
		{"an empty audience", func(c *token.VerifierConfig) { c.Audience = []string{""} }, "Audience must"},
		{"an audience twice", func(c *token.VerifierConfig) { c.Audience = []string{"a", "a"} }, "Audience must"},
		{"no keys", func(c *token.VerifierConfig) { c.Keys = nil }, "Keys must"},
		{"an empty key set", func(c *token.VerifierConfig) { c.Keys = token.KeySet{} }, "Keys must"},
		{"no clock", func(c *token.VerifierConfig) { c.Now = nil }, "Now must"},
		{"complete", func(*token.VerifierConfig) {}, ""},
		{"http on loopback", func(c *token.VerifierConfig) { c.Issuer = "http://127.0.0.1:8080" }, ""},
		{"http on loopback by name", func(c *token.VerifierConfig) { c.Issuer = "http://localhost:8080" }, ""},
		{"http on IPv6 loopback", func(c *token.VerifierConfig) { c.Issuer = "http://[::1]:8080" }, ""},
		{"a path", func(c *token.VerifierConfig) { c.Issuer += "/tenant" }, ""},
	} {
		c := token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Now: clock}
		row.change(&c)
		_, err := token.NewVerifier(c)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// refused also holds every error to the promise that nothing of the token is in it.
func refused(t *testing.T, text string, want token.Reason) {
	t.Helper()
	c, err := verifierAt(t, instant).Verify(t.Context(), text)
	if token.ReasonOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if c.Subject != "" || c.Own != nil {
		t.Errorf("a refused token has claims: %+v", c)
	}
	for _, part := range append(strings.Split(text, "."), subject, "admin", "evil") {
		if len(part) > 4 && strings.Contains(err.Error(), part) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}
