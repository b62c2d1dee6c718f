package token_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func hostileHeaders() []change {
	const alg = token.ES256
	rows := []change{
		{"header syntax", `{"alg"`, `{alg`, token.ReasonMalformed},
		{"header not an object", goodHeader(alg), `[]`, token.ReasonMalformed},
		{"header empty", goodHeader(alg), ``, token.ReasonMalformed},
		{"header with trailing data", `"at+jwt"}`, `"at+jwt"} 1`, token.ReasonMalformed},
		{"header nesting", `{"alg"`, `{"x":` + deep + `,"alg"`, token.ReasonMalformed},
		{"header invalid UTF-8", `{"alg"`, "{\"x\":\"\xff\",\"alg\"", token.ReasonMalformed},
		{"alg a number", `"alg":"ES256"`, `"alg":256`, token.ReasonMalformed},
		{"typ null", `"typ":"at+jwt"`, `"typ":null`, token.ReasonMalformed},
		{"kid an array", `"kid":"`, `"kid":[],"x":"`, token.ReasonMalformed},
		{"duplicate header", `{"alg"`, `{"alg":"none","alg"`, token.ReasonAmbiguousName},
		{"header in another case", `{"alg"`, `{"Alg":"none","alg"`, token.ReasonAmbiguousName},
		{"Kelvin sign for k", `{"alg"`, `{"Kid":"x","alg"`, token.ReasonAmbiguousName},
		{"forbidden header in another case", `{"alg"`, `{"CRIT":[],"alg"`, token.ReasonAmbiguousName},
		{"no alg", `"alg":"ES256",`, ``, token.ReasonWrongAlgorithm},
		{"alg none", `"alg":"ES256"`, `"alg":"none"`, token.ReasonWrongAlgorithm},
		{"alg in another case", `"alg":"ES256"`, `"alg":"es256"`, token.ReasonWrongAlgorithm},
		{"alg of another key", `"alg":"ES256"`, `"alg":"RS256"`, token.ReasonWrongAlgorithm},
		{"alg symmetric", `"alg":"ES256"`, `"alg":"HS256"`, token.ReasonWrongAlgorithm},
		{"unknown kid", `"kid":"`, `"kid":"x`, token.ReasonUnknownKey},
		{"empty kid", `"kid":"` + signingKeys()[alg].ID(), `"kid":"`, token.ReasonUnknownKey},
		{"no kid", `"kid":`, `"key":`, token.ReasonUnknownKey},
		{"kid of another key", signingKeys()[alg].ID(), signingKeys()[token.RS256].ID(), token.ReasonWrongAlgorithm},
		{"no typ", `,"typ":"at+jwt"`, ``, token.ReasonWrongType},
		{"typ JWT", `"typ":"at+jwt"`, `"typ":"JWT"`, token.ReasonWrongType},
		{"typ in capitals", `"typ":"at+jwt"`, `"typ":"AT+JWT"`, token.ReasonWrongType},
		{"typ in full", `"typ":"at+jwt"`, `"typ":"application/at+jwt"`, token.ReasonWrongType},
		{"header NUL at the end", `"at+jwt"}`, `"at+jwt"}` + "\x00", token.ReasonMalformed},
		{"header twice", goodHeader(alg), goodHeader(alg) + goodHeader(alg), token.ReasonMalformed},
		{"header a string", goodHeader(alg), `"ES256"`, token.ReasonMalformed},
		{"header with a comment", `{"alg"`, `{/**/"alg"`, token.ReasonMalformed},
		{"header with a byte order mark", `{"alg"`, "\ufeff" + `{"alg"`, token.ReasonMalformed},
		{"header with a lone surrogate", `{"alg"`, `{"x":"\ud800","alg"`, token.ReasonMalformed},
		{"header cut off", `"at+jwt"}`, `"at+jwt"`, token.ReasonMalformed},
		{"alg null", `"alg":"ES256"`, `"alg":null`, token.ReasonMalformed},
		{"alg a list", `"alg":"ES256"`, `"alg":["ES256"]`, token.ReasonMalformed},
		{"kid null", `"kid":"`, `"kid":null,"x":"`, token.ReasonMalformed},
		{"kid a number", `"kid":"`, `"kid":1,"x":"`, token.ReasonMalformed},
		{"kid an object", `"kid":"`, `"kid":{"$ne":""},"x":"`, token.ReasonMalformed},
		{"typ a list", `"typ":"at+jwt"`, `"typ":["at+jwt"]`, token.ReasonMalformed},

		{"alg twice", `"typ"`, `"alg":"none","typ"`, token.ReasonAmbiguousName},
		{"alg twice, alike", `"typ"`, `"alg":"ES256","typ"`, token.ReasonAmbiguousName},
		{"kid twice", `"typ"`, `"kid":"x","typ"`, token.ReasonAmbiguousName},
		{"typ twice", `{"alg"`, `{"typ":"JWT","alg"`, token.ReasonAmbiguousName},
		{"typ twice, alike", `{"alg"`, `{"typ":"at+jwt","alg"`, token.ReasonAmbiguousName},
		{"typ twice by an escape", `{"alg"`, `{"t\u0079p":"JWT","alg"`, token.ReasonAmbiguousName},
		{"an unknown member twice", `{"alg"`, `{"x":1,"x":2,"alg"`, token.ReasonAmbiguousName},
		{"duplicate deeper in the header", `{"alg"`, `{"x":{"a":1,"a":2},"alg"`, token.ReasonAmbiguousName},
		{"case of kid", `{"alg"`, `{"KID":"x","alg"`, token.ReasonAmbiguousName},
		{"case of typ", `{"alg"`, `{"Typ":"JWT","alg"`, token.ReasonAmbiguousName},
		{"typ in another case alone", `"typ":`, `"TYP":`, token.ReasonAmbiguousName},
		{"case of crit", `{"alg"`, `{"Crit":["exp"],"alg"`, token.ReasonAmbiguousName},
		{"case of b64", `{"alg"`, `{"B64":false,"alg"`, token.ReasonAmbiguousName},
		{"case of jku", `{"alg"`, `{"JKU":"https://evil.example.com","alg"`, token.ReasonAmbiguousName},
		{"case of jwk", `{"alg"`, `{"Jwk":{},"alg"`, token.ReasonAmbiguousName},
		{"Kelvin sign in jwk", `{"alg"`, `{"jwK":{},"alg"`, token.ReasonAmbiguousName},
		{"case of x5c", `{"alg"`, `{"X5C":[],"alg"`, token.ReasonAmbiguousName},
		{"case of x5u", `{"alg"`, `{"X5u":"https://evil.example.com","alg"`, token.ReasonAmbiguousName},
		{"case of x5t#S256", `{"alg"`, `{"x5t#s256":"AA","alg"`, token.ReasonAmbiguousName},
		{"case of zip", `{"alg"`, `{"ZIP":"DEF","alg"`, token.ReasonAmbiguousName},
		{"case of cty", `{"alg"`, `{"Cty":"JWT","alg"`, token.ReasonAmbiguousName},

		{"alg None", `"alg":"ES256"`, `"alg":"None"`, token.ReasonWrongAlgorithm},
		{"alg nOnE", `"alg":"ES256"`, `"alg":"nOnE"`, token.ReasonWrongAlgorithm},
		{"alg empty", `"alg":"ES256"`, `"alg":""`, token.ReasonWrongAlgorithm},
		{"alg and a space", `"alg":"ES256"`, `"alg":"ES256 "`, token.ReasonWrongAlgorithm},
		{"alg and NUL", `"alg":"ES256"`, `"alg":"ES256\u0000"`, token.ReasonWrongAlgorithm},
		{"alg ES384", `"alg":"ES256"`, `"alg":"ES384"`, token.ReasonWrongAlgorithm},
		{"alg ES256K", `"alg":"ES256"`, `"alg":"ES256K"`, token.ReasonWrongAlgorithm},
		{"alg PS256", `"alg":"ES256"`, `"alg":"PS256"`, token.ReasonWrongAlgorithm},
		{"alg EdDSA", `"alg":"ES256"`, `"alg":"EdDSA"`, token.ReasonWrongAlgorithm},
		{"alg by its address", `"alg":"ES256"`, `"alg":"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"`, token.ReasonWrongAlgorithm},
		{"kid a path", `"kid":"`, `"kid":"../../../dev/null","x":"`, token.ReasonUnknownKey},
		{"kid a query", `"kid":"`, `"kid":"' OR '1'='1","x":"`, token.ReasonUnknownKey},
		{"kid an address", `"kid":"`, `"kid":"https://evil.example.com/key","x":"`, token.ReasonUnknownKey},
		{"kid and NUL", signingKeys()[alg].ID(), signingKeys()[alg].ID() + `\u0000`, token.ReasonUnknownKey},
		{"typ empty", `"typ":"at+jwt"`, `"typ":""`, token.ReasonWrongType},
		{"typ jwt", `"typ":"at+jwt"`, `"typ":"jwt"`, token.ReasonWrongType},
		{"typ of another profile", `"typ":"at+jwt"`, `"typ":"logout+jwt"`, token.ReasonWrongType},
		{"typ dpop+jwt", `"typ":"at+jwt"`, `"typ":"dpop+jwt"`, token.ReasonWrongType},
		{"typ with a capital", `"typ":"at+jwt"`, `"typ":"at+JWT"`, token.ReasonWrongType},
		{"typ and a space", `"typ":"at+jwt"`, `"typ":"at+jwt "`, token.ReasonWrongType},
		{"typ with a parameter", `"typ":"at+jwt"`, `"typ":"at+jwt;v=1"`, token.ReasonWrongType},
		{"typ and NUL", `"typ":"at+jwt"`, `"typ":"at+jwt\u0000"`, token.ReasonWrongType},
	}
	for _, member := range []string{
		`"crit":["exp"]`, `"crit":[]`, `"crit":["b64"],"b64":false`, `"crit":["https://example.com/own"]`, `"crit":null`,
		`"b64":true`, `"b64":false`, `"jku":"https://evil.example.com/jwks"`, `"jku":""`,
		`"jwk":` + string(signingKeys()[alg].Public().JWK()), `"jwk":{}`, `"x5u":"https://evil.example.com/x"`,
		`"x5c":["MA"]`, `"x5c":[]`, `"x5t":"AA"`, `"x5t#S256":"AA"`, `"zip":"DEF"`, `"zip":""`, `"cty":"JWT"`, `"cty":"json"`,
	} {
		rows = append(rows, change{member, `{"alg"`, `{` + member + `,"alg"`, token.ReasonForbiddenHeader})
	}
	return rows
}

func TestHostileHeaders(t *testing.T) {
	for _, row := range hostileHeaders() {
		t.Run(row.name, func(t *testing.T) {
			header := put(t, goodHeader(token.ES256), row.old, row.new)
			refused(t, sign(t, token.ES256, header, goodPayload), row.want)
		})
	}
}
