package token_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// change is one hostile change to a valid header or payload. The result is signed correctly.
type change struct {
	name, old, new string
	want           token.Reason
}

// deep has one level of nesting more than a private claim may have.
var deep = strings.Repeat("[", 8) + strings.Repeat("]", 8)

// manyClaims holds more claims than strictjson compares one by one.
var manyClaims = func() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, `"own%d":%d,`, i, i)
	}
	return b.String()
}()

// hostileClaims is a long function because it is a list: changes that other libraries accept.
func hostileClaims() []change {
	const iss, aud = `"iss":"https://auth.example.com"`, `"aud":"https://api.example.com"`
	return []change{
		{"no object", goodPayload, `"` + subject + `"`, token.ReasonMalformed},
		{"syntax", `"jti":"j"`, `"jti":'j'`, token.ReasonMalformed},
		{"a comma too many", `"default"}`, `"default",}`, token.ReasonMalformed},
		{"trailing data", `"default"}`, `"default"}{}`, token.ReasonMalformed},
		{"nesting", `"jti":`, `"own":` + deep + `,"jti":`, token.ReasonMalformed},
		{"invalid UTF-8", `"jti":"j"`, "\"jti\":\"\xff\"", token.ReasonMalformed},
		{"a lone surrogate", `"jti":"j"`, `"jti":"\ud800"`, token.ReasonMalformed},
		{"a lone surrogate in a name", `"jti":`, `"\udfff":1,"jti":`, token.ReasonMalformed},

		{"duplicate claim", `"jti":`, `"sub":"admin","jti":`, token.ReasonAmbiguousName},
		{"duplicate by an escape", `"jti":`, `"s\u0075b":"admin","jti":`, token.ReasonAmbiguousName},
		{"duplicate deeper", `"jti":`, `"own":{"a":1,"a":2},"jti":`, token.ReasonAmbiguousName},
		{"another case", `"jti":`, `"Sub":"admin","jti":`, token.ReasonAmbiguousName},
		{"another case alone", `"sub":`, `"SUB":`, token.ReasonAmbiguousName},
		{"another case by an escape", `"jti":`, `"\u0053ub":"admin","jti":`, token.ReasonAmbiguousName},
		{"long s for s", `"jti":`, `"ſub":"admin","jti":`, token.ReasonAmbiguousName},
		{"long s by an escape", `"jti":`, `"role\u017f":["admin"],"jti":`, token.ReasonAmbiguousName},
		{"case of an optional claim", `"jti":`, `"Auth_Time":1,"jti":`, token.ReasonAmbiguousName},
		{"case of nbf", `"jti":`, `"NBF":1,"jti":`, token.ReasonAmbiguousName},

		{"no iss", `"iss":"https://auth.example.com",`, ``, token.ReasonMissingClaim},
		{"no exp", `"exp":1700000900,`, ``, token.ReasonMissingClaim},
		{"no aud", `"aud":"https://api.example.com",`, ``, token.ReasonMissingClaim},
		{"no sub", `"sub":"` + subject + `",`, ``, token.ReasonMissingClaim},
		{"no client_id", `,"client_id":"default"`, ``, token.ReasonMissingClaim},
		{"no iat", `"iat":1700000000,`, ``, token.ReasonMissingClaim},
		{"no jti", `"jti":"j",`, ``, token.ReasonMissingClaim},
		{"empty iss", iss, `"iss":""`, token.ReasonMissingClaim},
		{"empty aud", aud, `"aud":""`, token.ReasonMissingClaim},
		{"no audience in aud", aud, `"aud":[]`, token.ReasonMissingClaim},
		{"empty sub", `"sub":"` + subject + `"`, `"sub":""`, token.ReasonMissingClaim},
		{"empty client_id", `"client_id":"default"`, `"client_id":""`, token.ReasonMissingClaim},
		{"empty jti", `"jti":"j"`, `"jti":""`, token.ReasonMissingClaim},

		{"iss null", iss, `"iss":null`, token.ReasonInvalidClaim},
		{"sub a number", `"sub":"` + subject + `"`, `"sub":7`, token.ReasonInvalidClaim},
		{"sub with a line feed", `"sub":"`, `"sub":"a\n`, token.ReasonInvalidClaim},
		{"sub with NUL", `"sub":"`, `"sub":"\u0000`, token.ReasonInvalidClaim},
		{"sub with a C1 control", `"sub":"`, `"sub":"` + "\u0085", token.ReasonInvalidClaim},
		{"sub too long", `"sub":"`, `"sub":"` + strings.Repeat("x", 64), token.ReasonInvalidClaim},
		{"aud an object", aud, `"aud":{"a":"https://api.example.com"}`, token.ReasonInvalidClaim},
		{"aud with a number", aud, `"aud":["https://api.example.com",1]`, token.ReasonInvalidClaim},
		{"aud with an empty entry", aud, `"aud":["https://api.example.com",""]`, token.ReasonInvalidClaim},
		{"aud nested", aud, `"aud":[["https://api.example.com"]]`, token.ReasonInvalidClaim},
		{"exp a string", `"exp":1700000900`, `"exp":"1700000900"`, token.ReasonInvalidClaim},
		{"exp with a fraction", `"exp":1700000900`, `"exp":1700000900.0`, token.ReasonInvalidClaim},
		{"exp with an exponent", `"exp":1700000900`, `"exp":17000009e2`, token.ReasonInvalidClaim},
		{"exp beyond 64 bits", `"exp":1700000900`, `"exp":18446744075409552516`, token.ReasonInvalidClaim},
		{"exp beyond time", `"exp":1700000900`, `"exp":9223372036854775807`, token.ReasonInvalidClaim},
		{"iat negative", `"iat":1700000000`, `"iat":-9223372036854775808`, token.ReasonInvalidClaim},
		{"iat minus zero", `"iat":1700000000`, `"iat":-0`, token.ReasonInvalidClaim},
		{"iat null", `"iat":1700000000`, `"iat":null`, token.ReasonInvalidClaim},
		{"nbf a string", `"jti":`, `"nbf":"1","jti":`, token.ReasonInvalidClaim},
		{"jti a number", `"jti":"j"`, `"jti":1`, token.ReasonInvalidClaim},
		{"jti with a control", `"jti":"j"`, `"jti":"\r"`, token.ReasonInvalidClaim},
		{"client_id an array", `"client_id":"default"`, `"client_id":["default"]`, token.ReasonInvalidClaim},
		{"client_id with a control", `"client_id":"`, `"client_id":"\u007f`, token.ReasonInvalidClaim},
		{"sid a number", `"jti":`, `"sid":1,"jti":`, token.ReasonInvalidClaim},
		{"sid empty", `"jti":`, `"sid":"","jti":`, token.ReasonInvalidClaim},
		{"sid with a control", `"jti":`, `"sid":"\t","jti":`, token.ReasonInvalidClaim},
		{"auth_time with a fraction", `"jti":`, `"auth_time":1.5,"jti":`, token.ReasonInvalidClaim},
		{"scope an array", `"jti":`, `"scope":["api"],"jti":`, token.ReasonInvalidClaim},
		{"scope empty", `"jti":`, `"scope":"","jti":`, token.ReasonInvalidClaim},
		{"scope with two spaces", `"jti":`, `"scope":"a  b","jti":`, token.ReasonInvalidClaim},
		{"scope with a tab", `"jti":`, `"scope":"a\tb","jti":`, token.ReasonInvalidClaim},
		{"scope with a quote", `"jti":`, `"scope":"a\"b","jti":`, token.ReasonInvalidClaim},
		{"scope beyond ASCII", `"jti":`, `"scope":"é","jti":`, token.ReasonInvalidClaim},
		{"roles a string", `"jti":`, `"roles":"admin","jti":`, token.ReasonInvalidClaim},
		{"roles with a number", `"jti":`, `"roles":[1],"jti":`, token.ReasonInvalidClaim},
		{"a role with a space", `"jti":`, `"roles":["reader admin"],"jti":`, token.ReasonInvalidClaim},
		{"an empty role", `"jti":`, `"roles":[""],"jti":`, token.ReasonInvalidClaim},
		{"amr a string", `"jti":`, `"amr":"pwd","jti":`, token.ReasonInvalidClaim},
		{"amr null", `"jti":`, `"amr":null,"jti":`, token.ReasonInvalidClaim},

		{"another issuer", iss, `"iss":"https://evil.example.com"`, token.ReasonWrongIssuer},
		{"issuer with a slash", iss, `"iss":"https://auth.example.com/"`, token.ReasonWrongIssuer},
		{"issuer in capitals", iss, `"iss":"https://AUTH.example.com"`, token.ReasonWrongIssuer},
		{"another audience", aud, `"aud":"https://api.example.org"`, token.ReasonWrongAudience},
		{"part of our audience", aud, `"aud":["https://api.example","api"]`, token.ReasonWrongAudience},
		{"audience in capitals", aud, `"aud":"OTHER"`, token.ReasonWrongAudience},
		{"above an hour", `"iat":1700000000`, `"iat":1699997299`, token.ReasonWrongLifetime},
		{"a lifetime of nothing", `"exp":1700000900`, `"exp":1700000000`, token.ReasonWrongLifetime},
		{"exp before iat", `"exp":1700000900`, `"exp":1699999999`, token.ReasonWrongLifetime},
		{"forever", `"exp":1700000900`, `"exp":253402300799`, token.ReasonWrongLifetime},
		{"iat 31 s ahead", `"iat":1700000000`, `"iat":1700000031`, token.ReasonIssuedAhead},
		{"nbf 31 s ahead", `"jti":`, `"nbf":1700000031,"jti":`, token.ReasonNotYetValid},
		{"a byte order mark", `{"iss"`, "\ufeff" + `{"iss"`, token.ReasonMalformed},
		{"nothing", goodPayload, ``, token.ReasonMalformed},
		{"space alone", goodPayload, ` `, token.ReasonMalformed},
		{"null", goodPayload, `null`, token.ReasonMalformed},
		{"an array of the claims", goodPayload, `[` + goodPayload + `]`, token.ReasonMalformed},
		{"two objects", goodPayload, goodPayload + goodPayload, token.ReasonMalformed},
		{"two objects and a comma", goodPayload, goodPayload + `,` + goodPayload, token.ReasonMalformed},
		{"NUL at the end", `"default"}`, `"default"}` + "\x00", token.ReasonMalformed},
		{"a bracket too many", `"default"}`, `"default"}}`, token.ReasonMalformed},
		{"cut off", `"default"}`, `"default"`, token.ReasonMalformed},
		{"a comment", `"jti":`, `/**/"jti":`, token.ReasonMalformed},
		{"a comment at the end", `"default"}`, `"default"}//`, token.ReasonMalformed},
		{"a bare name", `"jti":`, `own:1,"jti":`, token.ReasonMalformed},
		{"NaN", `"jti":`, `"own":NaN,"jti":`, token.ReasonMalformed},
		{"infinity", `"exp":1700000900`, `"exp":Infinity`, token.ReasonMalformed},
		{"a leading zero", `"exp":1700000900`, `"exp":01700000900`, token.ReasonMalformed},
		{"a leading plus", `"exp":1700000900`, `"exp":+1700000900`, token.ReasonMalformed},
		{"hexadecimal", `"exp":1700000900`, `"exp":0x6553f484`, token.ReasonMalformed},
		{"digits apart", `"exp":1700000900`, `"exp":1_700_000_900`, token.ReasonMalformed},
		{"an unknown escape", `"jti":"j"`, `"jti":"\x6a"`, token.ReasonMalformed},
		{"a raw line feed in a string", `"jti":"j"`, "\"jti\":\"\n\"", token.ReasonMalformed},
		{"a raw NUL in a string", `"jti":"j"`, "\"jti\":\"\x00\"", token.ReasonMalformed},
		{"a form feed as space", `"jti":`, "\f\"jti\":", token.ReasonMalformed},
		{"a no-break space as space", `"jti":`, "\u00a0\"jti\":", token.ReasonMalformed},
		{"overlong UTF-8", `"jti":"j"`, "\"jti\":\"\xc1\xaa\"", token.ReasonMalformed},
		{"UTF-8 cut off", `"jti":"j"`, "\"jti\":\"\xe2\x82\"", token.ReasonMalformed},
		{"a surrogate in UTF-8", `"jti":"j"`, "\"jti\":\"\xed\xa0\x80\"", token.ReasonMalformed},
		{"UTF-8 beyond Unicode", `"jti":"j"`, "\"jti\":\"\xf4\x90\x80\x80\"", token.ReasonMalformed},
		{"invalid UTF-8 in an own claim", `"jti":`, "\"own\":[\"\xfe\"],\"jti\":", token.ReasonMalformed},
		{"a lone surrogate in an own claim", `"jti":`, `"own":{"a":"\udc00"},"jti":`, token.ReasonMalformed},
		{"surrogates the wrong way round", `"jti":"j"`, `"jti":"\ude00\ud83d"`, token.ReasonMalformed},
		{"nesting of objects", `"jti":`, `"own":` + strings.Repeat(`{"a":`, 8) + `1` + strings.Repeat(`}`, 8) + `,"jti":`, token.ReasonMalformed},
		{"a thousand levels", `"jti":`, `"own":` + strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000) + `,"jti":`, token.ReasonMalformed},

		{"iss twice", `"jti":`, `"iss":"https://auth.example.com","jti":`, token.ReasonAmbiguousName},
		{"aud twice", `"jti":`, `"aud":"https://api.example.com","jti":`, token.ReasonAmbiguousName},
		{"exp twice", `"jti":`, `"exp":1700000900,"jti":`, token.ReasonAmbiguousName},
		{"exp twice, the first long ago", `"exp":`, `"exp":1,"exp":`, token.ReasonAmbiguousName},
		{"iat twice", `"jti":`, `"iat":1700000000,"jti":`, token.ReasonAmbiguousName},
		{"nbf twice", `"jti":`, `"nbf":9999999999,"nbf":1,"jti":`, token.ReasonAmbiguousName},
		{"jti twice", `"jti":`, `"jti":"j","jti":`, token.ReasonAmbiguousName},
		{"client_id twice", `"jti":`, `"client_id":"admin","jti":`, token.ReasonAmbiguousName},
		{"scope twice", `"jti":`, `"scope":"a","scope":"admin","jti":`, token.ReasonAmbiguousName},
		{"roles twice", `"jti":`, `"roles":[],"roles":["admin"],"jti":`, token.ReasonAmbiguousName},
		{"sid twice", `"jti":`, `"sid":"a","sid":"b","jti":`, token.ReasonAmbiguousName},
		{"an own claim twice", `"jti":`, `"tenant":"a","tenant":"b","jti":`, token.ReasonAmbiguousName},
		{"duplicate among many", `"jti":`, manyClaims + `"own7":0,"jti":`, token.ReasonAmbiguousName},
		{"duplicate in a list of objects", `"jti":`, `"own":[{"a":1},{"b":1,"b":1}],"jti":`, token.ReasonAmbiguousName},
		{"duplicate by a surrogate pair", `"jti":`, `"😀":1,"\ud83d\ude00":2,"jti":`, token.ReasonAmbiguousName},
		{"case of iss", `"jti":`, `"Iss":"https://evil.example.com","jti":`, token.ReasonAmbiguousName},
		{"case of aud", `"jti":`, `"AUD":"x","jti":`, token.ReasonAmbiguousName},
		{"case of exp", `"jti":`, `"Exp":9999999999,"jti":`, token.ReasonAmbiguousName},
		{"case of iat", `"jti":`, `"IAT":1,"jti":`, token.ReasonAmbiguousName},
		{"case of jti", `"jti":`, `"JTI":"x","jti":`, token.ReasonAmbiguousName},
		{"case of client_id", `"jti":`, `"CLIENT_ID":"x","jti":`, token.ReasonAmbiguousName},
		{"case of sid", `"jti":`, `"Sid":"x","jti":`, token.ReasonAmbiguousName},
		{"case of scope", `"jti":`, `"Scope":"admin","jti":`, token.ReasonAmbiguousName},
		{"case of roles", `"jti":`, `"ROLES":["admin"],"jti":`, token.ReasonAmbiguousName},
		{"case of amr", `"jti":`, `"AMR":["mfa"],"jti":`, token.ReasonAmbiguousName},
		{"long s in iss", `"jti":`, `"isſ":"https://evil.example.com","jti":`, token.ReasonAmbiguousName},
		{"long s in scope", `"jti":`, `"ſcope":"admin","jti":`, token.ReasonAmbiguousName},
		{"long s in roles", `"jti":`, `"roleſ":["admin"],"jti":`, token.ReasonAmbiguousName},
		{"long s in sid", `"jti":`, `"ſid":"x","jti":`, token.ReasonAmbiguousName},

		{"exp null", `"exp":1700000900`, `"exp":null`, token.ReasonInvalidClaim},
		{"exp true", `"exp":1700000900`, `"exp":true`, token.ReasonInvalidClaim},
		{"exp a list", `"exp":1700000900`, `"exp":[1700000900]`, token.ReasonInvalidClaim},
		{"exp an object", `"exp":1700000900`, `"exp":{"$numberLong":"1700000900"}`, token.ReasonInvalidClaim},
		{"exp with a broken second", `"exp":1700000900`, `"exp":1700000900.9`, token.ReasonInvalidClaim},
		{"exp beyond a double", `"exp":1700000900`, `"exp":1e400`, token.ReasonInvalidClaim},
		{"exp with a capital exponent", `"exp":1700000900`, `"exp":1.7000009E9`, token.ReasonInvalidClaim},
		{"exp negative", `"exp":1700000900`, `"exp":-1`, token.ReasonInvalidClaim},
		{"iat a string", `"iat":1700000000`, `"iat":"1700000000"`, token.ReasonInvalidClaim},
		{"iat with a fraction", `"iat":1700000000`, `"iat":1700000000.5`, token.ReasonInvalidClaim},
		{"iat with an exponent", `"iat":1700000000`, `"iat":17e8`, token.ReasonInvalidClaim},
		{"nbf with a fraction", `"jti":`, `"nbf":1.5,"jti":`, token.ReasonInvalidClaim},
		{"nbf null", `"jti":`, `"nbf":null,"jti":`, token.ReasonInvalidClaim},
		{"nbf a list", `"jti":`, `"nbf":[],"jti":`, token.ReasonInvalidClaim},
		{"auth_time a string", `"jti":`, `"auth_time":"1","jti":`, token.ReasonInvalidClaim},
		{"auth_time negative", `"jti":`, `"auth_time":-1,"jti":`, token.ReasonInvalidClaim},
		{"auth_time null", `"jti":`, `"auth_time":null,"jti":`, token.ReasonInvalidClaim},
		{"iss a list", iss, `"iss":["https://auth.example.com"]`, token.ReasonInvalidClaim},
		{"iss a number", iss, `"iss":1`, token.ReasonInvalidClaim},
		{"sub a list", `"sub":"` + subject + `"`, `"sub":["` + subject + `"]`, token.ReasonInvalidClaim},
		{"sub null", `"sub":"` + subject + `"`, `"sub":null`, token.ReasonInvalidClaim},
		{"sub true", `"sub":"` + subject + `"`, `"sub":true`, token.ReasonInvalidClaim},
		{"sub with a carriage return", `"sub":"`, `"sub":"\r`, token.ReasonInvalidClaim},
		{"sub with an escape character", `"sub":"`, `"sub":"\u001b`, token.ReasonInvalidClaim},
		{"sub with DEL", `"sub":"`, `"sub":"\u007f`, token.ReasonInvalidClaim},
		{"aud null", aud, `"aud":null`, token.ReasonInvalidClaim},
		{"aud a number", aud, `"aud":1`, token.ReasonInvalidClaim},
		{"aud true", aud, `"aud":true`, token.ReasonInvalidClaim},
		{"aud with null", aud, `"aud":["https://api.example.com",null]`, token.ReasonInvalidClaim},
		{"jti null", `"jti":"j"`, `"jti":null`, token.ReasonInvalidClaim},
		{"jti with NUL", `"jti":"j"`, `"jti":"a\u0000b"`, token.ReasonInvalidClaim},
		{"client_id null", `"client_id":"default"`, `"client_id":null`, token.ReasonInvalidClaim},
		{"client_id with a line feed", `"client_id":"`, `"client_id":"\n`, token.ReasonInvalidClaim},
		{"sid null", `"jti":`, `"sid":null,"jti":`, token.ReasonInvalidClaim},
		{"sid with a line feed", `"jti":`, `"sid":"a\nb","jti":`, token.ReasonInvalidClaim},
		{"scope null", `"jti":`, `"scope":null,"jti":`, token.ReasonInvalidClaim},
		{"scope of a space", `"jti":`, `"scope":" ","jti":`, token.ReasonInvalidClaim},
		{"scope with a space before", `"jti":`, `"scope":" admin","jti":`, token.ReasonInvalidClaim},
		{"scope with a space behind", `"jti":`, `"scope":"admin ","jti":`, token.ReasonInvalidClaim},
		{"scope with a line feed", `"jti":`, `"scope":"a\nadmin","jti":`, token.ReasonInvalidClaim},
		{"scope with a backslash", `"jti":`, `"scope":"a\\b","jti":`, token.ReasonInvalidClaim},
		{"scope with a no-break space", `"jti":`, `"scope":"a\u00a0b","jti":`, token.ReasonInvalidClaim},
		{"roles null", `"jti":`, `"roles":null,"jti":`, token.ReasonInvalidClaim},
		{"roles an object", `"jti":`, `"roles":{"0":"admin"},"jti":`, token.ReasonInvalidClaim},
		{"roles nested", `"jti":`, `"roles":[["admin"]],"jti":`, token.ReasonInvalidClaim},
		{"roles with null", `"jti":`, `"roles":[null],"jti":`, token.ReasonInvalidClaim},
		{"a role with a tab", `"jti":`, `"roles":["a\tadmin"],"jti":`, token.ReasonInvalidClaim},
		{"a role with a line separator", `"jti":`, `"roles":["a\u2028admin"],"jti":`, token.ReasonInvalidClaim},
		{"a role with NUL", `"jti":`, `"roles":["admin\u0000"],"jti":`, token.ReasonInvalidClaim},
		{"amr with a number", `"jti":`, `"amr":[1],"jti":`, token.ReasonInvalidClaim},
		{"amr with a space", `"jti":`, `"amr":["pwd mfa"],"jti":`, token.ReasonInvalidClaim},

		{"issuer over http", iss, `"iss":"http://auth.example.com"`, token.ReasonWrongIssuer},
		{"issuer with its port", iss, `"iss":"https://auth.example.com:443"`, token.ReasonWrongIssuer},
		{"issuer with a final dot", iss, `"iss":"https://auth.example.com."`, token.ReasonWrongIssuer},
		{"issuer and NUL", iss, `"iss":"https://auth.example.com\u0000"`, token.ReasonWrongIssuer},
		{"issuer with a space", iss, `"iss":"https://auth.example.com "`, token.ReasonWrongIssuer},
		{"issuer with our own before", iss, `"iss":"https://auth.example.com.evil.example.com"`, token.ReasonWrongIssuer},
		{"audience and more", aud, `"aud":"https://api.example.com/"`, token.ReasonWrongAudience},
		{"audiences in one string", aud, `"aud":"https://api.example.com other"`, token.ReasonWrongAudience},
		{"audience and NUL", aud, `"aud":["https://api.example.com\u0000"]`, token.ReasonWrongAudience},
		{"a day", `"exp":1700000900`, `"exp":1700086400`, token.ReasonWrongLifetime},
		{"ten years", `"exp":1700000900`, `"exp":2015360000`, token.ReasonWrongLifetime},
		{"milliseconds", `"exp":1700000900`, `"exp":1700000900000`, token.ReasonInvalidClaim},
		{"iat in 1970", `"iat":1700000000`, `"iat":0`, token.ReasonWrongLifetime},
		{"over", `"exp":1700000900,"iat":1700000000`, `"exp":1699999999,"iat":1699999000`, token.ReasonExpired},
		{"over this second", `"exp":1700000900,"iat":1700000000`, `"exp":1700000000,"iat":1699999000`, token.ReasonExpired},
		{"from tomorrow on", `"exp":1700000900,"iat":1700000000`, `"exp":1700087300,"iat":1700086400`, token.ReasonIssuedAhead},
		{"nbf beyond exp", `"jti":`, `"nbf":1700000901,"jti":`, token.ReasonNotYetValid},
	}
}

func TestHostileClaimsUnderEveryAlgorithm(t *testing.T) {
	for _, row := range hostileClaims() {
		payload := put(t, goodPayload, row.old, row.new)
		for _, alg := range algorithms {
			t.Run(row.name+"/"+string(alg), func(t *testing.T) {
				refused(t, sign(t, alg, goodHeader(alg), payload), row.want)
			})
		}
	}
}
