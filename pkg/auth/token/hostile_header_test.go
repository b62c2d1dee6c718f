package token_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func hostileHeaders() []change {
	const alg = token.ES256
	rows := []change{
		{"header syntax", `{"alg"`, `{alg`, token.Malformed},
		{"header not an object", goodHeader(alg), `[]`, token.Malformed},
		{"header empty", goodHeader(alg), ``, token.Malformed},
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
		{"empty kid", `"kid":"` + signingKeys()[alg].ID(), `"kid":"`, token.UnknownKey},
		{"no kid", `"kid":`, `"key":`, token.UnknownKey},
		{"kid of another key", signingKeys()[alg].ID(), signingKeys()[token.RS256].ID(), token.WrongAlgorithm},
		{"no typ", `,"typ":"at+jwt"`, ``, token.WrongType},
		{"typ JWT", `"typ":"at+jwt"`, `"typ":"JWT"`, token.WrongType},
		{"typ in capitals", `"typ":"at+jwt"`, `"typ":"AT+JWT"`, token.WrongType},
		{"typ in full", `"typ":"at+jwt"`, `"typ":"application/at+jwt"`, token.WrongType},
		{"header NUL at the end", `"at+jwt"}`, `"at+jwt"}` + "\x00", token.Malformed},
		{"header twice", goodHeader(alg), goodHeader(alg) + goodHeader(alg), token.Malformed},
		{"header a string", goodHeader(alg), `"ES256"`, token.Malformed},
		{"header with a comment", `{"alg"`, `{/**/"alg"`, token.Malformed},
		{"header with a byte order mark", `{"alg"`, "\ufeff" + `{"alg"`, token.Malformed},
		{"header with a lone surrogate", `{"alg"`, `{"x":"\ud800","alg"`, token.Malformed},
		{"header cut off", `"at+jwt"}`, `"at+jwt"`, token.Malformed},
		{"alg null", `"alg":"ES256"`, `"alg":null`, token.Malformed},
		{"alg a list", `"alg":"ES256"`, `"alg":["ES256"]`, token.Malformed},
		{"kid null", `"kid":"`, `"kid":null,"x":"`, token.Malformed},
		{"kid a number", `"kid":"`, `"kid":1,"x":"`, token.Malformed},
		{"kid an object", `"kid":"`, `"kid":{"$ne":""},"x":"`, token.Malformed},
		{"typ a list", `"typ":"at+jwt"`, `"typ":["at+jwt"]`, token.Malformed},

		{"alg twice", `"typ"`, `"alg":"none","typ"`, token.AmbiguousName},
		{"alg twice, alike", `"typ"`, `"alg":"ES256","typ"`, token.AmbiguousName},
		{"kid twice", `"typ"`, `"kid":"x","typ"`, token.AmbiguousName},
		{"typ twice", `{"alg"`, `{"typ":"JWT","alg"`, token.AmbiguousName},
		{"typ twice, alike", `{"alg"`, `{"typ":"at+jwt","alg"`, token.AmbiguousName},
		{"typ twice by an escape", `{"alg"`, `{"t\u0079p":"JWT","alg"`, token.AmbiguousName},
		{"an unknown member twice", `{"alg"`, `{"x":1,"x":2,"alg"`, token.AmbiguousName},
		{"duplicate deeper in the header", `{"alg"`, `{"x":{"a":1,"a":2},"alg"`, token.AmbiguousName},
		{"case of kid", `{"alg"`, `{"KID":"x","alg"`, token.AmbiguousName},
		{"case of typ", `{"alg"`, `{"Typ":"JWT","alg"`, token.AmbiguousName},
		{"typ in another case alone", `"typ":`, `"TYP":`, token.AmbiguousName},
		{"case of crit", `{"alg"`, `{"Crit":["exp"],"alg"`, token.AmbiguousName},
		{"case of b64", `{"alg"`, `{"B64":false,"alg"`, token.AmbiguousName},
		{"case of jku", `{"alg"`, `{"JKU":"https://evil.example.com","alg"`, token.AmbiguousName},
		{"case of jwk", `{"alg"`, `{"Jwk":{},"alg"`, token.AmbiguousName},
		{"Kelvin sign in jwk", `{"alg"`, `{"jwK":{},"alg"`, token.AmbiguousName},
		{"case of x5c", `{"alg"`, `{"X5C":[],"alg"`, token.AmbiguousName},
		{"case of x5u", `{"alg"`, `{"X5u":"https://evil.example.com","alg"`, token.AmbiguousName},
		{"case of x5t#S256", `{"alg"`, `{"x5t#s256":"AA","alg"`, token.AmbiguousName},
		{"case of zip", `{"alg"`, `{"ZIP":"DEF","alg"`, token.AmbiguousName},
		{"case of cty", `{"alg"`, `{"Cty":"JWT","alg"`, token.AmbiguousName},

		{"alg None", `"alg":"ES256"`, `"alg":"None"`, token.WrongAlgorithm},
		{"alg nOnE", `"alg":"ES256"`, `"alg":"nOnE"`, token.WrongAlgorithm},
		{"alg empty", `"alg":"ES256"`, `"alg":""`, token.WrongAlgorithm},
		{"alg and a space", `"alg":"ES256"`, `"alg":"ES256 "`, token.WrongAlgorithm},
		{"alg and NUL", `"alg":"ES256"`, `"alg":"ES256\u0000"`, token.WrongAlgorithm},
		{"alg ES384", `"alg":"ES256"`, `"alg":"ES384"`, token.WrongAlgorithm},
		{"alg ES256K", `"alg":"ES256"`, `"alg":"ES256K"`, token.WrongAlgorithm},
		{"alg PS256", `"alg":"ES256"`, `"alg":"PS256"`, token.WrongAlgorithm},
		{"alg EdDSA", `"alg":"ES256"`, `"alg":"EdDSA"`, token.WrongAlgorithm},
		{"alg by its address", `"alg":"ES256"`, `"alg":"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"`, token.WrongAlgorithm},
		{"kid a path", `"kid":"`, `"kid":"../../../dev/null","x":"`, token.UnknownKey},
		{"kid a query", `"kid":"`, `"kid":"' OR '1'='1","x":"`, token.UnknownKey},
		{"kid an address", `"kid":"`, `"kid":"https://evil.example.com/key","x":"`, token.UnknownKey},
		{"kid and NUL", signingKeys()[alg].ID(), signingKeys()[alg].ID() + `\u0000`, token.UnknownKey},
		{"typ empty", `"typ":"at+jwt"`, `"typ":""`, token.WrongType},
		{"typ jwt", `"typ":"at+jwt"`, `"typ":"jwt"`, token.WrongType},
		{"typ of another profile", `"typ":"at+jwt"`, `"typ":"logout+jwt"`, token.WrongType},
		{"typ dpop+jwt", `"typ":"at+jwt"`, `"typ":"dpop+jwt"`, token.WrongType},
		{"typ with a capital", `"typ":"at+jwt"`, `"typ":"at+JWT"`, token.WrongType},
		{"typ and a space", `"typ":"at+jwt"`, `"typ":"at+jwt "`, token.WrongType},
		{"typ with a parameter", `"typ":"at+jwt"`, `"typ":"at+jwt;v=1"`, token.WrongType},
		{"typ and NUL", `"typ":"at+jwt"`, `"typ":"at+jwt\u0000"`, token.WrongType},
	}
	for _, member := range []string{
		`"crit":["exp"]`, `"crit":[]`, `"crit":["b64"],"b64":false`, `"crit":["https://example.com/own"]`, `"crit":null`,
		`"b64":true`, `"b64":false`, `"jku":"https://evil.example.com/jwks"`, `"jku":""`,
		`"jwk":` + string(signingKeys()[alg].Public().JWK()), `"jwk":{}`, `"x5u":"https://evil.example.com/x"`,
		`"x5c":["MA"]`, `"x5c":[]`, `"x5t":"AA"`, `"x5t#S256":"AA"`, `"zip":"DEF"`, `"zip":""`, `"cty":"JWT"`, `"cty":"json"`,
	} {
		rows = append(rows, change{member, `{"alg"`, `{` + member + `,"alg"`, token.ForbiddenHeader})
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
